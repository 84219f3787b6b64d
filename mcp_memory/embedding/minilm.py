"""The embedder in the package: all-MiniLM-L6-v2 in 8-bit integers, run by onnxruntime on the CPU, offline.

The law of this file: numpy and onnxruntime are imported when the first text comes, not before. They cost 0.1 s and
35 MB, the model 0.1 s and 60 MB more, and a server must answer its first request before that.
"""

import hashlib
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from mcp_memory.embedding import Embedding
from mcp_memory.embedding.runtime import import_onnxruntime
from mcp_memory.embedding.wordpiece import CONTINUED, SPECIAL, WordPiece
from mcp_memory.errors import Unavailable
from mcp_memory.language import STOP_WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "all-minilm-l6-v2-int8.onnx"
VOCABULARY: Final = "vocab.txt"
SHA256: Final[Mapping[str, str]] = {  # model/README.md says how the files came to be
    MODEL: "5cebc27a38777dd1f442d8f7cf1b424246206e5af6cc414956f59e6e1ec63dbe",
    VOCABULARY: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
SHIPPED: Final = Path(__file__).parent / "model"
DIMENSIONS: Final = 384
LATIN_END: Final = "\u0250"  # the first letter that no European language written in Latin letters has
LONGEST_TEXT: Final = 256  # tokens, [CLS] and [SEP] included: what the model saw in training; the rest is not read
# The tokenizer sets an apostrophe apart: these are what is left of "isn't", "she'll" and the like.
ENDINGS: Final = frozenset(word.partition("'")[2] for word in STOP_WORDS if "'" in word)


class MiniLM:
    def __init__(self, folder: Path = SHIPPED) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._model: _Model | None = None

    @property
    def model_id(self) -> str:
        return f"all-MiniLM-L6-v2-int8@{SHA256[MODEL][:8]}"

    def check(self) -> None:
        """Reads and verifies the files without loading them. Raises Unavailable, naming the first bad one."""
        for name in SHA256:
            self._verified(name)

    def reads(self, text: str) -> bool:
        """It has seen little but English, and tells all Chinese texts apart by their length."""
        letters = [letter for letter in text if letter.isalpha()]
        return sum(letter < LATIN_END for letter in letters) * 2 >= len(letters)

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        if not texts:
            return []
        model = self._loaded()
        # One at a time: the model scales its integers to the largest activation in the batch, so that batch-mates
        # change a vector (cosine down to 0.96), whatever their length. That buys at most half of the time.
        return [model.embedding(text) for text in texts]

    def close(self) -> None:
        with self._loading:
            self._model = None

    def _loaded(self) -> "_Model":
        with self._loading:
            if self._model is None:
                self._model = _load(self._verified(MODEL), self._verified(VOCABULARY))
            return self._model

    def _verified(self, name: str) -> Path:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            raise Unavailable(f"the embedding model's file {name} cannot be read: install this package again") from exc
        if digest != SHA256[name]:
            raise Unavailable(f"the embedding model's file {name} is damaged: install this package again")
        return path


class _Session(Protocol):
    """As much of onnxruntime.InferenceSession, which has no types, as is used here."""

    def run(self, outputs: list[str], inputs: "dict[str, NDArray[np.int64]]") -> "list[NDArray[np.float32]]": ...


@dataclass(frozen=True, kw_only=True)
class _Model:
    wordpiece: WordPiece
    telling: "NDArray[np.bool_]"  # of each piece of the vocabulary
    session: _Session

    def embedding(self, text: str) -> Embedding:
        import numpy as np

        ids = np.array([self.wordpiece.encode(text, LONGEST_TEXT)], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states = self.session.run(["last_hidden_state"], inputs)[0][0]
        mean: NDArray[np.float32] = states.mean(axis=0)  # over all tokens: without padding the mask is all ones
        tokens, inner = ids[0, 1:-1], states[1:-1]
        return Embedding(
            vector=mean / np.linalg.norm(mean),
            token_ids=tokens.astype(np.uint16),
            token_states=inner / np.linalg.norm(inner, axis=1, keepdims=True),
            telling=self.telling[tokens],
        )


def _load(model: Path, vocabulary: Path) -> _Model:
    try:
        import numpy as np  # here so that its absence is reported like that of onnxruntime

        onnxruntime = import_onnxruntime()
    except ImportError as exc:
        raise Unavailable("numpy or onnxruntime cannot be imported: install this package again") from exc
    options = onnxruntime.SessionOptions()
    # One thread per call: a second one shortens a sentence by a tenth, a second *caller* doubles the throughput.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle means no CPU
    options.enable_cpu_mem_arena = True  # without it short texts take half as long again and no memory is saved
    options.enable_mem_pattern = False  # it keeps a plan per length of text, and saves no time
    # From the path: from bytes the process would stay 22 MB larger.
    session: _Session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    pieces = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")  # splitlines knows more line ends
    telling = np.fromiter(map(_tells, pieces), dtype=np.bool_, count=len(pieces))
    return _Model(wordpiece=WordPiece(pieces), telling=telling, session=session)


def _tells(piece: str) -> bool:
    """Whether it means something by itself: no stop word or what is left of one, no mark, no punctuation."""
    if piece in STOP_WORDS or piece in ENDINGS or SPECIAL.fullmatch(piece):
        return False
    return any(unicodedata.category(character)[0] not in "PS" for character in piece.removeprefix(CONTINUED))
