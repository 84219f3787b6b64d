"""Extractions that were queued before they had ids are given some, once."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import apsw

from mcp_memory import ids
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS
from mcp_memory.backends.sql.sqlite.keys import to_micros
from mcp_memory.backends.sql.sqlite.transaction import SqliteTransaction
from mcp_memory.extractions import ExtractionFilter

MONDAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
DANA = ids.new_id(ids.PROFILE, MONDAY, bytes(10))


def opened(path: Path, schema: Path) -> apsw.Connection:
    connection = connect(path)
    migrate(connection, schema, lambda _: None)
    return connection


def before_ids(folder: Path) -> Path:
    """A file with three extractions, as the version before left it."""
    schema = folder / "before"
    shutil.copytree(str(MIGRATIONS / "store"), schema)
    for later in schema.glob("*.sql"):
        if later.name > "0009":
            later.unlink()
    path = folder / "store.db"
    create(path)
    connection, at = opened(path, schema), to_micros(MONDAY)
    connection.execute(
        "insert into profile (profile_id, created_at, updated_at) values (?, ?, ?)", [ids.to_bytes(DANA), at, at]
    )
    connection.execute("insert into conversation (profile_no, conversation_id, created_at) values (1, 'c-1', ?)", [at])
    for status in ("DONE", "FAILED", "QUEUED"):
        connection.execute(
            "insert into extraction (conversation_no, cause, first_id, last_id, status, created_at, updated_at) "
            "values (1, 'CLOSED', 0, 1, ?, ?, ?)",
            [status, at, at],
        )
    connection.close()
    return path


def test_each_has_an_id_of_its_own_that_stays(tmp_path: Path) -> None:
    path, schema = before_ids(tmp_path), Path(str(MIGRATIONS / "store"))
    seen = []
    for _ in range(2):
        connection = opened(path, schema)
        tx = SqliteTransaction(connection)
        rows = [row for _, row in tx.list_extractions(ExtractionFilter(), None, 10, newest_first=False)]
        seen.append([row.extraction_id for row in rows])
        assert [row.status for row in rows] == ["DONE", "FAILED", "QUEUED"]
        assert [tx.find_extraction(row.extraction_id) for row in rows] == rows
        connection.close()

    assert seen[0] == seen[1] and len(set(seen[0])) == 3
    like = ids.new_id(ids.EXTRACTION, MONDAY, bytes(10))
    for one in seen[0]:
        raw = ids.to_bytes(ids.check(one, ids.EXTRACTION, "extraction_id"))
        assert raw[:6] == ids.to_bytes(like)[:6]  # the moment it was queued in
        assert (raw[6] >> 4, raw[8] >> 6) == (7, 0b10)  # RFC 9562, version 7
