"""A store that is deleted is gone for all who have it open, and nothing is acknowledged that goes with its file."""

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite import database as sqlite_database
from mcp_memory.backends.sql.sqlite.catalog import SqliteCatalog
from mcp_memory.backends.sql.sqlite.connection import connect
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.sqlite.file import SqliteFile
from mcp_memory.doctor import examine
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Closing, NotFound, Unavailable
from mcp_memory.model import NewObservation, RecallQuery, Scope
from mcp_memory.settings import Settings
from tests.sqlite.test_database import DANA, MONDAY, add_store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def two(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[tuple[SqlBackend, SqlBackend, Scope, str]]:
    """Two backends on one folder, as two processes have them, and a store that both have open and read from."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
            stack.push_async_callback(backend.close)
            made.append(backend)
        one, other = made
        scope = await one.open_store("local", "default")
        dana = (await one.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id
        await one.add_observations(scope, dana, [NewObservation(content=f"Bought lamp {at}.") for at in range(40)])
        for backend in made:
            await backend.open_store("local", "default")
            await backend.recall(scope, dana, RecallQuery(query="lamp"))
        yield one, other, scope, dana


async def test_whoever_has_it_open_elsewhere_finds_it_gone(
    two: tuple[SqlBackend, SqlBackend, Scope, str], tmp_path: Path
) -> None:
    one, other, scope, dana = two
    await one.delete_store(scope)

    assert list((tmp_path / "stores").iterdir()) == []
    for backend in (other, one, other):
        for call in (
            backend.add_observations(scope, dana, [NewObservation(content="x")]),
            backend.get_profile(scope, dana),
            backend.recall(scope, dana, RecallQuery(query="lamp")),
            backend.upsert_traits(scope, {"Contact": {"phone": "+13175550143"}}, None),
            backend.reembed(scope),
            backend.get_store(scope),
            backend.delete_store(scope),
        ):
            with pytest.raises(NotFound):
                await call
        database = backend._database
        assert isinstance(database, SqliteDatabase) and len(database._stores) == 0 and database._hot.bytes == 0
    assert list((tmp_path / "stores").iterdir()) == []
    again = await other.open_store("local", "default")
    assert again != scope == Scope(tenant="local", store_id=scope.store_id)
    assert await one.open_store("local", "default") == again


async def test_many_readers_elsewhere_find_it_gone(two: tuple[SqlBackend, SqlBackend, Scope, str]) -> None:
    """More than have a connection: the others would open a file that is not there."""
    one, other, scope, dana = two
    outcomes: list[str] = []

    async def read() -> None:
        with pytest.raises(NotFound):
            while True:
                await other.get_profile(scope, dana)
                outcomes.append("read")
        outcomes.append("gone")

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(read)
        await anyio.sleep(0.05)
        await one.delete_store(scope)

    assert outcomes.count("gone") == 12


async def test_what_is_acknowledged_was_there_when_it_was_deleted(tmp_path: Path) -> None:
    """A writer elsewhere writes all the time. Each write that it is told of came before the deletion's mark, and none
    after; what it holds open is not written to under a name that is free."""

    def story() -> None:
        one, other = SqliteDatabase(tmp_path), SqliteDatabase(tmp_path)
        scope = add_store(one, "acme", 1)
        one.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
        acknowledged, deleted, late = threading.Event(), threading.Event(), []
        seen: list[BaseException] = []

        def write() -> None:
            try:
                while True:
                    begun = deleted.is_set()
                    other.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))
                    acknowledged.set()
                    if begun:
                        late.append(1)
            except BaseException as exc:
                seen.append(exc)

        writer = threading.Thread(target=write)
        writer.start()
        assert acknowledged.wait(30)
        one.delete_store(scope)
        deleted.set()
        writer.join(30)
        for database in (one, other):
            database.close()
        assert [isinstance(exc, NotFound) for exc in seen] == [True]
        assert late == []

    await anyio.to_thread.run_sync(story)


def test_who_waited_for_the_file_while_it_was_let_go_is_told_of_no_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed a moment before the catalog says why."""
    database = SqliteDatabase(tmp_path)
    scope = add_store(database, "acme", 1)
    database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    held = database._use(scope, lambda file: file)
    database._let_go(scope)
    monkeypatch.setattr(database, "_open_store", lambda scope: held)
    for call in (database.read, database.write):
        with pytest.raises(NotFound):
            call(scope, lambda tx: tx.touch_profile(DANA, MONDAY))

    database.close()
    with pytest.raises(Closing):
        database.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))


def test_a_deletion_that_broke_off_is_ended_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    one, other = SqliteDatabase(tmp_path), SqliteDatabase(tmp_path)
    scope = add_store(one, "acme", 1)
    for database in (one, other):
        database.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY) if tx.find_profile(DANA) else None)
    monkeypatch.setattr(sqlite_database, "delete", killed)
    with pytest.raises(KeyboardInterrupt):
        one.delete_store(scope)
    one.close()
    monkeypatch.undo()
    assert (tmp_path / "stores" / f"{scope.store_id}.db").exists()

    after = SqliteDatabase(tmp_path)
    assert after.read_catalog(lambda catalog: catalog.get_store(scope)) is None
    assert list((tmp_path / "stores").iterdir()) == []
    assert all(finding.ok for finding in examine(Settings(data_dir=tmp_path)) if finding.what.startswith("store"))
    with pytest.raises(NotFound):
        other.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    for database in (after, other):
        database.close()


@pytest.mark.parametrize("broken_off", ["mark_gone", "begin_deletion"])
def test_a_deletion_that_could_not_begin_is_none_or_is_ended_by_whoever_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off: str
) -> None:
    """Before its mark, the store is as it was; behind it, whoever asks for it ends what was begun."""

    def busy(*args: object) -> None:
        raise Unavailable("The store is busy.")

    one, other = SqliteDatabase(tmp_path), SqliteDatabase(tmp_path)
    scope = add_store(one, "acme", 1)
    for database in (one, other):
        database.read(scope, lambda tx: tx.count_profiles())
    where = sqlite_database if broken_off == "mark_gone" else SqliteCatalog
    monkeypatch.setattr(where, broken_off, busy)
    with pytest.raises(Unavailable, match="busy"):
        one.delete_store(scope)
    monkeypatch.undo()

    if broken_off == "mark_gone":
        assert other.write(scope, lambda tx: tx.count_profiles()) == 0
        one.delete_store(scope)
    with pytest.raises(NotFound):
        other.read(scope, lambda tx: tx.count_profiles())
    assert other.read_catalog(lambda catalog: catalog.count_stores("acme")) == 0
    assert list((tmp_path / "stores").iterdir()) == []
    with pytest.raises(NotFound):
        one.delete_store(scope)
    for database in (one, other):
        database.close()


def test_a_file_that_cannot_be_removed_yet_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError("another process has it open")

    one = SqliteDatabase(tmp_path)
    scope = add_store(one, "acme", 1)
    one.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    monkeypatch.setattr(Path, "unlink", refused)
    one.delete_store(scope)
    one.close()
    monkeypatch.undo()
    assert "can't be removed yet" in caplog.text
    assert (tmp_path / "stores" / f"{scope.store_id}.db").exists()

    after = SqliteDatabase(tmp_path)
    assert after.read_catalog(lambda catalog: catalog.count_stores("acme")) == 0
    assert list((tmp_path / "stores").iterdir()) == []
    after.close()


def test_a_damaged_store_can_be_deleted(tmp_path: Path) -> None:
    one = SqliteDatabase(tmp_path)
    scope = add_store(one, "acme", 1)
    one.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    one.close()
    (tmp_path / "stores" / f"{scope.store_id}.db").write_bytes(b"no database" * 1000)

    after = SqliteDatabase(tmp_path)
    with pytest.raises(Unavailable, match="damaged"):
        after.read(scope, lambda tx: tx.count_profiles())
    after.delete_store(scope)
    assert list((tmp_path / "stores").iterdir()) == []
    after.close()


def test_whoever_opens_it_in_the_midst_of_its_deletion_makes_no_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has looked whether the store is there, and opens its file only when it is deleted."""
    one, other = SqliteDatabase(tmp_path), SqliteDatabase(tmp_path)
    scope = add_store(one, "acme", 1)

    def late(path: Path, *args: object) -> object:
        if path.name != "catalog.db":
            one.delete_store(scope)
        return SqliteFile(path, *args)  # type: ignore[arg-type]

    other.read_catalog(lambda catalog: catalog.get_store(scope))
    monkeypatch.setattr(sqlite_database, "SqliteFile", late)
    with pytest.raises(NotFound):
        other.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    assert list((tmp_path / "stores").iterdir()) == [] and len(other._stores) == 0
    for database in (one, other):
        database.close()


def test_the_mark_is_seen_by_a_connection_that_was_open_before(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    scope = add_store(database, "acme", 1)
    database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    connection = connect(tmp_path / "stores" / f"{scope.store_id}.db")
    connection.execute("pragma user_version = 1")

    with pytest.raises(NotFound):
        database.read(scope, lambda tx: tx.count_profiles())
    with pytest.raises(NotFound):
        database.write(scope, lambda tx: tx.count_profiles())
    assert connection.execute("select count(*) from profile").fetchall() == [(1,)]
    connection.close()
    database.close()
