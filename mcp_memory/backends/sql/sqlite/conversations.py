"""Conversations and their messages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mcp_memory import ids
from mcp_memory.backends.sql.memory_rows import NewItem, Signature
from mcp_memory.backends.sql.sqlite.keys import from_micros, period, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row
from mcp_memory.backends.sql.sqlite.signatures import SqliteSignatures
from mcp_memory.model import Communication


class SqliteConversations(SqliteSignatures):
    def add_conversation(self, profile_id: str, conversation_id: str, at: datetime) -> None:
        self._rows("add_conversation", no=self._number(profile_id), conversation_id=conversation_id, at=to_micros(at))

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
