"""The embedder behind an OpenAI-compatible POST {url}/embeddings, on this machine or elsewhere.

The law of this file: a reply is not trusted. What is not exactly the numbers that were asked for is refused.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from mcp_memory.embedding import Embedding, without_tokens
from mcp_memory.embedding.texts import readable
from mcp_memory.endpoints.posting import Poster, bearer
from mcp_memory.endpoints.replies import Called, Failed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH_TEXTS: Final = 64
BATCH_CHARACTERS: Final = 100_000
LONGEST_TEXT: Final = 8_000  # characters; about 2,000 tokens of English, up to 8,000 of Chinese: what most models take
CALLED: Final = Called(
    what="The embedding endpoint",
    settings="embedding_",
    path="/embeddings",
    knows="embedding_model or embedding_dimensions",
    longest=64 * 1024 * 1024,  # 64 vectors of 4,096 numbers are 6 MB
)
WRONG: Final = "The embedding endpoint's reply is not what was asked for"
CHECK: Final = "Check that embedding_url is an OpenAI-compatible API and embedding_model an embedding model."


class Endpoint:
    """An endpoint that fails is left alone for some seconds: meanwhile each call fails at once."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        dimensions: int | None = None,
        key: str | None = None,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model, self._dimensions = model, dimensions
        self._poster = Poster(url, bearer(key), timeout, CALLED, clock=clock, sleep=sleep)
        self._learning = threading.Lock()
        self._learned = dimensions

    @property
    def model_id(self) -> str:
        return f"endpoint:{self._model}" + ("" if self._dimensions is None else f":{self._dimensions}")

    def reads(self, text: str) -> bool:
        return True

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        taken = [readable(text, LONGEST_TEXT) for text in texts]
        return [without_tokens(vector) for batch in _batches(taken) for vector in self._vectors(batch)]

    def close(self) -> None:
        self._poster.close()

    def _vectors(self, batch: list[str]) -> "NDArray[np.float32]":
        request: dict[str, Any] = {"model": self._model, "input": batch, "encoding_format": "float"}
        if self._dimensions is not None:
            request["dimensions"] = self._dimensions

        def understood(reply: Any) -> "NDArray[np.float32]":
            vectors = _units(_rows(reply, len(batch)))
            self._learn(vectors.shape[1])
            return vectors

        vectors: NDArray[np.float32] = self._poster.post(request, understood)
        return vectors

    def _learn(self, dimensions: int) -> None:
        with self._learning:
            if self._learned is None:
                self._learned = dimensions
            if dimensions == self._learned:
                return
        advice = (
            "It changed its model, whose name stayed: set embedding_model to one of its own."
            if self._dimensions is None
            else "Set embedding_dimensions to what embedding_model gives, or leave it out."
        )
        raise Failed(f"{WRONG}: vectors of {dimensions} numbers instead of {self._learned}. {advice}")


def _batches(texts: list[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH_TEXTS or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _rows(reply: Any, count: int) -> list[list[float]]:
    """The vectors in the order of the texts, as many numbers in each."""
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise Failed(f"{WRONG}: it has no list of embeddings. {CHECK}")
    rows: dict[Any, list[float]] = {}
    for item in data:
        row, index = item.get("embedding"), item.get("index")
        if not isinstance(row, list) or not row or not all(type(number) in (float, int) for number in row):
            raise Failed(f"{WRONG}: an embedding is not a list of numbers. {CHECK}")
        if type(index) is not int or index in rows:
            raise Failed(f"{WRONG}: it does not say which text an embedding is of. {CHECK}")
        rows[index] = row
    if set(rows) != set(range(count)):
        raise Failed(f"{WRONG}: {len(rows)} embeddings for {count} texts. {CHECK}")
    if len({len(row) for row in rows.values()}) != 1:
        raise Failed(f"{WRONG}: embeddings of different lengths. {CHECK}")
    return [rows[index] for index in range(count)]


def _units(rows: list[list[float]]) -> "NDArray[np.float32]":
    import numpy as np

    try:
        finite = all(map(math.isfinite, chain.from_iterable(rows)))
    except OverflowError:  # JSON's integers have no end
        finite = False
    vectors = np.array(rows, dtype=np.float64) if finite else None
    largest = None if vectors is None else np.abs(vectors).max(axis=1, keepdims=True)
    if vectors is None or largest is None or not largest.all():
        raise Failed(f"{WRONG}: an embedding without a direction, or with numbers that are none. {CHECK}")
    vectors /= largest  # so that no square overflows or vanishes
    units: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return units
