"""How far it is with what is learned of conversations, and what FAILED tried again, inside a transaction."""

from dataclasses import replace
from datetime import datetime

from mcp_memory.backends.sql.conversation_rows import ExtractionRow
from mcp_memory.backends.sql.cursors import page_of, place_of
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.extractions import Extraction, ExtractionFilter, Status
from mcp_memory.listing import Page, PageQuery

NOT_FAILED = {
    "QUEUED": "The extraction is queued: it is made by itself.",
    "EXTRACTED": "The extraction is being stored: it goes on by itself.",
    "DONE": "The extraction is done: there is nothing to retry.",
}


def page(tx: Transaction, wanted: ExtractionFilter, query: PageQuery) -> Page[Extraction]:
    if wanted.profile_id is not None:
        existing(tx, wanted.profile_id)
    place = place_of(query, "extractions", int)
    rows = tx.list_extractions(wanted, place, query.limit + 1, query.newest_first)
    found = page_of(rows, query, "extractions")
    return Page(items=[_shown(tx, row) for row in found.items], next_cursor=found.next_cursor)


def get(tx: Transaction, extraction_id: str) -> Extraction:
    return _shown(tx, _existing(tx, extraction_id))


def retry(tx: Transaction, extraction_id: str, now: datetime) -> Extraction:
    """What was extracted and not stored to its end is not extracted again."""
    row = _existing(tx, extraction_id)
    if row.status != "FAILED":
        raise Conflict(NOT_FAILED[row.status])
    status: Status = "QUEUED" if row.extract is None else "EXTRACTED"
    tx.put_extraction(replace(row, status=status, attempts=0, due_at=now, error=None, updated_at=now))
    return get(tx, extraction_id)


def _existing(tx: Transaction, extraction_id: str) -> ExtractionRow:
    row = tx.find_extraction(extraction_id)
    if row is None:
        raise NotFound("There is no such extraction in this store.")
    return row


def _shown(tx: Transaction, row: ExtractionRow) -> Extraction:
    """Of the profile that it is part of now."""
    return Extraction(
        extraction_id=row.extraction_id,
        profile_id=existing(tx, row.profile_id).profile_id,
        conversation_id=row.conversation_id,
        cause=row.cause,
        status=row.status,
        attempts=row.attempts,
        next_attempt_at=row.due_at,
        added=row.added,
        updated=row.updated,
        discarded=row.discarded,
        screened=row.screened,
        extracted_by=row.extracted_by,
        error=row.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
