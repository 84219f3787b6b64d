"""Pure: what recall is asked, and what it chooses from: the items of a profile, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_memory.mentions import NO_DATES, Dates
from mcp_memory.model import ByWordsOnly

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EPISODE = 30 * 60 * 1_000_000  # microseconds; what was learned with shorter pauses is from one conversation
BLOCK = 256  # vectors cast from int8 at once, so that the floats stay in the processor's cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """int8 with a scale for each. A scale of 0 stands for a vector that is missing, or can't be compared."""

    values: NDArray[np.int8]
    scales: Floats

    def dots(self, others: Floats) -> Floats:
        """(vectors, others)"""
        found = np.empty((len(self.values), len(others)), dtype=np.float32)
        for start in range(0, len(self.values), BLOCK):
            part = slice(start, start + BLOCK)
            found[part] = (self.values[part].astype(np.float32) @ others.T) * self.scales[part, None]
        return found

    def total(self) -> Floats:
        total = np.zeros(self.values.shape[1], dtype=np.float32)
        for start in range(0, len(self.values), BLOCK):
            part = slice(start, start + BLOCK)
            total += self.scales[part] @ self.values[part].astype(np.float32)
        return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """`ids`: for each id named, the terms one of which an item must have. `telling`: which tokens say something.
    `by_words_only`: why there is no vector."""

    terms: Sequence[int]
    ids: Sequence[frozenset[int]] = ()
    dates: Dates = NO_DATES
    undated_terms: int = 0
    """Terms that are no part of its dates."""
    vector: Floats | None = None
    token_ids: NDArray[np.uint16] | None = None
    token_states: Floats | None = None
    telling: Flags | None = None
    by_words_only: ByWordsOnly | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """A profile's items of one kind, in columns. A long item has several chunks."""

    occurred_at: Ints
    """Per item, microseconds since the epoch."""
    conversation: Ints
    """Per item; 0 where it is none's. Items of one follow each other in its order."""
    from_agent: Flags
    """Per item."""
    item_of_chunk: Ints
    """Ascending."""
    vectors: Vectors
    """Per chunk."""
    terms: NDArray[np.uint32]
    """All terms of all chunks."""
    chunk_of_term: Ints
    tokens: NDArray[np.uint16]
    """Ids of all tokens that have a vector for late interaction, of all chunks."""
    chunk_of_token: Ints
    with_tokens: Flags
    """Per item: whether its tokens have vectors, by the model of the question."""

    def __len__(self) -> int:
        return len(self.occurred_at)

    @property
    def chunks(self) -> int:
        return len(self.item_of_chunk)

    @cached_property
    def first_chunks(self) -> Ints:
        """Per item; every item has one."""
        return np.searchsorted(self.item_of_chunk, np.arange(len(self)))

    @property
    def nbytes(self) -> int:
        columns: list[NDArray[Any]] = [
            self.occurred_at,
            self.conversation,
            self.from_agent,
            self.item_of_chunk,
            self.vectors.values,
        ]
        columns += [self.vectors.scales, self.terms, self.chunk_of_term, self.tokens, self.chunk_of_token]
        columns += [self.with_tokens]
        return sum(column.nbytes for column in columns)

    def subset(self, kept: Flags) -> "Candidates":
        """Only these items, as if there were no others."""
        chunks = kept[self.item_of_chunk]
        renumbered, chunk_numbers = np.cumsum(kept) - 1, np.cumsum(chunks) - 1
        terms, tokens = chunks[self.chunk_of_term], chunks[self.chunk_of_token]
        return Candidates(
            occurred_at=self.occurred_at[kept],
            conversation=self.conversation[kept],
            from_agent=self.from_agent[kept],
            item_of_chunk=renumbered[self.item_of_chunk[chunks]],
            vectors=Vectors(values=self.vectors.values[chunks], scales=self.vectors.scales[chunks]),
            terms=self.terms[terms],
            chunk_of_term=chunk_numbers[self.chunk_of_term[terms]],
            tokens=self.tokens[tokens],
            chunk_of_token=chunk_numbers[self.chunk_of_token[tokens]],
            with_tokens=self.with_tokens[kept],
        )

    @cached_property
    def centre(self) -> tuple[Floats, Floats]:
        """The mean vector, and the dot product of each with it. Costs a pass over all vectors, once."""
        count = np.float32(max(int(np.count_nonzero(self.vectors.scales)), 1))
        mean = np.asarray(self.vectors.total() / count, dtype=np.float32)
        return mean, self.vectors.dots(mean[None])[:, 0]

    @cached_property
    def holders(self) -> Ints:
        """By token id: how many items have it."""
        pairs = np.unique(self.item_of_chunk[self.chunk_of_token] << 16 | self.tokens)
        return np.bincount(pairs & 0xFFFF, minlength=1 << 16)

    @cached_property
    def episodes(self) -> Ints:
        """Per item: what comes from one conversation has one number, from 0."""
        if self.conversation.any():
            alone = np.where(self.conversation == 0, -1 - np.arange(len(self)), self.conversation)
            return np.asarray(np.unique(alone, return_inverse=True)[1], dtype=np.int64)
        order = np.argsort(self.occurred_at, kind="stable")
        numbers = np.empty(len(self), dtype=np.int64)
        numbers[order] = np.cumsum(np.diff(self.occurred_at[order], prepend=self.occurred_at[order[:1]]) > EPISODE)
        return numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenVectors:
    """Of all tokens of some items, in the candidates' order."""

    items: Ints
    """Ascending."""
    vectors: Vectors
