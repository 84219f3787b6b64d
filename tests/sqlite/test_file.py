"""What one SQLite file promises: migrated once, committed in groups, errors in our own words."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from mcp_memory.backends.sql import migrations
from mcp_memory.backends.sql.sqlite.file import SqliteFile, _Job
from mcp_memory.errors import Conflict, Unavailable

Connection = apsw.Connection


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("create table t (n integer primary key) strict;", encoding="utf-8")
    return folder


@pytest.fixture
def open_file(tmp_path: Path, schema: Path) -> Iterator[Callable[[], SqliteFile[Connection]]]:
    opened: list[SqliteFile[Connection]] = []

    def open_() -> SqliteFile[Connection]:
        opened.append(SqliteFile(tmp_path / "t.db", schema, lambda connection: connection))
        return opened[-1]

    yield open_
    for file in opened:
        file.close()


OpenFile = Callable[[], SqliteFile[Connection]]


def numbers(file: SqliteFile[Connection]) -> list[object]:
    return file.read(lambda tx: [row[0] for row in tx.execute("select n from t order by n")])


def put(number: int) -> Callable[[Connection], None]:
    def work(tx: Connection) -> None:
        tx.execute("insert into t values (?)", (number,))

    return work


def together(*jobs: Callable[[], object]) -> list[BaseException | None]:
    errors: list[BaseException | None] = [None] * len(jobs)
    start = threading.Barrier(len(jobs))

    def run(at: int) -> None:
        start.wait()
        try:
            jobs[at]()
        except Exception as exc:
            errors[at] = exc

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def test_a_file_is_durable_private_and_ready_for_erasure(open_file: OpenFile) -> None:
    def pragmas(tx: Connection) -> list[object]:
        names = (
            *("journal_mode", "synchronous", "auto_vacuum", "secure_delete"),
            *("foreign_keys", "temp_store", "trusted_schema"),
        )
        return [tx.execute(f"pragma {name}").fetchall()[0][0] for name in names]

    assert open_file().write(pragmas) == ["wal", 2, 2, 1, 1, 2, 0]  # full, incremental, on, on, memory, off


def test_sqlite_is_new_enough_for_two_processes_on_one_file() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)


def test_many_openers_of_a_new_file_migrate_it_once(open_file: OpenFile) -> None:
    assert together(*[open_file] * 8) == [None] * 8

    applied = open_file().read(lambda tx: tx.execute("select version, name from schema_migration").fetchall())
    assert applied == [(1, "0001_first.sql")]


def test_a_later_migration_is_added_to_a_file_in_use(open_file: OpenFile, schema: Path) -> None:
    open_file().write(put(1))
    (schema / "0002_more.sql").write_text("alter table t add column m text;", encoding="utf-8")

    assert open_file().read(lambda tx: tx.execute("select n, m from t").fetchall()) == [(1, None)]


def test_a_migration_that_fails_leaves_nothing_behind(open_file: OpenFile, schema: Path) -> None:
    open_file().write(put(1))
    (schema / "0002_bad.sql").write_text("create table u (n); insert into t values (1);", encoding="utf-8")
    with pytest.raises(Conflict):
        open_file()
    (schema / "0002_bad.sql").unlink()

    assert numbers(open_file()) == [1]
    assert open_file().read(lambda tx: tx.table_exists("main", "u")) is False


def test_an_edited_migration_and_a_newer_file_are_refused(open_file: OpenFile, schema: Path) -> None:
    (schema / "0002_more.sql").write_text("create table u (n integer) strict;", encoding="utf-8")
    open_file()
    (schema / "0002_more.sql").write_text("create table u (n text) strict;", encoding="utf-8")
    with pytest.raises(Unavailable, match=r"0002_more\.sql is not the one"):
        open_file()
    (schema / "0002_more.sql").unlink()
    with pytest.raises(Unavailable, match="written by a newer mcp-memory"):
        open_file()


def test_a_gap_among_migrations_is_a_mistake_of_ours(schema: Path) -> None:
    (schema / "0003_later.sql").write_text("select 1;", encoding="utf-8")

    with pytest.raises(ValueError, match="out of order"):
        migrations.load(schema)


def test_one_commit_serves_all_who_wait_and_one_failure_only_its_own(open_file: OpenFile) -> None:
    file = open_file()
    file.write(put(0))
    commits: list[int] = []

    def count() -> bool:
        commits.append(1)
        return False  # do not turn the commit into a rollback

    file.write(lambda tx: tx.set_commit_hook(count))
    entered, leave = threading.Event(), threading.Event()

    def slow(tx: Connection) -> None:
        put(1)(tx)
        entered.set()
        assert leave.wait(30)

    first = threading.Thread(target=lambda: file.write(slow))
    first.start()
    assert entered.wait(30)
    jobs = [lambda n=n: file.write(put(n)) for n in (2, 3, 0, 4)]
    errors: list[list[BaseException | None]] = []
    rest = threading.Thread(target=lambda: errors.append(together(*jobs)))
    rest.start()
    give_up = time.monotonic() + 30
    while len(file._waiting) < 4 and time.monotonic() < give_up:  # all four are in line behind the first
        threading.Event().wait(0.001)
    before = len(commits)
    leave.set()
    first.join(30)
    rest.join(30)

    assert [type(error) for error in errors[0]] == [type(None), type(None), Conflict, type(None)]
    assert numbers(file) == [0, 1, 2, 3, 4]
    assert len(commits) == before + 2


def test_a_migration_runs_to_its_end_also_past_a_statement_that_answers(open_file: OpenFile, schema: Path) -> None:
    (schema / "0002_more.sql").write_text(
        "insert into t values (7) returning n; pragma user_version; create table u (n integer) strict;",
        encoding="utf-8",
    )

    assert numbers(open_file()) == [7]
    assert open_file().read(lambda tx: tx.table_exists("main", "u"))


def test_read_then_write_never_fails_between_two_connections(open_file: OpenFile) -> None:
    """Without BEGIN IMMEDIATE a transaction that has read can't become a writer once another has written."""

    def append(tx: Connection) -> None:
        put(len(tx.execute("select n from t").fetchall()))(tx)

    def many(file: SqliteFile[Connection]) -> Callable[[], None]:
        def work() -> None:
            for _ in range(100):
                file.write(append)

        return work

    assert together(many(open_file()), many(open_file())) == [None, None]
    assert numbers(open_file()) == list(range(200))


def test_a_disk_that_fails_in_one_job_fails_the_batch_and_the_next_write_works(open_file: OpenFile) -> None:
    file = open_file()

    def failing(tx: Connection) -> None:
        put(2)(tx)
        raise Unavailable("the disk")

    jobs = [_Job(put(1)), _Job(failing), _Job(put(3))]
    file._commit(jobs)
    file.write(put(4))

    assert numbers(file) == [4]
    for job in jobs:
        with pytest.raises(Unavailable, match="the disk"):
            job.outcome()


def test_a_write_that_was_never_attempted_is_not_called_a_success(open_file: OpenFile) -> None:
    file = open_file()
    file._waiting = deque(maxlen=0)  # whatever goes wrong in the line: the job is not in it

    with pytest.raises(Unavailable, match="not attempted"):
        file.write(put(1))


def test_a_writer_that_cannot_roll_back_is_replaced(open_file: OpenFile) -> None:
    file = open_file()

    def refuse(*_: object) -> int:
        return apsw.SQLITE_DENY  # nothing any more, a rollback neither

    def break_(tx: Connection) -> None:
        put(1)(tx)
        tx.set_authorizer(refuse)
        raise Unavailable("the disk")

    with pytest.raises(Unavailable):
        file.write(break_)
    file.write(put(2))

    assert numbers(file) == [2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let go of an open file")
def test_a_file_that_is_removed_meanwhile_takes_no_more_writes(open_file: OpenFile, tmp_path: Path) -> None:
    file = open_file()
    file.write(put(1))
    (tmp_path / "t.db").unlink()

    with pytest.raises(Unavailable, match="The store's file was removed"):
        file.write(put(2))


def test_after_closing_nothing_is_read_or_written(open_file: OpenFile) -> None:
    file = open_file()
    file.close()

    with pytest.raises(Unavailable, match="closing"):
        file.write(put(1))
    with pytest.raises(Unavailable, match="closing"):
        numbers(file)


def test_a_read_that_a_failing_disk_has_ended_says_so(open_file: OpenFile) -> None:
    def work(tx: Connection) -> None:
        tx.execute("rollback")  # as SQLite does by itself when it can't read
        raise apsw.IOError("the disk")

    with pytest.raises(Unavailable, match="The disk failed"):
        open_file().read(work)


def test_work_that_raises_leaves_nothing_behind(open_file: OpenFile) -> None:
    file = open_file()

    def work(tx: Connection) -> None:
        put(1)(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        file.write(work)

    assert numbers(file) == []


def test_a_full_disk_is_an_error_that_stores_nothing_and_passes(open_file: OpenFile) -> None:
    file = open_file()
    file.write(lambda tx: tx.execute("create table big (b blob)"))
    pages = file.write(lambda tx: tx.execute("pragma page_count").fetchall()[0][0])
    file.write(put(1))
    file._writer.execute(f"pragma max_page_count = {pages}")

    def work(tx: Connection) -> None:
        put(2)(tx)
        tx.execute("insert into big values (zeroblob(1000000))")

    with pytest.raises(Unavailable, match="The disk is full and nothing was written"):
        file.write(work)
    assert numbers(file) == [1]

    file._writer.execute("pragma max_page_count = 100000")
    file.write(work)
    assert numbers(file) == [1, 2]


def test_a_reader_sees_one_moment(open_file: OpenFile) -> None:
    file = open_file()
    file.write(put(1))

    def work(tx: Connection) -> list[int]:
        seen = [len(tx.execute("select n from t").fetchall())]
        file.write(put(2))
        return [*seen, len(tx.execute("select n from t").fetchall())]

    assert file.read(work) == [1, 1]
    assert numbers(file) == [1, 2]


def test_a_reader_cannot_write(open_file: OpenFile) -> None:
    with pytest.raises(Unavailable):
        open_file().read(put(1))


def test_readers_are_kept_but_not_without_end(open_file: OpenFile, tmp_path: Path) -> None:
    """Four at once, and whoever wants a fifth waits. What is open stays: SQLite would keep its descriptor anyway."""
    file = open_file()
    barrier = threading.Barrier(4)
    reading: list[Connection] = []
    seen: list[int] = []

    def work(tx: Connection) -> None:
        reading.append(tx)
        barrier.wait(30)  # all four are there
        seen.append(len(reading))
        barrier.wait(30)
        reading.remove(tx)

    assert together(*[lambda: file.read(work)] * 12) == [None] * 12
    assert file._idle.qsize() == 4 and seen == [4] * 12
    if sys.platform == "linux":
        opened = [os.readlink(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd") if _is_open(one)]
        assert sorted(Path(one).name for one in opened if one.startswith(str(tmp_path))) == [
            *["t.db"] * 5,
            "t.db-shm",
            *["t.db-wal"] * 5,
        ]


def _is_open(descriptor: str) -> bool:
    return os.path.exists(f"/proc/self/fd/{descriptor}")


@pytest.mark.parametrize("damage", [b"", b"not a database, by any means" * 100])
def test_a_file_that_is_no_database_is_named_damaged(tmp_path: Path, schema: Path, damage: bytes) -> None:
    (tmp_path / "t.db").write_bytes(damage)
    if not damage:  # an empty file is a new one
        SqliteFile(tmp_path / "t.db", schema, lambda connection: connection).close()
        return
    with pytest.raises(Unavailable, match="damaged"):
        SqliteFile(tmp_path / "t.db", schema, lambda connection: connection)
