"""The part of the lower seam that is about conversations and what is learned from them. See `database.py`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcp_memory import extractions
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.memory_rows import NewItem, Signature
from mcp_memory.conversations import Status
from mcp_memory.extractions import ExtractionFilter
from mcp_memory.model import Communication


@dataclass(frozen=True, kw_only=True)
class ConversationRow:
    """Of just the member that recorded it. `last_at`: when its last message was recorded. `due_at`: when its status
    changes if nothing is said. `led`: its status is that of a conversation of several people, see
    `orchestrating.py`."""

    key: object
    profile_id: str
    conversation_id: str
    status: Status
    created_at: datetime
    last_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    channels: tuple[str, ...]
    led: bool = False


@dataclass(frozen=True, kw_only=True)
class ExtractionRow:
    """What is to be learned of one conversation, or was. `extract`: JSON, from when it was extracted to when all of it
    is stored; `stored`: how many of its observations are. `due_at`: None when it has ended."""

    key: object
    extraction_id: str
    profile_id: str
    conversation_id: str
    cause: Status
    status: extractions.Status
    attempts: int
    due_at: datetime | None
    extract: str | None
    stored: int
    added: int
    updated: int
    discarded: int
    screened: int
    extracted_by: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


class ConversationRows(Protocol):
    def add_conversation(self, profile_id: str, conversation_id: str, at: datetime) -> None:
        """Unless it is there."""
        ...

    def find_conversation(self, profile_id: str, conversation_id: str) -> ConversationRow | None:
        """Of just this member."""
        ...

    def put_conversation(self, row: ConversationRow) -> None:
        """Status, times and channels."""
        ...

    def begin_again(self, row: ConversationRow) -> None:
        """Messages from now on are of another conversation, under the same id."""
        ...

    def due_conversations(self, now: datetime, limit: int) -> list[ConversationRow]:
        """Whose status is to change by now, the longest due first."""
        ...

    def next_due(self) -> datetime | None:
        """When the first conversation, or extraction, is."""
        ...

    def queue_extraction(self, row: ConversationRow, extraction_id: str, cause: Status, at: datetime) -> None:
        """Of what was said since the last one; of nothing, nothing is queued. CLOSED: with a summary of all of it."""
        ...

    def due_extraction(self, now: datetime) -> ExtractionRow | None: ...

    def find_extraction(self, extraction_id: str) -> ExtractionRow | None: ...

    def extractions(self, profile_id: str, conversation_id: str) -> list[ExtractionRow]:
        """Of all members, the earliest first."""
        ...

    def list_extractions(
        self, wanted: ExtractionFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, ExtractionRow]]: ...

    def put_extraction(self, row: ExtractionRow) -> None: ...

    def count_generated(self, characters: int) -> None:
        """What was read and made of it, added to what the store has had so far."""
        ...

    def generated(self) -> int:
        """Characters, ever."""
        ...

    def extraction_messages(self, row: ExtractionRow, limit: int) -> tuple[list[Communication], list[Communication]]:
        """In the order of their recording: what observations are to be made of, and what the summary is to be of, which
        is empty where there is to be none. Of more than `limit`, the last."""
        ...

    def known_messages(self, profile_id: str, conversation_id: str, message_ids: Iterable[str]) -> Mapping[str, str]:
        """The caller's ids, and ours, of those that are in the conversation already."""
        ...

    def insert_communications(
        self,
        profile_id: str,
        conversation_id: str,
        new: Sequence[NewItem[Communication]],
        before: tuple[str, Signature] | None,
    ) -> None:
        """At the end of the conversation, in their order. `before`: the message they come after, and its signature now
        that it has them as neighbours."""
        ...

    def conversation_end(
        self,
        profile_id: str,
        conversation_id: str,
        limit: int,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> list[Communication]:
        """The last of the conversation first."""
        ...

    def communications(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Communication]: ...

    def latest_communications(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Communication]: ...
