import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_memory import ranking
from mcp_memory.candidates import BLOCK, Candidates, Floats, Ints, Question, TokenVectors
from mcp_memory.mentions import Dates, dates
from mcp_memory.ranking import FEW, LATER_MATCH, SHORTLIST, Ranked, Ranking, bm25, date_match, min_max
from mcp_memory.weights import DEFAULT, Weights
from tests.unit.test_candidates import Chunk, Item, columns, int8, unit

TODAY = date(2026, 5, 4)  # a Monday

ASKED = 3  # tokens of the question
ROOM = 32  # dimensions: the question is the first axis, and each item has one of its own, up to that many
ALONE = Weights(conversation=0)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An item by what it means to the question. `cosine` None: its vector is missing; `late` None: so are its tokens'.

    `late`: for each token of the question the best match.
    """

    terms: tuple[int, ...] = ()
    cosine: float | None = None
    late: tuple[float, ...] | None = None
    at: int = 0
    conversation: int = 0
    agent: bool = False


def candidates(facts: Sequence[Fact]) -> Candidates:
    return columns([_item(fact, at) for at, fact in enumerate(facts)], ROOM)


def _item(fact: Fact, at: int) -> Item:
    vector = None if fact.cosine is None else _leaning(fact.cosine, 0, 1 + at % (ROOM - 1))
    tokens = [] if fact.late is None else [100 + place for place in range(len(fact.late))]
    chunk = Chunk(terms=fact.terms, vector=vector, tokens=tokens)
    return Item(
        chunks=[chunk],
        at=fact.at,
        conversation=fact.conversation,
        agent=fact.agent,
        with_tokens=fact.late is not None,
    )


def _leaning(cosine: float, towards: int, rest: int) -> list[float]:
    vector = [0.0] * ROOM
    vector[rest] = math.sqrt(1 - cosine * cosine)
    vector[towards] = cosine
    return vector


def token_vectors(facts: Sequence[Fact], shortlist: Sequence[int]) -> TokenVectors:
    rows = [
        _leaning(near, token, ROOM - 1) for place in shortlist for token, near in enumerate(facts[place].late or ())
    ]
    return TokenVectors(items=np.array(shortlist, dtype=np.int64), vectors=int8(rows, ROOM))


def question(
    terms: Sequence[int] = (),
    *,
    meaning: bool = True,
    late: bool = False,
    ids: Sequence[frozenset[int]] = (),
    named: str = "",
) -> Question:
    axes = np.eye(ROOM, dtype=np.float32)
    return Question(
        terms=terms,
        ids=ids,
        dates=dates(named, TODAY),
        vector=axes[0] if meaning else None,
        token_ids=np.arange(1, ASKED + 1).astype(np.uint16) if late else None,
        token_states=axes[:ASKED] if late else None,
        telling=np.ones(ASKED, dtype=np.bool_) if late else None,
    )


def rank(asked: Question, facts: Sequence[Fact], weights: Weights = DEFAULT) -> list[Ranked]:
    ranking = Ranking(asked, candidates(facts), weights)
    shortlist = ranking.shortlist.tolist()
    return ranking.ranked(token_vectors(facts, shortlist) if shortlist else None)


def order(asked: Question, facts: Sequence[Fact], weights: Weights = DEFAULT) -> list[int]:
    return [one.item for one in rank(asked, facts, weights)]


TERM = st.integers(1, 8)
NEAR = st.integers(0, 10).map(lambda tenths: tenths / 10)
LATE = st.tuples(*[NEAR] * ASKED)
FACT = st.builds(
    Fact,
    terms=st.lists(TERM, max_size=8).map(tuple),
    cosine=st.none() | st.integers(-10, 10).map(lambda tenths: tenths / 10),
    late=st.none() | LATE,
    at=st.integers(0, 10**15),
    conversation=st.integers(0, 3),
    agent=st.booleans(),
)
LONE = st.builds(replace, FACT, conversation=st.just(0))
QUESTION = st.builds(
    question,
    st.lists(TERM, max_size=5, unique=True),
    meaning=st.booleans(),
    late=st.booleans(),
    ids=st.lists(st.frozensets(TERM, min_size=1, max_size=2), max_size=2),
    named=st.sampled_from(["", "in May", "on 7 May", "in 1999", "on 30 February 1972"]),
)


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
        ranking = Ranking(asked, columns([_item(fact, axes[fact]) for fact in stored], ROOM))
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


# Late interaction


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


# Context


def _talk(words: Sequence[Sequence[int]], conversations: Sequence[int]) -> list[Fact]:
    return [Fact(terms=tuple(own), conversation=no) for own, no in zip(words, conversations, strict=True)]


def _reference_context(words: Sequence[Sequence[int]], conversations: Sequence[int], term: int) -> list[float]:
    frequencies, lengths = [], []
    for at, own in enumerate(words):
        same = [place for place, no in enumerate(conversations) if no == conversations[at] != 0]
        near = [place for place in same if place != at and abs(same.index(place) - same.index(at)) <= 2]
        frequencies.append(3 * list(own).count(term) + sum(list(words[place]).count(term) for place in near))
        lengths.append(3 * len(own) + sum(len(words[place]) for place in near))
    scores, _ = bm25(np.array([frequencies], dtype=np.float32), np.array(lengths, dtype=np.float32))
    return [float(score) for score in scores]


TALK = st.lists(st.tuples(st.lists(st.integers(1, 3), max_size=4), st.integers(0, 2)), min_size=1, max_size=12).filter(
    lambda talk: any(no for _, no in talk)
)


@given(TALK)
def test_the_words_around_a_short_message_count_a_third_of_its_own(talk: list[tuple[list[int], int]]) -> None:
    words, conversations = [own for own, _ in talk], [no for _, no in talk]

    found = order(question([1], meaning=False), _talk(words, conversations), ALONE)

    scores = np.array(_reference_context(words, conversations, 1))
    assert (np.diff(scores[found]) <= 1e-6).all()


def test_neighbours_lend_no_words_across_conversations_or_where_there_is_none() -> None:
    words = [[1, 5], [2, 5], [3, 5], [4, 5]]
    facts = _talk(words, [1, 1, 2, 0])

    found = order(question([1], meaning=False), facts, ALONE)

    assert found[:2] == [0, 1] and found[2:] == [3, 2]
    apart = Weights(conversation=0, neighbours=False)
    assert order(question([1], meaning=False), facts, apart) == [0, 3, 2, 1]


def test_only_what_a_message_says_itself_counts_for_its_score() -> None:
    facts = _talk([[1, 5], [2, 5], [3, 5]], [1, 1, 1])

    coverage = {one.item: one.coverage for one in rank(question([1], meaning=False), facts)}

    assert coverage == {0: 1, 1: 0, 2: 0}


def test_long_messages_stand_alone() -> None:
    words = [[1, *[9] * 30], [2, *[9] * 30], [3, *[9] * 30]]

    assert order(question([1], meaning=False), _talk(words, [1, 1, 1]), ALONE) == [0, 2, 1]


def test_a_message_is_as_near_as_the_mean_of_the_windows_that_hold_it() -> None:
    cosines = [0.9, 0.3, 0.6, 0.1, 0.8, 0.7]
    conversations = [1, 1, 1, 2, 0, 0]
    facts = [Fact(cosine=near, conversation=no) for near, no in zip(cosines, conversations, strict=True)]

    found = {one.item: one.cosine for one in rank(question(), facts)}

    assert found == pytest.approx({0: 0.6, 1: 0.6, 2: 0.45, 3: 0.1, 4: 0.8, 5: 0.7}, abs=0.01)
    plain = {one.item: one.cosine for one in rank(question(), facts, Weights(neighbours=False))}
    assert plain == pytest.approx(dict(enumerate(cosines)), abs=0.01)


def test_a_window_that_is_missing_is_left_out_of_the_mean() -> None:
    facts = [Fact(cosine=0.9, conversation=1), Fact(conversation=1), Fact(cosine=0.5, conversation=1)]

    found = {one.item: one.cosine for one in rank(question(), facts)}

    assert [found[0], found[2]] == pytest.approx([0.9, 0.5], abs=0.01)


# The priors


def test_what_was_said_beside_the_best_is_preferred() -> None:
    facts = [Fact(terms=(1,), conversation=1), Fact(terms=(8,), conversation=2), Fact(terms=(9,), conversation=1)]
    apart = Weights(neighbours=False)

    assert order(question([1], meaning=False), facts, apart) == [0, 2, 1]
    assert order(question([1], meaning=False), facts, replace(apart, conversation=0)) == [0, 2, 1]
    late = [replace(facts[0]), facts[2], replace(facts[1], at=5)]
    assert order(question([1], meaning=False), late, apart) == [0, 1, 2]
    assert order(question([1], meaning=False), late, replace(apart, conversation=0)) == [0, 2, 1]


def test_without_conversations_those_learned_within_half_an_hour_belong_together() -> None:
    minute = 60 * 1_000_000
    facts = [Fact(terms=(1,), at=0), Fact(terms=(8,), at=20 * minute), Fact(terms=(9,), at=90 * minute)]

    assert order(question([1], meaning=False), facts) == [0, 1, 2]
    assert order(question([1], meaning=False), facts, ALONE) == [0, 2, 1]


def test_what_customers_say_is_preferred_where_agents_messages_are_ranked_too() -> None:
    customer, agent = Fact(terms=(1, 2)), Fact(terms=(1, 2), agent=True, at=1)

    assert order(question([1]), [customer, agent]) == [0, 1]
    assert order(question([1]), [customer, agent], Weights(customer=0)) == [1, 0]


@pytest.mark.parametrize("agent", [False, True])
def test_where_all_have_one_role_it_prefers_none(agent: bool) -> None:
    facts = [Fact(terms=(1, 2), agent=agent), Fact(terms=(1, 3), agent=agent, at=1), Fact(agent=agent)]

    assert rank(question([1, 2]), facts) == rank(question([1, 2]), facts, Weights(customer=0))


@given(QUESTION, st.lists(FACT, min_size=1, max_size=25))
def test_who_holds_an_id_of_the_question_is_before_all_who_do_not(asked: Question, facts: list[Fact]) -> None:
    held = [sum(bool(spellings & set(fact.terms)) for spellings in asked.ids) for fact in facts]

    found = [held[place] for place in order(asked, facts)]

    assert found == sorted(found, reverse=True)


def test_the_day_asked_for_is_preferred_to_other_days() -> None:
    facts = [Fact(terms=(1,), at=micros("2026-05-01")), Fact(terms=(1,), at=micros("2026-05-07"))]
    facts.append(Fact(terms=(1,), at=micros("2026-05-20")))

    found = rank(question([1], named="on 6 May 2026"), facts, ALONE)

    assert [one.item for one in found] == [1, 0, 2]
    assert [one.date for one in found] == sorted((one.date or 0 for one in found), reverse=True)


def micros(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000_000)


FADED = math.exp(-1 / 5)


@pytest.mark.parametrize(
    ("named", "moment", "match"),
    [
        ("7 May 2023", "2023-05-07 12:00", 1),
        ("7 May 2023", "2023-05-08 12:00", FADED),
        ("7 May 2023", "2023-05-06 12:00", FADED),
        ("7 May 2023", "2023-05-17 12:00", FADED**10),
        ("7 May 2023", "2022-05-07 12:00", 0),
        ("7 May", "2022-05-07 12:00", 1),
        ("7 May", "1999-05-08 12:00", FADED),
        ("31 December", "2024-01-01 12:00", FADED),
        ("1 January", "2023-12-31 12:00", FADED),
        ("29 February 2024", "2024-02-29 12:00", 1),
        ("in May 2023", "2023-05-01", 1),
        ("in May 2023", "2023-05-31 23:59", 1),
        ("in May 2023", "2023-06-10", LATER_MATCH),
        ("in May 2023", "2023-06-12", 0),
        ("in May 2023", "2023-04-30 23:59", 0),
        ("in May 2023", "2022-05-15", 0),
        ("in December 2023", "2024-01-05", LATER_MATCH),
        ("in May", "2022-05-15", 1),
        ("in May", "2022-06-05", LATER_MATCH),
        ("in 2023", "2023-01-01", 1),
        ("in 2023", "2024-01-14", LATER_MATCH),
        ("in 2023", "2024-01-16", 0),
        ("in 2023", "2022-12-31 23:59", 0),
        ("in May or on 7 August 2023", "2023-08-08 12:00", FADED),
        ("", "2023-05-07", 0),
    ],
)
def test_an_items_time_matches_the_dates_that_are_named(named: str, moment: str, match: float) -> None:
    found = date_match(dates(named, TODAY), np.array([micros(moment)]))

    assert found == pytest.approx([match], abs=1e-4)


def test_a_day_without_a_year_is_that_day_of_any_year() -> None:
    times = np.array([micros(f"{year}-05-07 12:00") for year in (1970, 1999, 2024, 2026)])

    assert date_match(dates("7 May", TODAY), times).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("day", [(2023, 2, 30), (None, 2, 31), (2023, 4, 31), (1, 1, 1), (9999, 12, 31)])
def test_a_day_that_no_calendar_has_is_near_the_end_of_its_month(day: tuple[int | None, int, int]) -> None:
    times = np.array([micros("0001-01-01"), micros("2023-02-28 12:00"), micros("9999-12-31")])

    found = date_match(Dates(days=(day,)), times)

    assert ((found >= 0) & (found <= 1)).all()
    if day[:2] == (2023, 2):
        assert found.tolist() == pytest.approx([0, FADED**2, 0], abs=1e-4)


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
