"""Conversations of several people, who takes part, and what they said."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from mcp_memory import ids
from mcp_memory.backends.sql.conversation_rows import ConversationRow
from mcp_memory.backends.sql.cursors import MAX_NUMBER, Place
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.conversations import Status
from mcp_memory.orchestrator import (
    Address,
    Content,
    OrchestratedConversation,
    Participant,
    Party,
    PostedCommunication,
    records,
)


class SqliteOrchestrator(Rows):
    def find_orchestrated(self, conversation_id: str) -> OrchestratedConversation | None:
        raw_id = ids.to_bytes(conversation_id)
        rows = self._rows("find_orchestrated", conversation_id=raw_id)
        if not rows:
            return None
        people = [self._participant(conversation_id, row) for row in self._rows("participants", conversation_id=raw_id)]
        return _conversation(conversation_id, rows[0], people)

    def insert_orchestrated(
        self, new: OrchestratedConversation, group_key: str | None, due_at: datetime | None
    ) -> None:
        self._rows(
            "insert_orchestrated",
            conversation_id=ids.to_bytes(new.conversation_id),
            configuration_id=ids.to_bytes(new.configuration_id),
            settings=records.written(new.settings),
            name=new.name,
            status=new.status,
            group_key=group_key,
            last_at=to_micros(new.last_at),
            due_at=_micros(due_at),
            created_at=to_micros(new.created_at),
            updated_at=to_micros(new.updated_at),
        )
        for one in new.participants:
            self.put_participant(one)

    def put_orchestrated(self, one: OrchestratedConversation, group_key: str | None, due_at: datetime | None) -> None:
        self._rows(
            "put_orchestrated",
            conversation_id=ids.to_bytes(one.conversation_id),
            settings=records.written(one.settings),
            name=one.name,
            status=one.status,
            group_key=group_key,
            last_at=to_micros(one.last_at),
            due_at=_micros(due_at),
            closed_at=_micros(one.closed_at),
            updated_at=to_micros(one.updated_at),
        )

    def delete_orchestrated(self, conversation_id: str) -> None:
        for query in ("delete_all_posted", "delete_participants", "delete_orchestrated"):
            self._rows(query, conversation_id=ids.to_bytes(conversation_id))

    def due_orchestrated(self, now: datetime, limit: int) -> list[str]:
        return [_id(raw_id) for (raw_id,) in self._rows("due_orchestrated", now=to_micros(now), limit=limit)]

    def open_of_key(self, configuration_id: str, group_key: str) -> str | None:
        found = self._rows("open_of_key", configuration_id=ids.to_bytes(configuration_id), group_key=group_key)
        return _id(found[0][0]) if found else None

    def open_of_profile(self, configuration_id: str, profile_id: str) -> str | None:
        members, configuration = self._members(profile_id), ids.to_bytes(configuration_id)
        found = self._each("open_of_profile", members, configuration_id=configuration)
        return min((_id(raw_id) for (raw_id,) in found), default=None)

    def orchestrated_of_profile(self, profile_id: str) -> list[str]:
        return [_id(raw_id) for (raw_id,) in self._rows("orchestrated_of_profile", no=self._number(profile_id))]

    def list_orchestrated(
        self, statuses: Sequence[Status], channel_id: str | None, after: Place | None, limit: int
    ) -> list[tuple[Place, str]]:
        rows = self._rows(
            "list_orchestrated",
            statuses=json.dumps(list(statuses)),
            channel_id=channel_id,
            before=after[0] if after else MAX_NUMBER,
            limit=limit,
        )
        return [((no,), _id(raw_id)) for no, raw_id in rows]

    def put_participant(self, one: Participant) -> None:
        self._rows(
            "put_participant",
            participant_id=ids.to_bytes(one.participant_id),
            conversation_id=ids.to_bytes(one.conversation_id),
            type=one.type,
            name=one.name,
            profile_no=None if one.profile_id is None else self._number(one.profile_id),
            addresses=json.dumps([asdict(each) for each in one.addresses], ensure_ascii=False),
            created_at=to_micros(one.created_at),
            updated_at=to_micros(one.updated_at),
        )

    def delete_participant(self, participant_id: str) -> list[str]:
        participant = ids.to_bytes(participant_id)
        said = [
            ids.from_bytes(ids.COMMUNICATION, one) for (one,) in self._rows("posted_by", participant_id=participant)
        ]
        self._rows("delete_posted_by", participant_id=participant)
        self._rows("delete_participant", participant_id=participant)
        return said

    # What was said

    def insert_posted(self, new: PostedCommunication, digest: bytes) -> None:
        assert new.author.participant_id is not None, "whoever says something takes part"
        self._rows(
            "insert_posted",
            communication_id=ids.to_bytes(new.communication_id),
            conversation_id=ids.to_bytes(new.conversation_id),
            participant_id=ids.to_bytes(new.author.participant_id),
            author=json.dumps(asdict(new.author), ensure_ascii=False),
            recipients=json.dumps([asdict(one) for one in new.recipients], ensure_ascii=False),
            content=json.dumps(vars(new.content), ensure_ascii=False, default=dict),
            digest=digest,
            channel_id=new.channel_id,
            resource_id=new.resource_id,
            occurred_at=to_micros(new.occurred_at),
            created_at=to_micros(new.created_at),
        )

    def has_posted(self, participant_id: str) -> bool:
        return bool(self._rows("posted_by", participant_id=ids.to_bytes(participant_id)))

    def posted_as(self, conversation_id: str, resource_id: str) -> PostedCommunication | None:
        return self._one_posted("posted_as", conversation_id, resource_id=resource_id)

    def posted_alike(self, conversation_id: str, digest: bytes, occurred_at: datetime) -> PostedCommunication | None:
        return self._one_posted("posted_alike", conversation_id, digest=digest, occurred_at=to_micros(occurred_at))

    def find_posted(self, conversation_id: str, communication_id: str) -> PostedCommunication | None:
        return self._one_posted("posted_with", conversation_id, communication_id=ids.to_bytes(communication_id))

    def posted_after(
        self, conversation_id: str, after: int, limit: int, channel_id: str | None = None
    ) -> list[tuple[int, PostedCommunication]]:
        raw_id = ids.to_bytes(conversation_id)
        rows = self._rows("posted_after", conversation_id=raw_id, after=after, limit=limit, channel_id=channel_id)
        return [(row[0], _posted(conversation_id, row)) for row in rows]

    def _one_posted(self, query: str, conversation_id: str, **values: object) -> PostedCommunication | None:
        rows = self._rows(query, conversation_id=ids.to_bytes(conversation_id), **values)
        return _posted(conversation_id, rows[0]) if rows else None

    # What memory has of it

    def set_unfed(self, conversation_id: str, at: datetime | None) -> None:
        self._rows("set_unfed", conversation_id=ids.to_bytes(conversation_id), at=_micros(at))

    def unfed_orchestrated(self, now: datetime) -> str | None:
        rows = self._rows("unfed_orchestrated", now=to_micros(now))
        return _id(rows[0][0]) if rows else None

    def fed(self, participant_id: str) -> int:
        rows = self._rows("fed_no", participant_id=ids.to_bytes(participant_id))
        return int(rows[0][0]) if rows else 0

    def set_fed(self, participant_id: str, number: int) -> None:
        self._rows("set_fed", participant_id=ids.to_bytes(participant_id), fed_no=number)

    def lead_conversation(self, row: ConversationRow) -> None:
        self._rows("lead_conversation", no=row.key)

    def is_said(self, communication_id: str) -> bool:
        return bool(self._rows("communication_id", public_id=ids.to_bytes(communication_id)))

    def unsay(self, row: ConversationRow, message_ids: Iterable[str] | None) -> None:
        said, number = self._rows("said_in", no=row.key), self._number(row.profile_id)
        gone = said if message_ids is None else [one for one in said if one[1] in set(message_ids)]
        keys = json.dumps([id for id, _ in gone])
        for query in ("unsay", "unsay_signatures", "unsay_tokens"):
            self._rows(query, ids=keys)
        self._rows("count_unsaid", no=number, count=len(gone))
        if message_ids is None:
            self._rows("delete_extractions_of", no=row.key)
            self._rows("delete_conversation", no=row.key)
        else:  # what is left was made ready beside what is gone
            left = {id for id, _ in said} - {id for id, _ in gone}
            self._many("forget_signature", [{"id": id} for id in left])
        self._rows("changed", no=number)

    # Inside

    def _participant(self, conversation_id: str, row: Row) -> Participant:
        raw_id, type, name, profile_no, addresses, created_at, updated_at = row
        return Participant(
            participant_id=ids.from_bytes(ids.PARTICIPANT, raw_id),
            conversation_id=conversation_id,
            type=type,
            name=name,
            profile_id=None if profile_no is None else self._id(profile_no),
            addresses=tuple(Address(**one) for one in json.loads(addresses)),
            created_at=from_micros(created_at),
            updated_at=from_micros(updated_at),
        )


def _conversation(conversation_id: str, row: Row, people: Sequence[Participant]) -> OrchestratedConversation:
    _, _, configuration, settings, name, status, last_at, closed_at, created_at, updated_at = row
    return OrchestratedConversation(
        conversation_id=conversation_id,
        configuration_id=ids.from_bytes(ids.CONFIGURATION, configuration),
        settings=records.read(settings),
        status=status,
        name=name,
        participants=tuple(people),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        last_at=from_micros(last_at),
        closed_at=None if closed_at is None else from_micros(closed_at),
    )


def _posted(conversation_id: str, row: Row) -> PostedCommunication:
    _, raw_id, author, recipients, content, channel_id, resource_id, occurred_at, created_at = row
    return PostedCommunication(
        communication_id=ids.from_bytes(ids.COMMUNICATION, raw_id),
        conversation_id=conversation_id,
        author=Party(**json.loads(author)),
        recipients=tuple(Party(**one) for one in json.loads(recipients)),
        content=Content(**json.loads(content)),
        channel_id=channel_id,
        resource_id=resource_id,
        occurred_at=from_micros(occurred_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(created_at),
    )


def _id(raw_id: bytes) -> str:
    return ids.from_bytes(ids.CONVERSATION, raw_id)


def _micros(time: datetime | None) -> int | None:
    return None if time is None else to_micros(time)
