"""Text to vectors. Nothing heavy is imported here; numpy and the model's runtime arrive with the first text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """What a model makes of one text. The three about tokens are of one length, 0 where a model gives none."""

    vector: "NDArray[np.float32]"  # (dimensions,), of length 1: a dot product is the cosine
    token_ids: "NDArray[np.uint16]"  # in the order of the text, without the marks around it ([CLS], [SEP])
    token_states: "NDArray[np.float32]"  # (tokens, dimensions), each of length 1
    telling: "NDArray[np.bool_]"  # False for stop words and punctuation, which say nothing by themselves


def without_tokens(vector: "NDArray[np.float32]") -> Embedding:
    """Of a model that gives one vector for the whole text, and nothing for its tokens."""
    import numpy as np

    return Embedding(
        vector=vector,
        token_ids=np.empty(0, dtype=np.uint16),
        token_states=np.empty((0, len(vector)), dtype=np.float32),
        telling=np.empty(0, dtype=np.bool_),
    )


class Embedder(Protocol):
    """A text's embedding depends on that text and the model alone, never on the texts embedded beside it.

    Except where the model is behind an endpoint: what that does with a batch is its own affair.
    """

    @property
    def model_id(self) -> str:
        """The model's name and build, stored beside each vector: only vectors of one model_id can be compared."""
        ...

    def reads(self, text: str) -> bool:
        """Whether the model knows the script of the text: else its vector is one of noise."""
        ...

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """One for each text. Blocks: call it in a worker thread, several at once if need be.

        A question and what may answer it are embedded alike. The end of a text longer than the model takes is not
        read. Raises Unavailable when the model can't be loaded or reached.
        """
        ...

    def close(self) -> None:
        """Lets go of the model; who embeds afterwards loads it again."""
        ...
