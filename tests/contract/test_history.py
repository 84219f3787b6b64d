"""What is remembered keeps what it was, with who changed it, when and why; and reads again as it was, on request."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.history import API, TOOL, UNKNOWN, Authorship
from mcp_memory.ids import OBSERVATION
from mcp_memory.listing import EVERYTHING, Page, PageQuery
from mcp_memory.model import NewObservation, NewSummary, Observation, RecallQuery, Scope, Summary
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import PHONE, everything, person, refused

pytestmark = pytest.mark.anyio

APRIL = datetime(2026, 4, 1, tzinfo=UTC)
ALL = PageQuery(limit=100)
EXTRACTED = Authorship(actor="extraction", conversation_id="c-1")
RECONCILED = Authorship(
    actor="extraction",
    cause="reconciled",
    rule="same attribute and newer",
    reason="She moved from Rome to Oslo.",
    conversation_id="c-2",
)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


async def noted(
    backend: Backend, scope: Scope, dana: str, content: str = "State 1.", by: Authorship = UNKNOWN
) -> Observation:
    await backend.add_observations(scope, dana, [NewObservation(content=content)], by)
    return (await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=1))).items[0]


async def told(backend: Backend, scope: Scope, dana: str, by: Authorship = UNKNOWN) -> Summary:
    await backend.add_summaries(scope, dana, [NewSummary(content="State 1.", conversation_id="c-1")], by)
    return (await backend.list_summaries(scope, dana, EVERYTHING, PageQuery(limit=1))).items[0]


async def corrected(
    backend: Backend, scope: Scope, dana: str, id: str, content: str, by: Authorship = UNKNOWN
) -> Observation:
    return await backend.update_observation(scope, dana, id, ObservationChanges(content=content), by)


async def in_states(backend: Backend, scope: Scope, dana: str, clock: Clock, count: int) -> list[Observation]:
    """One observation: what it was, a minute each."""
    states = [await noted(backend, scope, dana)]
    for number in range(2, count + 1):
        clock.pass_(minutes=1)
        states.append(await corrected(backend, scope, dana, states[0].id, f"State {number}."))
    clock.pass_(minutes=1)
    return states


async def contents(backend: Backend, scope: Scope, dana: str, id: str) -> list[str]:
    """The earliest first."""
    found = (await backend.observation_history(scope, dana, id, ALL)).items
    assert [one.number for one in found] == list(range(len(found), 0, -1))
    return [one.item.content for one in found][::-1]


# Revisions


async def test_a_history_is_numbered_from_what_it_was_at_first(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    states = await in_states(backend, scope, dana, clock, 5)
    id = states[0].id

    for newest_first in (True, False):
        found = await everything(
            lambda page: backend.observation_history(scope, dana, id, page), newest_first=newest_first
        )
        ordered = found[::-1] if newest_first else found
        assert [one.item for one in ordered] == states
        assert [one.number for one in ordered] == [1, 2, 3, 4, 5]
        assert [one.by.cause for one in ordered] == ["created", *["corrected"] * 4]
        assert [one.item.updated_at for one in ordered] == [MONDAY + timedelta(minutes=at) for at in range(5)]


async def test_the_history_of_what_was_never_changed_is_one_revision(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana)

    (revision,) = (await backend.observation_history(scope, dana, one.id, PageQuery(limit=1))).items

    assert (revision.number, revision.item, revision.by.cause) == (1, one, "created")


async def test_each_revision_says_who_made_it_and_why(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    one = await noted(backend, scope, dana, by=EXTRACTED)
    for content, by in (("State 2.", TOOL), ("State 3.", RECONCILED), ("State 4.", UNKNOWN)):
        clock.pass_(minutes=1)
        await corrected(backend, scope, dana, one.id, content, by)

    found = (await backend.observation_history(scope, dana, one.id, ALL)).items

    assert [each.by for each in found] == [
        Authorship(cause="corrected"),
        RECONCILED,
        Authorship(actor="tool", cause="corrected"),
        Authorship(actor="extraction", cause="created", conversation_id="c-1"),
    ]


async def test_what_changes_nothing_is_nobodys_revision(backend: Backend, scope: Scope, dana: str) -> None:
    one = await noted(backend, scope, dana)

    await corrected(backend, scope, dana, one.id, one.content, RECONCILED)

    assert len((await backend.observation_history(scope, dana, one.id, ALL)).items) == 1


async def test_several_that_are_learned_at_once_have_their_author_each(
    backend: Backend, scope: Scope, dana: str
) -> None:
    await backend.add_observations(scope, dana, [NewObservation(content=f"Note {at}.") for at in range(3)], API)
    items = (await backend.list_observations(scope, dana, EVERYTHING, ALL)).items

    for one in items:
        (revision,) = (await backend.observation_history(scope, dana, one.id, ALL)).items
        assert revision.by == Authorship(actor="api", cause="created")


async def test_a_summary_keeps_what_it_was(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    one = await told(backend, scope, dana, TOOL)
    clock.pass_(minutes=1)
    changes = SummaryChanges(content="State 2.", occurred_at=APRIL, source="crm", conversation_id="c-2")
    two = await backend.update_summary(scope, dana, one.id, changes, RECONCILED)

    for newest_first in (True, False):
        found = await everything(
            lambda page: backend.summary_history(scope, dana, one.id, page), newest_first=newest_first, limit=1
        )
        ordered = found[::-1] if newest_first else found
        assert [(each.number, each.item) for each in ordered] == [(1, one), (2, two)]
        assert [each.by for each in ordered] == [Authorship(actor="tool", cause="created"), RECONCILED]


async def test_a_deleted_summary_is_gone_with_its_revisions(backend: Backend, scope: Scope, dana: str) -> None:
    one = await told(backend, scope, dana)
    await backend.update_summary(scope, dana, one.id, SummaryChanges(content="State 2."))
    assert len((await backend.summary_history(scope, dana, one.id, ALL)).items) == 2

    await backend.delete_summary(scope, dana, one.id)

    await refused(NotFound, backend.summary_history(scope, dana, one.id, ALL))


# Going back


async def test_undone_it_reads_again_as_before_and_nothing_is_lost(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    new = NewObservation(content="Has a cat.", occurred_at=APRIL, source="sms", conversation_ids=("c-1",))
    await backend.add_observations(scope, dana, [new])
    before = (await backend.list_observations(scope, dana, EVERYTHING, ALL)).items[0]
    clock.pass_(minutes=1)
    changes = ObservationChanges(content="Has a dog.", occurred_at=MONDAY, source="crm", conversation_ids=("c-2",))
    await backend.update_observation(scope, dana, before.id, changes)
    clock.pass_(minutes=1)

    after = await backend.undo_observation(scope, dana, before.id)

    assert (after.content, after.occurred_at, after.source, after.conversation_ids) == (
        before.content,
        before.occurred_at,
        before.source,
        before.conversation_ids,
    )
    assert (after.id, after.created_at, after.updated_at) == (before.id, MONDAY, clock.time)
    assert await backend.get_observation(scope, dana, before.id) == after
    assert await contents(backend, scope, dana, before.id) == ["Has a cat.", "Has a dog.", "Has a cat."]
    assert (await backend.list_observations(scope, dana, EVERYTHING, ALL)) == Page(items=[after])


async def test_what_undid_says_so(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    states = await in_states(backend, scope, dana, clock, 3)

    await backend.undo_observation(scope, dana, states[0].id, None, TOOL)
    clock.pass_(minutes=1)
    await backend.undo_observation(scope, dana, states[0].id, 2, Authorship(actor="api", reason="It was a mistake."))

    latest, earlier = (await backend.observation_history(scope, dana, states[0].id, PageQuery(limit=2))).items
    assert earlier.by == Authorship(actor="tool", cause="undone", reason="Reads again as before revision 3.")
    assert latest.by == Authorship(actor="api", cause="undone", reason="It was a mistake.")
    assert (earlier.item.content, latest.item.content) == ("State 2.", "State 1.")


@pytest.mark.parametrize(
    ("revisions", "expected"),
    [
        ([None], "3"),
        ([4], "3"),
        ([3], "2"),
        ([2], "1"),
        ([None, None], "34"),  # to undo what undid brings it back
        ([None, None, None], "343"),
        ([4, 4], "3"),  # the second time it reads so already
        ([None, 4], "3"),
        ([4, 3, 2], "321"),
        ([2, 3], "12"),
        ([4, 5], "34"),
    ],
)
async def test_a_revision_is_undone_by_its_number_or_it_is_the_latest(
    backend: Backend, scope: Scope, dana: str, clock: Clock, revisions: list[int | None], expected: str
) -> None:
    id = (await in_states(backend, scope, dana, clock, 4))[0].id

    for revision in revisions:
        await backend.undo_observation(scope, dana, id, revision)
        clock.pass_(minutes=1)

    assert "".join(one[6] for one in await contents(backend, scope, dana, id)) == f"1234{expected}"


async def test_before_the_first_revision_there_is_nothing(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    one = await noted(backend, scope, dana)
    assert "nothing to go back to" in await refused(Conflict, backend.undo_observation(scope, dana, one.id))
    clock.pass_(minutes=1)
    two = await corrected(backend, scope, dana, one.id, "State 2.")

    assert "Revision 1" in await refused(Conflict, backend.undo_observation(scope, dana, one.id, 1))
    for number in (0, -1, 3, 2**70):
        said = await refused(NotFound, backend.undo_observation(scope, dana, one.id, number))
        assert said == f"There is no revision {number} of it: there are 1 to 2."
    assert await backend.get_observation(scope, dana, one.id) == two


async def test_recall_finds_the_restored_words_at_once(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    for number in range(40):
        await noted(backend, scope, dana, f"Asked about shelf number {number}.")
        clock.pass_(seconds=1)
    lamp = await noted(backend, scope, dana, "Bought a green lamp for the hall.")
    clock.pass_(minutes=1)
    await corrected(backend, scope, dana, lamp.id, "Sold the old bicycle.")
    clock.pass_(minutes=1)

    await backend.undo_observation(scope, dana, lamp.id)

    found = await backend.recall(scope, dana, RecallQuery(query="green lamp", observations_limit=1))
    assert [one.item.content for one in found.observations] == ["Bought a green lamp for the hall."]
    added = await backend.add_observations(scope, dana, [NewObservation(content="Sold the old bicycle.")])
    assert [one.outcome for one in added.receipts] == ["added"]


async def test_what_is_not_this_profiles_is_not_undone(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    lee = (await person(backend, scope, chat="lee")).profile_id
    states = await in_states(backend, scope, dana, clock, 2)

    for profile_id, id in ((lee, states[0].id), (dana, clock.make_id(OBSERVATION))):
        await refused(NotFound, backend.undo_observation(scope, profile_id, id))
        await refused(NotFound, backend.observation_history(scope, profile_id, id, ALL))
    assert await backend.get_observation(scope, dana, states[0].id) == states[1]
