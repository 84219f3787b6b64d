"""Recall of what was known at a time: without what was learned later, and in the words of then."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewMessage, NewObservation, NewSummary, Recall, RecallQuery, Scope
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import PHONE, event, person

pytestmark = pytest.mark.anyio

APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
FULL = {"observations_limit": 100, "summaries_limit": 100}


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


@pytest.fixture
async def moving(backend: Backend, scope: Scope, dana: str, clock: Clock) -> str:
    """Dana, who lives in Rome, and 2 minutes later in Oslo, and in between has a dog; 3 minutes later it is later."""
    await noted(backend, scope, dana, "Lives in Rome.")
    clock.pass_(minutes=1)
    await noted(backend, scope, dana, "Has a dog called Rex.")
    clock.pass_(minutes=1)
    await changed(backend, scope, dana, "Lives in Rome.", content="Moved to Oslo.")
    clock.pass_(minutes=1)
    return dana


async def noted(backend: Backend, scope: Scope, dana: str, content: str, at: datetime | None = None) -> None:
    await backend.add_observations(scope, dana, [NewObservation(content=content, occurred_at=at)])


async def changed(backend: Backend, scope: Scope, dana: str, was: str, **changes: object) -> None:
    items = (await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=1000))).items
    (id,) = [one.id for one in items if one.content == was]
    await backend.update_observation(scope, dana, id, ObservationChanges(**changes))  # type: ignore[arg-type]


async def recalled(
    backend: Backend, scope: Scope, dana: str, as_of: datetime, query: str | None = None, **more: object
) -> Recall:
    return await backend.recall(scope, dana, RecallQuery(query=query, as_of=as_of, **{**FULL, **more}))  # type: ignore[arg-type]


def contents(found: Recall) -> list[str]:
    return [one.item.content for one in (*found.observations, *found.summaries, *found.communications)]


@pytest.mark.parametrize("query", [None, "Where does she live?", "Rome Oslo dog"])
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(seconds=-1), set()),
        (timedelta(0), {"Lives in Rome."}),
        (MINUTE - SECOND, {"Lives in Rome."}),
        (MINUTE, {"Lives in Rome.", "Has a dog called Rex."}),
        (2 * MINUTE - SECOND, {"Lives in Rome.", "Has a dog called Rex."}),
        (2 * MINUTE, {"Moved to Oslo.", "Has a dog called Rex."}),
    ],
)
async def test_what_was_learned_later_is_not_there_and_what_was_changed_is_as_it_was(
    backend: Backend, scope: Scope, moving: str, query: str | None, after: timedelta, expected: set[str]
) -> None:
    found = await recalled(backend, scope, moving, MONDAY + after, query)

    assert set(contents(found)) == expected
    assert found.as_of == MONDAY + after


@pytest.mark.parametrize("after", [3 * MINUTE, timedelta(days=1000)])
async def test_now_and_the_future_are_now(backend: Backend, scope: Scope, moving: str, after: timedelta) -> None:
    for query in (None, "Oslo"):
        found = await recalled(backend, scope, moving, MONDAY + after, query)

        assert found == await backend.recall(scope, moving, RecallQuery(query=query, **FULL))  # type: ignore[arg-type]
        assert found.as_of is None and "Moved to Oslo." in contents(found)


async def test_what_never_changed_ranks_as_it_does_now(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    for number in range(30):
        await noted(backend, scope, dana, f"Asked about shelf number {number}.", MONDAY - number * MINUTE)
        clock.pass_(seconds=1)
    await noted(backend, scope, dana, "Bought a lamp.")
    clock.pass_(minutes=1)
    before = clock.time
    asked = RecallQuery(query="Which lamp is on shelf 7?", detail="full", **FULL)  # type: ignore[arg-type]
    now = await backend.recall(scope, dana, asked)
    latest = await backend.recall(scope, dana, RecallQuery(**FULL))  # type: ignore[arg-type]
    clock.pass_(minutes=1)
    await noted(backend, scope, dana, "Shelf number 7 fell, and with it the lamp.")

    then = await recalled(backend, scope, dana, before, "Which lamp is on shelf 7?", detail="full")

    assert then.observations == now.observations
    assert (await recalled(backend, scope, dana, before)).observations == latest.observations


async def test_old_words_are_found_by_their_words_and_by_their_meaning(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(40):
        await noted(backend, scope, dana, f"Asked about shelf number {number}.")
    await noted(backend, scope, dana, "Bought a green lamp for the hall.")
    then = clock.time
    clock.pass_(minutes=1)
    await changed(backend, scope, dana, "Bought a green lamp for the hall.", content="Sold the old bicycle.")
    clock.pass_(minutes=1)

    for query in ("green lamp", "Which light did she purchase?"):
        found = await recalled(backend, scope, dana, then, query, observations_limit=1, detail="full")
        assert contents(found) == ["Bought a green lamp for the hall."], query
        match = found.observations[0].match
        assert match is not None and match.cosine is not None and match.cosine > 0.3
    assert "Sold the old bicycle." not in contents(await recalled(backend, scope, dana, then, "bicycle"))


async def test_of_very_much_that_was_reworded_all_is_there(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(90):
        await noted(backend, scope, dana, f"Asked about shelf {number}.")
    then = clock.time
    clock.pass_(minutes=1)
    for number in range(90):
        await changed(backend, scope, dana, f"Asked about shelf {number}.", content=f"Bought table {number}.")
    clock.pass_(minutes=1)

    for number in (0, 45, 89):
        found = await recalled(backend, scope, dana, then, f"shelf {number}", observations_limit=1)
        assert contents(found) == [f"Asked about shelf {number}."]
    assert len(contents(await recalled(backend, scope, dana, then, "table"))) == 90


async def test_a_changed_time_is_the_one_of_then(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    await noted(backend, scope, dana, "Bought a lamp.", APRIL)
    then = clock.time
    clock.pass_(minutes=1)
    await changed(backend, scope, dana, "Bought a lamp.", occurred_at=APRIL + timedelta(days=60))
    clock.pass_(minutes=1)

    for query in (None, "lamp"):
        month = {"begin": APRIL, "end": APRIL + timedelta(days=30)}
        (found,) = (await recalled(backend, scope, dana, then, query, **month)).observations
        assert found.item.occurred_at == APRIL
        later = {"begin": APRIL + timedelta(days=30)}
        assert contents(await recalled(backend, scope, dana, then, query, **later)) == []


async def test_what_was_undone_since_is_there_as_it_was(
    backend: Backend, scope: Scope, moving: str, clock: Clock
) -> None:
    items = (await backend.list_observations(scope, moving, EVERYTHING, PageQuery(limit=10))).items
    before = clock.time
    clock.pass_(minutes=1)
    await backend.undo_observation(scope, moving, next(one.id for one in items if one.content == "Moved to Oslo."))
    clock.pass_(minutes=1)

    assert "Moved to Oslo." in contents(await recalled(backend, scope, moving, before, "Oslo"))
    assert "Lives in Rome." in contents(await recalled(backend, scope, moving, clock.time - MINUTE, "Oslo"))


async def test_summaries_are_as_they_were(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    await backend.add_summaries(scope, dana, [NewSummary(content="Asked about a lamp.", conversation_id="c-1")])
    summary = (await backend.list_summaries(scope, dana, EVERYTHING, PageQuery(limit=1))).items[0]
    then = clock.time
    clock.pass_(minutes=1)
    await backend.update_summary(scope, dana, summary.id, SummaryChanges(content="Bought a bicycle."))
    await backend.add_summaries(scope, dana, [NewSummary(content="Sold a lamp.", conversation_id="c-2")])
    clock.pass_(minutes=1)

    for query in (None, "lamp"):
        assert contents(await recalled(backend, scope, dana, then, query)) == ["Asked about a lamp."]


async def test_what_one_who_is_merged_since_knew_is_there(
    backend: Backend, scope: Scope, moving: str, clock: Clock
) -> None:
    lee = (await person(backend, scope, chat="lee")).profile_id
    await noted(backend, scope, lee, "Has a cat.")
    then = clock.time
    clock.pass_(minutes=1)
    await event(backend, scope, phone=PHONE, chat="lee")

    for profile_id in (moving, lee):
        for query in (None, "pets"):
            found = contents(await recalled(backend, scope, profile_id, then, query))
            assert set(found) == {"Moved to Oslo.", "Has a dog called Rex.", "Has a cat."}
    assert set(contents(await recalled(backend, scope, lee, MONDAY, "pets"))) == {"Lives in Rome."}


async def test_what_was_deleted_was_never_known(backend: Backend, scope: Scope, moving: str) -> None:
    for one in (await backend.list_observations(scope, moving, EVERYTHING, PageQuery(limit=10))).items:
        if one.content == "Moved to Oslo.":
            await backend.delete_observation(scope, moving, one.id)

    for query in (None, "Rome"):
        assert contents(await recalled(backend, scope, moving, MONDAY, query)) == []
        assert contents(await recalled(backend, scope, moving, MONDAY + MINUTE, query)) == ["Has a dog called Rex."]


async def test_of_what_was_known_then_the_latest_of_one_attribute_holds(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for place in ("Rome", "Oslo", "Gary"):
        await noted(backend, scope, dana, f"Lives in {place}.")
        clock.pass_(minutes=1)

    found = await recalled(backend, scope, dana, MONDAY + MINUTE, "Where does the customer live?")

    first, second = found.observations
    assert (first.item.content, second.item.content) == ("Lives in Oslo.", "Lives in Rome.")
    assert (first.outdated_by, second.outdated_by) == (None, first.item.id)


async def test_messages_are_those_that_were_said(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    for number in range(3):
        said = NewMessage(text=f"My lamp, take {number}.", role="customer")
        await backend.record_messages(scope, dana, "c-1", [said])
        clock.pass_(minutes=1)
    then = MONDAY + MINUTE

    for more in ({"query": "lamp"}, {}, {"conversation_id": "c-1"}):
        for limit in (0, 1, 10):
            asked = RecallQuery(as_of=then, communications_limit=limit, **more)  # type: ignore[arg-type]
            found = [one.item.content[14:] for one in (await backend.recall(scope, dana, asked)).communications]
            assert found == ["1.", "0."][:limit], more
