"""What is remembered, one by one: listed, read, corrected with its history kept, and deleted."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.errors import NotFound
from mcp_memory.ids import OBSERVATION, SUMMARY
from mcp_memory.listing import EVERYTHING, ItemFilter, Page, PageQuery
from mcp_memory.model import NewObservation, NewSummary, Observation, RecallQuery, Scope, Summary
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import PHONE, event, everything, items_of, person, refused

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
ALL = PageQuery(limit=100, newest_first=False)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


async def noted(backend: Backend, scope: Scope, profile_id: str, content: str, **more: object) -> Observation:
    new = NewObservation(content=content, **more)  # type: ignore[arg-type]
    await backend.add_observations(scope, profile_id, [new])
    page = await backend.list_observations(scope, profile_id, EVERYTHING, ALL)
    return next(one for one in page.items if one.content == content)


async def told(backend: Backend, scope: Scope, profile_id: str, content: str, conversation: str = "c-1") -> Summary:
    await backend.add_summaries(scope, profile_id, [NewSummary(content=content, conversation_id=conversation)])
    page = await backend.list_summaries(scope, profile_id, EVERYTHING, ALL)
    return next(one for one in page.items if one.content == content)


async def recalled(backend: Backend, scope: Scope, profile_id: str, query: str) -> list[str]:
    found = await backend.recall(scope, profile_id, RecallQuery(query=query, observations_limit=1, summaries_limit=1))
    return [one.item.content for one in (*found.observations, *found.summaries)]


# Lists


async def test_observations_are_listed_by_their_creation(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(5):  # what happened last was learned first
        await noted(backend, scope, dana, f"Note {number}.", occurred_at=APRIL - number * SECOND)
        clock.pass_(seconds=1)

    async def contents(newest_first: bool) -> list[str]:
        items = await everything(
            lambda page: backend.list_observations(scope, dana, EVERYTHING, page), newest_first=newest_first
        )
        return [one.content[5] for one in items]

    assert await contents(True) == ["4", "3", "2", "1", "0"]
    assert await contents(False) == ["0", "1", "2", "3", "4"]


async def test_what_was_learned_at_once_is_listed_once_each(backend: Backend, scope: Scope, dana: str) -> None:
    await backend.add_observations(scope, dana, [NewObservation(content=f"Note {number}.") for number in range(7)])
    await backend.add_summaries(
        scope, dana, [NewSummary(content=f"Note {number}.", conversation_id="c") for number in range(7)]
    )

    for newest_first in (True, False):
        items = await everything(
            lambda page: backend.list_observations(scope, dana, EVERYTHING, page), newest_first=newest_first
        )
        others = await everything(
            lambda page: backend.list_summaries(scope, dana, EVERYTHING, page), newest_first=newest_first
        )
        for each in (items, others):
            assert sorted(one.content for one in each) == [f"Note {number}." for number in range(7)]


async def test_a_page_goes_on_where_the_last_one_ended_whatever_was_added(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(4):
        last = await noted(backend, scope, dana, f"Note {number}.")
        clock.pass_(seconds=1)
    first = await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=2))

    await noted(backend, scope, dana, "Later.")
    await backend.delete_observation(scope, dana, last.id)
    rest = await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=2, cursor=first.next_cursor))

    assert [one.content for one in (*first.items, *rest.items)] == ["Note 3.", "Note 2.", "Note 1.", "Note 0."]
    assert rest.next_cursor is None


async def test_a_filter_takes_what_fits_all_of_it(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    await noted(backend, scope, dana, "A.", source="sms", conversation_ids=("c-1", "c-2"))
    clock.pass_(seconds=1)
    await noted(backend, scope, dana, "B.", source="sms", conversation_ids=("c-11",))
    clock.pass_(seconds=1)
    await noted(backend, scope, dana, "C.", source="SMS", conversation_ids=('c"1',))

    async def contents(**wanted: object) -> str:
        page = await backend.list_observations(scope, dana, ItemFilter(**wanted), ALL)  # type: ignore[arg-type]
        return "".join(one.content[0] for one in page.items)

    assert await contents() == "ABC"
    assert await contents(source="sms") == "AB"
    assert await contents(conversation_id="c-1") == "A"
    assert await contents(conversation_id='c"1') == "C"
    assert await contents(created_after=MONDAY + SECOND) == "BC"
    assert await contents(created_before=MONDAY + SECOND) == "A"
    assert await contents(source="sms", created_after=MONDAY + SECOND, conversation_id="c-1") == ""


async def test_a_filter_and_pages_go_together(backend: Backend, scope: Scope, dana: str) -> None:
    new = [NewObservation(content=f"Note {number}.", source=("sms", "crm")[number % 2]) for number in range(10)]
    await backend.add_observations(scope, dana, new)

    found = await everything(
        lambda page: backend.list_observations(scope, dana, ItemFilter(source="crm"), page), newest_first=False
    )

    assert sorted(one.content for one in found) == [f"Note {number}." for number in (1, 3, 5, 7, 9)]


async def test_summaries_are_listed_by_conversation(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    for number in range(4):
        await told(backend, scope, dana, f"Call {number}.", conversation=f"c-{number % 2}")
        clock.pass_(seconds=1)

    found = await everything(
        lambda page: backend.list_summaries(scope, dana, ItemFilter(conversation_id="c-1"), page), limit=1
    )

    assert [one.content for one in found] == ["Call 3.", "Call 1."]


async def test_a_merged_profile_lists_what_all_of_it_learned(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, chat="lee")).profile_id
    for number in range(6):
        await noted(backend, scope, (dana, lee)[number % 2], f"Note {number}.")
        await told(backend, scope, (dana, lee)[number % 2], f"Call {number}.")
        clock.pass_(seconds=1)
    await event(backend, scope, phone=PHONE, chat="lee")

    for id in (dana, lee):
        items = await everything(lambda page, id=id: backend.list_observations(scope, id, EVERYTHING, page))  # type: ignore[misc]
        others = await everything(lambda page, id=id: backend.list_summaries(scope, id, EVERYTHING, page))  # type: ignore[misc]
        assert [one.content for one in items] == [f"Note {number}." for number in range(5, -1, -1)]
        assert [one.content for one in others] == [f"Call {number}." for number in range(5, -1, -1)]


async def test_an_item_is_read_by_its_id(backend: Backend, scope: Scope, dana: str) -> None:
    note, call = await noted(backend, scope, dana, "Has a dog."), await told(backend, scope, dana, "About a dog.")

    assert await backend.get_observation(scope, dana, note.id) == note
    assert await backend.get_summary(scope, dana, call.id) == call


# Corrections


async def test_an_observation_is_corrected_and_keeps_its_id(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    before = await noted(backend, scope, dana, "Has a cat.", source="sms", conversation_ids=("c-1",))
    clock.pass_(hours=1)

    after = await backend.update_observation(
        scope,
        dana,
        before.id,
        ObservationChanges(content="Has a dog.", occurred_at=APRIL, source="crm", conversation_ids=("c-2", "c-3")),
    )

    assert (after.id, after.created_at, after.updated_at) == (before.id, MONDAY, clock.time)
    assert (after.content, after.occurred_at, after.source) == ("Has a dog.", APRIL, "crm")
    assert after.conversation_ids == ("c-2", "c-3")
    assert await backend.get_observation(scope, dana, before.id) == after
    assert (await backend.get_profile(scope, dana)).updated_at == clock.time
    assert (await backend.list_observations(scope, dana, EVERYTHING, ALL)) == Page(items=[after])


async def test_what_is_not_changed_stays(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    before = await noted(backend, scope, dana, "Has a cat.", source="sms", conversation_ids=("c-1",))
    clock.pass_(hours=1)

    after = await backend.update_observation(scope, dana, before.id, ObservationChanges(source="crm"))
    assert (after.content, after.occurred_at, after.conversation_ids) == ("Has a cat.", MONDAY, ("c-1",))
    emptied = await backend.update_observation(scope, dana, before.id, ObservationChanges(conversation_ids=()))
    assert (emptied.conversation_ids, emptied.source) == ((), "crm")


@pytest.mark.parametrize("changes", [ObservationChanges(), ObservationChanges(content="Has a cat.", source="agent")])
async def test_changing_nothing_is_no_change(
    backend: Backend, scope: Scope, dana: str, clock: Clock, changes: ObservationChanges
) -> None:
    before = await noted(backend, scope, dana, "Has a cat.")
    profile = await backend.get_profile(scope, dana)
    clock.pass_(hours=1)

    assert await backend.update_observation(scope, dana, before.id, changes) == before
    assert await backend.list_revisions(scope, dana, before.id, ALL) == Page(items=[before])
    assert await backend.get_profile(scope, dana) == profile


async def test_each_correction_is_later_than_what_it_corrects(backend: Backend, scope: Scope, dana: str) -> None:
    """The clock stands still here."""
    states = [await noted(backend, scope, dana, "State 0.")]
    for number in range(1, 6):
        changes = ObservationChanges(content=f"State {number}.")
        states.append(await backend.update_observation(scope, dana, states[0].id, changes))

    times = [one.updated_at for one in states]
    assert times == sorted(set(times)) and times[-1] - times[0] < SECOND


async def test_revisions_are_listed_in_their_order(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    states = [await noted(backend, scope, dana, "State 0.")]
    for number in range(1, 6):
        clock.pass_(seconds=1)
        changes = ObservationChanges(content=f"State {number}.")
        states.append(await backend.update_observation(scope, dana, states[0].id, changes))

    for newest_first in (True, False):
        found = await everything(
            lambda page: backend.list_revisions(scope, dana, states[0].id, page), newest_first=newest_first
        )
        assert found == (states[::-1] if newest_first else states)


async def test_what_was_never_corrected_is_its_only_revision(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana, "Has a cat.")

    assert await backend.list_revisions(scope, dana, one.id, PageQuery(limit=1)) == Page(items=[one])


async def test_recall_finds_what_is_now_and_no_longer_what_was(backend: Backend, scope: Scope, dana: str) -> None:
    for number in range(40):
        await noted(backend, scope, dana, f"Asked about shelf number {number}.")
    lamp = await noted(backend, scope, dana, "Bought a green lamp for the hall.")
    assert await recalled(backend, scope, dana, "Which lamp?") == [lamp.content]

    bike = await backend.update_observation(scope, dana, lamp.id, ObservationChanges(content="Sold the old bicycle."))

    assert await recalled(backend, scope, dana, "bicycle") == [bike.content]
    assert await recalled(backend, scope, dana, "Who rides a bike?") == [bike.content]
    best = await backend.recall(scope, dana, RecallQuery(query="green lamp hall", detail="full"))
    assert all(not one.match or not {"green", "lamp", "hall"} & {*one.match.words} for one in best.observations)


async def test_recall_goes_by_the_corrected_time(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana, "Bought a lamp.")
    month = RecallQuery(query="lamp", begin=APRIL, end=APRIL + timedelta(days=30))
    assert (await backend.recall(scope, dana, month)).observations == []

    await backend.update_observation(scope, dana, one.id, ObservationChanges(occurred_at=APRIL))

    assert [found.item.id for found in (await backend.recall(scope, dana, month)).observations] == [one.id]
    assert (await backend.get_profile(scope, dana)).last_activity_at == APRIL


async def test_a_duplicate_is_one_of_what_is_now(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana, "Has a cat.")
    await backend.update_observation(scope, dana, one.id, ObservationChanges(content="Has a dog."))

    added = await backend.add_observations(
        scope, dana, [NewObservation(content="Has a dog."), NewObservation(content="Has a cat.")]
    )

    assert [receipt.outcome for receipt in added.receipts] == ["duplicate", "added"]
    assert added.receipts[0].id == one.id


async def test_a_summary_is_corrected(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    before = await told(backend, scope, dana, "About a cat.")
    clock.pass_(hours=1)
    changes = SummaryChanges(content="About a parrot.", occurred_at=APRIL, source="crm", conversation_id="c-2")

    after = await backend.update_summary(scope, dana, before.id, changes)

    assert (after.id, after.created_at, after.updated_at) == (before.id, MONDAY, clock.time)
    assert (after.content, after.occurred_at, after.source) == ("About a parrot.", APRIL, "crm")
    assert after.conversation_id == "c-2"
    assert await backend.get_summary(scope, dana, before.id) == after
    assert await backend.update_summary(scope, dana, before.id, changes) == after
    assert await recalled(backend, scope, dana, "parrot") == ["About a parrot."]
    assert (await told(backend, scope, dana, "About a cat.")).id != before.id


async def test_what_a_summary_was_corrected_to_is_a_duplicate(backend: Backend, scope: Scope, dana: str) -> None:
    before = await told(backend, scope, dana, "About a cat.")
    await backend.update_summary(scope, dana, before.id, SummaryChanges(content="About a parrot."))

    again = NewSummary(content="ABOUT A PARROT.", conversation_id=before.conversation_id)
    assert (await backend.add_summaries(scope, dana, [again])).receipts[0].outcome == "duplicate"


async def test_corrections_at_the_same_time_all_stay_as_revisions(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana, "State 0.")

    async def correct(number: int) -> None:
        await backend.update_observation(scope, dana, one.id, ObservationChanges(content=f"State {number}."))

    async with anyio.create_task_group() as tasks:
        for number in range(1, 9):
            tasks.start_soon(correct, number)

    found = (await backend.list_revisions(scope, dana, one.id, ALL)).items
    assert sorted(each.content for each in found) == [f"State {number}." for number in range(9)]
    assert found[-1] == await backend.get_observation(scope, dana, one.id)


# Deletion


async def test_a_deleted_observation_is_gone_with_its_revisions(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await noted(backend, scope, dana, "Bought a lamp.", occurred_at=APRIL)
    one = await noted(backend, scope, dana, "Has a cat.")
    await backend.update_observation(scope, dana, one.id, ObservationChanges(content="Has a dog."))

    await backend.delete_observation(scope, dana, one.id)

    for call in (
        backend.get_observation(scope, dana, one.id),
        backend.list_revisions(scope, dana, one.id, ALL),
        backend.update_observation(scope, dana, one.id, ObservationChanges(content="x")),
        backend.delete_observation(scope, dana, one.id),
    ):
        await refused(NotFound, call)
    assert await items_of(backend, scope, dana) == (1, 0)
    assert (await backend.get_profile(scope, dana)).last_activity_at == APRIL
    assert await recalled(backend, scope, dana, "Do they have a dog?") == ["Bought a lamp."]
    (receipt,) = (await backend.add_observations(scope, dana, [NewObservation(content="Has a dog.")])).receipts
    assert receipt.outcome == "added" and receipt.id != one.id


async def test_a_deleted_summary_is_gone(backend: Backend, scope: Scope, dana: str) -> None:
    one = await told(backend, scope, dana, "About a cat.")

    await backend.delete_summary(scope, dana, one.id)

    for call in (
        backend.get_summary(scope, dana, one.id),
        backend.update_summary(scope, dana, one.id, SummaryChanges(content="x")),
        backend.delete_summary(scope, dana, one.id),
    ):
        await refused(NotFound, call)
    assert await items_of(backend, scope, dana) == (0, 0)
    profile = await backend.get_profile(scope, dana)
    assert profile.last_activity_at == profile.created_at
    assert await recalled(backend, scope, dana, "cat") == []


async def test_items_of_a_merged_profile_are_changed_by_any_of_its_ids(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, chat="lee")).profile_id
    one, other = await noted(backend, scope, lee, "Has a cat."), await noted(backend, scope, lee, "Has a dog.")
    await event(backend, scope, phone=PHONE, chat="lee")

    await backend.update_observation(scope, dana, one.id, ObservationChanges(content="Has a parrot."))
    await backend.delete_observation(scope, lee, other.id)

    for id in (dana, lee):
        assert await items_of(backend, scope, id) == (1, 0)
        assert await recalled(backend, scope, id, "parrot") == ["Has a parrot."]


async def test_a_corrected_item_goes_with_the_profile_it_was_learned_of(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, chat="lee")).profile_id
    one = await noted(backend, scope, lee, "Has a cat.")
    await backend.merge_profiles(scope, dana, lee)
    await backend.update_observation(scope, dana, one.id, ObservationChanges(content="Has a parrot."))

    await backend.unmerge_profile(scope, lee)

    assert await recalled(backend, scope, lee, "parrot") == ["Has a parrot."]
    assert await items_of(backend, scope, lee) == (1, 0)
    await refused(NotFound, backend.get_observation(scope, dana, one.id))


async def test_an_item_of_somebody_else_is_not_found(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    lee = (await person(backend, scope, chat="lee")).profile_id
    note, call = await noted(backend, scope, dana, "Has a cat."), await told(backend, scope, dana, "About a cat.")
    no_note, no_call = clock.make_id(OBSERVATION), clock.make_id(SUMMARY)

    for profile_id, note_id, call_id in ((lee, note.id, call.id), (dana, no_note, no_call)):
        for each in (
            backend.get_observation(scope, profile_id, note_id),
            backend.update_observation(scope, profile_id, note_id, ObservationChanges(content="x")),
            backend.delete_observation(scope, profile_id, note_id),
            backend.list_revisions(scope, profile_id, note_id, ALL),
            backend.get_summary(scope, profile_id, call_id),
            backend.update_summary(scope, profile_id, call_id, SummaryChanges(content="x")),
            backend.delete_summary(scope, profile_id, call_id),
        ):
            await refused(NotFound, each)
    assert await backend.get_observation(scope, dana, note.id) == note
    assert await backend.get_summary(scope, dana, call.id) == call


async def test_summaries_are_added_all_or_none_and_once_each(backend: Backend, scope: Scope, dana: str) -> None:
    new = [
        NewSummary(content="Refund agreed.", conversation_id="c-1"),
        NewSummary(content="refund  agreed.", conversation_id="c-1"),
        NewSummary(content="Refund agreed.", conversation_id="c-2"),
    ]
    first = (await backend.add_summaries(scope, dana, new)).receipts
    again = (await backend.add_summaries(scope, dana, new)).receipts

    assert [one.outcome for one in first] == ["added", "duplicate", "added"]
    assert first[1].id == first[0].id != first[2].id
    assert [one.outcome for one in again] == ["duplicate"] * 3
    assert [one.id for one in again] == [one.id for one in first]
