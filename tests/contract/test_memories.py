from datetime import UTC, datetime, timedelta

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound
from mcp_memory.ids import PROFILE
from mcp_memory.model import NewObservation, NewSummary, RecallQuery, Scope
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import items_of

pytestmark = pytest.mark.anyio


def note(content: str, day: int | None = None, source: str = "sms") -> NewObservation:
    occurred_at = None if day is None else datetime(2026, 4, day, 12, tzinfo=UTC)
    return NewObservation(content=content, occurred_at=occurred_at, source=source)


def summary(content: str, conversation: str = "c-1", day: int | None = None) -> NewSummary:
    occurred_at = None if day is None else datetime(2026, 4, day, 12, tzinfo=UTC)
    return NewSummary(content=content, conversation_id=conversation, occurred_at=occurred_at)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id


async def test_what_goes_in_comes_out(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    new = NewObservation(
        content='Said "ring twice",\nthen left. 😀 日本 %s :id',
        occurred_at=datetime(2026, 4, 1, 12, tzinfo=UTC),
        source="crm",
        conversation_ids=("c-2", "c-1"),
    )
    (receipt,) = (await backend.add_observations(scope, dana, [new])).receipts

    (read,) = await backend.latest_observations(scope, dana, 10)

    assert (receipt.outcome, receipt.id) == ("added", read.id)
    assert (read.content, read.source, read.conversation_ids) == (new.content, "crm", ("c-2", "c-1"))
    assert (read.occurred_at, read.created_at, read.updated_at) == (new.occurred_at, MONDAY, MONDAY)


async def test_a_time_is_kept_to_the_microsecond(backend: Backend, scope: Scope, dana: str) -> None:
    at = datetime(2026, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)
    await backend.add_observations(scope, dana, [NewObservation(content="Rang twice.", occurred_at=at)])

    assert [one.occurred_at for one in await backend.latest_observations(scope, dana, 10)] == [at]


async def test_without_a_time_it_happened_now(backend: Backend, scope: Scope, dana: str) -> None:
    await backend.add_observations(scope, dana, [note("Called.")])
    await backend.add_summaries(scope, dana, [summary("Called.")])

    assert [one.occurred_at for one in await backend.latest_observations(scope, dana, 10)] == [MONDAY]
    assert [one.occurred_at for one in await backend.latest_summaries(scope, dana, 10)] == [MONDAY]


async def test_the_same_words_again_are_a_duplicate(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    (first,) = (await backend.add_observations(scope, dana, [note("Prefers email.")])).receipts
    clock.pass_(days=3)
    again = [note("  prefers   EMAIL."), note("New."), note("new.")]
    receipts = (await backend.add_observations(scope, dana, again)).receipts

    assert [one.outcome for one in receipts] == ["duplicate", "added", "duplicate"]
    assert receipts[0].id == first.id
    assert receipts[2].id == receipts[1].id
    assert len(await backend.latest_observations(scope, dana, 10)) == 2


async def test_the_same_words_at_another_stated_time_are_another_event(
    backend: Backend, scope: Scope, dana: str
) -> None:
    receipts = [
        (await backend.add_observations(scope, dana, [note("Parcel came late.", day)])).receipts[0] for day in (1, 2, 2)
    ]

    assert [one.outcome for one in receipts] == ["added", "added", "duplicate"]
    assert receipts[2].id == receipts[1].id


async def test_a_summary_is_a_duplicate_in_its_own_conversation_only(backend: Backend, scope: Scope, dana: str) -> None:
    receipts = [
        (await backend.add_summaries(scope, dana, [one])).receipts[0]
        for one in (summary("Refund agreed."), summary("refund agreed."), summary("Refund agreed.", "c-2"))
    ]

    assert [one.outcome for one in receipts] == ["added", "duplicate", "added"]
    assert receipts[1].id == receipts[0].id


async def test_another_customer_may_say_the_same(backend: Backend, scope: Scope, dana: str) -> None:
    lee = (await backend.upsert_traits(scope, {"Contact": {"chat": "lee"}}, None)).profile.profile_id
    await backend.add_observations(scope, dana, [note("Prefers email.")])

    assert (await backend.add_observations(scope, lee, [note("Prefers email.")])).receipts[0].outcome == "added"
    assert len(await backend.latest_observations(scope, lee, 10)) == 1


async def test_an_unknown_profile_takes_nothing(backend: Backend, scope: Scope, clock: Clock) -> None:
    nobody = clock.make_id(PROFILE)
    for work in (
        backend.add_observations(scope, nobody, [note("Called.")]),
        backend.add_summaries(scope, nobody, [summary("Called.")]),
        backend.recall(scope, nobody, RecallQuery()),
        backend.latest_observations(scope, nobody, 10),
        backend.latest_summaries(scope, nobody, 10),
    ):
        with pytest.raises(NotFound):
            await work


async def test_counts_follow_what_is_added(backend: Backend, scope: Scope, dana: str) -> None:
    await backend.add_observations(scope, dana, [note("A."), note("B."), note("a.")])
    await backend.add_summaries(scope, dana, [summary("C.")])

    assert await items_of(backend, scope, dana) == (2, 1)


async def test_lists_go_back_in_time_without_tearing_a_moment_apart(backend: Backend, scope: Scope, dana: str) -> None:
    for day in (3, 1, 2):
        await backend.add_observations(scope, dana, [note(f"Day {day}, part {part}.", day) for part in range(3)])

    seen = []
    before = None
    for _ in range(4):
        page = await backend.latest_observations(scope, dana, 2, before)
        seen.append([one.occurred_at.day for one in page])
        before = page[-1].occurred_at if page else None

    assert seen == [[3, 3, 3], [2, 2, 2], [1, 1, 1], []]


async def test_writers_at_the_same_time_lose_nothing(backend: Backend, scope: Scope, dana: str) -> None:
    added: list[str | None] = []

    async def write(writer: int) -> None:
        for number in range(5):
            batch = [note(f"Writer {writer}, note {number}, part {part}.") for part in range(2)]
            added.extend(one.id for one in (await backend.add_observations(scope, dana, batch)).receipts)

    async with anyio.create_task_group() as tasks:
        for writer in range(8):
            tasks.start_soon(write, writer)

    stored = {one.id for one in await backend.latest_observations(scope, dana, 1000)}
    assert len(added) == 80 and stored == set(added)


async def test_an_order_is_kept_among_items_of_one_moment(backend: Backend, scope: Scope, dana: str) -> None:
    await backend.add_observations(scope, dana, [note(f"Part {part}.", 1) for part in range(4)])

    read = await backend.latest_observations(scope, dana, 10, before=MONDAY + timedelta(days=1))

    assert [one.content for one in read] == ["Part 3.", "Part 2.", "Part 1.", "Part 0."]


async def test_a_value_that_returns_is_learned_again_and_a_repetition_is_not(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    outcomes = []
    for content in (
        "Discount is 12%.",
        "Discount is 15%.",
        "Discount is 12%.",
        "Discount is 12%.",
        "Likes tea.",
        "Likes tea.",
    ):
        clock.pass_(days=1)
        added = await backend.add_observations(scope, dana, [NewObservation(content=content)])
        outcomes.append(added.receipts[0].outcome)

    assert outcomes == ["added", "added", "added", "duplicate", "added", "duplicate"]
    recall = await backend.recall(scope, dana, RecallQuery(query="What discount?", observations_limit=1))
    assert recall.observations[0].item.content == "Discount is 12%."
