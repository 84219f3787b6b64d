"""Text to vectors. Nothing heavy is imported here; numpy and the model's runtime arrive with the first text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns text into unit vectors, so that a dot product is the cosine.

    A text's vector depends on that text and the model alone, never on the texts embedded beside it.
    """

    @property
    def model_id(self) -> str:
        """The model's name and build, stored beside each vector: only vectors of one model_id can be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One row of length 1 per text: (len(texts), dimensions). Blocks: call it in a worker thread.

        May be called from several threads at once. Raises Unavailable when the model cannot be loaded.
        """
        ...
