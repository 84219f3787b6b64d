"""Who changed what, when and why: in a store of earlier versions, at the same time, and gone when it is deleted."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, Full
from mcp_memory.history import TOOL, Authorship
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewObservation, NewSummary, Quota, Scope
from tests.contract.people import event, person
from tests.sqlite.test_upgrade_api import as_earlier, sound

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100)


@pytest.fixture
async def backend(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[SqlBackend]:
    backend = opened(tmp_path, embedder)
    yield backend
    await backend.close()


def opened(folder: Path, embedder: MiniLM) -> SqlBackend:
    return SqlBackend(SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region="US")


async def states(backend: SqlBackend, scope: Scope, dana: str, count: int) -> str:
    """The id of an observation that was changed so often, less once."""
    await backend.add_observations(scope, dana, [NewObservation(content="State 1.")], TOOL)
    id = (await backend.list_observations(scope, dana, EVERYTHING, PageQuery(limit=1))).items[0].id
    for number in range(2, count + 1):
        await backend.update_observation(scope, dana, id, ObservationChanges(content=f"State {number}."), TOOL)
    return id


async def test_of_several_who_undo_at_once_none_undoes_what_another_did(backend: SqlBackend) -> None:
    scope = await backend.open_store("local", "default")
    dana = (await person(backend, scope, chat="dana")).profile_id
    id = await states(backend, scope, dana, 3)
    outcomes: list[str] = []

    async def undo() -> None:
        try:
            outcomes.append((await backend.undo_observation(scope, dana, id)).content)
        except Conflict as exc:
            outcomes.append(str(exc).partition(",")[0])

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(undo)

    assert set(outcomes) <= {"State 2.", "State 3.", "It was changed meanwhile"}
    found = [one.item.content for one in (await backend.observation_history(scope, dana, id, ALL)).items][::-1]
    done = [one for one in outcomes if one.startswith("State")]
    assert len(found) == 3 + len(done) and done
    assert found[2:] == ["State 3.", "State 2."] * (len(found[2:]) // 2) + ["State 3."] * (len(found[2:]) % 2)


async def test_what_a_store_of_an_earlier_version_knows_has_a_history_without_authors(
    tmp_path: Path, embedder: MiniLM
) -> None:
    before = opened(tmp_path, embedder)
    scope = await before.open_store("local", "default")
    dana = (await person(before, scope, chat="dana")).profile_id
    id = await states(before, scope, dana, 2)
    await before.add_summaries(scope, dana, [NewSummary(content="Called.", conversation_id="c")], TOOL)
    summary = (await before.list_summaries(scope, dana, EVERYTHING, ALL)).items[0].id
    await event(before, scope, dana, city="Rome")
    traits, then_at = (await before.get_profile(scope, dana)).traits, app.now()
    await before.close()
    path = tmp_path / "stores" / f"{scope.store_id}.db"
    await anyio.to_thread.run_sync(as_earlier, path, "store", 5)

    after = opened(tmp_path, embedder)
    try:
        await after.undo_observation(scope, dana, id, by=TOOL)
        await after.update_summary(scope, dana, summary, SummaryChanges(content="Wrote."), TOOL)
        noted = [one.by for one in (await after.observation_history(scope, dana, id, ALL)).items]
        summed = [one.by for one in (await after.summary_history(scope, dana, summary, ALL)).items]
        assert noted[1:] == [Authorship(cause="corrected"), Authorship(cause="created")]
        assert (noted[0].actor, noted[0].cause) == ("tool", "undone")
        assert summed == [Authorship(actor="tool", cause="corrected"), Authorship(cause="created")]
        assert (await after.get_profile(scope, dana)).traits == traits
        await after.upsert_traits(scope, {"Contact": {"city": "Rome"}}, dana, TOOL)
        await after.upsert_traits(scope, {"Contact": {"city": "Oslo"}}, dana, TOOL)
        cities = [one for one in (await after.trait_history(scope, dana, ALL)).items if one.name == "city"]
        assert [(one.value, one.by.actor, one.by.cause) for one in cities] == [
            ("Oslo", "tool", "corrected"),
            ("Rome", "", "created"),
        ]
        assert (await after.profile_at(scope, dana, then_at)).traits == traits
        await anyio.to_thread.run_sync(sound, path)
    finally:
        await after.close()


async def test_where_there_is_no_room_left_nothing_more_is_kept(backend: SqlBackend) -> None:
    scope = await backend.open_store("local", "default")
    dana = (await person(backend, scope, chat="dana")).profile_id
    id = await states(backend, scope, dana, 2)
    await backend.add_summaries(scope, dana, [NewSummary(content="Called.", conversation_id="c")])
    summary = (await backend.list_summaries(scope, dana, EVERYTHING, ALL)).items[0].id
    full = Scope(tenant=scope.tenant, store_id=scope.store_id, quota=Quota(storage_bytes=1))

    with pytest.raises(Full):
        await backend.undo_observation(full, dana, id)
    with pytest.raises(Full):
        await backend.update_summary(full, dana, summary, SummaryChanges(content="Wrote."))

    assert len((await backend.observation_history(scope, dana, id, ALL)).items) == 2
    assert len((await backend.summary_history(scope, dana, summary, ALL)).items) == 1
