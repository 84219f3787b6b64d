"""What counts for the bill, and how it is counted."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import anyio
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Unavailable
from mcp_memory.imports import BulkOutcome, Import
from mcp_memory.metering import usage
from mcp_memory.metering.counter import MAX_SEEN, UsageCounter
from mcp_memory.metering.usage import CHARACTERS, RECALLS, REQUESTS, DayUsage, Tally, digest
from mcp_memory.model import Added, Merge, NewObservation, NewSummary, Profile, Receipt, Upserted

MONDAY = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
DANA = Profile(
    profile_id="mem_profile_1",
    created_at=MONDAY,
    updated_at=MONDAY,
    last_activity_at=MONDAY,
    observation_count=0,
    summary_count=0,
    communication_count=0,
    traits={},
    identifiers={},
)
MERGE = Merge(merged_id="mem_profile_2", into_id="mem_profile_1", at=MONDAY, identifier=None)
IMPORT = Import(
    import_id="mem_import_1",
    filename="a.csv",
    file_size=1,
    column_mappings=(),
    status="PROCESSING",
    rows_total=10,
    created_at=MONDAY,
    updated_at=MONDAY,
)


def added(*outcomes: str) -> Added:
    return Added(receipts=[Receipt(id="x", outcome=one) for one in outcomes], profile_ids=["p"])  # type: ignore[arg-type]


# Rules


def test_an_upsert_counts_once_and_once_more_for_each_profile_that_it_merged() -> None:
    done = Upserted(outcome="created", profile=DANA, before=None)

    assert usage.of_upsert(done) == 1
    assert usage.of_upsert(replace(done, outcome="updated", merges=[MERGE, MERGE])) == 3


def test_of_a_bulk_what_was_refused_is_free() -> None:
    outcomes = [
        BulkOutcome(outcome="created"),
        BulkOutcome(outcome="updated", merges=2),
        BulkOutcome(outcome="refused"),
    ]

    assert usage.of_bulk(outcomes) == 4


def test_of_an_import_the_rows_of_this_batch_count() -> None:
    before = replace(IMPORT, rows_done=4, created=2, updated=1, refused=1, merges=1)
    after = replace(IMPORT, rows_done=9, created=4, updated=2, refused=3, merges=2)

    assert usage.of_rows(before, after) == 4


def test_characters_are_those_that_were_written() -> None:
    new = [NewObservation(content="Has a dog"), NewObservation(content="héllo"), NewObservation(content="x")]

    assert usage.of_written(new, added("added", "accepted", "duplicate")) == 9 + 5
    assert usage.of_written([NewSummary(content="Talk", conversation_id="c")], added("added")) == 4


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([RECALLS, REQUESTS]), st.integers(1, 9))))
def test_a_tally_loses_and_invents_nothing(counts: list[tuple[str, str, int]]) -> None:
    tally = Tally()
    for tenant, unit, amount in counts:
        tally.add(tenant, MONDAY.date(), unit, amount)

    assert sum(tally.amounts.values()) == sum(amount for *_, amount in counts)
    assert bool(tally) == bool(counts)


# Counting


class Book:
    """Keeps what it is given, unless it is full."""

    def __init__(self) -> None:
        self.tallies: list[Tally] = []
        self.refusals: list[Exception] = []
        self.written = anyio.Event()
        self.tell: Callable[[], None] = lambda: None

    def add(self, tally: Tally) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.tallies.append(tally)
        self.tell()

    def between(self, since: date, until: date, tenant: str | None = None) -> list[DayUsage]:
        raise AssertionError("nobody asks")


class Clock:
    def __init__(self) -> None:
        self.time = MONDAY

    def __call__(self) -> datetime:
        return self.time


def counter(book: Book, clock: Callable[[], datetime] = Clock(), seconds: float = 0.01) -> UsageCounter:  # noqa: B008
    return UsageCounter(book, clock, seconds=seconds)


def test_what_was_counted_is_written_together_and_once() -> None:
    book = Book()
    counting = counter(book)
    counting.add("acme", REQUESTS)
    counting.add("acme", REQUESTS)
    counting.add("acme", CHARACTERS, 120)
    counting.add("globex", CHARACTERS, 0)
    counting.read("acme", "mem_profile_1")

    assert counting.write() and counting.write()

    day = MONDAY.date()
    assert book.tallies == [
        Tally(
            amounts={("acme", day, REQUESTS): 2, ("acme", day, CHARACTERS): 120},
            profiles={("acme", day): {digest("mem_profile_1")}},
        )
    ]


def test_a_day_ends_at_midnight_utc() -> None:
    book, clock = Book(), Clock()
    counting = counter(book, clock)
    for minutes in (0, 1):
        clock.time = MONDAY + timedelta(minutes=minutes)
        counting.add("acme", REQUESTS)
        counting.read("acme", "mem_profile_1")
    counting.write()

    (tally,) = book.tallies
    assert {day for _, day, _ in tally.amounts} == {date(2026, 11, 23), date(2026, 11, 24)}
    assert {day for _, day in tally.profiles} == {date(2026, 11, 23), date(2026, 11, 24)}


def test_a_profile_that_is_read_again_is_not_written_again() -> None:
    book = Book()
    counting = counter(book)
    counting.read("acme", "mem_profile_1")
    counting.write()
    counting.read("acme", "mem_profile_1")
    counting.write()

    assert len(book.tallies) == 1


def test_however_many_profiles_are_read_all_are_counted() -> None:
    book = Book()
    counting = counter(book)
    for number in range(MAX_SEEN + 10):
        counting.read("acme", f"mem_profile_{number}")
    counting.write()

    assert len(book.tallies[0].profiles["acme", MONDAY.date()]) == MAX_SEEN + 10


@pytest.mark.parametrize("failure", [Unavailable("The disk is full."), ZeroDivisionError("a bug")])
def test_what_can_not_be_written_is_kept_and_told_of(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    book.refusals = [failure]
    counting = counter(book)
    counting.add("acme", REQUESTS, 2)

    assert not counting.write()
    counting.add("acme", REQUESTS, 3)
    assert counting.write()

    assert book.tallies[0].amounts == {("acme", MONDAY.date(), REQUESTS): 5}
    assert [(record.levelno >= logging.WARNING, record.getMessage()[:23]) for record in caplog.records] == [
        (True, "usage is not written ye")
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("refusals", [0, 3])
async def test_what_was_counted_is_written_soon_whatever_fails_meanwhile(refusals: int) -> None:
    book, written = Book(), anyio.Event()
    book.refusals = [Unavailable("The store is busy.")] * refusals
    book.tell = lambda: anyio.from_thread.run_sync(written.set)
    counting = counter(book, seconds=0.001)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(counting.run)
        counting.add("acme", REQUESTS)
        with anyio.fail_after(10):
            await written.wait()
        tasks.cancel_scope.cancel()

    assert book.tallies[0].amounts == {("acme", MONDAY.date(), REQUESTS): 1}


@pytest.mark.anyio
async def test_the_end_writes_what_is_left_before_it_closes_the_book() -> None:
    book = Book()
    order: list[str] = []
    book.tell = lambda: order.append("written")
    counting = UsageCounter(book, Clock(), close=lambda: order.append("closed"))
    counting.add("acme", REQUESTS)

    await counting.close()

    assert order == ["written", "closed"]
