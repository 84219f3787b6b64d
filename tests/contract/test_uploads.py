"""Imports whose file comes later."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import Conflict, NotFound, Unsupported
from mcp_memory.ids import IMPORT
from mcp_memory.imports import ColumnMapping, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.listing import PageQuery
from mcp_memory.model import Scope
from tests.contract.conftest import Announce, Clock
from tests.contract.people import everything, how_many, refused

pytestmark = pytest.mark.anyio

MAPPINGS = (
    ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),
    ColumnMapping(column_name="City", trait_group="Contact", trait_name="city"),
)
UPLOAD = NewUpload(filename="customers.csv", file_size=1000, column_mappings=MAPPINGS, secret_digest=b"secret")
ROWS = [ImportRow(traits={"Contact": {"phone": f"+1317555014{number}"}}) for number in range(3)]


async def test_an_import_that_was_announced_waits_for_its_file(
    backend: Backend, scope: Scope, clock: Clock, announce: Announce
) -> None:
    import_id = await announce(scope, UPLOAD)

    found = await backend.get_import(scope, import_id)
    assert (found.import_id, found.status, found.rows_total, found.refused) == (import_id, "PENDING", 0, 0)
    assert (found.filename, found.file_size, found.column_mappings) == ("customers.csv", 1000, MAPPINGS)
    assert found.created_at == found.updated_at == clock.time
    assert (await backend.list_imports(scope, PageQuery(limit=10))).items == [import_id]


async def test_an_upload_waits_for_its_file(backend: Backend, scope: Scope, clock: Clock) -> None:
    made = await backend.create_import(scope, UPLOAD)

    assert (made.status, made.rows_total, made.rows_done, made.secret_digest) == ("PENDING", 0, 0, b"secret")
    assert (made.filename, made.file_size, made.column_mappings) == ("customers.csv", 1000, MAPPINGS)
    assert made.created_at == made.updated_at == clock.time
    assert await backend.get_import(scope, made.import_id) == made
    await refused(Conflict, backend.add_import_rows(scope, made.import_id, 0, ROWS))


async def test_with_its_file_it_is_imported_as_any_other(backend: Backend, scope: Scope, clock: Clock) -> None:
    made = await backend.create_import(scope, UPLOAD)
    clock.pass_(seconds=1)
    begun = await backend.begin_import(scope, made.import_id, b"file", 3)
    assert (begun.status, begun.rows_total, begun.updated_at) == ("PROCESSING", 3, clock.time)
    assert await backend.get_import(scope, made.import_id) == begun

    done = await backend.add_import_rows(scope, made.import_id, 0, ROWS)

    assert (done.status, done.created, done.secret_digest) == ("COMPLETED", 3, b"secret")
    assert await how_many(backend, scope) == 3
    await refused(Conflict, backend.begin_import(scope, made.import_id, b"file", 3))


async def test_an_upload_that_broke_off_goes_on_with_the_same_file_only(backend: Backend, scope: Scope) -> None:
    made = await backend.create_import(scope, UPLOAD)
    await backend.begin_import(scope, made.import_id, b"file", 3)
    halfway = await backend.add_import_rows(scope, made.import_id, 0, ROWS[:2])

    assert await backend.begin_import(scope, made.import_id, b"file", 3) == halfway
    await refused(Conflict, backend.begin_import(scope, made.import_id, b"another", 3))
    assert (await backend.add_import_rows(scope, made.import_id, 2, ROWS[2:])).status == "COMPLETED"


async def test_a_file_that_cannot_be_read_fails_the_import_and_says_why(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    made = await backend.create_import(scope, UPLOAD)
    clock.pass_(seconds=1)

    failed = await backend.fail_import(scope, made.import_id, "It is no CSV file.")

    assert (failed.status, failed.updated_at) == ("FAILED", clock.time)
    assert await backend.get_import(scope, made.import_id) == failed
    assert await backend.list_remarks(scope, made.import_id, -1, 10) == [
        Remark(row=0, refused=True, reason="It is no CSV file.")
    ]
    for call in (
        backend.begin_import(scope, made.import_id, b"file", 3),
        backend.fail_import(scope, made.import_id, "Again."),
        backend.add_import_rows(scope, made.import_id, 0, ROWS),
    ):
        await refused(Conflict, call)


async def test_an_import_from_a_file_is_never_an_upload_that_was_begun(backend: Backend, scope: Scope) -> None:
    made = await backend.create_import(scope, UPLOAD)
    await backend.begin_import(scope, made.import_id, b"file", 3)
    from_file = NewImport(
        filename="customers.csv", file_size=1000, digest=b"file", column_mappings=MAPPINGS, rows_total=3
    )

    started = await backend.start_import(scope, from_file)

    assert started.import_id != made.import_id and started.secret_digest is None
    assert (await backend.start_import(scope, from_file)).import_id == started.import_id
    assert await backend.get_import(scope, started.import_id) == started


async def test_imports_are_listed_a_page_at_a_time(
    backend: Backend, scope: Scope, clock: Clock, announce: Announce
) -> None:
    ids = []
    for _ in range(5):
        ids.append(await announce(scope, UPLOAD))
        clock.pass_(seconds=1)

    assert await everything(lambda page: backend.list_imports(scope, page)) == ids[::-1]
    assert await everything(lambda page: backend.list_imports(scope, page), newest_first=False) == ids


async def test_an_import_that_is_not_there_is_not_found(
    backend: Backend, scope: Scope, clock: Clock, lacking: frozenset[str]
) -> None:
    nobody = clock.make_id(IMPORT)

    await refused(NotFound, backend.get_import(scope, nobody))
    for name, call in {
        "begin_import": backend.begin_import(scope, nobody, b"file", 3),
        "fail_import": backend.fail_import(scope, nobody, "x"),
    }.items():
        await refused(Unsupported if name in lacking else NotFound, call)
