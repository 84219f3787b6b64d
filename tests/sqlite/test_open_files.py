"""Which files stay open: few, and none is closed under whoever uses it."""

import os
import random
import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcp_memory.backends.sql.sqlite.database import OPEN_STORES, SqliteDatabase
from mcp_memory.backends.sql.sqlite.file import READERS
from mcp_memory.backends.sql.sqlite.open_files import OpenFiles
from mcp_memory.errors import Closing, NotFound, Unavailable
from mcp_memory.model import Scope
from tests.sqlite.test_database import DANA, MONDAY, add_store
from tests.sqlite.test_file import together


class File:
    def __init__(self, name: str, opened: list[str]) -> None:
        self.name, self.is_open = name, True
        opened.append(name)

    def close(self) -> None:
        self.is_open = False


Files = OpenFiles[str, File]


class Drawer:
    def __init__(self, most: int) -> None:
        self.files: Files = OpenFiles(most)
        self.opened: list[str] = []

    def open(self, name: str) -> Callable[[], File]:
        return lambda: File(name, self.opened)

    def used(self, name: str) -> File:
        with self.files.use(name, self.open(name)) as file:
            assert file.is_open
        return file


def test_a_file_stays_open_for_whoever_comes_next() -> None:
    drawer = Drawer(2)

    assert drawer.used("a") is drawer.used("a")
    assert drawer.opened == ["a"]


def test_the_least_recently_used_makes_room() -> None:
    drawer = Drawer(2)
    a, b = drawer.used("a"), drawer.used("b")
    drawer.used("a")
    c = drawer.used("c")

    assert (a.is_open, b.is_open, c.is_open) == (True, False, True)
    assert drawer.used("b") is not b
    assert not a.is_open and len(drawer.files) == 2


def test_room_is_made_before_the_next_one_is_opened() -> None:
    drawer = Drawer(1)
    a = drawer.used("a")

    def open_() -> File:
        assert not a.is_open
        return File("b", drawer.opened)

    with drawer.files.use("b", open_):
        pass


def test_what_is_in_use_stays_open_however_many_there_are() -> None:
    drawer = Drawer(1)
    with ExitStack() as stack:
        files = [stack.enter_context(drawer.files.use(name, drawer.open(name))) for name in "abc"]
        again = stack.enter_context(drawer.files.use("a", drawer.open("a")))
        assert again is files[0] and all(one.is_open for one in files) and len(drawer.files) == 3

    assert [one.is_open for one in files].count(True) == len(drawer.files) == 1


def test_it_is_in_use_until_the_last_one_leaves() -> None:
    drawer = Drawer(1)
    with drawer.files.use("a", drawer.open("a")) as file:
        drawer.used("a")
        drawer.used("b")
        assert file.is_open


def test_what_can_not_be_opened_is_tried_again_by_the_next() -> None:
    drawer = Drawer(1)

    def refuse() -> File:
        raise Unavailable("busy")

    for _ in range(3):
        with pytest.raises(Unavailable, match="busy"), drawer.files.use("a", refuse):
            pass
    assert len(drawer.files) == 0
    assert drawer.used("a").is_open


def test_who_wants_what_is_being_opened_waits_for_it_and_nobody_else_does() -> None:
    drawer, opening, open_ = Drawer(4), threading.Event(), threading.Event()

    def slowly() -> File:
        opening.set()
        assert open_.wait(30)
        return File("a", drawer.opened)

    def first() -> None:
        with drawer.files.use("a", slowly) as file:
            assert file.is_open

    def second() -> None:
        assert opening.wait(30)
        drawer.used("a")

    def other() -> None:
        assert opening.wait(30)
        drawer.used("b")
        open_.set()

    assert together(first, second, other) == [None] * 3
    assert drawer.opened == ["b", "a"]


def test_what_is_let_go_is_closed_at_once_and_opened_anew() -> None:
    drawer = Drawer(2)
    with drawer.files.use("a", drawer.open("a")) as file:
        drawer.files.let_go("a")
        assert not file.is_open and len(drawer.files) == 0
        assert drawer.used("a") is not file
    assert len(drawer.files) == 1 and drawer.used("a").is_open
    drawer.files.let_go("nobody's")


def test_what_is_let_go_while_it_is_opened_does_not_stay_open() -> None:
    drawer = Drawer(2)

    def open_() -> File:
        drawer.files.let_go("a")
        return File("a", drawer.opened)

    with drawer.files.use("a", open_) as file:
        assert file.is_open
    assert not file.is_open and len(drawer.files) == 0


def test_after_closing_nothing_is_open_and_nothing_is_opened() -> None:
    drawer = Drawer(2)
    a = drawer.used("a")

    def open_() -> File:
        drawer.files.close()
        return b

    b = File("b", drawer.opened)
    with pytest.raises(Closing), drawer.files.use("b", open_):
        pass
    with pytest.raises(Closing):
        drawer.used("a")
    assert (a.is_open, b.is_open) == (False, False)


def test_many_threads_find_it_open_all_the_time_and_leave_few_open() -> None:
    drawer, made = Drawer(3), list[File]()

    def open_(name: str) -> Callable[[], File]:
        def work() -> File:
            made.append(File(name, drawer.opened))
            return made[-1]

        return work

    def work(seed: int) -> None:
        chosen = random.Random(seed)
        for _ in range(300):
            name = chosen.choice("abcdefgh")
            with drawer.files.use(name, open_(name)) as file:
                assert file.is_open and file.name == name
                if not chosen.randrange(20):
                    drawer.used("z")
                assert file.is_open

    assert together(*[lambda seed=seed: work(seed) for seed in range(8)]) == [None] * 8
    assert len(drawer.files) == 3 and sum(one.is_open for one in made) <= 3


# The same of stores


@pytest.fixture
def few(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path, open_stores=2)


def filled(database: SqliteDatabase, count: int) -> list[Scope]:
    scopes = [add_store(database, f"tenant-{number}", number) for number in range(count)]
    for scope in scopes:
        database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    return scopes


def test_what_was_written_is_read_from_a_store_that_was_closed_meanwhile(few: SqliteDatabase) -> None:
    scopes = filled(few, 6)
    for _ in range(2):
        for scope in scopes:
            few.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))
            assert few.read(scope, lambda tx: tx.count_profiles()) == 1

    assert len(few._stores) == 2
    few.close()


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc")
def test_many_stores_take_no_more_descriptors_than_a_few(tmp_path: Path) -> None:
    """Most systems give a process 1024, and connections need some of them."""
    database = SqliteDatabase(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    scopes = [add_store(database, f"tenant-{number}", number) for number in range(OPEN_STORES + 10)]
    for scope in scopes:
        barrier = threading.Barrier(READERS)
        work = [lambda scope=scope, barrier=barrier: database.read(scope, lambda tx: barrier.wait(30))] * READERS
        assert together(*work) == [None] * READERS
    opened = len(os.listdir("/proc/self/fd")) - before

    assert len(database._stores) == OPEN_STORES and opened <= (OPEN_STORES + 1) * (3 + 2 * READERS) < 1024 * 0.6
    database.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_more_stores_are_in_use_at_once_than_stay_open(few: SqliteDatabase) -> None:
    scopes, barrier = filled(few, 6), threading.Barrier(6)

    def work(scope: Scope) -> int:
        def read(tx: object) -> int:
            barrier.wait(30)
            return 1

        few.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))
        return few.read(scope, read)

    assert together(*[lambda scope=scope: work(scope) for scope in scopes]) == [None] * 6
    assert len(few._stores) == 2
    few.close()


def test_a_store_that_is_opened_again_answers_for_its_own_file_only(few: SqliteDatabase, tmp_path: Path) -> None:
    mine, other, *rest = filled(few, 4)
    for scope in rest:
        few.read(scope, lambda tx: tx.count_profiles())  # which closes the first two
    shutil.copy(tmp_path / "stores" / f"{other.store_id}.db", tmp_path / "stores" / f"{mine.store_id}.db")

    with pytest.raises(Unavailable, match="belongs to another store"):
        few.read(mine, lambda tx: tx.count_profiles())
    assert few.read(other, lambda tx: tx.count_profiles()) == 1
    few.close()


def test_a_store_that_is_not_open_can_be_deleted_and_is_found_gone(few: SqliteDatabase, tmp_path: Path) -> None:
    gone, *rest = filled(few, 4)
    few.delete_store(gone)

    with pytest.raises(NotFound):
        few.read(gone, lambda tx: tx.count_profiles())
    assert {one.stem for one in (tmp_path / "stores").glob("*.db")} == {scope.store_id for scope in rest}
    few.close()


def test_stores_are_deleted_while_all_are_opened_and_closed(few: SqliteDatabase, tmp_path: Path) -> None:
    """Whoever works on a store that goes is told so, and nobody else is."""
    scopes = filled(few, 8)
    going, staying = scopes[:4], scopes[4:]
    start = threading.Barrier(9)

    def work(scope: Scope) -> None:
        start.wait(30)
        for _ in range(40):
            few.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))
            few.read(scope, lambda tx: tx.find_profile(DANA))

    def go() -> None:
        start.wait(30)
        for scope in going:
            few.delete_store(scope)

    errors = together(*[lambda scope=scope: work(scope) for scope in scopes], go)

    assert errors[4:] == [None] * 5
    assert all(one is None or isinstance(one, NotFound) for one in errors[:4])
    assert {one.stem for one in (tmp_path / "stores").glob("*.db")} == {scope.store_id for scope in staying}
    few.close()


def test_closing_while_stores_are_opened_leaves_none_open(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path, open_stores=2)
    scopes, running = filled(database, 6), threading.Barrier(7)

    def work(scope: Scope) -> None:
        running.wait(30)
        while True:
            database.write(scope, lambda tx: tx.touch_profile(DANA, MONDAY))

    def close() -> None:
        running.wait(30)
        database.close()

    errors = together(*[lambda scope=scope: work(scope) for scope in scopes], close)

    assert [type(one) for one in errors] == [*[Closing] * 6, type(None)]
    assert len(database._stores) == 0
    assert list((tmp_path / "stores").glob("*-wal")) == []  # as whoever closes a file last leaves it
