"""The nouns, frozen, and the rules a value can check alone.

Times are aware UTC. `occurred_at` is when it happened in the customer's world, `created_at` when we learned it.
What comes from outside enters through `inputs.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, Literal, TypeVar

from mcp_memory.errors import Invalid
from mcp_memory.rights import ALL

# Limits published for the Memory API, unless a comment says otherwise.
MAX_CONTENT = 4096
MAX_OBSERVATIONS = 10  # in one write
MAX_CONVERSATION_IDS = 10
MAX_CONVERSATION_ID = 128  # ours: agents bring conversation ids in the form of their own host
MAX_SOURCE = 100
MAX_QUERY = 1024
MAX_RECALL = 100  # items of one kind
MAX_MESSAGES = 100  # ours: in one write
MAX_RECORDED = 50_000  # ours: characters in one write; in the model's hands for seconds
MAX_AUTHOR = 256
MAX_MESSAGE_ID = 128  # ours
MAX_IDENTIFIER = 255
MAX_TENANT = 64  # ours
MAX_STORES = 15  # of a tenant
MAX_STORE_NAME = 64
MAX_STORE_DESCRIPTION = 128
MAX_SUMMARIES = 10  # in one write
MAX_PAGE = 1000
MAX_TOKENS = 100_000  # ours: more than any caller would put into one prompt
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # ours: before it, a time is a slip of the keyboard
CLOCK_SKEW = timedelta(days=1)  # ours: a day covers a wrong clock and a wrong time zone

DEFAULT_SOURCE = "agent"
DEFAULT_STORE = "default"

TraitValue = str | int | float | bool | tuple[str | int | float | bool, ...]
Traits = Mapping[str, Mapping[str, TraitValue]]
Kind = Literal["observation", "summary", "communication"]
Role = Literal["customer", "agent", "other"]
"""`other`: who takes part, and is neither the customer whose memory it is nor an agent."""
ByWordsOnly = Literal["failed", "script", "vectors"]
Detail = Literal["concise", "full"]
Outcome = Literal["added", "duplicate", "accepted", "updated", "discarded"]
DataType = Literal["STRING", "NUMBER", "BOOLEAN", "ARRAY"]
UndeclaredTraits = Literal["declare", "refuse"]
ApartReason = Literal["limit", "unmerged", "no_rule", "size"]


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How much a tenant may keep; None: as much as it likes. What would go beyond it is refused whole, as Full."""

    stores: int | None = None
    profiles: int | None = None
    """In each of its stores, merged ones included."""
    observations_per_profile: int | None = None
    storage_bytes: int | None = None
    """Of the files of all its stores. Looked at before each write that adds, so the last one may go a little beyond."""


UNLIMITED = Quota()


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, as established by the front door: never by an argument of a tool.

    `store`: its name, and it is made when it is not there yet; or its id, and it must be there. `stores`: the names of
    the only ones it may reach, where these are not all its tenant's. `actor`: by what it was recognised, for logs.
    """

    tenant: str
    store: str = DEFAULT_STORE
    rights: frozenset[str] = ALL
    stores: tuple[str, ...] | None = None
    quota: Quota = field(default=UNLIMITED, compare=False)
    actor: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where a backend call happens. It is the same place however much may be kept there."""

    tenant: str
    store_id: str
    quota: Quota = field(default=UNLIMITED, compare=False)


@dataclass(frozen=True, kw_only=True)
class Store:
    store_id: str
    display_name: str
    created_at: datetime
    undeclared_traits: UndeclaredTraits
    description: str | None = None
    version: int = 1
    """Counts the changes."""
    profile_count: int | None = 0
    """None: a service behind this one does not count them."""
    unembedded_count: int = 0
    """Items whose vectors are still to be made, or made anew."""


@dataclass(frozen=True, order=True)
class Identifier:
    """A way to recognise a profile. `value` is normalised by the rule of its type."""

    id_type: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ValidationRule:
    """What values of a trait must be like: lengths and `pattern` (RE2, the whole value) of a STRING, `min` and `max`
    of a NUMBER, items of an ARRAY."""

    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, kw_only=True)
class TraitDefinition:
    """`id_type_promotion`: the identifier type that a value of this trait also becomes."""

    group: str
    name: str
    data_type: DataType
    id_type_promotion: str | None = None
    description: str | None = None
    validation_rule: ValidationRule | None = None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """`merged_id` was a profile of its own, and is part of `into_id` since `at`.

    `identifier`: the rule and the value that made them one; None where a curator did. `dropped`: identifiers that the
    two together have too many of; they identify nobody while they are one.
    """

    merged_id: str
    into_id: str
    at: datetime
    identifier: Identifier | None
    dropped: Sequence[Identifier] = ()


@dataclass(frozen=True, kw_only=True)
class KeptApart:
    """An identifier that was given for one profile, and stays with the other one that has it, its holder.

    `reason`: `limit`, they differ in `differ`, a type of which a profile has one; `unmerged`, somebody took them apart;
    `no_rule`, no matching rule is about its type; `size`, they would be more profiles than a person ever was.
    """

    identifier: Identifier
    holder_id: str
    reason: ApartReason
    differ: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`merges`: what became part of it, the earliest first."""

    profile_id: str
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    """The latest `occurred_at` among what is remembered; with nothing remembered, `created_at`."""
    observation_count: int | None
    """None, as the next two: a service behind this one does not count them."""
    summary_count: int | None
    communication_count: int | None
    traits: Traits
    identifiers: Mapping[str, Sequence[str]]
    """Values per type, oldest first."""
    merges: Sequence[Merge] = ()

    @property
    def all_ids(self) -> list[str]:
        """Its id, and those it has been known by."""
        return [self.profile_id, *(one.merged_id for one in self.merges)]


@dataclass(frozen=True, kw_only=True)
class TraitEntry:
    """One trait of a profile, and when it was last given."""

    group: str
    name: str
    value: TraitValue
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """`profile` is None when nobody has it. `sharers`: who else has it, where several may.

    With nobody found, `tried` are the types it was looked for, and `trait` is the one that a new profile would have it
    in, as (group, name).
    """

    identifier: Identifier
    profile: Profile | None
    sharers: Sequence[str] = ()
    tried: Sequence[str] = ()
    trait: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Upserted:
    """`merges`: what became one by it. `kept_apart`: identifiers that were given and not taken, with their traits.
    `dropped`: identifiers there was no room for."""

    outcome: Literal["created", "updated"]
    profile: Profile
    before: Profile | None
    """The profile as it was; None where there was none."""
    merges: Sequence[Merge] = ()
    kept_apart: Sequence[KeptApart] = ()
    dropped: Sequence[Identifier] = ()


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
class NewMessage:
    """`message_id`: the caller's own. `occurred_at` None means: now."""

    text: str
    role: Role
    author: str | None = None
    channel: str | None = None
    occurred_at: datetime | None = None
    message_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of one item: `duplicate` names the id of the item that already says so. `accepted`: by a service
    that stores it in its own time, and may not have told its id by now. `updated`, `discarded`: by reconciliation, the
    first names what says it now, the other what made it superfluous, if one thing did. `rule` and `reason`: of what
    was reconciled, a fixed word and a sentence."""

    id: str | None
    outcome: Outcome
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Added:
    """`receipts` in the order of what was given. `profile_ids`: the profile it is remembered of, then its other ids."""

    receipts: Sequence[Receipt]
    profile_ids: Sequence[str]


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
class Communication(Item):
    """A message. Its `source` is the channel it came by."""

    conversation_id: str
    role: Role
    author: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecallQuery:
    """`begin` is inclusive, `end` exclusive, both about `occurred_at`. A limit of 0 switches a kind off.

    Without a query, that of the conversation's last messages is asked; without either, what is latest. The messages
    of a conversation that is named come as they are, the latest first; else they are ranked as everything is.
    `as_of`: what was known then, in the words of then; None, or the future: now.
    """

    query: str | None = None
    conversation_id: str | None = None
    observations_limit: int = 10
    summaries_limit: int = 3
    communications_limit: int = 0
    begin: datetime | None = None
    end: datetime | None = None
    relevance_threshold: float = 0.0
    max_tokens: int | None = None
    detail: Detail = "concise"
    as_of: datetime | None = None

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
class Match:
    """Why an item came: the words of it that were asked for, how near it is in meaning as a whole and token by token
    (cosines), and how well its time fits the dates of the question. None: not known, or not asked."""

    words: Sequence[str] = ()
    cosine: float | None = None
    late_interaction: float | None = None
    date: float | None = None


@dataclass(frozen=True, kw_only=True)
class Recalled(Generic[ItemT_co]):
    """`score` is in [0, 1]; None where nothing was asked. `match`: in full detail. `outdated_by`: the id of what was
    said later of the same, and holds now."""

    item: ItemT_co
    score: float | None
    match: Match | None = None
    outdated_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Each list best first; newest first where nothing was asked. `profile_id`: whose it is, whichever was asked."""

    profile_id: str
    observations: Sequence[Recalled[Observation]] = ()
    summaries: Sequence[Recalled[Summary]] = ()
    communications: Sequence[Recalled[Communication]] = ()
    left_out: int = 0
    """Items that matched but did not fit into `max_tokens`."""
    query: str | None = None
    """What was asked, where it was made from the conversation."""
    unknown_conversation: bool = False
    """The one that was named has no messages here."""
    by_words_only: ByWordsOnly | None = None
    """What has the meaning but none of the words was not found: the model failed, can't read the
    script, or has made no vectors yet of what is there."""
    as_of: datetime | None = None
    """What was known then; None: now."""


@dataclass(frozen=True, kw_only=True)
class TraitChanges:
    """Names as declared. `removed` holds (group, name)."""

    values: Traits = field(default_factory=dict)
    removed: frozenset[tuple[str, str]] = frozenset()
