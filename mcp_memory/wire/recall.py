"""Recall, and the messages that come with it."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from mcp_memory import ids
from mcp_memory.model import MAX_QUERY, MAX_RECALL, Communication, Recall, Role
from mcp_memory.wire import OMITTED, Answer, ConversationId, Open, Text, Time
from mcp_memory.wire.memories import ObservationBody, SummaryBody

PARTICIPANT = "conv_participant"
CHANNELS = ("VOICE", "SMS", "RCS", "EMAIL", "WHATSAPP", "CHAT", "API", "SYSTEM")
MAX_ADDRESS = 254

ParticipantType = Literal["HUMAN_AGENT", "CUSTOMER", "AI_AGENT", "AGENT", "UNKNOWN"]
Limit = Annotated[int, Field(ge=0, le=MAX_RECALL)]


class RecallRequestBody(Open):
    """`asOf` is ours: what was known then, in the words of then."""

    conversation_id: ConversationId = OMITTED
    query: Annotated[Text, Field(max_length=MAX_QUERY)] = OMITTED
    begin_date: Time = OMITTED
    end_date: Time = OMITTED
    observations_limit: Limit = 20
    summaries_limit: Limit = 5
    communications_limit: Limit = 0
    relevance_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0
    as_of: Time = OMITTED


class ParticipantBody(Answer):
    id: str
    name: str = ""
    address: str = ""
    channel: str
    type: ParticipantType | None = None
    profile_id: str | None = None


class ContentBody(Answer):
    text: str | None = None


class CommunicationBody(Answer):
    id: str
    author: ParticipantBody
    content: ContentBody
    recipients: list[ParticipantBody] = []
    channel_id: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None

    @classmethod
    def of(cls, one: Communication, profile_id: str) -> "CommunicationBody":
        return cls(
            id=one.id,
            author=_author(one, profile_id),
            content=ContentBody(text=one.content),
            created_at=one.created_at,
            updated_at=one.updated_at,
        )


class RecallMeta(Answer):
    query_time: int = 0


class RecallBody(Answer):
    """`queryTime`: milliseconds. Nothing may be left out: no list is not an empty list."""

    observations: list[ObservationBody]
    summaries: list[SummaryBody]
    communications: list[CommunicationBody]
    meta: RecallMeta

    @classmethod
    def of(cls, recalled: Recall, query_time: int) -> "RecallBody":
        return cls(
            observations=[ObservationBody.of(one.item, one.score) for one in recalled.observations],
            summaries=[SummaryBody.of(one.item, one.score) for one in recalled.summaries],
            communications=[CommunicationBody.of(one.item, recalled.profile_id) for one in recalled.communications],
            meta=RecallMeta(query_time=query_time),
        )


_ROLES: Mapping[Role, tuple[ParticipantType, str]] = {
    "customer": ("CUSTOMER", "Customer"),
    "agent": ("AI_AGENT", "Agent"),
    "other": ("UNKNOWN", "Somebody"),
}


def _author(one: Communication, profile_id: str) -> ParticipantBody:
    """Whoever wrote in a conversation in one role under one name is one participant of it."""
    customer, name = one.role == "customer", one.author or ""
    type, called = _ROLES[one.role]
    digest = hashlib.sha256("\0".join((one.conversation_id, one.role, name)).encode()).digest()
    return ParticipantBody(
        id=ids.from_bytes(PARTICIPANT, digest[:16]),
        name=name or called,
        address=name[:MAX_ADDRESS],
        channel=one.source.upper() if one.source.upper() in CHANNELS else "API",
        type=type,
        profile_id=profile_id if customer else None,
    )
