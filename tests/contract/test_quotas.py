"""How much a tenant may keep: what goes beyond is refused with its limit, and all else goes on."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges, SummaryChanges
from mcp_memory.errors import Full, NotFound
from mcp_memory.imports import ColumnMapping, ImportRow, NewImport, NewUpload
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewMessage, NewObservation, NewSummary, Quota, RecallQuery, Scope
from tests.contract.conftest import Clock
from tests.contract.people import EMAIL, PHONE, event, find, how_many, items_of, note, notes, person, refused

pytestmark = pytest.mark.anyio

COLUMNS = (ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),)
NOBODYS = "mem_profile_00000000000000000000000000"
FULL = Quota(storage_bytes=1)


def phone(number: int) -> str:
    return f"+1317555{number:04}"


def limited(scope: Scope, **limits: int) -> Scope:
    return replace(scope, quota=Quota(**limits))


def file(rows_total: int, digest: bytes = b"customers") -> NewImport:
    return NewImport(filename="a.csv", file_size=1, digest=digest, column_mappings=COLUMNS, rows_total=rows_total)


def tells(text: str, *words: str) -> bool:
    """The limit, and what to do; never what was given."""
    return all(word in text for word in (*words, "Delete", "higher limit")) and PHONE not in text


# Profiles


async def test_no_more_profiles_are_made_than_there_may_be_and_nothing_of_one_too_many_stays(
    backend: Backend, scope: Scope
) -> None:
    few = limited(scope, profiles=2)
    for number in range(2):
        await person(backend, few, phone=phone(number))

    said = await refused(Full, backend.upsert_traits(few, {"Contact": {"phone": PHONE}, "Plan": {"seats": 3}}, None))

    assert tells(said, "2 profiles in a store")
    assert await how_many(backend, scope) == 2 and await find(backend, scope, PHONE) is None
    assert [one.display_name for one in await backend.list_trait_groups(scope)] == ["Contact"]


async def test_who_is_known_is_updated_merged_and_taken_apart_where_no_new_one_fits(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    few = limited(scope, profiles=2)
    dana = (await person(backend, few, phone=phone(0))).profile_id
    clock.pass_(minutes=1)
    lee = (await person(backend, few, phone=phone(1))).profile_id

    assert (await event(backend, few, phone=phone(0), email=EMAIL, city="Gary")).outcome == "updated"
    await backend.add_identifier(few, lee, "chat", "web-1")
    await backend.replace_identifier(few, lee, "chat", "web-1", "web-2")
    await note(backend, few, dana, "Has a dog.")
    await backend.merge_profiles(few, dana, lee)
    await backend.unmerge_profile(few, lee)
    assert len((await event(backend, few, email=EMAIL, phone=phone(1))).merges) == 1


async def test_profiles_that_were_merged_count_and_those_that_were_deleted_do_not(
    backend: Backend, scope: Scope
) -> None:
    few = limited(scope, profiles=2)
    await person(backend, few, phone=PHONE)
    await person(backend, few, email=EMAIL)
    one = (await event(backend, few, phone=PHONE, email=EMAIL)).profile
    assert await how_many(backend, scope) == 1
    assert tells(await refused(Full, person(backend, few, phone=phone(1))), "merged ones included")

    await backend.delete_profile(few, one.profile_id)
    for number in range(2):
        await person(backend, few, phone=phone(number))
    await refused(Full, person(backend, few, phone=phone(2)))


async def test_each_store_of_a_tenant_has_its_profiles_and_no_other_tenant_has_its_limit(
    backend: Backend, scope: Scope
) -> None:
    others = [await backend.open_store("acme", "shop"), await backend.open_store("globex", "default")]
    await person(backend, limited(scope, profiles=1), phone=PHONE)
    for other in others:
        await person(backend, limited(other, profiles=1), phone=PHONE)
        await refused(Full, person(backend, limited(other, profiles=1), phone=phone(1)))

    await person(backend, scope, phone=phone(1))


async def test_a_limit_below_what_there_is_takes_nothing_away(backend: Backend, scope: Scope) -> None:
    for number in range(3):
        await person(backend, scope, phone=phone(number))

    await refused(Full, person(backend, limited(scope, profiles=1), phone=PHONE))
    assert (await event(backend, limited(scope, profiles=1), phone=phone(2))).outcome == "updated"
    assert await how_many(backend, scope) == 3


async def test_of_many_profiles_each_that_does_not_fit_is_refused_alone(backend: Backend, scope: Scope) -> None:
    few = limited(scope, profiles=2)
    entries = [{"Contact": {"phone": phone(number), "city": f"{at}"}} for at, number in enumerate((0, 1, 2, 0, 3, 1))]

    outcomes = await backend.upsert_profiles(few, entries)

    assert [one.outcome for one in outcomes] == ["created", "created", "refused", "updated", "refused", "updated"]
    assert all(tells(one.reason, "2 profiles in a store") for one in outcomes if one.outcome == "refused")
    assert await how_many(backend, scope) == 2


async def test_of_an_import_each_row_that_does_not_fit_is_refused_with_a_remark(backend: Backend, scope: Scope) -> None:
    few = limited(scope, profiles=2)
    started = await backend.start_import(few, file(5))
    rows = [ImportRow(traits={"Contact": {"phone": phone(number)}}) for number in (0, 1, 2, 0, 3)]

    await backend.add_import_rows(few, started.import_id, 0, rows[:3])
    after = await backend.add_import_rows(few, started.import_id, 3, rows[3:])

    remarks = await backend.list_remarks(few, started.import_id, 0, 10)
    assert (after.status, after.created, after.updated, after.refused) == ("COMPLETED", 2, 1, 2)
    assert [one.row for one in remarks if one.refused and tells(one.reason, "2 profiles")] == [3, 5]


async def test_of_many_at_once_as_many_get_in_as_there_is_room_for(backend: Backend, scope: Scope) -> None:
    few, outcomes = limited(scope, profiles=5), list[str]()

    async def come(number: int) -> None:
        try:
            outcomes.append((await event(backend, few, phone=phone(number))).outcome)
        except Full:
            outcomes.append("full")

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(come, number)

    assert sorted(outcomes) == ["created"] * 5 + ["full"] * 11
    assert await how_many(backend, scope) == 5


# Observations


async def test_a_profile_has_so_many_observations_and_a_call_is_stored_whole_or_not_at_all(
    backend: Backend, scope: Scope
) -> None:
    few = limited(scope, observations_per_profile=3)
    dana, lee = [(await person(backend, few, phone=phone(number))).profile_id for number in range(2)]
    await note(backend, few, dana, "Has a dog.", "Is 40.")

    said = await refused(Full, note(backend, few, dana, "Has a cat.", "Plays chess."))

    assert tells(said, "3 observations of a profile", "has 2, and 2 more")
    assert await notes(backend, scope, dana) == {"Has a dog.", "Is 40."}
    await note(backend, few, dana, "Has a cat.")
    await refused(Full, note(backend, few, dana, "Plays chess."))
    await note(backend, few, lee, "Has a dog.", "Is 40.", "Has a cat.")


async def test_what_is_known_already_takes_no_room(backend: Backend, scope: Scope) -> None:
    few = limited(scope, observations_per_profile=2)
    dana = (await person(backend, few, phone=PHONE)).profile_id
    await note(backend, few, dana, "Has a dog.")

    await note(backend, few, dana, "has a  dog.", "Is 40.", "Is 40.")
    added = await backend.add_observations(few, dana, [NewObservation(content="Is 40.")])

    assert [one.outcome for one in added.receipts] == ["duplicate"]


async def test_those_of_all_who_were_merged_count(backend: Backend, scope: Scope, clock: Clock) -> None:
    few = limited(scope, observations_per_profile=3)
    dana = (await person(backend, few, phone=phone(0))).profile_id
    clock.pass_(minutes=1)
    lee = (await person(backend, few, phone=phone(1))).profile_id
    await note(backend, few, dana, "Has a dog.", "Is 40.")
    await note(backend, few, lee, "Has a cat.", "Plays chess.")
    await backend.merge_profiles(few, dana, lee)

    for profile_id in (dana, lee):
        assert "has 4, and 1 more" in await refused(Full, note(backend, few, profile_id, "Likes tea."))
    await backend.unmerge_profile(few, lee)
    await note(backend, few, lee, "Likes tea.")


async def test_a_corrected_one_takes_no_more_room_and_a_deleted_one_none(backend: Backend, scope: Scope) -> None:
    few = limited(scope, observations_per_profile=2)
    dana = (await person(backend, few, phone=PHONE)).profile_id
    await note(backend, few, dana, "Has a dog.", "Is 40.")
    one, other = await backend.latest_observations(few, dana, 2)

    await backend.update_observation(few, dana, one.id, ObservationChanges(content="Is 41."))
    await refused(Full, note(backend, few, dana, "Likes tea."))
    await backend.delete_observation(few, dana, other.id)
    await note(backend, few, dana, "Likes tea.")


async def test_summaries_and_messages_are_no_observations(backend: Backend, scope: Scope) -> None:
    few = limited(scope, observations_per_profile=1)
    dana = (await person(backend, few, phone=PHONE)).profile_id
    await note(backend, few, dana, "Has a dog.")

    await backend.add_summaries(few, dana, [NewSummary(content="Called.", conversation_id="c")])
    await backend.record_messages(few, dana, "c", [NewMessage(text="Hello", role="customer")])


async def test_of_many_observations_at_once_as_many_are_stored_as_there_is_room_for(
    backend: Backend, scope: Scope
) -> None:
    few, outcomes = limited(scope, observations_per_profile=5), list[str]()
    dana = (await person(backend, few, phone=PHONE)).profile_id

    async def tell(number: int) -> None:
        try:
            await note(backend, few, dana, f"Bought lamp {number}.")
            outcomes.append("added")
        except Full:
            outcomes.append("full")

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(tell, number)

    assert sorted(outcomes) == ["added"] * 5 + ["full"] * 11
    assert (await items_of(backend, scope, dana))[0] == 5


# Bytes


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    """Known, with an observation, a summary and a message, and an import under way; from now on nothing more fits."""
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    await person(backend, scope, email=EMAIL)
    await note(backend, scope, dana, "Has a dog.")
    await backend.add_summaries(scope, dana, [NewSummary(content="Called.", conversation_id="c")])
    await backend.record_messages(scope, dana, "c", [NewMessage(text="Hello", role="customer")])
    await backend.start_import(scope, file(4))
    return dana


ADDS: dict[str, Callable[[Backend, Scope, str], Awaitable[object]]] = {
    "a profile": lambda backend, scope, dana: person(backend, scope, phone=phone(1)),
    "an observation": lambda backend, scope, dana: note(backend, scope, dana, "Is 40."),
    "a summary": lambda backend, scope, dana: backend.add_summaries(
        scope, dana, [NewSummary(content="Called again.", conversation_id="c")]
    ),
    "a message": lambda backend, scope, dana: backend.record_messages(
        scope, dana, "c", [NewMessage(text="Good bye", role="customer")]
    ),
    "an import": lambda backend, scope, dana: backend.start_import(scope, file(1, b"others")),
    "an upload": lambda backend, scope, dana: backend.create_import(
        scope, NewUpload(filename="a.csv", file_size=1, column_mappings=COLUMNS, secret_digest=b"secret")
    ),
    "a store": lambda backend, scope, dana: backend.create_store(
        scope.tenant, NewStore(display_name="shop"), scope.quota
    ),
}


@pytest.mark.parametrize("what", ADDS)
async def test_where_the_stores_take_as_much_as_they_may_nothing_is_added(
    backend: Backend, scope: Scope, dana: str, what: str
) -> None:
    before = await _all(backend, scope, dana)

    said = await refused(Full, ADDS[what](backend, replace(scope, quota=FULL), dana))

    assert tells(said, "may keep 1 bytes") and re.search(r"take \d{5,}: nothing was added", said)
    assert await _all(backend, scope, dana) == before
    await ADDS[what](backend, scope, dana)


async def _all(backend: Backend, scope: Scope, dana: str) -> tuple[object, ...]:
    messages = await backend.list_communications(scope, dana, "c", 10)
    stores = (await backend.list_stores("acme", PageQuery(limit=20))).items
    imports = (await backend.list_imports(scope, PageQuery(limit=20))).items
    return await how_many(backend, scope), await items_of(backend, scope, dana), messages, stores, imports


async def test_a_correction_keeps_what_was_and_takes_room(backend: Backend, scope: Scope, dana: str) -> None:
    full = replace(scope, quota=FULL)
    (one,) = await backend.latest_observations(full, dana, 2)

    await refused(Full, backend.update_observation(full, dana, one.id, ObservationChanges(content="Has a cat.")))
    (summary,) = await backend.latest_summaries(full, dana, 2)
    await refused(Full, backend.update_summary(full, dana, summary.id, SummaryChanges(content="Wrote.")))
    same = await backend.update_observation(full, dana, one.id, ObservationChanges(content="Has a dog."))
    assert same == one


async def test_where_nothing_is_added_all_that_is_there_can_be_read_changed_merged_and_deleted(
    backend: Backend, scope: Scope, dana: str
) -> None:
    full = replace(scope, quota=FULL)
    (summary,) = await backend.latest_summaries(full, dana, 2)
    (one,) = (await backend.recall(full, dana, RecallQuery(query="dog"))).observations
    assert one.item.content == "Has a dog."

    await note(backend, full, dana, "has a dog.")  # it is known
    await backend.record_messages(full, dana, "c", [NewMessage(text="Hello", role="customer")])
    await backend.update_summary(full, dana, summary.id, SummaryChanges(content=summary.content))
    assert (await event(backend, full, phone=PHONE, city="Gary")).outcome == "updated"
    assert len((await event(backend, full, phone=PHONE, email=EMAIL)).merges) == 1
    assert (await backend.start_import(full, file(4))).rows_done == 0  # the one that is under way
    assert await notes(backend, full, dana) == {"Has a dog."}
    await backend.delete_observation(full, dana, one.item.id)
    await backend.delete_summary(full, dana, summary.id)
    await backend.delete_profile(full, dana)
    await backend.delete_store(full)
    with pytest.raises(NotFound):
        await backend.get_store(scope)


async def test_of_many_rows_those_that_add_nobody_are_taken(backend: Backend, scope: Scope, dana: str) -> None:
    full = replace(scope, quota=FULL)
    entries = [{"Contact": {"phone": one}} for one in (phone(1), PHONE)]
    current = await backend.start_import(full, file(4))

    outcomes = await backend.upsert_profiles(full, entries)
    after = await backend.add_import_rows(full, current.import_id, 0, [ImportRow(traits=entry) for entry in entries])

    assert [one.outcome for one in outcomes] == ["refused", "updated"] and tells(outcomes[0].reason, "1 bytes")
    assert (after.created, after.updated, after.refused) == (0, 1, 1)


async def test_the_bytes_of_all_stores_of_a_tenant_count_and_of_nobody_else(
    backend: Backend, scope: Scope, dana: str
) -> None:
    other = await backend.open_store("acme", "shop")
    elsewhere = await backend.open_store("globex", "default")
    said = await refused(Full, person(backend, replace(scope, quota=FULL), phone=phone(1)))
    (both,) = map(int, re.findall(r"take (\d+)", said))

    for store in (scope, other):
        await refused(Full, person(backend, limited(store, storage_bytes=both), phone=phone(1)))
    await person(backend, limited(elsewhere, storage_bytes=both), phone=phone(1))
    await backend.list_profiles(limited(other, storage_bytes=both), PageQuery(limit=10))
    await backend.list_observations(limited(scope, storage_bytes=both), dana, EVERYTHING, PageQuery(limit=10))
    await person(backend, limited(other, storage_bytes=both + 1), phone=phone(1))


async def test_a_store_that_is_made_by_being_asked_for_counts_as_well(backend: Backend) -> None:
    """Or whoever renames one would have another by asking for the old name."""
    one = Quota(stores=1)
    first = await backend.open_store("acme", "default", one)
    await backend.update_store(first, StoreChanges(display_name="renamed"))

    await refused(Full, backend.open_store("acme", "default", one))
    assert await backend.open_store("acme", "renamed", one) == first
    await backend.open_store("globex", "default", one)
