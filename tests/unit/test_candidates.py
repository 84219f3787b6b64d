"""The columns that recall ranks, and how tests write them: items of chunks, as one would say them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.candidates import BLOCK, EPISODE, Candidates, Floats, Vectors

MINUTE = 60 * 1_000_000
TERM = st.integers(1, 12)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """`vector` None: it is missing."""

    terms: Sequence[int] = ()
    vector: Sequence[float] | None = None
    tokens: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Item:
    chunks: Sequence[Chunk] = (Chunk(),)
    at: int = 0
    conversation: int = 0
    agent: bool = False
    with_tokens: bool = False


def columns(items: Sequence[Item], dimensions: int = 4) -> Candidates:
    chunks = [chunk for item in items for chunk in item.chunks]
    return Candidates(
        occurred_at=np.array([item.at for item in items], dtype=np.int64),
        conversation=np.array([item.conversation for item in items], dtype=np.int64),
        from_agent=np.array([item.agent for item in items], dtype=np.bool_),
        item_of_chunk=np.array([at for at, item in enumerate(items) for _ in item.chunks], dtype=np.int64),
        vectors=int8([chunk.vector for chunk in chunks], dimensions),
        terms=np.array([term for chunk in chunks for term in chunk.terms], dtype=np.uint32),
        chunk_of_term=np.array([at for at, chunk in enumerate(chunks) for _ in chunk.terms], dtype=np.int64),
        tokens=np.array([token for chunk in chunks for token in chunk.tokens], dtype=np.uint16),
        chunk_of_token=np.array([at for at, chunk in enumerate(chunks) for _ in chunk.tokens], dtype=np.int64),
        with_tokens=np.array([item.with_tokens for item in items], dtype=np.bool_),
    )


def int8(rows: Sequence[Sequence[float] | Floats | None], dimensions: int) -> Vectors:
    values = np.zeros((len(rows), dimensions), dtype=np.int8)
    scales = np.zeros(len(rows), dtype=np.float32)
    for at, row in enumerate(rows):
        if row is not None:
            scales[at] = np.abs(row).max() / 127
            values[at] = np.rint(np.asarray(row) / scales[at])
    return Vectors(values=values, scales=scales)


def unit(random: np.random.Generator, *shape: int) -> Floats:
    rows = random.normal(size=shape).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


VECTOR = st.none() | st.lists(st.integers(-9, 9), min_size=4, max_size=4).filter(any)
CHUNK = st.builds(Chunk, terms=st.lists(TERM, max_size=5), vector=VECTOR, tokens=st.lists(TERM, max_size=4))
ITEM = st.builds(
    Item,
    chunks=st.lists(CHUNK, min_size=1, max_size=3),
    at=st.integers(0, 10**15),
    conversation=st.integers(0, 3),
    agent=st.booleans(),
    with_tokens=st.booleans(),
)


def content(candidates: Candidates) -> dict[str, Any]:
    found = {field.name: getattr(candidates, field.name) for field in fields(candidates)}
    vectors = found.pop("vectors")
    return {name: column.tolist() for name, column in found.items()} | {
        "values": vectors.values.tolist(),
        "scales": vectors.scales.tolist(),
        "dtypes": [column.dtype for column in found.values()],
    }


@given(st.lists(st.tuples(ITEM, st.booleans()), max_size=8))
def test_a_subset_is_what_its_items_alone_would_make(chosen: list[tuple[Item, bool]]) -> None:
    kept = np.array([keep for _, keep in chosen], dtype=np.bool_)

    subset = columns([item for item, _ in chosen]).subset(kept)

    alone = columns([item for item, keep in chosen if keep])
    assert content(subset) == content(alone)
    assert subset.first_chunks.tolist() == alone.first_chunks.tolist()
    assert subset.episodes.tolist() == alone.episodes.tolist()
    assert np.allclose(subset.centre[0], alone.centre[0]) and np.allclose(subset.centre[1], alone.centre[1])


@given(st.lists(ITEM, max_size=8))
def test_first_chunks_are_where_the_items_begin(items: list[Item]) -> None:
    found = columns(items)

    starts = np.cumsum([0, *(len(item.chunks) for item in items)])[:-1]
    assert found.first_chunks.tolist() == starts.tolist()
    assert len(found) == len(items) and found.chunks == sum(len(item.chunks) for item in items)


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1])
def test_dot_products_are_those_of_the_floats_across_the_borders_of_blocks(count: int) -> None:
    random = np.random.default_rng(count)
    floats, others = unit(random, count, 48), unit(random, 3, 48)
    vectors = int8(list(floats), 48)

    assert vectors.dots(others).shape == (count, 3)
    assert np.abs(vectors.dots(others) - floats @ others.T).max(initial=0) < 0.02
    assert np.abs(vectors.total() - floats.sum(axis=0)).max() < 0.05 * max(np.sqrt(count), 1)


def test_a_missing_vector_is_no_part_of_the_centre() -> None:
    there = [Item(chunks=[Chunk(vector=[1, 0, 0, 0])]), Item(chunks=[Chunk(vector=[0, 1, 0, 0])])]

    mean, shares = columns([*there, Item()]).centre

    assert mean == pytest.approx([0.5, 0.5, 0, 0])
    assert shares == pytest.approx([0.5, 0.5, 0])


def test_the_centre_of_nothing_is_nothing() -> None:
    for items in ([], [Item(), Item()]):
        mean, shares = columns(items).centre
        assert not mean.any() and not shares.any() and len(shares) == len(items)


def test_a_pause_of_more_than_half_an_hour_ends_an_episode() -> None:
    times = [100 * MINUTE, 0, 29 * MINUTE, 59 * MINUTE, 59 * MINUTE + EPISODE + 1, 130 * MINUTE, 161 * MINUTE]

    assert columns([Item(at=at) for at in times]).episodes.tolist() == [1, 0, 0, 0, 1, 1, 2]


def test_episodes_are_the_conversations_where_there_are_any() -> None:
    items = [Item(conversation=number, at=at) for number, at in [(7, 0), (3, 0), (7, 10**15), (3, 5)]]

    episodes = columns(items).episodes.tolist()

    assert episodes[0] == episodes[2] != episodes[1] == episodes[3]


def test_what_belongs_to_no_conversation_does_not_belong_together() -> None:
    items = [Item(at=0), Item(conversation=1, at=1), Item(at=100 * EPISODE)]

    assert len(set(columns(items).episodes.tolist())) == 3


@given(st.lists(ITEM, max_size=8))
def test_episodes_are_numbered_from_zero_without_gaps(items: list[Item]) -> None:
    episodes = columns(items).episodes

    assert sorted(set(episodes.tolist())) == list(range(len(set(episodes.tolist()))))


def test_its_size_in_bytes_is_what_a_bounded_memory_has_to_know() -> None:
    items = [Item(chunks=[Chunk(terms=[1, 2], vector=[1, 0, 0, 0], tokens=[3])])]

    one, ten = columns(items).nbytes, columns(items * 10).nbytes

    assert ten == 10 * one
    assert one == (8 + 8 + 1) + 8 + (4 + 4) + 2 * (4 + 8) + (2 + 8) + 1
