"""Opening a SQLite file: durable, private, migrated. And the one place where SQLite's errors become ours."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import apsw

from mcp_memory.backends.sql import migrations
from mcp_memory.errors import Closing, Conflict, Unavailable

BUSY_SECONDS = 10.0  # another process may hold the file for a batch; none holds it for seconds
POLL_SECONDS = 0.005  # SQLite's own timeout polls every 100 ms, and misses the gaps that a busy writer leaves
NO_SPACE = "The disk is full and nothing was written: free some space, then try again."
UNWRITABLE = "The data folder can't be written: run `mcp-memory doctor` to see why."
FULL = {apsw.SQLITE_IOERR_SHMSIZE}  # what the opening of an existing file on a full disk ends with
TWICE = {apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID}


@contextmanager
def translated() -> Iterator[None]:
    """What is not the machine's fault is a bug, and stays one."""
    try:
        yield
    except apsw.Error as exc:
        ours = _ours(exc)
        if ours is None:
            raise
        raise ours from exc


def _ours(exc: apsw.Error) -> Unavailable | Conflict | None:
    extended = getattr(exc, "extendedresult", 0)  # set by apsw, unknown to its type stubs
    match exc:
        case apsw.BusyError() | apsw.LockedError() | apsw.ProtocolError():
            return Unavailable("The store is busy: another program is writing to it. Try again.")
        case apsw.IOError() if extended not in FULL:
            return Unavailable("The disk failed and nothing was written: run `mcp-memory doctor` to see more.")
        case apsw.FullError() | apsw.IOError():
            return Unavailable(NO_SPACE)
        case apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.PermissionsError():
            return Unavailable(UNWRITABLE)
        case apsw.CorruptError() | apsw.NotADBError():
            return Unavailable("The store's file is damaged: run `mcp-memory doctor`, restore a backup.")
        case apsw.ConnectionClosedError():
            return Closing("The memory is closing, and nothing was written.")
        case apsw.ConstraintError() if extended in TWICE:
            return Conflict("That contradicts what is stored, and nothing was written: read it again first.")
    return None


def create(path: Path) -> None:
    """For its owner's eyes only; SQLite gives the files beside it the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise Unavailable(UNWRITABLE) from exc


def connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_handler(Patience())
        if connection.execute("pragma auto_vacuum").fetchall() != [(2,)]:  # to set it is to write
            run(connection, "pragma auto_vacuum = incremental")  # counts only before the first table
        _enter_wal(connection)
        run(
            connection,
            "pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on;"
            "pragma temp_store = memory; pragma trusted_schema = off",
        )
    except BaseException:
        connection.close()
        raise
    return connection


class Patience:
    """A connection's busy handler: told how often it was asked already, whether to try once more."""

    def __init__(self, seconds: float = BUSY_SECONDS) -> None:
        self._seconds, self._until = seconds, 0.0

    def __call__(self, tries: int) -> bool:
        now = time.monotonic()
        if tries == 0:
            self._until = now + self._seconds
        if now > self._until:
            return False
        time.sleep(POLL_SECONDS)
        return True


def run(connection: apsw.Connection, statements: str) -> None:
    """All of them: left to itself, apsw stops at the first that returns a row."""
    connection.execute(statements).fetchall()


def _enter_wal(connection: apsw.Connection) -> None:
    """Turning a new file to WAL ignores the busy timeout when several processes try it at once."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            mode = connection.execute("pragma journal_mode = wal").fetchall()
        except apsw.BusyError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
            continue
        if mode != [("wal",)]:
            raise Unavailable("The data folder's file system can't be shared by programs: choose a local folder.")
        return


def migrate(connection: apsw.Connection, schema: Traversable, prepare: Callable[[apsw.Connection], None]) -> None:
    """`prepare` comes last: inside the transaction that migrates, or by itself where there is nothing to migrate."""
    known = migrations.load(schema)
    if not migrations.pending(known, _applied(connection)):
        prepare(connection)
        return
    connection.execute("begin immediate")
    try:
        connection.execute(
            "create table if not exists schema_migration "
            "(version integer primary key, name text not null, checksum text not null, applied_at text not null) strict"
        )
        applied = _applied(connection)
        missing = migrations.pending(known, applied)
        if not applied:
            run(connection, _outcome(tuple(known)))
        for migration in missing:
            if applied:
                run(connection, migration.sql)
            connection.execute(
                "insert into schema_migration values (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                (migration.version, migration.name, migration.checksum),
            )
        prepare(connection)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


OWN_SCHEMA = (
    "select type, name, sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by rowid"
)


@cache
def _outcome(known: tuple[migrations.Migration, ...]) -> str:
    """What makes of an empty file what all of them would make of it: a sixth of the work, for whoever makes many."""
    with closing(apsw.Connection(":memory:")) as made:
        run(made, "pragma foreign_keys = on")
        for migration in known:
            run(made, migration.sql)
        schema = list(made.execute(OWN_SCHEMA))
        tables = [(name, sql) for kind, name, sql in schema if kind == "table"]
        rows = [_insertion(name, row) for name, _ in tables for row in made.execute(f'select * from "{name}"')]
        rest = [sql for kind, _, sql in schema if kind != "table"]  # a trigger would see the rows
    return ";\n".join([*(sql for _, sql in tables), *rows, *rest])


def _insertion(table: str, row: Sequence[Any]) -> str:
    return f'insert into "{table}" values ({", ".join(apsw.format_sql_value(value) for value in row)})'


def _applied(connection: apsw.Connection) -> dict[int, str]:
    if not connection.table_exists("main", "schema_migration"):
        return {}
    return dict(connection.execute("select version, checksum from schema_migration"))
