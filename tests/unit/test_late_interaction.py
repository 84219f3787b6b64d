"""Late interaction: who is looked at, and what it says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.candidates import Floats, Ints, Question, TokenVectors
from mcp_memory.ranking import FEW, SHORTLIST, Ranking
from mcp_memory.weights import Weights
from tests.unit.facts import (
    ALONE,
    ASKED,
    FACT,
    QUESTION,
    ROOM,
    Fact,
    candidates,
    order,
    question,
    rank,
    token_vectors,
)
from tests.unit.test_candidates import Chunk, Item, columns, int8, unit


@given(QUESTION, st.lists(FACT, max_size=30))
def test_the_shortlist_holds_only_what_has_tokens_in_order(asked: Question, facts: list[Fact]) -> None:
    found = Ranking(asked, candidates(facts)).shortlist.tolist()

    with_tokens = [at for at, fact in enumerate(facts) if fact.late is not None]
    assert found == (with_tokens if asked.token_states is not None else [])
    assert not len(Ranking(asked, candidates(facts), Weights(late=0)).shortlist)


def test_the_shortlist_is_the_best_of_the_other_channels() -> None:
    facts = [Fact(cosine=(at * 37 % 301) / 301, late=(0.5,) if at % 3 else None) for at in range(901)]

    found = Ranking(question(late=True), candidates(facts), ALONE).shortlist.tolist()

    with_tokens = [at for at, fact in enumerate(facts) if fact.late]
    assert len(found) == SHORTLIST and found == sorted(found) and set(found) <= set(with_tokens)
    others = set(with_tokens) - set(found)
    assert min(facts[at].cosine or 0 for at in found) >= max(facts[at].cosine or 0 for at in others) - 0.02


def test_who_has_tokens_and_is_not_on_the_shortlist_stands_behind_who_is() -> None:
    facts = [Fact(cosine=0.6 - at / 10_000, late=(at % 5 / 10,) * ASKED) for at in range(SHORTLIST + 20)]

    found = order(question(late=True), facts, ALONE)

    shortlist = Ranking(question(late=True), candidates(facts), ALONE).shortlist.tolist()
    assert set(found[:SHORTLIST]) == set(shortlist)


def test_a_question_without_tokens_has_no_shortlist() -> None:
    none = replace(question(late=True), token_states=np.empty((0, ROOM), dtype=np.float32))

    assert not len(Ranking(none, candidates([Fact(late=(1, 1, 1))])).shortlist)
    assert len(rank(none, [Fact(cosine=0.5, late=(1, 1, 1))])) == 1


@pytest.mark.parametrize("count", [1, 3, FEW - 1, FEW, 60])
@pytest.mark.parametrize("telling", ["all", "some", "none"])
def test_late_interaction_agrees_with_its_formula(count: int, telling: str) -> None:
    random = np.random.default_rng(count)
    tokens = [
        [random.integers(1, 9, random.integers(0, 6)) for _ in range(random.integers(1, 4))] for _ in range(count)
    ]
    states = [[unit(random, len(chunk), 16) for chunk in chunks] for chunks in tokens]
    chunks = [[Chunk(tokens=chunk.tolist(), vector=unit(random, 16).tolist()) for chunk in item] for item in tokens]
    stored = columns([Item(chunks=item, with_tokens=True) for item in chunks], 16)
    flags = {"all": [True] * 4, "some": [True, False, True, False], "none": [False] * 4}[telling]
    asked = Question(
        terms=[],
        token_ids=np.array([1, 2, 3, 99], dtype=np.uint16),
        token_states=unit(random, 4, 16),
        telling=np.array(flags),
    )
    given = [state for item in states for chunk in item for state in chunk]

    found = Ranking(asked, stored).ranked(TokenVectors(items=np.arange(count), vectors=int8(given, 16)))

    expected = slow_late(asked, tokens, states)
    assert {one.item: one.late for one in found} == pytest.approx(dict(enumerate(expected)), abs=0.02)


def slow_late(asked: Question, tokens: list[list[Ints]], states: list[list[Floats]]) -> list[float]:
    assert asked.token_ids is not None and asked.token_states is not None and asked.telling is not None
    weights = []
    for token, telling in zip(asked.token_ids.tolist(), asked.telling.tolist(), strict=True):
        holders = sum(any(token in chunk for chunk in item) for item in tokens)
        idf = math.log(1 + (len(tokens) - holders + 0.5) / (holders + 0.5)) if len(tokens) >= FEW else 1.0
        weights.append(idf if telling or not asked.telling.any() else 0.0)
    found = []
    for item in states:
        best = 0.0
        for chunk in item:
            near = [max([max(float(state @ one), 0) for one in chunk], default=0.0) for state in asked.token_states]
            best = max(best, sum(w * n for w, n in zip(weights, near, strict=True)) / sum(weights))
        found.append(best)
    return found


def test_damaged_token_vectors_leave_their_item_to_the_other_channels() -> None:
    facts = [Fact(cosine=0.9, late=(0.1, 0.1, 0.1)), Fact(cosine=0.5, late=(0.6, 0.6, 0.6)), Fact(late=(0.5, 0.5, 0.5))]
    ranking = Ranking(question(late=True), candidates(facts))
    assert ranking.shortlist.tolist() == [0, 1, 2]

    found = ranking.ranked(token_vectors(facts, [1, 2]))

    assert found[0].item == 0 and found[0].late is None
    assert [one.item for one in ranking.ranked(token_vectors(facts, []))] == [0, 1, 2]
