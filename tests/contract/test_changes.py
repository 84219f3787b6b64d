"""What changed about a customer since a time: what was learned, corrected or given, what it was before, and by whom."""

from datetime import timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.history import API, TOOL, Authorship, Changed, Revision
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewObservation, NewSummary, Scope
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import EMAIL, PHONE, note, person

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
BEFORE = MONDAY - MINUTE


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


@pytest.fixture
async def eventful(backend: Backend, scope: Scope, dana: str, clock: Clock) -> str:
    """Five minutes in which something happened in each."""
    clock.pass_(minutes=1)
    await backend.add_observations(scope, dana, [NewObservation(content="Lives in Rome.")], TOOL)
    clock.pass_(minutes=1)
    await backend.add_summaries(scope, dana, [NewSummary(content="Called.", conversation_id="c-1")], API)
    clock.pass_(minutes=1)
    await backend.upsert_traits(scope, {"Contact": {"city": "Rome"}}, dana, TOOL)
    clock.pass_(minutes=1)
    (lives,) = (await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=1))).items
    by = Authorship(actor="extraction", cause="reconciled", rule="newer", reason="She moved.")
    await backend.update_observation(scope, dana, lives.id, ObservationChanges(content="Lives in Oslo."), by)
    clock.pass_(minutes=1)
    await backend.upsert_traits(scope, {"Contact": {"city": "Oslo"}}, dana, API)
    return dana


async def since(backend: Backend, scope: Scope, dana: str, minutes: float = -1, limit: int = 100) -> list[Changed]:
    return await backend.changes_since(scope, dana, MONDAY + minutes * MINUTE, limit)


def said(one: Changed) -> object:
    return one.now.item.content if isinstance(one.now, Revision) else one.now.value


async def test_all_that_changed_is_told_the_latest_first(backend: Backend, scope: Scope, eventful: str) -> None:
    found = await since(backend, scope, eventful)

    assert [(said(one), one.before, (one.at - MONDAY) // MINUTE) for one in found] == [
        ("Oslo", "Rome", 5),
        ("Lives in Oslo.", "Lives in Rome.", 4),
        ("Rome", None, 3),
        ("Called.", None, 2),
        ("Lives in Rome.", None, 1),
        (PHONE, None, 0),
    ]
    assert [(one.by.actor, one.by.cause) for one in found] == [
        ("api", "corrected"),
        ("extraction", "reconciled"),
        ("tool", "created"),
        ("api", "created"),
        ("tool", "created"),
        ("", "created"),
    ]
    assert (found[1].by.rule, found[1].by.reason) == ("newer", "She moved.")
    assert [one.now.number for one in found if isinstance(one.now, Revision)] == [2, 1, 1]


@pytest.mark.parametrize("minutes", [-1, 0, 0.5, 1, 2, 3, 4, 4.5, 5, 1000])
async def test_what_was_before_the_time_is_not_told(
    backend: Backend, scope: Scope, eventful: str, minutes: float
) -> None:
    everything = await since(backend, scope, eventful)

    found = await since(backend, scope, eventful, minutes)

    assert found == [one for one in everything if one.at > MONDAY + minutes * MINUTE]


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7])
async def test_the_latest_are_told_where_there_are_more(
    backend: Backend, scope: Scope, eventful: str, limit: int
) -> None:
    assert await since(backend, scope, eventful, -1, limit) == (await since(backend, scope, eventful))[:limit]


async def test_each_of_many_changes_is_told_with_what_it_changed(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(3):
        await note(backend, scope, dana, f"Note {number}.")
        await backend.add_summaries(scope, dana, [NewSummary(content=f"Call {number}.", conversation_id="c")])
    notes = (await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=10, newest_first=False))).items
    calls = (await backend.list_summaries(scope, dana, EVERYTHING, PageQuery(limit=10, newest_first=False))).items
    for take in range(2):
        for one, call in zip(notes, calls, strict=True):
            clock.pass_(seconds=1)
            changes = ObservationChanges(content=f"{one.content} {take}")
            await backend.update_observation(scope, dana, one.id, changes)
            await backend.update_summary(scope, dana, call.id, SummaryChanges(content=f"{call.content} {take}"))

    found = await since(backend, scope, dana, 0)

    assert len(found) == 12
    for change in found:
        text, before = str(said(change)), str(change.before)
        assert before == (text[:-2] if text.endswith(" 0") else text[:-1] + "0")


async def test_changes_of_one_moment_are_told_all_in_the_order_of_the_writes(
    backend: Backend, scope: Scope, dana: str
) -> None:
    for city in ("Rome", None, "Oslo"):
        await backend.upsert_traits(scope, {"Contact": {"city": city}}, dana)

    cities = [one for one in await since(backend, scope, dana) if said(one) != PHONE]

    assert [(said(one), one.before) for one in cities] == [("Oslo", None), (None, "Rome"), ("Rome", None)]


async def test_what_was_undone_is_a_change_and_what_was_deleted_is_none(
    backend: Backend, scope: Scope, eventful: str, clock: Clock
) -> None:
    clock.pass_(minutes=1)
    (lives,) = (await backend.list_observations(scope, eventful, EVERYTHING, PageQuery(limit=1))).items
    await backend.undo_observation(scope, eventful, lives.id, by=TOOL)

    (found,) = await since(backend, scope, eventful, 5)
    assert (said(found), found.before, found.by.cause) == ("Lives in Rome.", "Lives in Oslo.", "undone")

    await backend.delete_observation(scope, eventful, lives.id)
    assert [said(one) for one in await since(backend, scope, eventful)] == ["Oslo", "Rome", "Called.", PHONE]


async def test_what_changed_about_any_who_is_merged_is_told(
    backend: Backend, scope: Scope, eventful: str, clock: Clock
) -> None:
    clock.pass_(minutes=1)
    lee = (await person(backend, scope, email=EMAIL)).profile_id
    await note(backend, scope, lee, "Has a dog.")
    await backend.merge_profiles(scope, eventful, lee)

    for id in (eventful, lee):
        assert {said(one) for one in await since(backend, scope, id, 5)} == {"Has a dog.", EMAIL}
        assert len(await since(backend, scope, id)) == 8
    await backend.unmerge_profile(scope, lee)
    assert len(await since(backend, scope, eventful)) == 6
    assert len(await since(backend, scope, lee)) == 2


async def test_where_nothing_happened_nothing_is_told(backend: Backend, scope: Scope, dana: str) -> None:
    assert await backend.changes_since(scope, dana, MONDAY, 10) == []
    assert len(await backend.changes_since(scope, dana, BEFORE, 10)) == 1
