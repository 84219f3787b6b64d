"""How vectors, terms and tokens are packed into SQLite's blobs: int8 with a scale per vector, hashes, ids. Pure.

A blob is read as if anybody could have written it: what has the wrong length, or a scale that is no number, is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.candidates import BLOCK, Candidates, Flags, Floats, Ints, TokenVectors, Vectors

Row = tuple[int, int, int, bytes, bytes, int | None, int | None, bytes | None]
"""key, occurred_at, model_no, emb, terms, conversation_no, from_agent, tokens"""

LARGEST_SCALE = 1.01 / 127  # of a unit vector that is all in one dimension
UNIT_ERROR = 0.05  # in length, of what rounding to int8 may do
REFUSED = b"\0"  # in place of the vectors of a text that the model does not take
NO_TERMS = b"\0\0\0\0"  # one chunk, no term


def pack_vectors(vectors: Floats) -> bytes:
    packed = np.empty(len(vectors), dtype=_packed(vectors.shape[1]))
    scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), 1e-12) / 127
    packed["scale"] = scales
    packed["values"] = np.rint(vectors / scales[:, None])
    return packed.tobytes()


def pack_signature(signature: Signature) -> tuple[bytes, bytes, bytes | None]:
    """emb, terms, tokens"""
    vectors = pack_vectors(signature.vectors) if signature.vectors.shape[1] else REFUSED if signature.model_id else b""
    terms = np.array([term for chunk in signature.terms for term in (*chunk, 0)], dtype="<u4").tobytes()
    if signature.tokens is None:
        return vectors, terms, None
    return vectors, terms, b"".join(chunk.astype("<u2").tobytes() + b"\0\0" for chunk in signature.tokens)


def unpack(rows: Sequence[Row], model_no: int, dimensions: int) -> Candidates:
    """Of rows ordered by key. What another model made is missing."""
    columns = zip(*rows, strict=True) if rows else iter(((),) * 8)
    _, occurred_at, models, vectors, terms, conversations, from_agent, tokens = columns
    words = _Stream.of([blob if _ends(blob, 4) else NO_TERMS for blob in terms], "<u4")
    pieces = _Stream.of([blob if blob and _ends(blob, 2) else b"" for blob in tokens], "<u2")
    same = np.array(models, dtype=np.int64) == (model_no or -1)
    known = same & (pieces.chunks == words.chunks)
    first_chunks = np.cumsum(words.chunks) - words.chunks
    kept = known[pieces.item_of_value]
    return Candidates(
        occurred_at=np.array(occurred_at, dtype=np.int64),
        conversation=np.array([number or 0 for number in conversations], dtype=np.int64),
        from_agent=np.array([bool(one) for one in from_agent], dtype=np.bool_),
        item_of_chunk=np.repeat(np.arange(len(rows)), words.chunks),
        vectors=_unpacked(vectors, same, words.chunks, dimensions),
        terms=words.values,
        chunk_of_term=first_chunks[words.item_of_value] + words.place_of_value,
        tokens=pieces.values[kept],
        chunk_of_token=(first_chunks[pieces.item_of_value] + pieces.place_of_value)[kept],
        with_tokens=known,
    )


def unpack_tokens(candidates: Candidates, chosen: Ints, blobs: Sequence[bytes | None], dimensions: int) -> TokenVectors:
    """Of the candidates at these places, in the order of the blobs; None where there is none."""
    counts = np.bincount(candidates.item_of_chunk[candidates.chunk_of_token], minlength=len(candidates))[chosen]
    size = _packed(dimensions).itemsize
    good = [blob is not None and len(blob) == count * size for blob, count in zip(blobs, counts, strict=True)]
    kept = np.array(good, dtype=np.bool_)
    joined = np.frombuffer(
        b"".join(blob for blob, good in zip(blobs, kept, strict=True) if blob and good), _packed(dimensions)
    )
    sound = (joined["scale"] > 0) & (joined["scale"] <= LARGEST_SCALE)
    if not sound.all():
        owners = np.repeat(np.flatnonzero(kept), counts[kept])
        bad = np.unique(owners[~sound])
        joined = joined[~np.isin(owners, bad)]
        kept[bad] = False
    return TokenVectors(items=chosen[kept], vectors=Vectors(values=joined["values"], scales=joined["scale"]))


def damaged(rows: Sequence[Row], model_no: int, dimensions: int) -> list[int]:
    """The keys of those, all of one model, of which something can't be read."""
    found = unpack(rows, model_no, dimensions)
    bad = np.array([not _ends(row[4], 4) for row in rows], dtype=np.bool_)
    bad[found.item_of_chunk[found.vectors.scales == 0]] = True
    bad &= np.array([row[3] != REFUSED for row in rows], dtype=np.bool_)
    bad |= np.array([row[7] is not None for row in rows], dtype=np.bool_) & ~found.with_tokens
    return [row[0] for row, one in zip(rows, bad.tolist(), strict=True) if one]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    """Values of all blobs, one after the other; in a blob, each chunk's are ended by a 0."""

    values: NDArray[np.unsignedinteger]
    item_of_value: Ints
    place_of_value: Ints
    """Which chunk of the item."""
    chunks: Ints
    """Per item."""

    @classmethod
    def of(cls, blobs: Sequence[bytes], dtype: str) -> "_Stream":
        stream = np.frombuffer(b"".join(blobs), dtype=dtype)
        lengths = np.array([len(blob) for blob in blobs], dtype=np.int64) // np.dtype(dtype).itemsize
        items = np.repeat(np.arange(len(blobs)), lengths)
        ends = stream == 0
        chunks = np.bincount(items[ends], minlength=len(blobs))
        before = np.cumsum(chunks) - chunks
        return cls(
            values=stream[~ends],
            item_of_value=items[~ends],
            place_of_value=np.cumsum(ends)[~ends] - before[items[~ends]],
            chunks=chunks,
        )


def _unpacked(blobs: Sequence[bytes], same: Flags, chunks: Ints, dimensions: int) -> Vectors:
    """A vector for each chunk; a scale of 0 where it is missing."""
    packed = _packed(dimensions)
    lengths = np.array([len(blob) for blob in blobs], dtype=np.int64)
    good = same & (lengths == chunks * packed.itemsize)
    found = np.frombuffer(b"".join(compress(blobs, good)), dtype=packed)
    if good.all():
        values, scales = found["values"], found["scale"]
    else:
        held = np.repeat(good, chunks)
        values = np.zeros((len(held), dimensions), dtype=np.int8)
        scales = np.zeros(len(held), dtype=np.float32)
        values[held], scales[held] = found["values"], found["scale"]
    values = np.ascontiguousarray(values)
    return Vectors(values=values, scales=np.where(_sound(values, scales), scales, 0).astype(np.float32))


def _sound(values: NDArray[np.int8], scales: Floats) -> Flags:
    """Which of them are unit vectors still, as all were when they were packed."""
    lengths = np.empty(len(values), dtype=np.float32)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK].astype(np.float32)
        lengths[start : start + BLOCK] = np.einsum("ij,ij->i", block, block)
    with np.errstate(invalid="ignore", over="ignore"):
        return (scales > 0) & (scales <= LARGEST_SCALE) & (np.abs(np.sqrt(lengths) * scales - 1) < UNIT_ERROR)


def _ends(blob: bytes, size: int) -> bool:
    return len(blob) >= size and len(blob) % size == 0 and not any(blob[-size:])


def _packed(dimensions: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("values", "i1", (dimensions,))])
