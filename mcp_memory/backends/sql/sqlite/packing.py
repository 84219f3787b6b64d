"""How vectors and terms are packed into SQLite's blobs: int8 with a scale per vector, 32-bit hashes. Pure."""

from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from mcp_memory.backends.sql.database import Signature
from mcp_memory.ranking import Candidates

BLOCK = 256  # rows cast from int8 at once, so that the floats stay in the processor's cache


def pack_vectors(vectors: NDArray[np.float32]) -> bytes:
    packed = np.empty(len(vectors), dtype=_packed(vectors.shape[1]))
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    packed["scale"] = scales
    packed["values"] = np.rint(vectors / scales[:, None])
    return packed.tobytes()


def pack_terms(chunks: Sequence[Sequence[int]]) -> bytes:
    return np.array([term for chunk in chunks for term in (*chunk, 0)], dtype="<u4").tobytes()


def unpack(rows: Sequence[tuple[int, int, int, bytes, bytes]], model_no: int, query: Signature) -> Candidates:
    """Rows of (key, occurred_at, model_no, emb, terms), ordered by key."""
    _, occurred_at, models, vectors, terms = zip(*rows, strict=True) if rows else ((),) * 5
    stream = np.frombuffer(b"".join(terms), dtype="<u4")
    row_ends = np.cumsum([len(blob) for blob in terms], dtype=np.int64) // 4
    ends = stream == 0
    item_of_chunk = np.searchsorted(row_ends, np.flatnonzero(ends), side="right")
    same_model = np.array(models, dtype=np.int64) == model_no
    if not same_model.all():
        vectors = tuple(compress(vectors, same_model))
    cosines = np.zeros(len(item_of_chunk), dtype=np.float32)
    cosines[same_model[item_of_chunk]] = _dots(b"".join(vectors), query.vectors[0])
    return Candidates(
        occurred_at=np.array(occurred_at, dtype=np.int64),
        item_of_chunk=item_of_chunk,
        cosines=cosines,
        terms=stream[~ends],
        chunk_of_term=np.cumsum(ends)[~ends],
    )


def _dots(blob: bytes, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    packed = np.frombuffer(blob, dtype=_packed(len(vector)))
    dots = np.empty(len(packed), dtype=np.float32)
    for start in range(0, len(packed), BLOCK):
        block = packed[start : start + BLOCK]
        dots[start : start + BLOCK] = block["values"].astype(np.float32) @ vector * block["scale"]
    return dots


def _packed(dimensions: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("values", "i1", (dimensions,))])
