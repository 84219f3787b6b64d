"""What comes out of SQLite's blobs is what went in; and from blobs that anybody could have written, nothing worse than
that something is missing."""

import math
import struct
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.sqlite.packing import (
    NO_TERMS,
    Row,
    pack_signature,
    pack_vectors,
    unpack,
    unpack_tokens,
)
from mcp_memory.candidates import Candidates, Question, TokenVectors
from mcp_memory.ranking import Ranking
from tests.unit.test_candidates import unit

WIDE = 8  # dimensions
OURS, ANOTHERS = 1, 2  # models
SIZE = 4 + WIDE  # of a packed vector


def signature(
    terms: Sequence[Sequence[int]], tokens: Sequence[Sequence[int]] | None = None, seed: int = 0
) -> Signature:
    random = np.random.default_rng(seed)
    return Signature(
        model_id="m",
        recipe=1,
        vectors=unit(random, len(terms), WIDE),
        terms=terms,
        tokens=None if tokens is None else [np.array(chunk, dtype=np.uint16) for chunk in tokens],
        token_vectors=None if tokens is None else unit(random, sum(map(len, tokens)), WIDE),
    )


def row(key: int, made: Signature, model_no: int = OURS) -> Row:
    vectors, terms, tokens = pack_signature(made)
    return key, 10 * key, model_no, vectors, terms, None, None, tokens


ONE = signature([[5, 6, 6]], [[7, 8]], seed=1)
LONG = signature([[5], [], [9, 2**32 - 1]], [[3], [4, 65535], []], seed=2)
PLAIN = signature([[11]], seed=3)


def of_item(found: Candidates, place: int) -> tuple[object, ...]:
    one = found.subset(np.arange(len(found)) == place)
    return (
        one.occurred_at.tolist(),
        one.item_of_chunk.tolist(),
        one.vectors.values.tolist(),
        one.vectors.scales.tolist(),
        one.terms.tolist(),
        one.chunk_of_term.tolist(),
        one.tokens.tolist(),
        one.chunk_of_token.tolist(),
        one.with_tokens.tolist(),
    )


def test_what_was_packed_is_unpacked_in_its_place() -> None:
    found = unpack([row(1, ONE), row(2, LONG), row(3, PLAIN)], OURS, WIDE)

    assert found.occurred_at.tolist() == [10, 20, 30]
    assert found.item_of_chunk.tolist() == [0, 1, 1, 1, 2]
    assert found.terms.tolist() == [5, 6, 6, 5, 9, 2**32 - 1, 11]
    assert found.chunk_of_term.tolist() == [0, 0, 0, 1, 3, 3, 4]
    assert found.tokens.tolist() == [7, 8, 3, 4, 65535]
    assert found.chunk_of_token.tolist() == [0, 0, 1, 2, 2]
    assert found.with_tokens.tolist() == [True, True, False]
    packed = np.concatenate([one.vectors for one in (ONE, LONG, PLAIN)])
    assert np.abs(found.vectors.values * found.vectors.scales[:, None] - packed).max() <= 0.5 / 127 + 1e-6


def test_conversations_and_roles_come_out_as_they_went_in() -> None:
    rows: list[Row] = [
        (*row(1, ONE)[:5], 4, 1, None),
        (*row(2, ONE)[:5], 4, 0, None),
        (*row(3, ONE)[:5], None, None, None),
    ]

    found = unpack(rows, OURS, WIDE)

    assert found.conversation.tolist() == [4, 4, 0]
    assert found.from_agent.tolist() == [True, False, False]


@pytest.mark.parametrize("dimensions", [1, 3, 384])
def test_eight_bits_lose_half_a_step_of_the_largest_number(dimensions: int) -> None:
    vectors = unit(np.random.default_rng(dimensions), 300, dimensions)
    rows: list[Row] = [
        (at, 0, OURS, pack_vectors(vectors[at : at + 1]), NO_TERMS, None, None, None) for at in range(len(vectors))
    ]

    found = unpack(rows, OURS, dimensions).vectors

    step = np.abs(vectors).max(axis=1, keepdims=True) / 127
    assert (np.abs(found.values * found.scales[:, None] - vectors) <= step * 0.501).all()
    assert np.abs(found.dots(vectors[:1])[:, 0] - vectors @ vectors[0]).max() < 0.01


def test_a_vector_of_zeros_is_packed_and_unpacked() -> None:
    found = unpack(
        [(1, 0, OURS, pack_vectors(np.zeros((1, WIDE), np.float32)), NO_TERMS, None, None, None)], OURS, WIDE
    )

    assert not found.vectors.values.any() and np.isfinite(found.vectors.scales).all()


def test_no_rows_are_no_candidates() -> None:
    for dimensions in (0, WIDE):
        found = unpack([], OURS, dimensions)
        assert len(found) == found.chunks == len(found.terms) == len(found.tokens) == 0
        assert Ranking(Question(terms=[1], vector=np.ones(dimensions, np.float32)), found).ranked() == []


def test_of_another_model_only_the_words_are_read() -> None:
    for model_no, dimensions in ((OURS, WIDE), (0, 0), (7, 0)):
        rows = [row(1, LONG, ANOTHERS), row(2, signature([[7]], seed=4), 0)]
        found = unpack(rows, model_no, dimensions)
        assert found.item_of_chunk.tolist() == [0, 0, 0, 1] and found.terms.tolist() == [5, 9, 2**32 - 1, 7]
        assert not found.vectors.scales.any() and not found.with_tokens.any() and not len(found.tokens)
    found = unpack([row(1, LONG, ANOTHERS), row(2, ONE)], OURS, WIDE)
    assert found.with_tokens.tolist() == [False, True]
    assert found.vectors.scales.astype(bool).tolist() == [False, False, False, True]


def test_what_has_no_vectors_yet_is_packed_with_its_words() -> None:
    bare = replace(ONE, model_id="", vectors=np.empty((1, 0), dtype=np.float32), tokens=None, token_vectors=None)

    assert pack_signature(bare)[0] == b"" and pack_signature(bare)[2] is None
    assert unpack([row(1, bare, 0)], OURS, WIDE).terms.tolist() == [5, 6, 6]


# Damage


def _scale(blob: bytes, scale: float, at: int = 0) -> bytes:
    return blob[: at * SIZE] + struct.pack("<f", scale) + blob[at * SIZE + 4 :]


EMB, TERMS, TOKENS = 3, 4, 7
VECTORS = pack_signature(LONG)[0]
BAD_VECTORS = {
    "empty": b"",
    "truncated": VECTORS[:-1],
    "longer": VECTORS + b"\0",
    "one chunk too few": VECTORS[:-SIZE],
    "one chunk too many": VECTORS + VECTORS[:SIZE],
    "other dimensions": b"\1" * (3 * (SIZE + 1)),
    "noise": bytes(range(200)),
}


@pytest.mark.parametrize("blob", BAD_VECTORS.values(), ids=BAD_VECTORS)
def test_a_damaged_vector_is_missing_and_the_words_are_not(blob: bytes) -> None:
    good = [row(1, ONE), row(2, LONG), row(3, ONE)]

    found = unpack([good[0], _with(good[1], EMB, blob), good[2]], OURS, WIDE)

    clean = unpack(good, OURS, WIDE)
    assert [of_item(found, place) for place in (0, 2)] == [of_item(clean, place) for place in (0, 2)]
    assert found.vectors.scales.astype(bool).tolist() == [True, False, False, False, True]
    assert found.terms.tolist() == clean.terms.tolist() and found.with_tokens.tolist() == [True, True, True]


def _with(good: Row, column: int, blob: bytes | None) -> Row:
    return (*good[:column], blob, *good[column + 1 :])  # type: ignore[return-value]


@pytest.mark.parametrize("scale", [math.nan, math.inf, -math.inf, 3e38, 1.0, -0.005])
def test_a_scale_that_no_unit_vector_has_is_missing(scale: float) -> None:
    good = [row(1, ONE), row(2, LONG), row(3, ONE)]

    found = unpack([good[0], _with(good[1], EMB, _scale(VECTORS, scale, at=1)), good[2]], OURS, WIDE)

    assert found.vectors.scales.astype(bool).tolist() == [True, True, False, True, True]


BAD_TERMS = {
    "empty": b"",
    "not ended": struct.pack("<2I", 5, 6),
    "no whole number": struct.pack("<2I", 5, 0) + b"\0",
    "short": b"\0\0",
}


@pytest.mark.parametrize("blob", BAD_TERMS.values(), ids=BAD_TERMS)
def test_damaged_words_are_missing_and_the_vector_is_not(blob: bytes) -> None:
    good = [row(1, PLAIN), row(2, ONE), row(3, LONG)]

    found = unpack([good[0], _with(good[1], TERMS, blob), good[2]], OURS, WIDE)

    clean = unpack(good, OURS, WIDE)
    assert [of_item(found, place) for place in (0, 2)] == [of_item(clean, place) for place in (0, 2)]
    assert found.terms.tolist() == [11, 5, 9, 2**32 - 1]
    assert found.vectors.values.tolist() == clean.vectors.values.tolist()
    assert found.vectors.scales.tolist() == clean.vectors.scales.tolist()


BAD_TOKENS = {
    "none": None,
    "empty": b"",
    "not ended": struct.pack("<2H", 7, 8),
    "half a number": struct.pack("<2H", 7, 0) + b"\0",
    "one chunk too many": struct.pack("<4H", 7, 0, 8, 0),
}


@pytest.mark.parametrize("blob", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_damaged_tokens_are_missing_and_nothing_else_is(blob: bytes | None) -> None:
    good = [row(1, LONG), row(2, ONE), row(3, LONG)]

    found = unpack([good[0], _with(good[1], TOKENS, blob), good[2]], OURS, WIDE)

    clean = unpack(good, OURS, WIDE)
    assert [of_item(found, place) for place in (0, 2)] == [of_item(clean, place) for place in (0, 2)]
    assert found.with_tokens.tolist() == [True, False, True]
    assert of_item(found, 1)[:6] == of_item(clean, 1)[:6]


PACKED = st.builds(struct.pack, st.just(f"<f{WIDE}s"), st.floats(width=32), st.binary(min_size=WIDE, max_size=WIDE))
NOISE = st.binary(max_size=40) | PACKED
ENDED = NOISE.map(lambda noise: noise[: len(noise) // 4 * 4] + b"\0\0\0\0")


@given(NOISE, NOISE | ENDED, st.none() | NOISE | ENDED, st.none() | NOISE | st.builds(bytes.__add__, PACKED, PACKED))
def test_whatever_is_in_one_row_the_others_are_ranked_by_numbers(
    emb: bytes, terms: bytes, tokens: bytes | None, states: bytes | None
) -> None:
    good = [row(1, ONE), row(2, ONE), row(3, LONG)]
    rows = [good[0], (*good[1][:EMB], emb, terms, None, None, tokens), good[2]]

    found = unpack(rows, OURS, WIDE)  # type: ignore[arg-type]

    clean = unpack(good, OURS, WIDE)
    assert [of_item(found, place) for place in (0, 2)] == [of_item(clean, place) for place in (0, 2)]
    assert len(found) == 3 and (np.diff(found.item_of_chunk) >= 0).all()
    asked = unit(np.random.default_rng(9), 3, WIDE)
    question = Question(
        terms=[5, 9],
        vector=asked[0],
        token_ids=np.array([7, 4, 3], dtype=np.uint16),
        token_states=asked,
        telling=np.ones(3, dtype=np.bool_),
    )
    ranking = Ranking(question, found)
    blobs = {0: _states(ONE), 1: states, 2: _states(LONG)}
    chosen = ranking.shortlist
    ranked = ranking.ranked(unpack_tokens(found, chosen, [blobs[int(at)] for at in chosen], WIDE))
    assert len(ranked) == 3
    assert all(0 <= one.score <= 1 for one in ranked)
    assert all(one.late is None or 0 <= one.late <= 1.0001 for one in ranked)


def _states(made: Signature) -> bytes:
    assert made.token_vectors is not None
    return pack_vectors(made.token_vectors)


# The vectors of tokens


def unpacked_tokens(blobs: Sequence[bytes | None], chosen: Sequence[int] = (0, 1, 2)) -> TokenVectors:
    found = unpack([row(1, ONE), row(2, LONG), row(3, ONE)], OURS, WIDE)
    return unpack_tokens(found, np.array(chosen, dtype=np.int64), blobs, WIDE)


def test_token_vectors_come_out_in_the_order_of_the_items() -> None:
    found = unpacked_tokens([_states(ONE), _states(LONG), _states(ONE)])

    assert ONE.token_vectors is not None and LONG.token_vectors is not None
    packed = np.concatenate([ONE.token_vectors, LONG.token_vectors, ONE.token_vectors])
    assert found.items.tolist() == [0, 1, 2]
    assert np.abs(found.vectors.values * found.vectors.scales[:, None] - packed).max() <= 0.5 / 127 + 1e-6
    assert unpacked_tokens([_states(LONG)], [1]).items.tolist() == [1]


STATES = pack_vectors(unit(np.random.default_rng(5), 3, WIDE))
BAD_STATES = {
    "gone": None,
    "empty": b"",
    "truncated": STATES[:-1],
    "one token too few": STATES[:-SIZE],
    "one token too many": STATES + STATES[:SIZE],
    "noise": bytes(range(100)),
    "nan": _scale(STATES, math.nan),
    "inf": _scale(STATES, math.inf, at=2),
    "huge": _scale(STATES, 3e38, at=1),
}


@pytest.mark.parametrize("blob", BAD_STATES.values(), ids=BAD_STATES)
def test_damaged_token_vectors_are_left_out_and_the_others_are_not(blob: bytes | None) -> None:
    found = unpacked_tokens([_states(ONE), blob, _states(ONE)])

    assert found.items.tolist() == [0, 2]
    packed = np.frombuffer(_states(ONE) * 2, np.dtype([("scale", "<f4"), ("values", "i1", (WIDE,))]))
    assert found.vectors.values.tolist() == packed["values"].tolist()
    assert found.vectors.scales.tolist() == packed["scale"].tolist()


def test_when_all_token_vectors_are_damaged_or_none_are_wanted_none_are_left() -> None:
    assert not len(unpacked_tokens([None, b"x", b""]).items)
    assert not len(unpacked_tokens([], []).items)


def test_a_text_whose_tokens_say_nothing_has_none() -> None:
    silent = signature([[1]], [[]])
    found = unpack([row(1, silent)], OURS, WIDE)

    tokens = unpack_tokens(found, np.array([0]), [_states(silent)], WIDE)

    assert found.with_tokens.tolist() == [True] and not len(found.tokens)
    assert tokens.items.tolist() == [0] and not len(tokens.vectors.values)
