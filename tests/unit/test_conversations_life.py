"""The life of a conversation, by the clock alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.conversations import (
    ACTIVE,
    BY_CHANNEL,
    CLOSED,
    INACTIVE,
    MESSAGING,
    Status,
    Timeouts,
    next_change,
    status_at,
    timeouts,
)

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
MINUTES = st.integers(1, 10_000).map(lambda minutes: timedelta(minutes=minutes))
TIMES = st.builds(Timeouts, inactive=st.none() | MINUTES, closed=st.none() | MINUTES)
ORDER: list[Status] = [ACTIVE, INACTIVE, CLOSED]


def times(inactive: int | None, closed: int | None) -> Timeouts:
    return Timeouts(
        inactive=None if inactive is None else timedelta(minutes=inactive),
        closed=None if closed is None else timedelta(minutes=closed),
    )


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, ACTIVE), (9.99, ACTIVE), (10, INACTIVE), (29.99, INACTIVE), (30, CLOSED), (9_999, CLOSED)],
)
def test_both_times_count_from_the_last_communication(minutes: float, expected: Status) -> None:
    """As published: with 10 and 30, quiet after 10 and closed after 30."""
    assert status_at(ACTIVE, START, times(10, 30), START + timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (times(None, 30), (CLOSED, 30)),
        (times(10, None), (INACTIVE, 10)),
        (times(30, 30), (CLOSED, 30)),
        (times(40, 30), (CLOSED, 30)),
        (times(None, None), None),
    ],
)
def test_what_comes_next(given: Timeouts, expected: tuple[Status, int] | None) -> None:
    change = next_change(ACTIVE, START, given)

    assert change == (None if expected is None else (expected[0], START + timedelta(minutes=expected[1])))


def test_the_longest_times_of_several_channels_apply() -> None:
    assert timeouts(["voice"]) == BY_CHANNEL["voice"] and timeouts(["SMS"]) == MESSAGING == timeouts([])
    assert timeouts(["VOICE", "sms", "email"]) == BY_CHANNEL["email"]


@given(TIMES, st.lists(st.integers(0, 20_000), min_size=1).map(sorted))
def test_it_only_goes_on_and_however_often_one_looks_it_comes_to_the_same(times: Timeouts, looks: list[int]) -> None:
    seen: list[Status] = [ACTIVE]
    for minutes in looks:
        seen.append(status_at(seen[-1], START, times, START + timedelta(minutes=minutes)))

    assert [ORDER.index(one) for one in seen] == sorted(ORDER.index(one) for one in seen)
    assert seen[-1] == status_at(ACTIVE, START, times, START + timedelta(minutes=looks[-1]))
    assert next_change(CLOSED, START, times) is None
