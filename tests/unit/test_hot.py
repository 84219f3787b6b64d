import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.backends.sql.hot import Hot

T = TypeVar("T")


class Maker:
    """Makes a value that says how often it was made."""

    def __init__(self, size: int = 10) -> None:
        self.size, self.made = size, 0

    def __call__(self) -> tuple[int, int]:
        self.made += 1
        return self.made, self.size


def test_what_was_made_is_given_again() -> None:
    hot, make = Hot[int](100), Maker()

    assert [hot.get("dana", 1, make) for _ in range(3)] == [1, 1, 1]
    assert hot.bytes == 10


def test_another_version_is_made_anew_and_takes_the_place_of_the_old_one() -> None:
    hot, make = Hot[int](100), Maker()

    assert [hot.get("dana", version, make) for version in (1, 2, 2, 1)] == [1, 2, 2, 3]
    assert hot.bytes == 10


def test_the_least_recently_asked_goes_first() -> None:
    hot, makers = Hot[int](30), {name: Maker() for name in "abcd"}
    for name in "abcad":
        hot.get(name, 1, makers[name])

    for name in "acd":
        hot.get(name, 1, makers[name])

    assert [makers[name].made for name in "abcd"] == [1, 1, 1, 1]
    assert hot.get("b", 1, makers["b"]) == 2


def test_one_large_value_makes_several_small_ones_go() -> None:
    hot, makers = Hot[int](30), [Maker(10), Maker(10), Maker(10), Maker(25)]
    for name, make in enumerate(makers):
        hot.get(name, 1, make)

    assert hot.bytes == 25


def test_what_is_not_worth_keeping_or_too_large_is_made_each_time() -> None:
    hot = Hot[int](30)

    for make in (Maker(0), Maker(31)):
        assert [hot.get("dana", 1, make) for _ in range(2)] == [1, 2]
    assert hot.bytes == 0
    assert hot.get("dana", 1, Maker(30)) == 1 and hot.bytes == 30


def test_what_became_too_large_leaves_nothing_old_behind() -> None:
    hot, small = Hot[int](30), Maker(10)
    hot.get("dana", 1, small)
    hot.get("dana", 2, Maker(31))

    assert hot.bytes == 0
    assert hot.get("dana", 1, small) == 2


def test_a_value_that_fails_to_be_made_leaves_the_rest_as_it_was() -> None:
    def fail() -> tuple[int, int]:
        raise LookupError

    hot, make = Hot[int](30), Maker()
    hot.get("ann", 1, make)
    for version in (1, 2):
        try:
            hot.get("dana", version, fail)
        except LookupError:
            assert hot.bytes == 10

    assert hot.get("ann", 1, make) == 1


def test_what_grows_takes_room_from_the_least_recently_asked() -> None:
    hot, first, second = Hot[int](30), Maker(), Maker()
    hot.get("ann", 1, first)
    hot.get("dana", 1, second)

    hot.grow("dana", 1, 5)
    assert hot.bytes == 25
    hot.grow("dana", 1, 6)

    assert hot.bytes == 21
    assert (hot.get("dana", 1, second), hot.get("ann", 1, first)) == (1, 2)


def test_what_grows_beyond_the_bound_goes_itself() -> None:
    hot, make = Hot[int](30), Maker()
    hot.get("dana", 1, make)

    hot.grow("dana", 1, 21)

    assert hot.bytes == 0 and hot.get("dana", 1, make) == 2


@pytest.mark.parametrize(("key", "version"), [("ann", 1), ("dana", 2)])
def test_what_is_not_kept_does_not_grow(key: str, version: int) -> None:
    hot = Hot[int](30)
    hot.get("dana", 1, Maker())

    hot.grow(key, version, 5)

    assert hot.bytes == 10


def emptied(hot: Hot[T], keys: int) -> int:
    """Its bytes once each key has something else that is not kept: whatever is left was counted wrong."""
    for key in range(keys):
        hot.get(key, "other", Maker(0))  # type: ignore[arg-type]
    return hot.bytes


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 60)), max_size=60))
def test_it_never_holds_more_than_its_bytes_and_counts_them_right(asked: list[tuple[int, int, int]]) -> None:
    hot = Hot[int](100)
    for key, version, size in asked:
        hot.get(key, version, Maker(size))
        hot.grow(key, 1, size)
        assert 0 <= hot.bytes <= 100

    assert emptied(hot, 5) == 0


def test_many_threads_get_what_they_asked_for_within_the_bound() -> None:
    hot, started, seen = Hot[tuple[int, int]](500), threading.Barrier(8), []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        started.wait(5)
        for _ in range(2_000):
            key, version = dice.randrange(20), dice.randrange(3)
            found = hot.get(key, version, lambda key=key, version=version: ((key, version), 10 + key))  # type: ignore[misc]
            assert found == (key, version)
            seen.append(hot.bytes)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, seed) for seed in range(8)]:
            done.result(30)

    assert len(seen) == 16_000 and 0 < max(seen) <= 500 + 29  # seen while one is put in
    assert emptied(hot, 20) == 0


def test_making_one_value_does_not_keep_others_waiting() -> None:
    hot, making, go_on = Hot[int](100), threading.Event(), threading.Event()

    def slow() -> tuple[int, int]:
        making.set()
        assert go_on.wait(5)
        return 7, 10

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(hot.get, "slow", 1, slow)
        assert making.wait(5)
        assert hot.get("dana", 1, Maker()) == 1
        go_on.set()
        assert first.result(5) == 7
