"""What is learned of conversations, a job for each change of status that memory learns from: what is true of one, and
the part of the seam that is about them. See `backend.py`, whose laws hold here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, get_args

from mcp_memory import conversations
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import UNLIMITED, Quota, Scope

Status = Literal["QUEUED", "EXTRACTED", "DONE", "FAILED"]
"""QUEUED: its messages are still to be read. EXTRACTED: they are, and what was made of them is being stored. FAILED: it
was tried as often as it is tried by itself."""
STATUSES: Final[tuple[Status, ...]] = get_args(Status)


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """`cause`: what the conversation became. `attempts`: those that failed, `error`: why the last one did; the next is
    made at `next_attempt_at`, None where there is none. `added`, `updated`, `discarded`: observations so far;
    `screened`: those that were not even proposed. `extracted_by`: None until its messages are read."""

    extraction_id: str
    profile_id: str
    conversation_id: str
    cause: conversations.Status
    status: Status
    attempts: int
    next_attempt_at: datetime | None
    added: int
    updated: int
    discarded: int
    screened: int
    extracted_by: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class ExtractionFilter:
    """None: whichever. `profile_id`: of all that is part of the same profile."""

    profile_id: str | None = None
    conversation_id: str | None = None
    status: Status | None = None


class Extractions(Protocol):
    async def list_extractions(self, scope: Scope, wanted: ExtractionFilter, page: PageQuery) -> Page[Extraction]:
        """Raises NotFound for a profile that there is not."""
        ...

    async def get_extraction(self, scope: Scope, extraction_id: str) -> Extraction: ...

    async def look_after_stores(self, tenant: str, quota: Quota = UNLIMITED) -> None:
        """In the background, those of the tenant in which something is to be learned at some time, asked about or not.
        `quota`: what may be kept of it."""
        ...

    async def retry_extraction(self, scope: Scope, extraction_id: str) -> Extraction:
        """One that FAILED is due again, as if it had never been tried; what of it is stored stays, and what is left is
        stored behind it. Raises Conflict for any other."""
        ...
