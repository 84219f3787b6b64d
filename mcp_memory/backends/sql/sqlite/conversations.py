"""Conversations and their messages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mcp_memory import ids
from mcp_memory.backends.sql.conversation_rows import ConversationRow, ExtractionRow
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.memory_rows import NewItem, Signature
from mcp_memory.backends.sql.sqlite.keys import from_micros, ordered, period, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row
from mcp_memory.backends.sql.sqlite.signatures import SqliteSignatures
from mcp_memory.conversations import Status
from mcp_memory.extractions import STATUSES, ExtractionFilter
from mcp_memory.model import Communication


class SqliteConversations(SqliteSignatures):
    def add_conversation(self, profile_id: str, conversation_id: str, at: datetime) -> None:
        self._rows("add_conversation", no=self._number(profile_id), conversation_id=conversation_id, at=to_micros(at))

    def find_conversation(self, profile_id: str, conversation_id: str) -> ConversationRow | None:
        rows = self._rows("find_conversation", no=self._number(profile_id), conversation_id=conversation_id)
        return self._conversation(rows[0]) if rows else None

    def put_conversation(self, row: ConversationRow) -> None:
        self._rows(
            "put_conversation",
            no=row.key,
            status=row.status,
            last_at=to_micros(row.last_at),
            due_at=_micros(row.due_at),
            closed_at=_micros(row.closed_at),
            channels=json.dumps(row.channels),
        )

    def begin_again(self, row: ConversationRow) -> None:
        self._rows("begin_again", no=row.key)

    def due_conversations(self, now: datetime, limit: int) -> list[ConversationRow]:
        return [self._conversation(row) for row in self._rows("due_conversations", now=to_micros(now), limit=limit)]

    def next_due(self) -> datetime | None:
        return _time(self._rows("next_due")[0][0])

    def queue_extraction(self, row: ConversationRow, extraction_id: str, cause: Status, at: datetime) -> None:
        self._rows(
            "queue_extraction", no=row.key, extraction_id=ids.to_bytes(extraction_id), cause=cause, at=to_micros(at)
        )
        self._rows("is_queued", no=row.key)

    def due_extraction(self, now: datetime) -> ExtractionRow | None:
        rows = self._rows("due_extraction", now=to_micros(now))
        return self._extraction(rows[0]) if rows else None

    def find_extraction(self, extraction_id: str) -> ExtractionRow | None:
        rows = self._rows("find_extraction", extraction_id=ids.to_bytes(extraction_id))
        return self._extraction(rows[0]) if rows else None

    def extractions(self, profile_id: str, conversation_id: str) -> list[ExtractionRow]:
        rows = self._each("extractions", self._members(profile_id), conversation_id=conversation_id)
        return [self._extraction(row) for row in sorted(rows, key=lambda row: row[0])]

    def list_extractions(
        self, wanted: ExtractionFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, ExtractionRow]]:
        order, (*_, number) = ordered(after, newest_first)
        given = {"after": number, "limit": limit, "conversation_id": wanted.conversation_id}
        if wanted.profile_id is None:
            rows = [
                row
                for status in ([wanted.status] if wanted.status else STATUSES)  # each has them in their order
                for row in self._rows(f"list_extractions_{order}", status=status, **given)
            ]
        else:
            members = self._members(wanted.profile_id)
            rows = self._each(f"list_extractions_of_{order}", members, status=wanted.status, **given)
        rows = sorted(rows, key=lambda row: row[0], reverse=newest_first)[:limit]
        return [((row[0],), self._extraction(row)) for row in rows]

    def put_extraction(self, row: ExtractionRow) -> None:
        self._rows(
            "put_extraction",
            no=row.key,
            status=row.status,
            attempts=row.attempts,
            due_at=_micros(row.due_at),
            extract=row.extract,
            stored=row.stored,
            added=row.added,
            updated=row.updated,
            discarded=row.discarded,
            screened=row.screened,
            extracted_by=row.extracted_by,
            error=row.error,
            updated_at=to_micros(row.updated_at),
        )

    def count_generated(self, characters: int) -> None:
        self._rows("count_generated", characters=characters)

    def generated(self) -> int:
        return int(self._rows("generated")[0][0])

    def extraction_messages(self, row: ExtractionRow, limit: int) -> tuple[list[Communication], list[Communication]]:
        rows = self._rows("extraction_messages", no=row.key, limit=limit)[::-1]
        return [_communication(one[:10]) for one in rows if one[10]], [
            _communication(one[:10]) for one in rows if one[11]
        ]

    def known_messages(self, profile_id: str, conversation_id: str, message_ids: Iterable[str]) -> Mapping[str, str]:
        members = self._members(profile_id)
        return {
            message_id: ids.from_bytes(ids.COMMUNICATION, raw_id)
            for message_id in message_ids
            for (raw_id,) in self._each(
                "known_message", members, conversation_id=conversation_id, message_id=message_id
            )
        }

    def insert_communications(
        self,
        profile_id: str,
        conversation_id: str,
        new: Sequence[NewItem[Communication]],
        before: tuple[str, Signature] | None,
    ) -> None:
        if before is not None:
            self.put_signatures(
                [(id, before[1]) for (id,) in self._rows("communication_id", public_id=ids.to_bytes(before[0]))]
            )
        number = self._number(profile_id)
        conversation_no = self._rows("conversation_no", no=number, conversation_id=conversation_id)[0][0]
        for id, one in zip(self._new_keys(number, "communication", len(new)), new, strict=True):
            item = one.item
            self._rows(
                "insert_communication",
                id=id,
                public_id=ids.to_bytes(item.id),
                conversation_no=conversation_no,
                message_id=item.message_id,
                occurred_at=to_micros(item.occurred_at),
                created_at=to_micros(item.created_at),
                role=item.role,
                author=item.author,
                channel=item.source,
                content=item.content,
            )
            self._put_signature(
                id, to_micros(item.occurred_at), one.signature, conversation_no, from_agent=item.role == "agent"
            )
        latest = max(one.item.occurred_at for one in new)
        self._rows("count_communications", no=number, count=len(new), occurred_at=to_micros(latest))

    def conversation_end(
        self,
        profile_id: str,
        conversation_id: str,
        limit: int,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> list[Communication]:
        if limit == 0:
            return []
        members = self._members(profile_id)
        rows = self._each(
            "conversation_end", members, conversation_id=conversation_id, limit=limit, **period(begin, end)
        )
        if len(members) > 1:  # each said their part, under the same id: in the order it was recorded, as elsewhere
            rows = sorted(rows, key=lambda row: (row[5], row[0]), reverse=True)
        return [_communication(row) for row in rows[:limit]]

    def communications(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Communication]:
        return {row[0]: _communication(row) for row in self._rows("communication", ids=json.dumps(list(keys)))}

    def latest_communications(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Communication]:
        if limit == 0:
            return []
        rows = self._each("latest_communications", self._members(profile_id), limit=limit, **period(begin, end))
        rows = sorted(rows, key=lambda row: (row[4], row[0]), reverse=True)
        return [_communication(row) for row in rows[:limit]]

    # Inside

    def _conversation(self, row: Row) -> ConversationRow:
        no, profile_no, conversation_id, status, created_at, last_at, due_at, closed_at, channels, led = row
        return ConversationRow(
            key=no,
            profile_id=self._id(profile_no),
            conversation_id=conversation_id,
            status=status,
            created_at=from_micros(created_at),
            last_at=from_micros(last_at),
            due_at=_time(due_at),
            closed_at=_time(closed_at),
            channels=tuple(json.loads(channels)),
            led=bool(led),
        )

    def _extraction(self, row: Row) -> ExtractionRow:
        no, raw_id, profile_no, conversation_id, cause, status, attempts, due_at, extract, stored, *counts = row
        added, changed, discarded, screened, extracted_by, error, created, updated = counts
        return ExtractionRow(
            key=no,
            extraction_id=ids.from_bytes(ids.EXTRACTION, raw_id),
            profile_id=self._id(profile_no),
            conversation_id=conversation_id,
            cause=cause,
            status=status,
            attempts=attempts,
            due_at=_time(due_at),
            extract=extract,
            stored=stored,
            added=added,
            updated=changed,
            discarded=discarded,
            screened=screened,
            extracted_by=extracted_by,
            error=error,
            created_at=from_micros(created),
            updated_at=from_micros(updated),
        )


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _micros(time: datetime | None) -> int | None:
    return None if time is None else to_micros(time)


def _communication(row: Row) -> Communication:
    _, raw_id, content, channel, occurred_at, created_at, role, author, conversation_id, message_id = row
    return Communication(
        id=ids.from_bytes(ids.COMMUNICATION, raw_id),
        content=content,
        source=channel,
        occurred_at=from_micros(occurred_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(created_at),
        conversation_id=conversation_id,
        role=role,
        author=author,
        message_id=message_id,
    )
