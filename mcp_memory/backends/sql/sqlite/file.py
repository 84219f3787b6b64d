"""One SQLite file: read by many, written by one at a time, with group commit.

Rule 1: every write is BEGIN IMMEDIATE. A deferred transaction that turns into a write fails at once under load.
Rule 2: a write is acknowledged after a commit with synchronous=FULL, so a power cut loses nothing acknowledged.
Rule 3: a unit of work fetches all it reads; a cursor left half-read would keep the WAL from ever shrinking.
Rule 4: whoever waits to write joins the transaction of the one who writes next: one fsync for all of them. A job
        that fails is rolled back alone, to its savepoint; a disk that fails fails the whole batch.
Rule 5: success is told to a job that was committed, never inferred from the absence of an error.
Rule 6: a file that is to be deleted says so first, to all who have it open: each transaction looks. So nothing is
        acknowledged that went into a file without a name.
Rule 7: what is erased is erased from the log too, which else keeps old pages until it is written over. A reader that
        needs them is waited for, but not long: then the next write tries again. And the file gets smaller by it:
        whoever has no room any more makes some by deleting.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw

from mcp_memory.backends.sql.sqlite.connection import Patience, connect, create, migrate, run, translated
from mcp_memory.errors import Closing, Error, NoStore, Unavailable

Tx = TypeVar("Tx")
T = TypeVar("T")

logger = logging.getLogger(__name__)

# Connections that read, beside the one that writes. Each costs about 300 kB and two file descriptors, and SQLite keeps
# one of these even when it is closed, as long as any other is open: so whoever wants a fifth waits for one of them.
READERS = 4
ERASING_SECONDS = 1.0  # whoever writes waits as long
SPARE = 64  # pages, 256 kB, that stay for what comes next: to give back a few takes as long as many
SLICE = 256  # pages, a megabyte: about 10 ms
GONE = 1  # the user_version of a file that is to be deleted


class Gone(NoStore):
    """The file is deleted, or will be at once."""


class _Job:
    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error, self.done = result, error, True

    def outcome(self) -> Any:
        if not self.done:
            raise Unavailable("The write was not attempted: try again.")
        if isinstance(self.error, Error):
            raise type(self.error)(*self.error.args) from self.error  # a batch shares the cause, not the exception
        if self.error is not None:
            raise self.error
        return self.result


class SqliteFile(Generic[Tx]):
    def __init__(
        self,
        path: Path,
        schema: Traversable,
        transaction: Callable[[apsw.Connection], Tx],
        prepare: Callable[[apsw.Connection], None] = lambda connection: None,
    ) -> None:
        """`prepare` runs on every opening, after the migrations; it may raise to refuse the file."""
        self._path, self._transaction = path, transaction
        self._reading = threading.BoundedSemaphore(READERS)
        self._idle: queue.LifoQueue[apsw.Connection] = queue.LifoQueue(READERS)
        self._waiting: deque[_Job] = deque()
        self._writing = threading.Lock()
        self._closed = self._to_erase = False
        with translated():
            create(path)
            self._writer = connect(path)
            try:
                migrate(self._writer, schema, prepare)
            except BaseException:
                self._writer.close()
                raise

    def read(self, work: Callable[[Tx], T]) -> T:
        with translated(), self._reading, self._reader() as connection:
            connection.execute("begin")
            try:
                _refuse_gone(connection)
                return work(self._transaction(connection))
            finally:
                if connection.in_transaction:  # a failing disk has ended it already
                    connection.execute("rollback")

    def write(self, work: Callable[[Tx], T]) -> T:
        job = _Job(work)
        self._waiting.append(job)
        with self._writing:
            if not job.done:
                self._commit([self._waiting.popleft() for _ in range(len(self._waiting))])
        result: T = job.outcome()
        return result

    def erase(self, work: Callable[[Tx], T]) -> T:
        """As `write`, for what removes something that nobody is to find again."""
        result = self.write(work)
        self._shrink()
        with self._writing:
            self._empty_log(ERASING_SECONDS)
        return result

    def close(self) -> None:
        """Waits for what is being written; what comes later is told that the memory is closing."""
        with self._writing:
            self._closed = True
            self._writer.close()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with translated():
                if not self._path.exists():  # or what is written now would go with the file when it is closed
                    raise Unavailable("The store's file was removed: put it back, then start again.")
                self._writer.execute("begin immediate")
                _refuse_gone(self._writer)
                outcomes = [self._attempt(job) for job in jobs]
                self._writer.execute("commit")
        except BaseException as exc:
            for job in jobs:
                job.finish(error=exc)
            self._start_afresh()
            return
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            job.finish(result, error)
        if self._to_erase:
            self._empty_log(0.0)

    def _shrink(self) -> None:
        """Pages that hold nothing any more go back to the system, a slice at a time: other writers get in between."""
        before = None
        while (free := self._give_back(before)) is not None:
            before = free

    def _give_back(self, before: int | None) -> int | None:
        """How many pages were free; None: there is nothing more to do, or others free as many as this gives back.
        `before`: what it said last."""
        with self._writing:
            if self._closed:
                return None
            self._writer.set_busy_handler(Patience(ERASING_SECONDS))
            try:
                free = self._writer.pragma("freelist_count")
                if not isinstance(free, int) or free < SPARE or (before is not None and free >= before):
                    return None
                run(self._writer, f"pragma incremental_vacuum({SLICE})")
                return free
            except apsw.Error as exc:
                logger.warning("a store's file can't be made smaller yet: %s", exc)
                return None
            finally:
                self._writer.set_busy_handler(Patience())

    def _empty_log(self, seconds: float) -> None:
        """What was written stands, whatever comes of this."""
        self._to_erase = True
        if self._closed:
            return
        self._writer.set_busy_handler(Patience(seconds))
        try:
            busy = self._writer.execute("pragma wal_checkpoint(truncate)").fetchall()[0][0]
            self._to_erase = bool(busy)
        except apsw.Error as exc:
            logger.warning("the log of a store can't be emptied yet: %s", exc)
        finally:
            self._writer.set_busy_handler(Patience())

    def _attempt(self, job: _Job) -> tuple[Any, BaseException | None]:
        self._writer.execute("savepoint job")
        try:
            with translated():
                result = job.work(self._transaction(self._writer))
        except BaseException as exc:
            if not self._writer.in_transaction or isinstance(exc, Unavailable):
                raise  # the disk gave way: nothing of this batch stands
            run(self._writer, "rollback to job; release job")
            return None, exc
        self._writer.execute("release job")
        return result, None

    def _start_afresh(self) -> None:
        """After a failed batch. A writer that can't even roll back is replaced: closing it rolls back."""
        if self._closed:
            return
        try:
            if self._writer.in_transaction:
                self._writer.execute("rollback")
        except apsw.Error:
            self._writer.close()
            with translated():
                self._writer = connect(self._path)

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        if self._closed:
            raise Closing("The memory is closing.")
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = connect(self._path)
            run(connection, "pragma query_only = on")
        try:
            yield connection
        finally:
            try:
                if connection.in_transaction or self._closed:
                    raise queue.Full  # it could not be rolled back, or came too late: nobody is to get it again
                self._idle.put_nowait(connection)
            except queue.Full:
                connection.close()


def _refuse_gone(connection: apsw.Connection) -> None:
    if connection.execute("pragma user_version").fetchall() == [(GONE,)]:
        raise Gone("There is no such store.")


def mark_gone(path: Path) -> None:
    """Whoever has it open finds it gone. Nothing to do where there is no such file, or what there is is no database."""
    try:
        with translated():
            connection = connect(path)
            try:
                connection.execute(f"pragma user_version = {GONE}")
            finally:
                connection.close()
    except Unavailable as exc:
        if path.exists() and not isinstance(exc.__cause__, apsw.CorruptError | apsw.NotADBError):
            raise


def delete(path: Path) -> None:
    """The file and those beside it. Raises OSError where it can't be removed."""
    mark_gone(path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
