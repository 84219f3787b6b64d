"""What a tenant keeps is counted right, whoever adds and however, and what is deleted is room again."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.sqlite import file as files
from mcp_memory.backends.sql.sqlite.connection import connect
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Full, Invalid
from mcp_memory.model import NewObservation, Quota, Scope
from tests.contract.people import event, note, person, refused
from tests.sqlite.test_database import DANA, MONDAY, add_store
from tests.sqlite.test_upgrade_api import as_earlier

pytestmark = pytest.mark.anyio


@pytest.fixture
async def two(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[tuple[SqlBackend, SqlBackend]]:
    """Two backends on one folder, as two processes have them."""
    async with AsyncExitStack() as stack:
        backends = []
        for _ in range(2):
            backends.append(
                SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
            )
            stack.push_async_callback(backends[-1].close)
        yield backends[0], backends[1]


async def outcomes(calls: Sequence[Callable[[], Awaitable[object]]]) -> dict[str, int]:
    """Of all at once."""
    counts = {"taken": 0, "full": 0}

    async def ask(call: Callable[[], Awaitable[object]]) -> None:
        try:
            await call()
            counts["taken"] += 1
        except Full:
            counts["full"] += 1

    async with anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(ask, call)
    return counts


async def test_of_thirty_two_who_come_by_two_processes_exactly_as_many_are_taken_as_there_is_room_for(
    two: tuple[SqlBackend, SqlBackend],
) -> None:
    scope = replace(await two[0].open_store("acme", "default"), quota=Quota(profiles=7))
    calls = [partial(person, two[at % 2], scope, phone=f"+1317555{at:04}") for at in range(32)]

    assert await outcomes(calls) == {"taken": 7, "full": 25}
    assert (await two[1].get_store(scope)).profile_count == 7


async def test_of_thirty_two_observations_by_two_processes_exactly_as_many_are_stored_as_there_is_room_for(
    two: tuple[SqlBackend, SqlBackend],
) -> None:
    scope = replace(await two[0].open_store("acme", "default"), quota=Quota(observations_per_profile=7))
    dana = (await person(two[0], scope, phone="+13175550142")).profile_id
    calls = [partial(note, two[at % 2], scope, dana, f"Bought lamp {at}.") for at in range(32)]

    assert await outcomes(calls) == {"taken": 7, "full": 25}
    assert (await two[1].get_profile(scope, dana)).observation_count == 7


def tally(database: SqliteDatabase, scope: Scope) -> tuple[int, Any]:
    def counted(tx: Transaction) -> tuple[int, Any]:
        rows: Any = tx._connection.execute("select count(*) from profile").fetchall()  # type: ignore[attr-defined]
        return tx.tally_profiles(), rows[0][0]

    return database.read(scope, counted)


async def test_the_tally_is_the_count_whatever_was_created_merged_deleted_or_taken_back(
    two: tuple[SqlBackend, SqlBackend],
) -> None:
    backend, scope = two[0], await two[0].open_store("acme", "default")
    database = backend._database
    assert isinstance(database, SqliteDatabase)
    made = [(await person(backend, scope, phone=f"+1317555{at:04}")).profile_id for at in range(6)]
    await backend.merge_profiles(scope, made[0], made[1])
    await backend.merge_profiles(scope, made[2], made[3])
    bulk: list[dict[str, dict[str, object]]] = [
        {"Contact": {"phone": "+13175550100"}, "Other": {"x" * 100: 1}},
        {"Contact": {"phone": "+13175550101"}},
    ]
    await backend.upsert_profiles(scope, bulk)
    await refused(Invalid, event(backend, scope, phone="nobody's"))
    await backend.delete_profile(scope, made[1])
    await backend.unmerge_profile(scope, made[3])

    assert await anyio.to_thread.run_sync(tally, database, scope) == (5, 5)


async def test_a_store_of_an_earlier_version_is_counted_when_it_is_opened(tmp_path: Path, embedder: MiniLM) -> None:
    before = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
    scope = await before.open_store("acme", "default")
    for at in range(3):
        await person(before, scope, phone=f"+1317555{at:04}")
    await before.close()
    await anyio.to_thread.run_sync(as_earlier, tmp_path / "stores" / f"{scope.store_id}.db", "store", 4)

    after = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
    few = replace(scope, quota=Quota(profiles=4))
    await person(after, few, phone="+13175550142")
    await refused(Full, person(after, few, phone="+13175550143"))
    await after.close()


def test_the_bytes_are_those_of_all_files_of_the_tenants_stores(database: SqliteDatabase, tmp_path: Path) -> None:
    mine, shop, other = (
        add_store(database, *of) for of in (("acme", 1, "default"), ("acme", 2, "shop"), ("globex", 3, "default"))
    )
    assert [database.storage_bytes(tenant) for tenant in ("acme", "globex", "nobody")] == [0, 0, 0]
    for scope in (mine, shop, other):
        database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))

    stores = tmp_path / "stores"
    taken = {
        scope.store_id: sum((stores / f"{scope.store_id}.db{end}").stat().st_size for end in ("", "-wal"))
        for scope in (mine, shop, other)
    }
    assert all((stores / f"{store_id}.db-wal").stat().st_size for store_id in taken)
    assert database.storage_bytes("acme") == taken[mine.store_id] + taken[shop.store_id]
    assert database.storage_bytes("globex") == taken[other.store_id]

    database.delete_store(shop)
    assert database.storage_bytes("acme") == taken[mine.store_id]


MANY = [NewObservation(content=f"Bought lamp number {at}. " + "It is green. " * 20) for at in range(10)]


async def filled(backend: SqlBackend, scope: Scope, phone: str) -> str:
    dana = (await person(backend, scope, phone=phone)).profile_id
    for round_ in range(3):
        new = [replace(one, content=f"{round_} {one.content}") for one in MANY]
        await backend.add_observations(scope, dana, new)
    return dana


async def test_who_has_no_room_any_more_makes_some_by_deleting(
    two: tuple[SqlBackend, SqlBackend], tmp_path: Path
) -> None:
    backend, scope = two[0], await two[0].open_store("acme", "default")
    dana = await filled(backend, scope, "+13175550142")
    await filled(backend, scope, "+13175550143")
    await backend.delete_profile(scope, (await person(backend, scope, chat="web-1")).profile_id)  # the log is empty now
    full = replace(scope, quota=Quota(storage_bytes=(tmp_path / "stores" / f"{scope.store_id}.db").stat().st_size))
    await refused(Full, note(backend, full, dana, "Likes tea."))

    await backend.delete_profile(full, dana)

    await person(backend, full, phone="+13175550144")
    await filled(backend, scope, "+13175550142")
    await refused(Full, person(backend, full, phone="+13175550145"))


async def test_a_file_that_another_process_writes_to_gets_smaller_at_the_next_deletion(
    two: tuple[SqlBackend, SqlBackend],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was deleted is deleted all the same."""
    monkeypatch.setattr(files, "ERASING_SECONDS", 0.01)
    backend, scope = two[0], await two[0].open_store("acme", "default")
    made = [await filled(backend, scope, f"+1317555{at:04}") for at in range(4)]
    path = tmp_path / "stores" / f"{scope.store_id}.db"
    write = files.SqliteFile.write

    def held(self: Any, work: Any) -> Any:
        done = write(self, work)
        connection.execute("begin immediate")
        return done

    connection = await anyio.to_thread.run_sync(connect, path)
    monkeypatch.setattr(files.SqliteFile, "write", held)
    with caplog.at_level(logging.WARNING):
        await backend.delete_profile(scope, made[0])
    monkeypatch.setattr(files.SqliteFile, "write", write)
    await anyio.to_thread.run_sync(connection.close)
    assert "can't be made smaller yet" in caplog.text

    before = path.stat().st_size
    for profile_id in made[1:]:
        await backend.delete_profile(scope, profile_id)
    assert path.stat().st_size < before / 3
