"""A folder that the version before deletion and revisions left, opened by this one."""

import shutil
from pathlib import Path

import anyio.to_thread
import apsw
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS, SqliteDatabase
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.imports import ColumnMapping, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewObservation, NewSummary, RecallQuery, Scope
from mcp_memory.operations import Reply
from tests.contract.people import event, person

pytestmark = pytest.mark.anyio

PAGE = PageQuery(limit=10)
COLUMNS = (ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),)
FILE = NewImport(filename="a.csv", file_size=1, digest=b"file", column_mappings=COLUMNS, rows_total=3)


def backend(folder: Path, embedder: MiniLM) -> SqlBackend:
    return SqlBackend(SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region="US")


def as_earlier(path: Path, kind: str, versions: int) -> None:
    """The file, copied into one that only the first migrations made."""
    schema = path.parent / f"{kind} as it was"
    schema.mkdir()
    for file in sorted((MIGRATIONS / kind).iterdir(), key=lambda file: file.name)[:versions]:
        shutil.copy(str(file), schema)
    old = path.parent / "old.db"
    create(old)
    connection = connect(old)
    migrate(connection, schema, lambda _: None)
    connection.execute("pragma foreign_keys = off")
    connection.execute(f"attach '{path}' as new")
    for table in names(connection, "select name from main.sqlite_schema where type = 'table'"):
        if table != "schema_migration":
            columns = ", ".join(names(connection, f"select name from pragma_table_info('{table}', 'main')"))
            connection.execute(f"delete from main.{table}")
            connection.execute(f"insert into main.{table} ({columns}) select {columns} from new.{table}")
    connection.execute("detach new")
    connection.close()
    shutil.rmtree(schema)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    old.rename(path)


def names(connection: apsw.Connection, sql: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(sql).fetchall()]


def sound(path: Path) -> None:
    connection = connect(path)
    assert connection.execute("pragma foreign_key_check").fetchall() == []
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


async def filled(before: SqlBackend) -> tuple[Scope, str, str]:
    scope = await before.open_store("local", "default")
    dana = (await person(before, scope, phone="+13175550142")).profile_id
    lee = (await person(before, scope, email="lee@example.com")).profile_id
    await before.add_observations(scope, dana, [NewObservation(content="Has a dog."), NewObservation(content="Is 40.")])
    await before.add_summaries(scope, dana, [NewSummary(content="Called.", conversation_id="c")])
    await before.merge_profiles(scope, dana, lee)
    await before.unmerge_profile(scope, lee)
    started = await before.start_import(scope, FILE)
    await before.add_import_rows(scope, started.import_id, 0, [ImportRow(traits={}, refusal="It is empty.")])
    return scope, dana, started.import_id


async def test_what_was_stored_is_there_and_all_that_is_new_can_be_done(tmp_path: Path, embedder: MiniLM) -> None:
    before = backend(tmp_path, embedder)
    scope, dana, import_id = await filled(before)
    profile, store = await before.get_profile(scope, dana), await before.get_store(scope)
    await before.close()
    path = tmp_path / "stores" / f"{scope.store_id}.db"
    await anyio.to_thread.run_sync(as_earlier, path, "store", 3)
    await anyio.to_thread.run_sync(as_earlier, tmp_path / "catalog.db", "catalog", 1)

    after = backend(tmp_path, embedder)
    try:
        assert (await after.get_profile(scope, dana), await after.get_store(scope)) == (profile, store)
        assert await after.list_remarks(scope, import_id, 0, 10) == [Remark(row=1, refused=True, reason="It is empty.")]
        assert (await after.start_import(scope, FILE)).import_id == import_id
        rows = [ImportRow(traits={"Contact": {"phone": f"+1317555015{number}"}}) for number in range(2)]
        assert (await after.add_import_rows(scope, import_id, 1, rows)).status == "COMPLETED"
        upload = NewUpload(filename="b.csv", file_size=1, column_mappings=COLUMNS, secret_digest=b"secret")
        assert (await after.create_import(scope, upload)).status == "PENDING"

        note = next(one for one in await after.latest_observations(scope, dana, 10) if one.content == "Has a dog.")
        await after.update_observation(scope, dana, note.id, ObservationChanges(content="Has a cat."))
        assert len((await after.list_revisions(scope, dana, note.id, PAGE)).items) == 2
        found = await after.recall(scope, dana, RecallQuery(query="cat", observations_limit=1))
        assert found.observations[0].item.content == "Has a cat."
        assert len((await after.list_observations(scope, dana, EVERYTHING, PAGE)).items) == 2
        assert len((await after.list_profiles(scope, PAGE)).items) == 4
        await after.delete_profile(scope, dana)
        assert (await event(after, scope, phone="+13175550142")).outcome == "created"

        changed = await after.update_store(scope, StoreChanges(display_name="shop", description="Gary."), 1)
        assert changed.version == 2
        other = await after.create_store("local", NewStore(display_name="other"))
        assert {*(await after.list_stores("local", PAGE)).items} == {scope.store_id, other.store_id}
        await after.begin_request("local", "key", b"digest")
        await after.end_request("local", "key", Reply(status=202, headers=(), body=b""))
        assert await after.begin_request("local", "key", b"digest") == Reply(status=202, headers=(), body=b"")
        await after.record_operation("local", scope.store_id)
        await anyio.to_thread.run_sync(sound, path)
        await after.delete_store(scope)
    finally:
        await after.close()
