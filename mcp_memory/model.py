"""The nouns, frozen, and the rules a value can check alone.

Times are aware UTC. `occurred_at` is when it happened in the customer's world, `created_at` when we learned it.
What comes from outside enters through `parse_time` and the `new_…` functions; each names the field it refuses.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, Literal, TypeVar

from mcp_memory.errors import Invalid
from mcp_memory.text import clean, required_text

# Limits published for the Memory API, unless a comment says otherwise.
MAX_CONTENT = 4096
MAX_OBSERVATIONS = 10  # in one write
MAX_CONVERSATION_IDS = 10
MAX_CONVERSATION_ID = 128  # ours: agents bring conversation ids in the form of their own host
MAX_SOURCE = 100
MAX_QUERY = 1024
MAX_RECALL = 100  # items of one kind
MAX_IDENTIFIER = 255
MAX_TENANT = 64  # ours
MAX_TOKENS = 100_000  # ours: more than any caller would put into one prompt
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # ours: before it, a time is a slip of the keyboard
CLOCK_SKEW = timedelta(days=1)  # ours: a day covers a wrong clock and a wrong time zone

DEFAULT_SOURCE = "agent"
DEFAULT_STORE = "default"

TraitValue = str | int | float | bool | tuple[str | int | float | bool, ...]
Traits = Mapping[str, Mapping[str, TraitValue]]
Kind = Literal["observation", "summary"]
DataType = Literal["STRING", "NUMBER", "BOOLEAN", "ARRAY"]
UndeclaredTraits = Literal["declare", "refuse"]

_SOURCE = re.compile(r"[a-zA-Z0-9 _.-]+")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, as established by the front door: never by an argument of a tool."""

    tenant: str
    store: str = DEFAULT_STORE


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where a backend call happens."""

    tenant: str
    store_id: str


@dataclass(frozen=True, kw_only=True)
class Store:
    store_id: str
    display_name: str
    created_at: datetime
    undeclared_traits: UndeclaredTraits
    profile_count: int = 0


@dataclass(frozen=True, order=True)
class Identifier:
    """A way to recognise a profile. `value` is normalised by the rule of its type."""

    id_type: str
    value: str


@dataclass(frozen=True, kw_only=True)
class TraitDefinition:
    """`id_type_promotion`: the identifier type that a value of this trait also becomes."""

    group: str
    name: str
    data_type: DataType
    id_type_promotion: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    profile_id: str
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    """The latest `occurred_at` among what is remembered; with nothing remembered, `created_at`."""
    observation_count: int
    summary_count: int
    traits: Traits
    identifiers: Mapping[str, Sequence[str]]
    """Values per type, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """`profile` is None when nobody has this identifier."""

    identifier: Identifier
    profile: Profile | None


@dataclass(frozen=True, kw_only=True)
class Upserted:
    outcome: Literal["created", "updated"]
    profile: Profile
    before: Profile | None
    """The profile as it was; None where there was none."""


@dataclass(frozen=True, kw_only=True)
class NewObservation:
    """`occurred_at` None means: now, and a repetition of the same words is the same observation."""

    content: str
    occurred_at: datetime | None = None
    source: str = DEFAULT_SOURCE
    conversation_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewSummary:
    content: str
    conversation_id: str
    occurred_at: datetime | None = None
    source: str = DEFAULT_SOURCE


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of one item: `duplicate` names the id of the item that already says so."""

    id: str
    outcome: Literal["added", "duplicate"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """What every remembered thing has."""

    id: str
    content: str
    source: str
    occurred_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Observation(Item):
    conversation_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Summary(Item):
    conversation_id: str


@dataclass(frozen=True, kw_only=True)
class RecallQuery:
    """`begin` is inclusive, `end` exclusive, both about `occurred_at`. A limit of 0 switches a kind off."""

    query: str | None = None
    conversation_id: str | None = None
    observations_limit: int = 10
    summaries_limit: int = 3
    communications_limit: int = 0
    begin: datetime | None = None
    end: datetime | None = None
    relevance_threshold: float = 0.0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("observations_limit", "summaries_limit", "communications_limit"):
            if not 0 <= getattr(self, name) <= MAX_RECALL:
                raise Invalid(f"{name} must be from 0 to {MAX_RECALL}.")
        if not 0 <= self.relevance_threshold <= 1:
            raise Invalid("relevance_threshold must be from 0 to 1.")
        if self.max_tokens is not None and not 1 <= self.max_tokens <= MAX_TOKENS:
            raise Invalid(f"max_tokens must be from 1 to {MAX_TOKENS}.")


ItemT_co = TypeVar("ItemT_co", bound=Item, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Recalled(Generic[ItemT_co]):
    """`score` is in [0, 1]; None where nothing was asked."""

    item: ItemT_co
    score: float | None


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Each list best first; newest first where nothing was asked."""

    observations: Sequence[Recalled[Observation]] = ()
    summaries: Sequence[Recalled[Summary]] = ()
    left_out: int = 0
    """Items that matched but did not fit into `max_tokens`."""


@dataclass(frozen=True, kw_only=True)
class StoreChanges:
    undeclared_traits: UndeclaredTraits | None = None


@dataclass(frozen=True, kw_only=True)
class TraitChanges:
    """Names as declared. `removed` holds (group, name)."""

    values: Traits = field(default_factory=dict)
    removed: frozenset[tuple[str, str]] = frozenset()


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
    if time is not None and time > now + CLOCK_SKEW:
        raise Invalid(f"{name} lies in the future: give the time it happened, or leave it out for now.")
    return time


def new_observation(
    *,
    content: str,
    now: datetime,
    occurred_at: str | None = None,
    source: str | None = None,
    conversation_ids: Sequence[str] = (),
    name: str = "observation",
) -> NewObservation:
    if len(conversation_ids) > MAX_CONVERSATION_IDS:
        raise Invalid(f"{name}.conversation_ids has {len(conversation_ids)} ids, the limit is {MAX_CONVERSATION_IDS}.")
    return NewObservation(
        content=required_text(content, MAX_CONTENT, f"{name}.content"),
        occurred_at=happened(occurred_at, now, f"{name}.occurred_at"),
        source=checked_source(source, f"{name}.source"),
        conversation_ids=tuple(
            dict.fromkeys(required_text(id, MAX_CONVERSATION_ID, f"{name}.conversation_ids") for id in conversation_ids)
        ),
    )


def new_summary(
    *, content: str, conversation_id: str, now: datetime, occurred_at: str | None = None, source: str | None = None
) -> NewSummary:
    return NewSummary(
        content=required_text(content, MAX_CONTENT, "content"),
        conversation_id=required_text(conversation_id, MAX_CONVERSATION_ID, "conversation_id"),
        occurred_at=happened(occurred_at, now, "occurred_at"),
        source=checked_source(source, "source"),
    )


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
) -> RecallQuery:
    """An empty query is no query."""
    question = clean(query or "")
    if len(question) > MAX_QUERY:
        raise Invalid(f"query is {len(question)} characters long, the limit is {MAX_QUERY}: ask for less at once.")
    conversation = (
        None if conversation_id is None else required_text(conversation_id, MAX_CONVERSATION_ID, "conversation_id")
    )
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
    )
