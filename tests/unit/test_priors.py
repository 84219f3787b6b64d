"""What decides beside the channels: neighbours, conversations, roles, ids and dates."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.candidates import Question
from mcp_memory.mentions import Dates, dates
from mcp_memory.ranking import LATER_MATCH, bm25, date_match
from mcp_memory.weights import Weights
from tests.unit.facts import (
    ALONE,
    FACT,
    QUESTION,
    TODAY,
    Fact,
    order,
    question,
    rank,
)

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
