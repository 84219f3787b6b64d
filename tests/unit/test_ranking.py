"""The order: its laws, its channels, and the score that is shown."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_memory import ranking
from mcp_memory.candidates import BLOCK, Floats, Question
from mcp_memory.mentions import dates
from mcp_memory.ranking import FEW, Ranking, bm25, min_max
from mcp_memory.weights import Weights
from tests.unit.facts import (
    ALONE,
    ASKED,
    FACT,
    LATE,
    LONE,
    NEAR,
    QUESTION,
    ROOM,
    TERM,
    TODAY,
    Fact,
    candidates,
    fact_item,
    order,
    question,
    rank,
    token_vectors,
)
from tests.unit.test_candidates import Chunk, Item, columns, unit

# Laws of the order


@given(QUESTION, st.lists(FACT, max_size=30))
def test_ranking_invents_and_loses_nothing(asked: Question, facts: list[Fact]) -> None:
    ranked = rank(asked, facts)

    assert sorted(one.item for one in ranked) == list(range(len(facts)))
    scores = [one.score for one in ranked]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(QUESTION, st.lists(FACT, max_size=30))
def test_what_is_told_of_an_item_is_a_number_or_not_known(asked: Question, facts: list[Fact]) -> None:
    for one in rank(asked, facts):
        fact = facts[one.item]
        assert 0 <= one.coverage <= 1
        assert one.cosine is None or 0 <= one.cosine <= 1
        assert one.late is None or (fact.late is not None and 0 <= one.late <= 1.0001)
        assert (one.date is None) == (not asked.dates) and (one.date is None or 0 <= one.date <= 1)
        if not fact.conversation:
            assert (one.cosine is not None) == (asked.vector is not None and fact.cosine is not None)


@given(QUESTION, st.lists(FACT, max_size=12), st.integers(0, 14))
def test_a_limit_keeps_the_best(asked: Question, facts: list[Fact], limit: int) -> None:
    ranking = Ranking(asked, candidates(facts))

    assert ranking.ranked(limit=limit) == ranking.ranked()[:limit]


@given(QUESTION, st.lists(LONE, min_size=2, max_size=25, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_storage_does_not_matter(asked: Question, facts: list[Fact], random: Random) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)
    # Each keeps its own axis, wherever it is stored.
    axes = {fact: at for at, fact in enumerate(facts)}

    def found(stored: list[Fact]) -> dict[Fact, float]:
        ranking = Ranking(asked, columns([fact_item(fact, axes[fact]) for fact in stored], ROOM))
        shortlist = ranking.shortlist.tolist()
        ranked = ranking.ranked(token_vectors(stored, shortlist) if shortlist else None)
        return {stored[one.item]: one.score for one in ranked}

    assert found(shuffled) == pytest.approx(found(facts), abs=1e-4)


@pytest.mark.parametrize("count", [2, 5, FEW, BLOCK + 1])
def test_of_equals_the_latest_comes_first(count: int) -> None:
    times = [at * 7919 % count for at in range(count)]
    facts = [Fact(terms=(1, 2), at=at) for at in times]

    assert [times[place] for place in order(question([1]), facts)] == sorted(times, reverse=True)
    assert [times[place] for place in order(question(), facts)] == sorted(times, reverse=True)


@pytest.mark.parametrize("another", [False, True])
@pytest.mark.parametrize("dimensions", [4, 48, 384])
@pytest.mark.parametrize("count", [2, 5, FEW - 1, FEW, BLOCK + 1, 2 * BLOCK])
def test_of_items_with_the_same_vector_the_latest_comes_first(count: int, dimensions: int, another: bool) -> None:
    """Rounding differs by where a row stands in a block: it must not decide."""
    asked, vector, other = unit(np.random.default_rng(count), 3, dimensions)
    same = Chunk(vector=vector.tolist(), terms=[1])
    items = [Item(chunks=[same], at=at) for at in range(count)]
    items += [Item(chunks=[Chunk(vector=other.tolist())])] * another

    ranked = Ranking(Question(terms=[1], vector=asked), columns(items, dimensions), ALONE).ranked()

    assert [one.item for one in ranked if one.item < count] == list(range(count))[::-1]


@st.composite
def better_and_worse(draw: st.DrawFn) -> tuple[Fact, Fact]:
    """In every channel at least as good, in one better; of the same time and length, in no conversation."""
    better = draw(st.builds(replace, FACT, cosine=NEAR, late=LATE, conversation=st.just(0), agent=st.just(False)))
    kept = draw(st.lists(st.booleans(), min_size=len(better.terms), max_size=len(better.terms)))
    assert better.cosine is not None and better.late is not None
    worse = replace(
        better,
        terms=tuple(term if keep else 1000 for term, keep in zip(better.terms, kept, strict=True)),
        cosine=draw(st.integers(0, round(better.cosine * 10))) / 10,
        late=tuple(draw(st.integers(0, round(near * 10))) / 10 for near in better.late),
    )
    assume(worse.cosine < better.cosine if worse.cosine is not None else False)
    return better, worse


@given(QUESTION, better_and_worse(), st.lists(LONE, max_size=25))
def test_who_is_worse_in_everything_stays_behind_whatever_else_there_is(
    asked: Question, pair: tuple[Fact, Fact], others: list[Fact]
) -> None:
    better, worse = pair
    assume(asked.vector is not None)
    others = [replace(one, cosine=abs(one.cosine)) if one.cosine is not None else one for one in others]

    for first, facts in ((0, [better, worse, *others]), (1, [worse, better, *others])):
        found = order(asked, facts)
        assert found.index(first) < found.index(1 - first)


# The channels


def test_each_channel_alone_finds_its_item() -> None:
    dull = Fact(terms=(1, 2), cosine=0.1, late=(0.1, 0.1, 0.1))

    assert order(question([7], late=True), [dull, dull, replace(dull, terms=(7, 2)), dull])[0] == 2
    assert order(question([9], late=True), [dull, dull, replace(dull, cosine=0.8), dull])[0] == 2
    assert order(question([], late=True), [dull, dull, replace(dull, late=(0.1, 0.9, 0.9)), dull])[0] == 2
    assert order(question([1], late=True), [dull, dull, replace(dull, late=(0.1, 0.9, 0.9)), dull])[0] == 2


ONE_CHANNEL = [
    (Weights(cosine=0, late=0), 1),
    (Weights(lexical=0, late=0), 2),
    (Weights(lexical=0, cosine=0), 3),
]


@pytest.mark.parametrize(("weights", "best"), ONE_CHANNEL)
def test_what_has_the_only_weight_decides(weights: Weights, best: int) -> None:
    facts = [
        Fact(terms=(9, 9), cosine=0.1, late=(0.1, 0.1, 0.1)),
        Fact(terms=(1, 2), cosine=0.2, late=(0.2, 0.2, 0.2)),
        Fact(terms=(1, 9), cosine=0.9, late=(0.3, 0.3, 0.3)),
        Fact(terms=(2, 9), cosine=0.3, late=(0.9, 0.9, 0.9)),
    ]

    assert order(question([1, 2], late=True), facts, weights)[0] == best


def test_without_weight_a_channel_changes_nothing() -> None:
    lexical, cosine = [(1, 2), (1, 9), (9, 9)], [0.1, 0.5, 0.9]
    without_cosine = [Fact(terms=terms, cosine=near, at=0) for terms, near in zip(lexical, cosine, strict=True)]
    without_words = [Fact(cosine=near, terms=terms) for terms, near in zip(lexical, cosine, strict=True)]

    assert order(question([1, 2]), without_cosine, Weights(cosine=0, late=0)) == [0, 1, 2]
    assert order(question([1, 2]), without_words, Weights(lexical=0, late=0)) == [2, 1, 0]


def test_without_lexical_weight_words_do_not_change_the_order() -> None:
    facts = [Fact(terms=(1,), cosine=0.3, late=(0.9, 0.9, 0.9)), Fact(terms=(2,), cosine=0.5, late=(0.1, 0.1, 0.1))]
    facts.append(Fact(terms=(3,), cosine=0.0, late=(0.0, 0.0, 0.0)))
    asked = question(late=True)

    orders = {tuple(order(replace(asked, terms=terms), facts, Weights(lexical=0))) for terms in ([], [1], [2], [99])}

    assert len(orders) == 1


@given(QUESTION, st.lists(FACT, max_size=12), st.lists(st.none() | LATE, min_size=12, max_size=12))
def test_without_weight_late_interaction_changes_nothing(
    asked: Question, facts: list[Fact], lates: list[tuple[float, ...] | None]
) -> None:
    others = [replace(fact, late=late) for fact, late in zip(facts, lates, strict=False)]

    assert rank(asked, facts, Weights(late=0)) == rank(asked, others, Weights(late=0))


@given(QUESTION, st.lists(FACT, max_size=12))
def test_without_weight_a_prior_changes_nothing(asked: Question, facts: list[Fact]) -> None:
    none = Weights(date=0, customer=0, identifier=0)
    one_voice = [replace(fact, agent=False) for fact in facts]
    unnamed = replace(asked, ids=(), dates=dates("", TODAY))

    assert order(asked, facts, none) == order(unnamed, one_voice, none)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    facts = [Fact(terms=terms) for terms in ((1, 5), (1, 6), (1, 9), (9, 2), (1, 2), (1, 3))]

    found = rank(question([1, 9]), facts)

    assert [one.item for one in found[:2]] == [2, 3]
    assert found[1].coverage > found[2].coverage > 0


def test_bm25_agrees_with_its_formula() -> None:
    frequencies = np.array([[2, 0, 1], [0, 1, 1]], dtype=np.float32)
    lengths = np.array([3, 4, 8], dtype=np.float32)

    scores, coverage = bm25(frequencies, lengths)

    idf = [math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))] * 2
    norm = [0.9 * (1 - 0.75 + 0.75 * length / 5) for length in lengths.tolist()]
    expected = [
        idf[0] * 2 / (2 + norm[0]),
        idf[1] * 1 / (1 + norm[1]),
        idf[0] * 1 / (1 + norm[2]) + idf[1] * 1 / (1 + norm[2]),
    ]
    assert scores == pytest.approx(expected, rel=1e-5)
    assert coverage == pytest.approx([0.5, 0.5, 1])


def test_bm25_of_documents_without_words_is_zero() -> None:
    scores, coverage = bm25(np.zeros((1, 2), dtype=np.float32), np.zeros(2, dtype=np.float32))

    assert scores.tolist() == coverage.tolist() == [0, 0]


@given(st.lists(st.floats(-10, 10, width=32), min_size=1))
def test_min_max_stays_within_zero_and_one_and_keeps_the_order(values: list[float]) -> None:
    channel = np.array(values, dtype=np.float32)
    scaled = min_max(channel)

    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (np.diff(scaled[np.argsort(channel, kind="stable")]) >= 0).all()
    if len(set(values)) > 1:
        assert scaled.min() == 0 and scaled.max() == 1


def test_a_channel_that_tells_nothing_apart_is_all_ones_or_all_zeros() -> None:
    assert min_max(np.full(3, 0.2, dtype=np.float32)).tolist() == [1, 1, 1]
    assert min_max(np.zeros(3, dtype=np.float32)).tolist() == [0, 0, 0]
    assert min_max(np.empty(0, dtype=np.float32)).tolist() == []


def test_a_missing_vector_does_not_punish_what_matches_by_words() -> None:
    facts = [Fact(terms=(1, 5), cosine=0.6), Fact(terms=(1, 2)), Fact(terms=(8, 9), cosine=0.9), Fact(terms=(8, 9))]

    found = rank(question([1, 2]), facts, ALONE)

    assert found[0].item == 1 and found[0].cosine is None and found[0].score == pytest.approx(1)
    assert found[-1].item == 3


def test_missing_tokens_do_not_punish_what_matches_by_the_rest() -> None:
    facts = [
        Fact(terms=(1, 2), cosine=0.8),
        Fact(terms=(1, 9), cosine=0.4, late=(0.5, 0.5, 0.5)),
        Fact(terms=(9, 9), cosine=0.3, late=(0.6, 0.6, 0.6)),
    ]

    found = rank(question([1, 2], late=True), facts)

    assert found[0].item == 0 and found[0].late is None
    assert {one.item for one in found if one.late is not None} == {1, 2}


@given(st.lists(TERM, min_size=1, max_size=5, unique=True), st.lists(FACT, min_size=1, max_size=25))
def test_when_all_vectors_are_missing_words_decide(terms: list[int], facts: list[Fact]) -> None:
    bare = [replace(fact, cosine=None, late=None, agent=False, conversation=0) for fact in facts]
    frequencies = np.array([[fact.terms.count(term) for fact in bare] for term in terms], dtype=np.float32)
    scores, _ = bm25(frequencies, np.array([len(fact.terms) for fact in bare], dtype=np.float32))

    found = order(question(terms, late=True), bare, ALONE)

    assert found == order(question(terms, meaning=False), bare, ALONE)
    assert (np.diff(scores[found]) <= 1e-6).all()


def test_a_long_item_counts_by_its_best_chunk() -> None:
    far, near, middle = ([0.1, 0.995, 0, 0], [0.9, 0.436, 0, 0], [0.5, 0.866, 0, 0])
    long = Item(chunks=[Chunk(vector=far, terms=[1, 2]), Chunk(vector=near, terms=[3]), Chunk()])
    stored = columns([long, Item(chunks=[Chunk(vector=middle, terms=[1])])])
    axis = np.array([1, 0, 0, 0], dtype=np.float32)

    found = Ranking(Question(terms=[], vector=axis), stored).ranked()

    assert [one.item for one in found] == [0, 1]
    assert [one.cosine for one in found] == pytest.approx([0.9, 0.5], abs=0.01)
    by_words = Ranking(Question(terms=[1, 3]), stored).ranked()
    assert all(one.coverage < 1 for one in by_words)  # no chunk holds both words


@pytest.mark.parametrize("count", [FEW, FEW + 13, BLOCK + 2])
def test_from_twenty_items_on_what_all_share_is_taken_from_the_vectors(count: int) -> None:
    random = np.random.default_rng(count)
    shared = unit(random, 16)
    rows = [row / np.linalg.norm(row) for row in unit(random, count, 16) * 0.5 + shared]
    vector = unit(random, 16) * 0.5 + shared
    vector /= np.linalg.norm(vector)

    ranked = Ranking(Question(terms=[], vector=vector), columns(_items(rows), 16), ALONE).ranked()

    centred = np.array(rows) - np.mean(rows, axis=0)
    asked = vector - np.mean(rows, axis=0)
    cosines = centred @ asked / np.linalg.norm(centred, axis=1) / np.linalg.norm(asked)
    found = cosines[[one.item for one in ranked]]
    assert (np.diff(found) < 0.03).all()  # but for what 8 bits lose
    raw = np.array(rows) @ vector
    assert [one.cosine for one in ranked] == pytest.approx(raw[[one.item for one in ranked]].clip(0, 1), abs=0.02)
    assert (np.diff(raw[[one.item for one in ranked]]) > 0.03).any()  # else this would prove nothing


def test_below_twenty_items_the_vectors_are_compared_as_they_are() -> None:
    random = np.random.default_rng(3)
    rows = list(unit(random, FEW - 1, 16))
    vector = unit(random, 16)

    found = [one.item for one in Ranking(Question(terms=[], vector=vector), columns(_items(rows), 16), ALONE).ranked()]

    assert (np.diff((np.array(rows) @ vector)[found]) < 0.02).all()


def _items(rows: Sequence[Floats]) -> list[Item]:
    return [Item(chunks=[Chunk(vector=row.tolist())]) for row in rows]


# The score


FILLER = st.integers(100, 10**6)


@given(
    st.lists(TERM, min_size=1, max_size=4, unique=True),
    NEAR,
    st.lists(st.lists(FILLER, max_size=9).map(tuple), max_size=60),
    st.lists(st.lists(FILLER, max_size=9).map(tuple), max_size=60),
)
def test_a_score_means_the_same_whatever_else_the_profile_holds(
    terms: list[int], near: float, some: list[tuple[int, ...]], others: list[tuple[int, ...]]
) -> None:
    answer = Fact(terms=tuple(terms), cosine=near, late=(near, near, near))

    scores = []
    for neighbours in (some, others):
        facts = [answer, *(Fact(terms=own, cosine=0.0, late=(0.0, 0.0, 0.0)) for own in neighbours)]
        scores += [one.score for one in rank(question(terms, late=True), facts) if one.item == 0]

    assert scores[0] == pytest.approx(scores[1], abs=0.03)


@pytest.mark.parametrize("count", [1, 5, 30, 300])
def test_a_profile_that_knows_nothing_scores_low(count: int) -> None:
    facts = [Fact(terms=(at + 10,), cosine=0.2, late=(0.25, 0.2, 0.3)) for at in range(count)]

    assert rank(question([1, 2], late=True), facts)[0].score < 0.05
    assert rank(question([1, 2], meaning=False), facts)[0].score == 0
    knowing = [*facts, Fact(terms=(1, 2), cosine=0.8, late=(0.8, 0.9, 0.8))]
    assert rank(question([1, 2], late=True), knowing)[0].score > 0.95


def test_an_item_keeps_its_own_relevance_however_good_the_others_are() -> None:
    best, good = rank(question([1]), [Fact(terms=(1,), cosine=0.9), Fact(cosine=0.6)])

    assert best.score == pytest.approx(1)
    assert good.score == pytest.approx((0.6 - 0.25) / 0.5, abs=0.02)


def test_who_stands_before_a_better_one_is_lent_its_score() -> None:
    facts = [Fact(terms=(1,), cosine=0.0), Fact(terms=(2,), cosine=0.7, agent=True)]

    before, after = rank(question([2]), facts, Weights(customer=5))

    assert (before.item, after.item) == (0, 1)
    assert before.score == after.score > 0.9
    assert (before.coverage, before.own, after.own) == (0, 0, after.score)


def test_what_has_none_of_the_ids_asked_for_scores_low_however_like_it_is() -> None:
    facts = [Fact(terms=(1, 2), cosine=0.1), Fact(terms=(2, 3), cosine=0.9)]

    holder, neighbour = rank(question([1, 2], ids=[frozenset({1})]), facts)

    assert (holder.item, neighbour.item) == (0, 1)
    assert holder.score == 1 and neighbour.score == pytest.approx(0.3)


def test_a_question_of_one_word_is_answered_less_surely_than_one_of_many() -> None:
    terms = tuple(range(1, 6))
    scores = [rank(question(list(terms[:count])), [Fact(terms=terms, cosine=0.0)])[0].score for count in range(1, 6)]

    assert scores == sorted(scores) and 0.5 < scores[0] < 0.7 and 0.85 < scores[-1] < 1


def test_the_less_else_a_question_asks_for_the_more_its_date_counts() -> None:
    weights = [ranking._only_dates(replace(question([1]), undated_terms=count)) for count in range(10)]

    assert weights[0] == 3 and weights == sorted(weights, reverse=True) and weights[-1] > 1


# Nothing to go by


NOTHING: list[Question] = [
    Question(terms=[]),
    Question(terms=[99]),
    Question(terms=[], vector=np.zeros(ROOM, dtype=np.float32)),
    Question(terms=[1], vector=np.ones(3, dtype=np.float32)),
    Question(terms=[1], vector=np.empty(0, dtype=np.float32)),
    Question(terms=[1], ids=[frozenset()], vector=np.ones(ROOM, dtype=np.float32)),
    replace(question(late=True), telling=np.zeros(ASKED, dtype=np.bool_)),
    replace(question([1], late=True), token_states=np.zeros((ASKED, ROOM), dtype=np.float32)),
    replace(question([1], late=True), token_ids=np.empty(0, np.uint16), token_states=np.empty((0, ROOM), np.float32)),
]


@pytest.mark.parametrize("asked", NOTHING)
@pytest.mark.parametrize("count", [0, 1, 2, FEW, 50])
@pytest.mark.parametrize("bare", [Fact(), Fact(terms=(1,)), Fact(cosine=0.0), Fact(cosine=1.0, late=(1, 1, 1))])
def test_whatever_is_missing_every_score_is_a_number(asked: Question, count: int, bare: Fact) -> None:
    """Warnings of numpy are errors here."""
    ranked = rank(asked, [bare] * count)

    assert len(ranked) == count
    assert all(0 <= value <= 1 for one in ranked for value in (one.score, one.coverage))
    assert all(value is None or 0 <= value <= 1.0001 for one in ranked for value in (one.cosine, one.late))


def test_nothing_known_is_no_reason_to_prefer_any() -> None:
    ranked = rank(question([99], late=True), [Fact(at=1), Fact(at=3), Fact(at=2)])

    assert [one.item for one in ranked] == [1, 2, 0]
    assert {one.score for one in ranked} == {0}


def test_tokens_of_another_length_than_the_questions_are_left_out() -> None:
    facts = [Fact(cosine=0.9, late=(0.1, 0.1, 0.1)), Fact(cosine=0.5, late=(0.6, 0.6, 0.6))]
    asked = replace(question(late=True), token_states=np.eye(7, dtype=np.float32)[:ASKED])

    assert order(asked, facts) == [0, 1]
