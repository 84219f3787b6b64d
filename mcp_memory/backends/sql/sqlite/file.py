"""One SQLite file: migrated on opening, read by many, written by one at a time, with group commit.

Rule 1: every write is BEGIN IMMEDIATE. A deferred transaction that turns into a write fails at once under load.
Rule 2: a write is acknowledged after a commit with synchronous=FULL, so a power cut loses nothing acknowledged.
Rule 3: a unit of work fetches all it reads; a cursor left half-read would keep the WAL from ever shrinking.
Rule 4: whoever waits to write joins the transaction of the one who writes next: one fsync for all of them. A job
        that fails is rolled back alone, to its savepoint; a disk that fails fails the whole batch.
"""

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw

from mcp_memory.backends.sql import migrations
from mcp_memory.errors import Conflict, Unavailable

Tx = TypeVar("Tx")
T = TypeVar("T")

BUSY_MILLISECONDS = 10_000  # another process may hold the file for a batch; none holds it for seconds
NO_SPACE = "The disk is full and nothing was written: free some space, then try again."
UNWRITABLE = "The data folder can't be written: run `mcp-memory doctor` to see why."
FULL = {apsw.SQLITE_IOERR_SHMSIZE}  # what an open of an existing file on a full disk ends with
IDLE_READERS = 4  # each costs about 150 kB and three file descriptors


class _Job:
    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error, self.done = result, error, True


class SqliteFile(Generic[Tx]):
    def __init__(
        self,
        path: Path,
        schema: Traversable,
        transaction: Callable[[apsw.Connection], Tx],
        prepare: Callable[[apsw.Connection], None] = lambda connection: None,
    ) -> None:
        """`prepare` runs in the transaction of a migration, and on every opening; it may raise to refuse the file."""
        self._path, self._transaction = path, transaction
        self._idle: queue.LifoQueue[apsw.Connection] = queue.LifoQueue()
        self._waiting: deque[_Job] = deque()
        self._writing = threading.Lock()
        with translated():
            _create(path)
            self._writer = _open(path, apsw.SQLITE_OPEN_READWRITE)
            try:
                _migrate(self._writer, schema, prepare)
            except BaseException:
                self._writer.close()
                raise

    def read(self, work: Callable[[Tx], T]) -> T:
        with translated(), self._reader() as connection:
            connection.execute("begin")
            try:
                return work(self._transaction(connection))
            finally:
                connection.execute("rollback")

    def write(self, work: Callable[[Tx], T]) -> T:
        job = _Job(work)
        self._waiting.append(job)
        with self._writing:
            if not job.done:
                self._commit([self._waiting.popleft() for _ in range(len(self._waiting))])
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def close(self) -> None:
        with self._writing:
            self._writer.close()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with translated():
                self._writer.execute("begin immediate")
                outcomes = [self._attempt(job) for job in jobs]
                self._writer.execute("commit")
        except BaseException as exc:
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            for job in jobs:
                job.finish(error=exc)
            return
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            job.finish(result, error)

    def _attempt(self, job: _Job) -> tuple[Any, BaseException | None]:
        self._writer.execute("savepoint job")
        try:
            with translated():
                result = job.work(self._transaction(self._writer))
        except BaseException as exc:
            if not self._writer.in_transaction or isinstance(exc, Unavailable):
                raise  # the disk gave way: nothing of this batch stands
            self._writer.execute("rollback to job; release job")
            return None, exc
        self._writer.execute("release job")
        return result, None

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = _open(self._path, apsw.SQLITE_OPEN_READWRITE)
            connection.execute("pragma query_only = on")
        try:
            yield connection
        finally:
            if self._idle.qsize() < IDLE_READERS:
                self._idle.put(connection)
            else:
                connection.close()


@contextmanager
def translated() -> Iterator[None]:
    """The one place where SQLite's errors become ours. What is not the machine's fault is a bug, and stays one."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as exc:
        raise Unavailable("The store is busy: another program is writing to it. Try again.") from exc
    except apsw.FullError as exc:
        raise Unavailable(NO_SPACE) from exc
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as exc:
        raise Unavailable(UNWRITABLE) from exc
    except apsw.IOError as exc:
        if getattr(exc, "extendedresult", 0) in FULL:  # set by apsw, unknown to its type stubs
            raise Unavailable(NO_SPACE) from exc
        raise Unavailable("The disk failed and nothing was written: run `mcp-memory doctor` to see more.") from exc
    except (apsw.CorruptError, apsw.NotADBError) as exc:
        raise Unavailable("The store's file is damaged: run `mcp-memory doctor`, restore a backup.") from exc
    except apsw.ConstraintError as exc:
        raise Conflict("That contradicts what is stored, and nothing was written: read it again first.") from exc


def _create(path: Path) -> None:
    """For its owner's eyes only; SQLite gives the files beside it the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise Unavailable(UNWRITABLE) from exc


def _open(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        connection.execute("pragma auto_vacuum = incremental")  # counts only before the first table
        _enter_wal(connection)
        connection.execute(
            "pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on;"
            "pragma temp_store = memory; pragma trusted_schema = off"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal(connection: apsw.Connection) -> None:
    """Turning a new file to WAL ignores the busy timeout when several processes try it at once."""
    give_up = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("pragma journal_mode = wal").fetchall()
            return
        except apsw.BusyError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _migrate(connection: apsw.Connection, schema: Traversable, prepare: Callable[[apsw.Connection], None]) -> None:
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
        for migration in migrations.pending(known, _applied(connection)):
            connection.execute(migration.sql)
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


def _applied(connection: apsw.Connection) -> dict[int, str]:
    if not connection.table_exists("main", "schema_migration"):
        return {}
    return dict(connection.execute("select version, checksum from schema_migration"))
