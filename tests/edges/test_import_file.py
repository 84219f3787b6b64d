"""Files of customers, in process: what is read of them, and what is refused before anything is written."""

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from mcp_memory import columns
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.import_file import BATCH, Result, all_remarks, import_file
from mcp_memory.imports import Import
from mcp_memory.model import Caller
from mcp_memory.service import Memory

pytestmark = pytest.mark.anyio

ACME = Caller(tenant="acme")
ROWS = 3 * BATCH
GOOD = b"phone,city\n+13175550142,Gary\n"


def phone(person: int) -> str:
    return f"+1317{2_000_000 + person}"


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def customers(path: Path, rows: int = ROWS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("phone", "city"), *((phone(number), "Gary") for number in range(rows))])
    return path


async def load(
    memory: Memory, path: Path, *asked: str, progress: Callable[[Import], None] = lambda current: None
) -> Result:
    return await import_file(memory, ACME, path, asked, progress)


async def cities(memory: Memory, people: Sequence[int]) -> list[object]:
    found = [(await memory.lookup_profile(ACME, phone(person), "phone")).profile for person in people]
    return [one and one.traits["Contact"]["city"] for one in found]


async def count(memory: Memory) -> int:
    return (await memory.get_store(ACME)).profile_count or 0


Meanwhile = Callable[[Callable[[], object]], Callable[[], None]]


class BrokeOff(Exception):
    pass


def until_row(number: int, then: Callable[[], object]) -> Callable[[Import], None]:
    def progress(current: Import) -> None:
        if current.rows_done == number:
            then()

    return progress


def break_off() -> None:
    raise BrokeOff


@pytest.fixture
def meanwhile(never_block_the_loop: BlockBuster) -> Meanwhile:
    """What somebody else does with the file in another process, to which blocking is no matter."""

    def of(work: Callable[[], object]) -> Callable[[], None]:
        def elsewhere() -> None:
            never_block_the_loop.deactivate()
            work()
            never_block_the_loop.activate()

        return elsewhere

    return of


async def test_a_file_is_imported_batch_by_batch(memory: Memory, tmp_path: Path) -> None:
    told: list[int] = []

    result = await load(
        memory, customers(tmp_path / "customers.csv"), progress=lambda current: told.append(current.rows_done)
    )

    assert told == [0, BATCH, 2 * BATCH, 3 * BATCH]
    assert (result.imported.status, result.imported.created, result.resumed_after) == ("COMPLETED", ROWS, 0)
    assert result.imported.filename == "customers.csv"
    assert await count(memory) == ROWS


async def test_an_import_that_broke_off_goes_on_behind_its_last_batch(memory: Memory, tmp_path: Path) -> None:
    file = customers(tmp_path / "customers.csv")
    with pytest.raises(BrokeOff):
        await load(memory, file, progress=until_row(BATCH, break_off))

    result = await load(memory, file)

    assert result.resumed_after == BATCH
    assert (result.imported.status, result.imported.created, result.imported.updated) == ("COMPLETED", ROWS, 0)


async def test_the_same_file_of_another_name_goes_on_too(memory: Memory, tmp_path: Path) -> None:
    file = customers(tmp_path / "customers.csv")
    with pytest.raises(BrokeOff):
        await load(memory, file, progress=until_row(BATCH, break_off))

    assert (await load(memory, file.rename(tmp_path / "moved.csv"))).resumed_after == BATCH


async def test_the_same_file_read_in_another_way_begins_anew(memory: Memory, tmp_path: Path) -> None:
    file = customers(tmp_path / "customers.csv")
    with pytest.raises(BrokeOff):
        await load(memory, file, progress=until_row(BATCH, break_off))

    result = await load(memory, file, "city=Contact.state")

    assert (result.resumed_after, result.imported.created, result.imported.updated) == (0, ROWS - BATCH, BATCH)


@pytest.mark.parametrize("keep_time", [False, True])
async def test_a_file_that_changes_meanwhile_ends_the_import(
    memory: Memory, tmp_path: Path, meanwhile: Meanwhile, keep_time: bool
) -> None:
    file = customers(tmp_path / "customers.csv")

    def change() -> None:
        before = file.stat()
        file.write_bytes(file.read_bytes().replace(b"Gary", b"Peru"))
        if keep_time:
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(Conflict, match="The file changed while it was imported"):
        await load(memory, file, progress=until_row(BATCH, meanwhile(change)))

    assert await count(memory) == (2 * BATCH if keep_time else BATCH)  # at once, at the latest before the last batch
    assert (await load(memory, file)).imported.status == "COMPLETED"
    assert set(await cities(memory, [0, ROWS - 1])) == {"Peru"}


@pytest.mark.parametrize("change", [b"", b"phone,city\n\xff\xff,\n", b"phone,city\n"])
async def test_a_file_that_is_spoiled_meanwhile_ends_the_import(
    memory: Memory, tmp_path: Path, meanwhile: Meanwhile, change: bytes
) -> None:
    file = customers(tmp_path / "customers.csv")

    with pytest.raises(Conflict, match="The file changed while it was imported"):
        await load(memory, file, progress=until_row(0, meanwhile(lambda: file.write_bytes(change))))

    assert await count(memory) < ROWS


async def test_a_file_that_grows_meanwhile_ends_the_import(
    memory: Memory, tmp_path: Path, meanwhile: Meanwhile
) -> None:
    file = customers(tmp_path / "customers.csv")

    def grow() -> None:
        with file.open("ab") as end:
            end.write(GOOD)

    with pytest.raises(Conflict):
        await load(memory, file, progress=until_row(BATCH, meanwhile(grow)))


async def test_a_file_as_spreadsheets_save_it_is_read(memory: Memory, tmp_path: Path) -> None:
    text = (
        f'\r\nphone,"home\r\ncity"\r\n{phone(0)}," M\u00fcnchen  ""Mitte"" "\r\n\r\n , \r\n"(317) 200-0001",\r\n,\r\n'
    )
    file = write(tmp_path / "customers.csv", b"\xef\xbb\xbf" + text.encode())

    result = await load(memory, file, "home city=Contact.city")

    assert (result.imported.rows_total, result.imported.created) == (2, 2)
    assert await cities(memory, [0, 1]) == ['M\u00fcnchen "Mitte"', ""]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_lines_end_as_on_any_system(memory: Memory, tmp_path: Path, end: str) -> None:
    file = write(tmp_path / "customers.csv", end.join(["phone,city", f"{phone(0)},Gary", f"{phone(1)},Peru"]).encode())

    await load(memory, file)

    assert await cities(memory, [0, 1]) == ["Gary", "Peru"]


async def test_blank_lines_do_not_count_as_rows(memory: Memory, tmp_path: Path) -> None:
    text = "\n\nphone,city\n\n+13175550142,Gary\n\n,Gary\n,\n  \nnobody,Gary\n\n"
    file = write(tmp_path / "customers.csv", text.encode())

    result = await load(memory, file)

    assert result.imported.rows_total == 3
    assert [one.row async for one in all_remarks(memory, ACME, result.imported.import_id)] == [2, 3]


async def test_all_remarks_are_told_however_many(memory: Memory, tmp_path: Path) -> None:
    file = write(tmp_path / "customers.csv", GOOD + b"nobody,Gary\n" * 2_500)

    result = await load(memory, file)

    rows = [one.row async for one in all_remarks(memory, ACME, result.imported.import_id)]
    assert (result.imported.status, rows) == ("FAILED", list(range(2, 2_502)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(content, says, id=says)
        for content, says in (
            (b"", "is empty"),
            (b"\r\n\r\n , \n", "only blank lines"),
            (b"\xef\xbb\xbf", "only blank lines"),
            (b"phone,city\n", "a header and no rows"),
            (b"phone,city,phone\n1,2,3\n", "Columns 1 and 3 are both named phone"),
            (b"phone;city\n1;2\n", "by commas"),
            (",".join(f"c{n}" for n in range(101)).encode() + b"\n1\n", "101 columns, the limit is 100"),
            (b"name,city\n1,2\n", "at least 2"),
            (b"city,state\n1,2\n", r"No column says who.*Contact\.phone"),
            (GOOD + b"+13175550143,M\xfcnchen\n", "Row 2 is not UTF-8"),
            (b"phone,\xfc\n1,2\n", "The header is not UTF-8"),
            (b"\xff\xfe" + GOOD.decode().encode("utf-16-le"), "The header is not UTF-8"),
            (GOOD.decode().encode("utf-16-le"), "The header has a NUL"),
            (GOOD + b"+13175550143,\x00\n", "Row 2 has a NUL"),
            (GOOD + b'+13175550143,"Gary\n', "Row 2 is not CSV"),
            (GOOD + b'+13175550143,"Ga"ry\n', "Row 2 is not CSV"),
            (GOOD + b'+13175550143,"' + b"x" * 200_000 + b'"\n', r"Row 2 is not CSV.*field limit"),
            (GOOD + b'+13175550143,"' + b"x\n" * 600_000, r"Row 2 is not CSV.*field limit"),
            (GOOD + b'"x\n",' * 300_000, "Row 2 is longer than 1048576 characters"),
            (GOOD + b"x" * 1_100_000, "Row 2 is longer than 1048576 characters"),
        )
    ],
)
async def test_a_bad_file_is_refused_before_anything_is_written(
    memory: Memory, tmp_path: Path, content: bytes, says: str
) -> None:
    file = write(tmp_path / "customers.csv", content)

    with pytest.raises(Invalid, match=says):
        await load(memory, file)

    assert await count(memory) == 0


async def test_a_file_over_the_limits_is_refused(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_ROWS", 10)
    file = customers(tmp_path / "customers.csv", rows=11)

    with pytest.raises(Invalid, match="more than 10 rows"):
        await load(memory, file)
    assert (await load(memory, customers(file, rows=10))).imported.created == 10
    with file.open("ab") as sparse:
        sparse.truncate(columns.MAX_FILE + 1)
    with pytest.raises(Invalid, match="limit is 104857600"):
        await load(memory, file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
async def test_what_is_no_file_is_refused_at_once(memory: Memory, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Invalid, match="is no file"):
            await load(memory, path)
    with pytest.raises(Invalid, match="can't be read"):
        await load(memory, tmp_path / "nobody.csv")


async def test_a_name_that_is_no_text_is_no_obstacle(memory: Memory, tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("names are text on Windows")
    file = write(tmp_path / os.fsdecode(b"customers-\xff.csv"), GOOD)

    assert (await load(memory, file)).imported.filename == "customers-.csv"
