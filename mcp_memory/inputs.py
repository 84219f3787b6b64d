"""What comes from outside becomes a value of the model here; what is refused, is refused by the name of its field."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.errors import Invalid
from mcp_memory.model import (
    CLOCK_SKEW,
    DEFAULT_SOURCE,
    EARLIEST,
    MAX_AUTHOR,
    MAX_CONTENT,
    MAX_CONVERSATION_ID,
    MAX_CONVERSATION_IDS,
    MAX_MESSAGE_ID,
    MAX_QUERY,
    MAX_SOURCE,
    Detail,
    NewMessage,
    NewObservation,
    NewSummary,
    RecallQuery,
    Role,
)
from mcp_memory.text import clean, required_text

_SOURCE = re.compile(r"[a-zA-Z0-9 _.-]+")


def parse_time(text: str, name: str) -> datetime:
    """An RFC 3339 time with its offset, as aware UTC."""
    try:
        time = datetime.fromisoformat(text.strip())
        offset = time.utcoffset()
        utc = time.astimezone(UTC) if offset is not None else None
    except (ValueError, OverflowError) as exc:
        raise Invalid(f"{name} is not a possible time: write it like 2026-05-03T14:30:00Z.") from exc
    if utc is None:
        raise Invalid(f"{name} has no time zone: add Z or an offset, like 2026-05-03T14:30:00+02:00.")
    if utc < EARLIEST:
        raise Invalid(f"{name} lies before 1900: write it like 2026-05-03T14:30:00Z.")
    return utc


def happened(text: str | None, now: datetime, name: str) -> datetime | None:
    """A time at which something can have happened: not in the future."""
    time = None if text is None else parse_time(text, name)
    check_past(time, now, name)
    return time


def check_past(time: datetime | None, now: datetime, name: str) -> None:
    if time is not None and time > now + CLOCK_SKEW:
        raise Invalid(f"{name} lies in the future: give the time it happened, or leave it out for now.")


def new_observation(
    *,
    content: str,
    now: datetime,
    occurred_at: str | datetime | None = None,
    source: str | None = None,
    conversation_ids: Sequence[str] = (),
    name: str = "observation",
) -> NewObservation:
    return NewObservation(
        content=required_text(content, MAX_CONTENT, f"{name}.content"),
        occurred_at=_when(occurred_at, now, f"{name}.occurred_at"),
        source=checked_source(source, f"{name}.source"),
        conversation_ids=_conversations(conversation_ids, f"{name}.conversation_ids"),
    )


def new_summary(
    *,
    content: str,
    conversation_id: str,
    now: datetime,
    occurred_at: str | datetime | None = None,
    source: str | None = None,
    name: str = "",
) -> NewSummary:
    where = f"{name}." if name else ""
    return NewSummary(
        content=required_text(content, MAX_CONTENT, f"{where}content"),
        conversation_id=conversation_name(conversation_id),
        occurred_at=_when(occurred_at, now, f"{where}occurred_at"),
        source=checked_source(source, f"{where}source"),
    )


def observation_changes(given: ObservationChanges, now: datetime) -> ObservationChanges:
    """As they are stored."""
    check_past(given.occurred_at, now, "occurred_at")
    ids = given.conversation_ids
    return replace(
        given,
        content=None if given.content is None else required_text(given.content, MAX_CONTENT, "content"),
        source=None if given.source is None else checked_source(given.source, "source"),
        conversation_ids=None if ids is None else _conversations(ids, "conversation_ids"),
    )


def summary_changes(given: SummaryChanges, now: datetime) -> SummaryChanges:
    """As they are stored."""
    check_past(given.occurred_at, now, "occurred_at")
    return replace(
        given,
        content=None if given.content is None else required_text(given.content, MAX_CONTENT, "content"),
        source=None if given.source is None else checked_source(given.source, "source"),
        conversation_id=None if given.conversation_id is None else conversation_name(given.conversation_id),
    )


def _when(given: str | datetime | None, now: datetime, name: str) -> datetime | None:
    if not isinstance(given, datetime):
        return happened(given, now, name)
    check_past(given, now, name)
    return given


def _conversations(given: Sequence[str], name: str) -> tuple[str, ...]:
    if len(given) > MAX_CONVERSATION_IDS:
        raise Invalid(f"{name} has {len(given)} ids, the limit is {MAX_CONVERSATION_IDS}.")
    return tuple(dict.fromkeys(required_text(id, MAX_CONVERSATION_ID, name) for id in given))


def new_message(
    *,
    text: str,
    role: Role,
    now: datetime,
    author: str | None = None,
    channel: str | None = None,
    occurred_at: str | None = None,
    message_id: str | None = None,
    name: str = "message",
) -> NewMessage:
    return NewMessage(
        text=required_text(text, MAX_CONTENT, f"{name}.text"),
        role=role,
        author=None if author is None else required_text(author, MAX_AUTHOR, f"{name}.author"),
        channel=None if channel is None else checked_source(channel, f"{name}.channel"),
        occurred_at=happened(occurred_at, now, f"{name}.occurred_at"),
        message_id=None if message_id is None else required_text(message_id, MAX_MESSAGE_ID, f"{name}.message_id"),
    )


def conversation_name(conversation_id: str) -> str:
    return required_text(conversation_id, MAX_CONVERSATION_ID, "conversation_id")


def checked_source(source: str | None, name: str) -> str:
    if source is None:
        return DEFAULT_SOURCE
    if len(source) > MAX_SOURCE or not _SOURCE.fullmatch(source):
        raise Invalid(f"{name} must be 1 to {MAX_SOURCE} letters, digits, blanks, dots, dashes or underscores.")
    return source


def check_period(begin: datetime | None, end: datetime | None) -> None:
    if begin is not None and end is not None and begin >= end:
        raise Invalid("begin must be earlier than end: begin is inclusive, end exclusive.")


def recall_query(
    *,
    query: str | None = None,
    conversation_id: str | None = None,
    observations_limit: int = 10,
    summaries_limit: int = 3,
    communications_limit: int = 0,
    begin: str | None = None,
    end: str | None = None,
    relevance_threshold: float = 0.0,
    max_tokens: int | None = None,
    detail: Detail = "concise",
    as_of: str | None = None,
) -> RecallQuery:
    """An empty query is no query."""
    question = clean(query or "")
    if len(question) > MAX_QUERY:
        raise Invalid(f"query is {len(question)} characters long, the limit is {MAX_QUERY}: ask for less at once.")
    conversation = None if conversation_id is None else conversation_name(conversation_id)
    period = [None if time is None else parse_time(time, name) for time, name in ((begin, "begin"), (end, "end"))]
    check_period(*period)
    return RecallQuery(
        query=question or None,
        conversation_id=conversation,
        observations_limit=observations_limit,
        summaries_limit=summaries_limit,
        communications_limit=communications_limit,
        begin=period[0],
        end=period[1],
        relevance_threshold=relevance_threshold,
        max_tokens=max_tokens,
        detail=detail,
        as_of=None if as_of is None else parse_time(as_of, "as_of"),
    )
