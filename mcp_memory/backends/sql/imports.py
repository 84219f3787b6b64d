"""Imports, inside a transaction: a batch of rows is stored together with how far the import is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mcp_memory.backends.sql.cursors import page_of, place_of
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.ids import IMPORT, MakeId
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, NewUpload, Remark, advanced, remarks
from mcp_memory.listing import Page, PageQuery


def start(tx: Transaction, new: NewImport, room: Room, *, now: datetime, make_id: MakeId) -> Import:
    unfinished = tx.unfinished_import(new.digest)
    if unfinished is not None:
        return unfinished
    room.check_storage()
    started = Import(
        import_id=make_id(IMPORT),
        filename=new.filename,
        file_size=new.file_size,
        column_mappings=new.column_mappings,
        status="PROCESSING",
        rows_total=new.rows_total,
        created_at=now,
        updated_at=now,
    )
    tx.start_import(started, new.digest)
    return started


def create(tx: Transaction, new: NewUpload, room: Room, *, now: datetime, make_id: MakeId) -> Import:
    room.check_storage()
    pending = Import(
        **vars(new), import_id=make_id(IMPORT), status="PENDING", rows_total=0, created_at=now, updated_at=now
    )
    tx.start_import(pending, None)
    return pending


def get(tx: Transaction, import_id: str) -> Import:
    found = tx.find_import(import_id)
    if found is None:
        raise NotFound("There is no such import in this store.")
    return found


def remarks_of(tx: Transaction, import_id: str, after: int, limit: int) -> list[Remark]:
    get(tx, import_id)
    return tx.remarks(import_id, after, limit)


def page(tx: Transaction, query: PageQuery) -> Page[str]:
    place = place_of(query, "imports", int, int)
    return page_of(tx.list_imports(place, query.limit + 1, query.newest_first), query, "imports")


def begin(tx: Transaction, import_id: str, digest: bytes, rows_total: int, *, now: datetime) -> Import:
    current = get(tx, import_id)
    if current.status == "PROCESSING" and tx.import_digest(import_id) == digest:
        return current
    if current.status != "PENDING":
        raise Conflict("The import has its file already: create another import for another file.")
    begun = replace(current, status="PROCESSING", rows_total=rows_total, updated_at=now)
    tx.begin_import(begun, digest)
    return begun


def fail(tx: Transaction, import_id: str, reason: str, *, now: datetime) -> Import:
    current = get(tx, import_id)
    if current.status not in ("PENDING", "PROCESSING"):
        raise Conflict(f"The import is {current.status} already.")
    failed = replace(current, status="FAILED", updated_at=now)
    tx.put_import(failed, [Remark(row=0, refused=True, reason=reason)])
    return failed


def add_rows(upserts: Upserts, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
    tx = upserts.tx
    current = get(tx, import_id)
    if current.rows_done != after or current.status != "PROCESSING":
        raise Conflict("Another process imports the same file: let it end, then look at its result.")
    outcomes = [_outcome(row, upserts) for row in rows]
    current = advanced(current, outcomes, upserts.now)
    tx.put_import(current, remarks(outcomes, after))
    return current


def _outcome(row: ImportRow, upserts: Upserts) -> BulkOutcome:
    if row.refusal is not None:
        return BulkOutcome(outcome="refused", reason=row.refusal)
    return upserts.attempt(row.traits)
