from contextlib import suppress

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.ids import IMPORT
from mcp_memory.imports import ColumnMapping, Import, ImportRow, NewImport, Remark
from mcp_memory.model import Scope
from tests.contract.conftest import MONDAY, Clock

pytestmark = pytest.mark.anyio

MAPPINGS = (
    ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),
    ColumnMapping(column_name="E-mail", trait_group="Contact", trait_name="email"),
)
NOT_READ = ImportRow(traits={}, refusal="It has 1 cells, the header has 2.")


def new(rows_total: int, digest: bytes = b"customers") -> NewImport:
    return NewImport(
        filename="customers.csv", file_size=1000, digest=digest, column_mappings=MAPPINGS, rows_total=rows_total
    )


def row(**contact: object) -> ImportRow:
    return ImportRow(traits={"Contact": contact})


def phone(number: int) -> str:
    return f"+1317555{number:04}"


def numbered(*numbers: int) -> list[ImportRow]:
    return [row(phone=phone(number)) for number in numbers]


def counts(current: Import) -> tuple[int, int, int, int]:
    return current.rows_done, current.created, current.updated, current.refused


async def count(backend: Backend, scope: Scope) -> int:
    return (await backend.get_store(scope)).profile_count or 0


async def test_a_new_import_has_done_nothing(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(3))

    assert started.import_id.startswith(f"{IMPORT}_")
    assert (started.filename, started.file_size, started.rows_total) == ("customers.csv", 1000, 3)
    assert started.column_mappings == MAPPINGS
    assert (started.status, counts(started)) == ("PROCESSING", (0, 0, 0, 0))
    assert started.created_at == started.updated_at == MONDAY
    assert await backend.list_remarks(scope, started.import_id, 0, 10) == []


async def test_an_import_is_completed_with_its_last_row(backend: Backend, scope: Scope, clock: Clock) -> None:
    started = await backend.start_import(scope, new(3))
    clock.pass_(minutes=1)

    halfway = await backend.add_import_rows(scope, started.import_id, 0, numbered(1, 2))
    after = await backend.add_import_rows(scope, started.import_id, 2, numbered(1))

    assert (halfway.status, counts(halfway)) == ("PROCESSING", (2, 2, 0, 0))
    assert (after.status, counts(after)) == ("COMPLETED", (3, 2, 1, 0))
    assert after.updated_at > after.created_at == started.created_at
    assert await count(backend, scope) == 2


async def test_rows_of_one_batch_that_share_an_identifier_are_one_profile(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(3))

    after = await backend.add_import_rows(
        scope,
        started.import_id,
        0,
        [
            row(phone=phone(1)),
            row(phone="(317) 555-0001", email="ann@example.com"),
            row(email="Ann@Example.com", city="Gary"),
        ],
    )

    found = await backend.lookup_profile(scope, phone(1), None)
    assert counts(after) == (3, 1, 2, 0)
    assert await count(backend, scope) == 1
    assert found.profile is not None
    assert found.profile.traits == {"Contact": {"phone": phone(1), "email": "ann@example.com", "city": "Gary"}}


async def test_a_row_that_links_two_profiles_of_its_batch_makes_them_one(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(3))

    after = await backend.add_import_rows(
        scope,
        started.import_id,
        0,
        [row(phone=phone(1)), row(email="ann@example.com"), row(phone=phone(1), email="ann@example.com")],
    )

    assert counts(after) == (3, 2, 1, 0)
    assert await count(backend, scope) == 1


async def test_the_later_row_wins(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(3))
    rows = [row(phone=phone(1), city=city) for city in ("Gary", "Hammond", "Muncie")]

    await backend.add_import_rows(scope, started.import_id, 0, rows[:2])
    await backend.add_import_rows(scope, started.import_id, 2, rows[2:])

    found = await backend.lookup_profile(scope, phone(1), None)
    assert found.profile is not None
    assert found.profile.traits["Contact"]["city"] == "Muncie"


async def test_refused_rows_are_named_and_leave_the_others_alone(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(5))

    await backend.add_import_rows(scope, started.import_id, 0, [*numbered(1), row(phone="Ann's phone"), NOT_READ])
    after = await backend.add_import_rows(scope, started.import_id, 3, [row(city="Gary"), *numbered(2)])

    refusals = await backend.list_remarks(scope, started.import_id, 0, 10)
    assert (after.status, counts(after)) == ("COMPLETED", (5, 2, 0, 3))
    assert await count(backend, scope) == 2
    assert [one.row for one in refusals] == [2, 3, 4]
    assert refusals[1] == Remark(row=3, refused=True, reason="It has 1 cells, the header has 2.")
    assert "Contact.phone is not a phone number" in refusals[0].reason
    assert "Contact.email" in refusals[2].reason
    assert not any("Ann" in one.reason or "Gary" in one.reason for one in refusals)


async def test_a_refused_row_leaves_nothing_of_itself(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(2))

    await backend.add_import_rows(
        scope,
        started.import_id,
        0,
        [ImportRow(traits={"Plan": {"tier": "gold"}, "Contact": {"phone": "no number"}}), *numbered(1)],
    )

    assert "Plan" not in {group.display_name for group in await backend.list_trait_groups(scope)}
    assert await count(backend, scope) == 1


async def test_refusals_come_in_pages(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(5))
    await backend.add_import_rows(scope, started.import_id, 0, [NOT_READ] * 5)

    first = await backend.list_remarks(scope, started.import_id, 0, 2)
    second = await backend.list_remarks(scope, started.import_id, first[-1].row, 10)

    assert [one.row for one in first] == [1, 2]
    assert [one.row for one in second] == [3, 4, 5]


async def test_a_hundred_refused_rows_fail_an_import_and_keep_the_others(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(101))

    after = await backend.add_import_rows(scope, started.import_id, 0, [*[NOT_READ] * 100, *numbered(1)])

    assert (after.status, counts(after)) == ("FAILED", (101, 1, 0, 100))
    assert await count(backend, scope) == 1


async def test_an_import_that_broke_off_goes_on(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(4))
    await backend.add_import_rows(scope, started.import_id, 0, [*numbered(1), NOT_READ])

    again = await backend.start_import(scope, new(4))
    after = await backend.add_import_rows(scope, again.import_id, 2, numbered(1, 2))

    assert (again.import_id, again.rows_done) == (started.import_id, 2)
    assert (after.status, counts(after)) == ("COMPLETED", (4, 2, 1, 1))
    assert [one.row for one in await backend.list_remarks(scope, started.import_id, 0, 10)] == [2]


async def test_an_import_that_ended_begins_anew(backend: Backend, scope: Scope) -> None:
    first = await backend.start_import(scope, new(1))
    await backend.add_import_rows(scope, first.import_id, 0, numbered(1))

    again = await backend.start_import(scope, new(1))
    after = await backend.add_import_rows(scope, again.import_id, 0, numbered(1))

    assert again.import_id != first.import_id
    assert counts(after) == (1, 0, 1, 0)


async def test_another_file_is_another_import(backend: Backend, scope: Scope) -> None:
    first = await backend.start_import(scope, new(2))
    other = await backend.start_import(scope, new(2, digest=b"other customers"))

    assert other.import_id != first.import_id


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_rows_that_do_not_follow_on_those_that_are_done_are_refused(
    backend: Backend, scope: Scope, after: int
) -> None:
    started = await backend.start_import(scope, new(4))
    await backend.add_import_rows(scope, started.import_id, 0, numbered(1, 2))

    with pytest.raises(Conflict):
        await backend.add_import_rows(scope, started.import_id, after, numbered(3))

    assert await count(backend, scope) == 2
    assert (await backend.start_import(scope, new(4))).rows_done == 2


async def test_an_import_that_ended_takes_no_more_rows(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(1))
    await backend.add_import_rows(scope, started.import_id, 0, numbered(1))

    with pytest.raises(Conflict):
        await backend.add_import_rows(scope, started.import_id, 1, numbered(2))


async def test_of_two_who_import_the_same_file_at_once_each_batch_is_taken_once(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(100))
    taken: list[Import] = []

    async def add() -> None:
        with suppress(Conflict):
            taken.append(await backend.add_import_rows(scope, started.import_id, 0, numbered(*range(50))))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(add)

    assert [counts(one) for one in taken] == [(50, 50, 0, 0)]


async def test_an_import_is_nobody_else_s(backend: Backend, scope: Scope) -> None:
    started = await backend.start_import(scope, new(1))
    other = await backend.open_store("other", "default")

    with pytest.raises(NotFound):
        await backend.add_import_rows(other, started.import_id, 0, numbered(1))
    with pytest.raises(NotFound):
        await backend.list_remarks(other, started.import_id, 0, 10)
    assert (await backend.start_import(other, new(1))).import_id != started.import_id


async def test_a_store_that_refuses_undeclared_traits_refuses_rows_that_have_them(
    backend: Backend, scope: Scope
) -> None:
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))
    started = await backend.start_import(scope, new(2))

    after = await backend.add_import_rows(scope, started.import_id, 0, [row(phone=phone(1), shoe="43"), *numbered(2)])

    (refusal,) = await backend.list_remarks(scope, started.import_id, 0, 10)
    assert counts(after) == (2, 1, 0, 1)
    assert "Contact.shoe is not declared" in refusal.reason
