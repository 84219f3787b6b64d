"""`mcp-memory import FILE`: what is in the file is in the store, once, whatever happens on the way."""

import csv
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from mcp_memory import app
from mcp_memory.model import Profile, Store
from mcp_memory.settings import Settings

from .servers import ANSWER_SECONDS, Home, until

KILLS = 6
ROWS = 6_000
HEADER = ("Phone", "First name", "Plan.seats", "Notes")
TARGETS = "\n".join(["Phone -> Contact.phone", "First name -> Contact.firstName", "Plan.seats -> Plan.seats"])


def phone(person: int) -> str:
    return f"+1317{2_000_000 + person}"


def write(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run(home: Home, path: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return home.run("import", str(path), "--data-dir", str(home.data), *more)


def stored(home: Home, people: Sequence[int]) -> tuple[Store, list[Profile | None]]:
    """The store, and who these people are in it."""

    async def ask() -> tuple[Store, list[Profile | None]]:
        settings = Settings(data_dir=home.data)
        memory, caller = app.build_memory(settings), app.local_caller(settings)
        try:
            found = [(await memory.lookup_profile(caller, phone(person), "phone")).profile for person in people]
            return await memory.get_store(caller), found
        finally:
            await memory.close()

    return anyio.run(ask)


def test_a_file_becomes_profiles(home: Home) -> None:
    file = write(
        home.root / "customers.csv", [[phone(0), "Ann", 3, "calls"], ["", "Bob", 1, ""], [phone(0), "Anne", "", ""]]
    )

    shown = run(home, file)
    store, (ann,) = stored(home, [0])

    assert shown.returncode == 1  # a row was refused
    assert shown.stdout == (
        f"COMPLETED: 3 rows, 1 created, 1 updated, 1 refused\n{TARGETS}\n"
        "Not imported: Notes. Say which trait a column is with --map.\n"
        "row 2: It does not say who the customer is: give at least one of Contact.phone.\n"
    )
    assert "0 of 3 rows" in shown.stderr and "3 of 3 rows" in shown.stderr
    assert store.profile_count == 1
    assert ann is not None
    assert ann.traits == {"Contact": {"firstName": "Anne", "phone": phone(0)}, "Plan": {"seats": ""}}


def test_a_file_as_spreadsheets_save_it_is_read(home: Home) -> None:
    text = f'\r\nPhone;Notes,"First\r\nname"\r\n{phone(0)}," Dana  ""D"" Müller "\r\n\r\n,\r\n"(317) 200-0001",\r\n\r\n'
    file = home.root / "customers.csv"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())

    shown = run(home, file, "--map", "Phone;Notes=Contact.phone")
    _, (dana, other) = stored(home, [0, 1])

    assert shown.stdout.startswith("COMPLETED: 2 rows, 2 created"), shown.stderr
    assert dana is not None and dana.traits["Contact"]["firstName"] == 'Dana "D" Müller'
    assert other is not None and other.traits["Contact"]["firstName"] == ""


def test_a_file_with_the_line_ends_of_old_is_read(home: Home) -> None:
    file = home.root / "customers.csv"
    file.write_bytes(f"Phone,City\r{phone(0)},Gary\r{phone(1)},Gary\r".encode())

    assert run(home, file).stdout.startswith("COMPLETED: 2 rows, 2 created")


def test_an_import_tells_of_merges_and_of_what_it_left_with_others(home: Home) -> None:
    header = ("Phone", "E-mail")
    people = write(home.root / "people.csv", [[phone(0), ""], ["", "bob@example.com"], [phone(1), ""]], header)
    links = write(home.root / "links.csv", [[phone(0), "bob@example.com"], [phone(1), "bob@example.com"]], header)
    assert run(home, people).returncode == 0

    shown = run(home, links)

    assert shown.returncode == 0
    assert shown.stdout.startswith("COMPLETED: 2 rows, 0 created, 2 updated, 0 refused")
    assert "Profiles that turned out to be part of another: 2\n" in shown.stdout
    assert stored(home, [])[0].profile_count == 1


def test_an_empty_cell_can_be_told_to_say_nothing(home: Home) -> None:
    whole = write(home.root / "whole.csv", [[phone(0), "Ann", 3, ""]])
    part = write(home.root / "part.csv", [[phone(0), "", "", ""]])
    run(home, whole)

    run(home, part, "--keep-empty")
    _, (kept,) = stored(home, [0])
    run(home, part)
    _, (emptied,) = stored(home, [0])

    assert kept is not None and kept.traits == {
        "Contact": {"firstName": "Ann", "phone": phone(0)},
        "Plan": {"seats": "3"},
    }
    assert emptied is not None and emptied.traits["Contact"]["firstName"] == ""


def test_a_completed_file_imported_again_changes_nobody_s_number(home: Home) -> None:
    file = write(
        home.root / "customers.csv", [[phone(number % 300), f"Name {number}", number, ""] for number in range(600)]
    )

    first, again = run(home, file), run(home, file)

    assert first.stdout.startswith("COMPLETED: 600 rows, 300 created, 300 updated, 0 refused")
    assert again.stdout.startswith("COMPLETED: 600 rows, 0 created, 600 updated, 0 refused")
    assert "broke off" not in again.stderr
    assert stored(home, [])[0].profile_count == 300


def test_a_hundred_refused_rows_fail_the_import_and_are_all_named(home: Home) -> None:
    file = write(home.root / "customers.csv", [[phone(0), "Ann", "", ""], *[["Ann's", "", "", ""]] * 100])

    shown = run(home, file)

    assert shown.returncode == 1
    assert shown.stdout.startswith("FAILED: 101 rows, 1 created, 0 updated, 100 refused")
    assert [line.split(":")[0] for line in shown.stdout.splitlines() if line.startswith("row ")] == [
        f"row {number}" for number in range(2, 102)
    ]
    assert "Ann's" not in shown.stdout + shown.stderr
    assert stored(home, [])[0].profile_count == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_an_import_that_is_killed_again_and_again_ends_with_every_row_in_once(home: Home) -> None:
    dice = random.Random(20261121)
    people = [dice.randrange(4_000) for _ in range(ROWS)]
    refused = set(dice.sample(range(ROWS), 40))
    rows = [["?" if n in refused else phone(person), f"Name {n}", n, ""] for n, person in enumerate(people)]
    file = write(home.root / "customers.csv", rows)
    last = {person: f"Name {n}" for n, person in enumerate(people) if n not in refused}

    done = [killed(home, file, kill % 2, dice) for kill in range(KILLS)]
    shown = run(home, file)
    store, found = stored(home, sorted(last))

    created, updated = len(last), len(people) - len(refused) - len(last)
    assert 0 < done[-1] < ROWS  # or the kills came too early, or too late, to prove a thing
    assert done == sorted(done)
    assert "An earlier import of this file broke off" in shown.stderr
    assert shown.returncode == 1
    assert shown.stdout.startswith(f"COMPLETED: {ROWS:,} rows, {created:,} created, {updated:,} updated, 40 refused")
    named = [line.split(":")[0] for line in shown.stdout.splitlines() if line.startswith("row ")]
    assert named == [f"row {n + 1}" for n in sorted(refused)]
    assert store.profile_count == created
    assert [one and one.traits["Contact"]["firstName"] for one in found] == [last[person] for person in sorted(last)]
    assert home.run("doctor", "--data-dir", str(home.data)).returncode == 0


def killed(home: Home, file: Path, tenths: int, dice: random.Random) -> int:
    """Imports that many tenths of the file, and on to a random moment. Returns the rows done, as far as it said so."""
    stderr = home.root / f"stderr-{len(list(home.root.glob('stderr-*')))}.txt"
    with stderr.open("wb") as errors:
        process = subprocess.Popen(
            home.command("import", str(file), "--data-dir", str(home.data)),
            env=home.environment(),
            cwd=home.root / "cwd",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )

    def said() -> list[int]:
        lines = stderr.read_text(encoding="utf-8").splitlines()
        return [int(line.split(" of ")[0].replace(",", "")) for line in lines if f" of {ROWS:,} rows" in line]

    try:
        until(lambda: len(said()) > tenths)
        # It has begun. This wait is for nothing: it is the random moment within the next batches.
        threading.Event().wait(dice.uniform(0, 0.2))
    finally:
        process.kill()
        process.wait(ANSWER_SECONDS)
    return said()[-1]


def test_a_changed_file_is_another_import(home: Home) -> None:
    file = write(home.root / "customers.csv", [[phone(0), "Ann", "", ""]])
    run(home, file)
    write(file, [[phone(0), "Anne", "", ""], [phone(1), "Bob", "", ""]])

    assert run(home, file).stdout.startswith("COMPLETED: 2 rows, 1 created, 1 updated")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"phone,city,phone\n1,2,3\n", "Columns 1 and 3 are both named phone"),
        (",".join(f"c{n}" for n in range(101)).encode() + b"\n1\n", "101 columns, the limit is 100"),
        (b"phone,city\n+13175550142,Gary\n+13175550143,M\xfcnchen\n", "Row 2 is not UTF-8"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_bad_file_is_refused_before_anything_is_written(home: Home, content: bytes, says: str) -> None:
    file = home.root / "customers.csv"
    file.write_bytes(content)

    refused = run(home, file)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert stored(home, [])[0].profile_count == 0


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("Mobile=Contact.phone", "no column Mobile in the file. Columns: Phone, First name, Plan.seats, Notes"),
        ("Notes=Contact.phone.", "COLUMN=Group.trait"),
        ("Notes", "COLUMN=Group.trait"),
    ],
)
def test_a_bad_mapping_is_refused_before_anything_is_written(home: Home, asked: str, says: str) -> None:
    file = write(home.root / "customers.csv", [[phone(0), "Ann", 3, "calls"]])

    refused = run(home, file, "--map", asked)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr
    assert stored(home, [])[0].profile_count == 0


def test_a_file_that_is_not_there_is_named_and_makes_no_store(home: Home) -> None:
    for missing in (home.root / "nobody.csv", home.root):
        refused = run(home, missing)

        assert (refused.returncode, refused.stdout) == (2, "")
        assert str(missing) in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not home.data.exists()
