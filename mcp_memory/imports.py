"""Importing profiles: how far an import is, and what became of its rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mcp_memory.model import KeptApart
from mcp_memory.traits import Raw

Status = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]

# Published for the Memory API.
MAX_BULK = 1000  # entries of one call
FAILED_FROM = 100  # refused rows; with fewer, an import is COMPLETED


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
class NewUpload:
    """A file that is still to come. `secret_digest`: of what whoever brings it must know."""

    filename: str
    file_size: int
    column_mappings: tuple[ColumnMapping, ...]
    secret_digest: bytes


@dataclass(frozen=True, kw_only=True)
class Import:
    """Rows are counted without the header. `rows_done` of `rows_total` are created, updated or refused.

    `merges`: profiles that became part of another. `kept_apart`: rows an identifier of which stayed with somebody else.
    """

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
    merges: int = 0
    kept_apart: int = 0
    secret_digest: bytes | None = None
    """Of one that began without its file: of what whoever brings it must know."""

    @property
    def errors(self) -> int:
        """Refused rows, and the file where it was refused as a whole."""
        return self.refused + (self.status == "FAILED" and self.refused < FAILED_FROM)


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """What a row says; with a `refusal`, why it can't be read."""

    traits: Raw
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What there is to say of a row: why it was refused, or what of it was not taken. Rows are counted from 1."""

    row: int
    refused: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class BulkOutcome:
    """What became of one entry of a bulk: `reason` where it was refused, else the profile, how many profiles became
    part of it, and the identifiers that stay with others."""

    outcome: Literal["created", "updated", "refused"]
    profile_id: str | None = None
    reason: str = ""
    merges: int = 0
    kept_apart: Sequence[KeptApart] = ()


def advanced(current: Import, outcomes: list[BulkOutcome], now: datetime) -> Import:
    """The import after these rows."""
    counts = {kind: sum(one.outcome == kind for one in outcomes) for kind in ("created", "updated", "refused")}
    after = replace(
        current,
        rows_done=current.rows_done + len(outcomes),
        created=current.created + counts["created"],
        updated=current.updated + counts["updated"],
        refused=current.refused + counts["refused"],
        merges=current.merges + sum(one.merges for one in outcomes),
        kept_apart=current.kept_apart + sum(bool(one.kept_apart) for one in outcomes),
        updated_at=now,
    )
    if after.rows_done < after.rows_total:
        return after
    return replace(after, status="COMPLETED" if after.refused < FAILED_FROM else "FAILED")


def remarks(outcomes: Sequence[BulkOutcome], after: int) -> list[Remark]:
    """Of the rows behind row `after`, those there is something to say of."""
    return [
        Remark(row=row, refused=one.outcome == "refused", reason=one.reason or _stays(one.kept_apart))
        for row, one in enumerate(outcomes, start=after + 1)
        if one.outcome == "refused" or one.kept_apart
    ]


def _stays(kept_apart: Sequence[KeptApart]) -> str:
    each = [f"its {one.identifier.id_type} stays with {one.holder_id} ({one.reason})" for one in kept_apart]
    return f"Taken, but {', '.join(each)}: `mcp-memory profiles explain` says more."
