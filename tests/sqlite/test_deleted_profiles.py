"""What is deleted is in no page of the file, and nothing that is kept in memory of it is taken for somebody else's."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import apsw
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.connection import connect
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.history import Authorship
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewMessage, NewObservation, NewSummary, RecallQuery, Scope
from tests.contract.people import event, person, with_user_ids

pytestmark = pytest.mark.anyio

SECRET = "xylophone"  # one word of all that Dana said; others are told apart by it
BY = Authorship(actor="tool", reason=f"Somebody mentioned a {SECRET}.", conversation_id=f"{SECRET}-1")
EMPTY = {
    *("schema_migration", "store", "trait_definition", "trait_group", "model", "profile_number", "identity_settings"),
    "learning_settings",
    "tally",  # a number, which says that there is nobody
}


@pytest.fixture
async def backend(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[SqlBackend]:
    backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
    yield backend
    await backend.close()


def tables(path: Path) -> dict[str, int]:
    connection = connect(path)
    try:
        names = [row[0] for row in connection.execute("select name from sqlite_schema where type = 'table'")]
        return {str(name): int(str(_count(connection, str(name)))) for name in names}
    finally:
        connection.close()


def _count(connection: apsw.Connection, table: str) -> object:
    return connection.execute(f"select count(*) from {table}").fetchall()[0][0]


def raw(path: Path) -> bytes:
    """All bytes of the file, and of those beside it, once what is in the log is in the file."""
    connection = connect(path)
    try:
        assert connection.execute("pragma wal_checkpoint(truncate)").fetchall()[0][0] == 0
    finally:
        connection.close()
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*") if not file.name.endswith("-shm"))


async def remembered(backend: SqlBackend, scope: Scope, profile_id: str) -> None:
    new = [NewObservation(content=f"Plays the {SECRET}, take {take}.") for take in range(40)]
    receipts = (await backend.add_observations(scope, profile_id, new, BY)).receipts
    assert receipts[0].id is not None
    await backend.update_observation(
        scope, profile_id, receipts[0].id, ObservationChanges(content=f"Sold the {SECRET}."), BY
    )
    await backend.undo_observation(scope, profile_id, receipts[0].id, by=BY)
    about = NewSummary(content=f"Spoke of a {SECRET}.", conversation_id=f"{SECRET}-1")
    await backend.add_summaries(scope, profile_id, [about], BY)
    summary = (await backend.list_summaries(scope, profile_id, EVERYTHING, PageQuery(limit=1))).items[0]
    await backend.update_summary(scope, profile_id, summary.id, SummaryChanges(content="Spoke of nothing."), BY)
    message = NewMessage(text=f"My {SECRET}!", role="customer", author=f"{SECRET} player")
    await backend.record_messages(scope, profile_id, f"{SECRET}-1", [message])


async def test_no_byte_of_what_was_said_is_left(backend: SqlBackend, tmp_path: Path) -> None:
    scope = await backend.open_store("local", "default")
    path = tmp_path / "stores" / f"{scope.store_id}.db"
    await with_user_ids(backend, scope)
    dana = (await person(backend, scope, user_id=f"{SECRET}-1", chat=f"{SECRET}-chat")).profile_id
    lee = (await person(backend, scope, email=f"{SECRET}@example.com")).profile_id
    await event(backend, scope, user_id=f"{SECRET}-2", chat=f"{SECRET}-chat")  # kept apart: a conflict
    other = (await person(backend, scope, user_id=f"{SECRET}-2")).profile_id
    for id in (dana, lee, other):
        await event(backend, scope, id, city=SECRET, lastName=SECRET)
        await backend.upsert_traits(scope, {"Contact": {"city": "Rome", "lastName": None}}, id, BY)
        await remembered(backend, scope, id)
    await backend.merge_profiles(scope, dana, lee)
    await backend.merge_profiles(scope, dana, other)
    await backend.unmerge_profile(scope, other)
    await backend.recall(scope, dana, RecallQuery(query=SECRET))
    assert SECRET.encode() in await anyio.to_thread.run_sync(raw, path)

    for id in (lee, other):
        await backend.delete_profile(scope, id)

    assert SECRET.encode() not in (await anyio.to_thread.run_sync(raw, path)).lower()
    assert {name for name, rows in (await anyio.to_thread.run_sync(tables, path)).items() if rows} <= EMPTY
    assert await backend._read(scope, lambda tx: tx.tally_profiles()) == 0


async def test_no_byte_of_a_copy_is_left_with_those_it_was_once_one_with(backend: SqlBackend, tmp_path: Path) -> None:
    scope = await backend.open_store("local", "default")
    dana, lee, kim = [(await person(backend, scope, chat=name)).profile_id for name in ("dana", "lee", "kim")]
    await event(backend, scope, dana, city=SECRET)
    await backend.merge_profiles(scope, dana, lee)
    await backend.merge_profiles(scope, lee, kim)
    live = await backend.live_profile_id(scope, kim)
    await backend.unmerge_profile(scope, lee if live == dana else dana)

    await backend.delete_profile(scope, dana)

    raw_bytes = await anyio.to_thread.run_sync(raw, tmp_path / "stores" / f"{scope.store_id}.db")
    assert SECRET.encode() not in raw_bytes
    await backend.explain_identity(scope, kim)


async def test_an_item_that_is_deleted_leaves_no_byte(backend: SqlBackend, tmp_path: Path) -> None:
    scope = await backend.open_store("local", "default")
    dana = (await person(backend, scope, chat="dana")).profile_id
    (receipt,) = (await backend.add_observations(scope, dana, [NewObservation(content=f"Plays {SECRET}.")])).receipts
    assert receipt.id is not None
    await backend.update_observation(scope, dana, receipt.id, ObservationChanges(content="Plays nothing."), BY)
    await backend.add_summaries(scope, dana, [NewSummary(content=f"Of a {SECRET}.", conversation_id="1")], BY)
    summary = (await backend.list_summaries(scope, dana, EVERYTHING, PageQuery(limit=1))).items[0]
    await backend.update_summary(scope, dana, summary.id, SummaryChanges(content="Of nothing."), BY)

    await backend.delete_observation(scope, dana, receipt.id)
    await backend.delete_summary(scope, dana, summary.id)

    path = tmp_path / "stores" / f"{scope.store_id}.db"
    assert SECRET.encode() not in await anyio.to_thread.run_sync(raw, path)
    left = await anyio.to_thread.run_sync(tables, path)
    about = ("observation", "observation_revision", "summary", "summary_revision", "recall_sig", "recall_tokens")
    assert {left[name] for name in about} == {0}


async def test_what_another_process_has_in_memory_is_not_taken_for_the_next_profile(
    backend: SqlBackend, tmp_path: Path, embedder: MiniLM
) -> None:
    """The next profile does all that the deleted one did, so that its version is the same: its number must not be."""
    lamp = RecallQuery(query="Which lamp was bought?", observations_limit=1)
    other = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
    try:
        scope = await backend.open_store("local", "default")
        for place in (0, 30):
            profile = (await person(backend, scope, chat="dana")).profile_id
            new = [NewObservation(content=f"Asked about shelf number {at}.") for at in range(40)]
            new[place] = NewObservation(content="Bought a lamp.")
            await backend.add_observations(scope, profile, new)
            assert (await other.recall(scope, profile, lamp)).observations[0].item.content == "Bought a lamp."
            await backend.delete_profile(scope, profile)
    finally:
        await other.close()
