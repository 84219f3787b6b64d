"""Usage in the catalog, written by however many processes."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import apsw
import pytest

from mcp_memory.backends.sql.calls.usage import FORGOTTEN, KEPT, SqlUsage
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS, SqliteDatabase
from mcp_memory.errors import Closing
from mcp_memory.metering.usage import CHARACTERS, RECALLS, REQUESTS, UNITS, UTILISED_PROFILES, DayUsage, Tally
from mcp_memory.model import Scope

MONDAY = date(2026, 11, 23)
DAY = timedelta(days=1)
NOTHING = dict.fromkeys(UNITS, 0)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path)
    yield database
    database.close()


@pytest.fixture
def book(database: SqliteDatabase) -> SqlUsage:
    return SqlUsage(database)


def tally(tenant: str = "acme", day: date = MONDAY, profiles: Sequence[str] = (), **amounts: int) -> Tally:
    made = Tally()
    for unit, amount in amounts.items():
        made.add(tenant, day, unit, amount)
    for profile in profiles:
        made.add_profile(tenant, day, profile)
    return made


def used(amounts: dict[str, int], tenant: str = "acme", day: date = MONDAY) -> DayUsage:
    return DayUsage(tenant=tenant, day=day, amounts={**NOTHING, **amounts})


def test_what_is_written_adds_up(book: SqlUsage) -> None:
    book.add(tally(requests=2, recalls=1))
    book.add(tally(requests=3, memory_generation_characters=120))

    assert book.between(MONDAY, MONDAY) == [used({REQUESTS: 5, RECALLS: 1, CHARACTERS: 120})]


def test_of_what_a_store_generated_so_far_what_is_new_counts(book: SqlUsage, tmp_path: Path) -> None:
    mine, next_door = (Scope(tenant="acme", store_id=one) for one in ("s-1", "s-2"))
    other = SqliteDatabase(tmp_path)
    try:
        book.generated(mine, 100, MONDAY)
        book.generated(mine, 100, MONDAY)
        SqlUsage(other).generated(mine, 160, MONDAY)
        book.generated(mine, 130, MONDAY)  # told late
        book.generated(next_door, 7, MONDAY)
        SqlUsage(other).generated(mine, 161, MONDAY + DAY)
    finally:
        other.close()

    assert book.between(MONDAY, MONDAY + DAY) == [
        used({CHARACTERS: 167}),
        used({CHARACTERS: 1}, day=MONDAY + DAY),
    ]


def test_a_profile_counts_once_a_day_whoever_read_it(book: SqlUsage, tmp_path: Path) -> None:
    other = SqliteDatabase(tmp_path)  # as another process has it
    try:
        book.add(tally(profiles="ab"))
        SqlUsage(other).add(tally(profiles="bc"))
        book.add(tally(profiles="abc"))
        SqlUsage(other).add(tally(day=MONDAY + DAY, profiles="a"))
        SqlUsage(other).add(tally("globex", profiles="a"))
    finally:
        other.close()

    assert book.between(MONDAY, MONDAY + DAY) == [
        used({UTILISED_PROFILES: 3}),
        used({UTILISED_PROFILES: 1}, "globex"),
        used({UTILISED_PROFILES: 1}, day=MONDAY + DAY),
    ]


def test_days_and_a_tenant_can_be_asked_for(book: SqlUsage) -> None:
    for at in range(4):
        book.add(tally(day=MONDAY + at * DAY, requests=at + 1))
        book.add(tally("globex", day=MONDAY + at * DAY, requests=10))

    found = book.between(MONDAY + DAY, MONDAY + 2 * DAY, "acme")

    assert found == [used({REQUESTS: 2}, day=MONDAY + DAY), used({REQUESTS: 3}, day=MONDAY + 2 * DAY)]
    assert book.between(MONDAY + 4 * DAY, MONDAY + 9 * DAY) == []
    assert book.between(MONDAY, MONDAY, "nobody") == []


def test_which_profiles_were_read_is_forgotten_when_the_day_is_over_and_how_many_is_not(
    book: SqlUsage, tmp_path: Path
) -> None:
    book.add(tally(profiles=[f"p{number}" for number in range(FORGOTTEN + 5)]))
    book.add(tally(day=MONDAY + KEPT, profiles="a"))
    assert rows_left(tmp_path, MONDAY) == FORGOTTEN + 5

    book.add(tally(day=MONDAY + KEPT + DAY, requests=1))
    assert rows_left(tmp_path, MONDAY) == 5  # a portion at a time
    book.add(tally(day=MONDAY + KEPT + DAY, requests=1))

    assert rows_left(tmp_path, MONDAY) == 0 and rows_left(tmp_path, MONDAY + KEPT) == 1
    assert book.between(MONDAY, MONDAY) == [used({UTILISED_PROFILES: FORGOTTEN + 5})]


def rows_left(folder: Path, day: date) -> int:
    connection = apsw.Connection(str(folder / "catalog.db"))
    try:
        return len(connection.execute("select 1 from usage_profile where day = ?", (str(day),)).fetchall())
    finally:
        connection.close()


def test_a_tally_is_written_whole_or_not_at_all(book: SqlUsage, database: SqliteDatabase) -> None:
    half = tally(requests=1)
    half.amounts["acme", MONDAY, RECALLS] = None  # type: ignore[assignment]  # which the schema refuses

    with pytest.raises(apsw.ConstraintError):
        book.add(half)
    book.add(tally(requests=2))

    assert book.between(MONDAY, MONDAY) == [used({REQUESTS: 2})]


def test_a_catalog_that_is_closed_says_so(book: SqlUsage, database: SqliteDatabase) -> None:
    book.add(tally(requests=1))
    database.close()

    with pytest.raises(Closing):
        book.add(tally(requests=1))


def test_a_catalog_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    schema = tmp_path / "earlier"
    schema.mkdir()
    for name in ("0001_initial.sql", "0002_api.sql", "0003_tenants.sql"):
        (schema / name).write_bytes((MIGRATIONS / "catalog" / name).read_bytes())
    create(tmp_path / "catalog.db")
    connection = connect(tmp_path / "catalog.db")
    migrate(connection, schema, lambda _: None)
    connection.execute("insert into store values ('mem_store_1', 'acme', 'default', 'declare', 0, 0, null, 1, 0)")
    connection.close()

    database = SqliteDatabase(tmp_path)
    try:
        SqlUsage(database).add(tally(requests=1))
        assert SqlUsage(database).between(MONDAY, MONDAY) == [used({REQUESTS: 1})]
        assert database.read_catalog(lambda catalog: catalog.count_stores("acme")) == 1
    finally:
        database.close()
