"""Pure: what the service remembers, as the model has it. Times, ids and sources are what is published, or nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from mcp_memory import ids
from mcp_memory.backends.twilio.replies import Reply, is_id
from mcp_memory.errors import Invalid
from mcp_memory.inputs import checked_source
from mcp_memory.model import MAX_AUTHOR, MAX_CONTENT, Communication, Observation, Recalled, Summary
from mcp_memory.text import clean
from mcp_memory.wire.memories import ObservationBody, SummaryBody
from mcp_memory.wire.recall import CommunicationBody

UNKNOWN: Final = "unknown"  # the source of what has none, or one that is not published

Inside = Callable[[str], str]
"""The id of a conversation that the service's was made from."""


def observation(reply: Reply, body: ObservationBody, inside: Inside) -> Observation:
    if not is_id(body.id, ids.OBSERVATION):
        raise reply.unpublished()
    return Observation(
        id=body.id,
        content=_content(body.content),
        source=_source(body.source),
        occurred_at=body.occurred_at or body.created_at,
        created_at=body.created_at,
        updated_at=body.updated_at,
        conversation_ids=tuple(dict.fromkeys(inside(id) for id in body.conversation_ids or () if _conversation(id))),
    )


def summary(reply: Reply, body: SummaryBody, inside: Inside) -> Summary:
    if not is_id(body.id, ids.SUMMARY) or not _conversation(body.conversation_id):
        raise reply.unpublished()
    return Summary(
        id=body.id,
        content=_content(body.content),
        source=_source(body.source),
        occurred_at=body.occurred_at,
        created_at=body.created_at,
        updated_at=body.updated_at,
        conversation_id=inside(body.conversation_id),
    )


def communication(reply: Reply, body: CommunicationBody, conversation_id: str, now: datetime) -> Communication:
    """Its source is the channel it came by. One without a time, which the documents allow, is of now."""
    if not is_id(body.id, ids.COMMUNICATION):
        raise reply.unpublished()
    created = body.created_at or body.updated_at or now
    named = body.author.address or body.author.name not in ("Customer", "Agent", "")
    return Communication(
        id=body.id,
        content=_content(body.content.text or ""),
        source=_source(body.author.channel.lower()),
        occurred_at=created,
        created_at=created,
        updated_at=body.updated_at or created,
        conversation_id=conversation_id,
        role="customer" if body.author.type == "CUSTOMER" else "other" if body.author.type == "UNKNOWN" else "agent",
        author=clean(body.author.name or body.author.address)[:MAX_AUTHOR] or None if named else None,
    )


def score(number: float | None) -> float | None:
    return None if number is None else min(max(number, 0.0), 1.0)


def recalled_observation(reply: Reply, body: ObservationBody, inside: Inside) -> Recalled[Observation]:
    return Recalled(item=observation(reply, body, inside), score=score(body.score))


def recalled_summary(reply: Reply, body: SummaryBody, inside: Inside) -> Recalled[Summary]:
    return Recalled(item=summary(reply, body, inside), score=score(body.score))


def _content(text: str) -> str:
    cleaned = clean(text)
    return cleaned if len(cleaned) <= MAX_CONTENT else f"{cleaned[: MAX_CONTENT - 1]}…"


def _source(text: str | None) -> str:
    try:
        return checked_source(text or UNKNOWN, "source")
    except Invalid:
        return UNKNOWN


def _conversation(id: str) -> bool:
    return is_id(id, "conv_conversation")
