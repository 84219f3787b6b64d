"""A store that an earlier version made, opened by this one."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from mcp_memory import ids
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS
from mcp_memory.backends.sql.sqlite.transaction import SqliteTransaction
from mcp_memory.identity import DEFAULT_SETTINGS
from mcp_memory.model import Identifier

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
DANA = ids.new_id(ids.PROFILE, MONDAY, bytes(10))
PHONE, WHATSAPP = Identifier("phone", "+13175550142"), Identifier("whatsapp", "+13175550199")


def opened(path: Path, schema: Path) -> apsw.Connection:
    connection = connect(path)
    migrate(connection, schema, lambda _: None)
    return connection


def held(connection: apsw.Connection) -> tuple[set[object], dict[str, list[object]]]:
    """The schema, word by word, and every row, but for when which migration was applied."""
    schema = set(connection.execute("select type, name, tbl_name, sql from sqlite_schema"))
    tables = [name for kind, name, *_ in schema if kind == "table" and name != "schema_migration"]
    rows = {name: list(connection.execute(f'select * from "{name}"')) for name in tables}
    return schema, rows | {"applied": list(connection.execute("select version, name, checksum from schema_migration"))}


@pytest.mark.parametrize("name", ["catalog", "store"])
def test_a_new_file_is_what_one_that_lived_through_every_version_has_become(tmp_path: Path, name: str) -> None:
    known = tmp_path / "known"
    known.mkdir()
    for path in (tmp_path / "old.db", tmp_path / "new.db"):
        create(path)
    for migration in sorted(Path(str(MIGRATIONS / name)).iterdir()):
        shutil.copy(migration, known)
        old = opened(tmp_path / "old.db", known)
        grown = held(old)
        old.close()
    new = opened(tmp_path / "new.db", known)
    made = held(new)
    new.close()

    assert made == grown


def first_version(folder: Path) -> Path:
    """A file as the first release left it."""
    schema = folder / "first"
    schema.mkdir()
    shutil.copy(str(MIGRATIONS / "store" / "0001_initial.sql"), schema)
    path = folder / "store.db"
    create(path)
    connection = opened(path, schema)
    connection.execute(
        "insert into profile (profile_id, created_at, updated_at) values (?, 1, 1)", [ids.to_bytes(DANA)]
    )
    connection.executemany(
        "insert into identifier values (?, ?, 1, ?)",
        [(one.id_type, one.value, at) for at, one in enumerate((PHONE, WHATSAPP), start=5)],
    )
    connection.executemany(
        "insert into trait_definition values ('Contact', ?, 'STRING', ?, null)",
        [("phone", "phone"), ("whatsapp", "whatsapp"), ("city", None)],
    )
    connection.execute("insert into trait values (1, 'Contact', 'phone', '\"+13175550142\"', 5)")
    connection.close()
    return path


def test_what_was_stored_is_there_with_where_it_came_from(tmp_path: Path) -> None:
    connection = opened(first_version(tmp_path), Path(str(MIGRATIONS / "store")))
    tx = SqliteTransaction(connection)

    row = tx.find_profile(DANA)

    assert row is not None and row.members == (DANA,)
    assert tx.holders([PHONE, WHATSAPP]) == {PHONE: [DANA], WHATSAPP: [DANA]}
    assert [(one.identifier, one.trait) for one in tx.identifiers(DANA)] == [
        (PHONE, ("Contact", "phone")),
        (WHATSAPP, ("Contact", "whatsapp")),
    ]
    assert [(one.name, one.value) for one in tx.traits(DANA)] == [("phone", "+13175550142")]
    (group,) = tx.trait_groups()
    assert (group.display_name, group.version, len(group.definitions)) == ("Contact", 1, 3)
    assert tx.identity_settings() == DEFAULT_SETTINGS
    assert connection.execute("pragma foreign_key_check").fetchall() == []
    connection.close()
