"""Imports, inside a transaction: a batch of rows is stored together with how far the import is."""

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.ids import IMPORT, MakeId
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, advanced, remarks


def start(tx: Transaction, new: NewImport, *, now: datetime, make_id: MakeId) -> Import:
    unfinished = tx.unfinished_import(new.digest)
    if unfinished is not None:
        return unfinished
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


def add_rows(upserts: Upserts, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
    tx = upserts.tx
    current = tx.find_import(import_id)
    if current is None:
        raise NotFound("There is no such import in this store.")
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
