"""Importing profiles: what a file of them must be like, and what becomes of a row. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mcp_memory.traits import Raw

Status = Literal["PROCESSING", "COMPLETED", "FAILED"]

MAX_BULK = 1000  # entries of one call, published
FAILED_FROM = 100  # refused rows; with fewer, an import is published to be COMPLETED


@dataclass(frozen=True, kw_only=True)
class ColumnMapping:
    column_name: str
    trait_group: str
    trait_name: str


@dataclass(frozen=True, kw_only=True)
class NewImport:
    """`digest`: of the content and of how it is read, so that an import that broke off is known again."""

    filename: str
    file_size: int
    digest: bytes
    column_mappings: tuple[ColumnMapping, ...]
    rows_total: int


@dataclass(frozen=True, kw_only=True)
class Import:
    """Rows are counted without the header. `rows_done` of `rows_total` are created, updated or refused."""

    import_id: str
    filename: str
    file_size: int
    column_mappings: tuple[ColumnMapping, ...]
    status: Status
    rows_total: int
    created_at: datetime
    updated_at: datetime
    rows_done: int = 0
    created: int = 0
    updated: int = 0
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """What a row says; with a `refusal`, why it can't be read."""

    traits: Raw
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A row that was not taken: its number in the file, the first after the header is 1, and why."""

    row: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BulkOutcome:
    """What became of one entry of a bulk: `reason` where it was refused, else the profile."""

    outcome: Literal["created", "updated", "refused"]
    profile_id: str | None = None
    reason: str = ""


def advanced(current: Import, outcomes: list[BulkOutcome], now: datetime) -> Import:
    """The import after these rows."""
    counts = {kind: sum(one.outcome == kind for one in outcomes) for kind in ("created", "updated", "refused")}
    after = replace(
        current,
        rows_done=current.rows_done + len(outcomes),
        created=current.created + counts["created"],
        updated=current.updated + counts["updated"],
        refused=current.refused + counts["refused"],
        updated_at=now,
    )
    if after.rows_done < after.rows_total:
        return after
    return replace(after, status="COMPLETED" if after.refused < FAILED_FROM else "FAILED")
