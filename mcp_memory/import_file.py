"""Importing a CSV file: first all of it is checked, then its rows are stored, a batch at a time.

The file is read twice and never held: what is in memory is one batch. Where an import broke off, the same file
goes on behind the last row that was stored.
"""

import csv
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread

from mcp_memory import columns
from mcp_memory.columns import Reading
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import Import, ImportRow, NewImport, Remark
from mcp_memory.model import Caller, TraitDefinition, UndeclaredTraits
from mcp_memory.service import Memory
from mcp_memory.text import clean

BATCH = 250  # rows; others who write to the store wait for one batch, about a tenth of a second
PAUSE = 0.015  # seconds between two batches, in which those of other processes who wait find the store free
PAGE = 1000  # remarks
LOOKING = 4096  # rows
MAX_ROW = 1_048_576  # ours: characters; more is a quote that was never closed

_NO_UTF8 = re.compile("[\ud800-\udfff]")

Progress = Callable[[Import], None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """`resumed_after`: rows that an import that broke off had stored. `ignored`: columns that are no trait."""

    imported: Import
    resumed_after: int
    ignored: tuple[str, ...]


async def import_file(
    memory: Memory, caller: Caller, path: Path, asked: Sequence[str], progress: Progress, keep_empty: bool = False
) -> Result:
    """`asked`: what columns are, as in "Mobile=Contact.phone". `keep_empty`: see `Reading`.

    `progress` is told at the start and after each batch.
    Raises Invalid, with nothing written, for a file or a mapping that breaks a rule; Conflict where the file changes
    meanwhile, or somebody else imports it: the batches before that stay.
    """
    async with _checked(path, str(path)) as file:
        reading = columns.reading(file.columns, asked, *await rules(memory, caller), keep_empty)
        current = await memory.start_import(
            caller,
            NewImport(
                filename=clean(path.name),
                file_size=file.size,
                digest=columns.digest(file.content, reading.mappings, keep_empty),
                column_mappings=reading.mappings,
                rows_total=file.rows_total,
            ),
        )
        before = current.rows_done
        progress(current)
        current = await _to_its_end(memory, caller, file, reading, current, progress)
    return Result(imported=current, resumed_after=before, ignored=reading.ignored)


async def import_upload(memory: Memory, caller: Caller, import_id: str, path: Path) -> Import:
    """The file of an import that was announced, from where it is to its end.

    Raises Invalid for a file that breaks a rule, or is not the one that the import began with: the import stays as it
    is; Conflict where somebody else imports it.
    """
    announced = await memory.get_import(caller, import_id)
    mappings = announced.column_mappings
    async with _checked(path, announced.filename) as file:
        reading = columns.reading_as(file.columns, mappings, *await rules(memory, caller))
        digest = columns.digest(file.content, mappings)
        try:
            current = await memory.begin_import(caller, import_id, digest, file.rows_total)
        except Conflict as exc:
            raise Invalid("The file is not the one that the import began with.") from exc
        return await _to_its_end(memory, caller, file, reading, current, lambda current: None)


async def _to_its_end(
    memory: Memory, caller: Caller, file: "_File", reading: Reading, current: Import, progress: Progress
) -> Import:
    await anyio.to_thread.run_sync(file.start_again, current.rows_done)
    while current.rows_done < current.rows_total:
        rows = await anyio.to_thread.run_sync(file.batch, reading, current.rows_done)
        current = await memory.add_import_rows(caller, current.import_id, current.rows_done, rows)
        progress(current)
        await anyio.sleep(PAUSE)
    return current


@asynccontextmanager
async def _checked(path: Path, name: str) -> AsyncIterator["_File"]:
    file = await anyio.to_thread.run_sync(_File, path, name)
    try:
        await anyio.to_thread.run_sync(file.check)
        yield file
    finally:
        file.close()


async def all_remarks(memory: Memory, caller: Caller, import_id: str) -> AsyncIterator[Remark]:
    after = 0
    while page := await memory.list_remarks(caller, import_id, after, PAGE):
        for one in page:
            yield one
        after = page[-1].row


async def rules(memory: Memory, caller: Caller) -> tuple[list[TraitDefinition], IdentitySettings, UndeclaredTraits]:
    """What columns are read by."""
    groups = await memory.list_trait_groups(caller)
    return (
        [one for group in groups for one in group.definitions],
        await memory.get_identity_settings(caller),
        (await memory.get_store(caller)).undeclared_traits,
    )


class _File:
    """Blocks: for worker threads, one call at a time. `name`: what it is called where something is wrong with it."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        with self._readable():
            if path.exists() and not path.is_file():
                raise Invalid(f"{name} is no file: what is imported is read twice, so save it as a file first.")
            self._bytes = path.open("rb")
        self._text: TextIOWrapper | None = None
        self._rows: Iterator[list[str]] = iter(())
        self._status = self._stat()
        self.size = self._status.st_size
        self.columns: tuple[str, ...] = ()
        self.content = b""
        self.rows_total = 0

    def close(self) -> None:
        (self._text or self._bytes).close()

    def check(self) -> None:
        """All of it, before anything is written. Raises Invalid naming the row."""
        columns.check_size(self.size)
        with self._readable():
            self.content = self._digest()
            self.columns = columns.column_names(self._first_row())
            self.rows_total = sum(1 for _ in islice(self._rows, columns.MAX_ROWS + 1))
        if self.rows_total > columns.MAX_ROWS:
            raise Invalid(f"The file has more than {columns.MAX_ROWS} rows: split it, each part with the header.")
        if not self.rows_total:
            raise Invalid("The file has a header and no rows.")

    def start_again(self, done: int) -> None:
        """At the row behind those that are done."""
        with self._readable(), self._as_checked(done):
            self._first_row()
            next(islice(self._rows, done, done), None)

    def batch(self, reading: Reading, done: int) -> list[ImportRow]:
        """The rows behind those that are done. The last ones are given out only if the file is what was checked."""
        with self._readable(), self._as_checked(done):
            rows = [reading.row(cells) for cells in islice(self._rows, BATCH)]
            if not rows or self._touched() or (done + len(rows) >= self.rows_total and self._digest() != self.content):
                raise Invalid("The file is another one.")
            return rows

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise Invalid(f"The file {self._name} can't be read: {exc.strerror}.") from exc

    @contextmanager
    def _as_checked(self, done: int) -> Iterator[None]:
        """What breaks a rule now did not when the file was checked."""
        try:
            yield
        except Invalid as exc:
            raise Conflict(
                f"The file changed while it was imported; its first {done} rows are stored. "
                "Import it again when nobody writes to it any more."
            ) from exc

    def _first_row(self) -> list[str]:
        if self._text is not None:
            self._text.detach()
        self._bytes.seek(0)
        # What is no UTF-8 comes as surrogates, so that it is found in the row it is in.
        self._text = TextIOWrapper(self._bytes, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._rows = _rows(self._text)
        header = next(self._rows, None)
        if header is None:
            raise Invalid("The file has only blank lines: it needs a line with the names of its columns, and rows.")
        return header

    def _digest(self) -> bytes:
        position = self._bytes.tell()
        self._bytes.seek(0)
        found = hashlib.file_digest(self._bytes, "sha256").digest()
        self._bytes.seek(position)
        return found

    def _touched(self) -> bool:
        now = self._stat()
        return (now.st_size, now.st_mtime_ns) != (self._status.st_size, self._status.st_mtime_ns)

    def _stat(self) -> os.stat_result:
        return os.fstat(self._bytes.fileno())


def _rows(text: TextIOWrapper) -> Iterator[list[str]]:
    """The header and the rows; those in which no cell says anything do not count, as spreadsheets leave them behind."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            if any(not cell.isspace() for cell in row if cell):
                yield row
                lines.row += 1
                if not lines.row % LOOKING:
                    anyio.from_thread.check_cancelled()  # whoever ends the program need not wait for a million rows
            lines.taken = 0
    except csv.Error as exc:
        mend = "Shorten it." if "field larger" in str(exc) else "Put cells with quotes or line breaks in quotes."
        raise Invalid(f"{lines.place} is not CSV: {exc}. {mend}") from exc


class _Lines:
    """The lines of a text, checked. Rows may take several; `row` is the number of the one that is being read."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.row = 0
        self.taken = 0

    @property
    def place(self) -> str:
        return f"Row {self.row}" if self.row else "The header"

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW + 1)
        if not line:
            raise StopIteration
        self.taken += len(line)
        if self.taken > MAX_ROW:
            raise Invalid(f"{self.place} is longer than {MAX_ROW} characters: is a quote missing in it?")
        if not line.isascii() and _NO_UTF8.search(line):
            raise Invalid(f"{self.place} is not UTF-8: save the file as CSV UTF-8.")
        if "\0" in line:
            raise Invalid(f"{self.place} has a NUL character, which no text has: save the file as CSV UTF-8.")
        return line
