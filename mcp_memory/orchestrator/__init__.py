"""Conversations of several people over several channels, and what is done with them: the nouns of Twilio's Conversation
Orchestrator v2, as far as they matter to memory.

A conversation has participants, each with addresses; what they say to each other are its communications. What memory
has of it is, for each customer who takes part, a conversation of that profile under the same id: see
`conversations.py`. A configuration says what is grouped to one conversation, when it is over, and whether memory learns
from it; a conversation keeps the settings it began with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

from mcp_memory.callbacks import StatusCallback
from mcp_memory.conversations import Status

Grouping = Literal[
    "GROUP_BY_PROFILE", "GROUP_BY_PARTICIPANT_ADDRESSES", "GROUP_BY_PARTICIPANT_ADDRESSES_AND_CHANNEL_TYPE"
]
Channel = Literal["VOICE", "SMS", "RCS", "WHATSAPP", "CHAT", "VIDEO", "EMAIL"]
"""EMAIL is ours: the published list has an address for it, and no channel."""
ParticipantType = Literal["CUSTOMER", "HUMAN_AGENT", "AI_AGENT", "AGENT", "UNKNOWN"]
DeliveryStatus = Literal["INITIATED", "IN_PROGRESS", "DELIVERED", "READ", "COMPLETED", "FAILED"]
ContentType = Literal["TEXT", "TRANSCRIPTION"]

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
AGENTS: Final = frozenset({"HUMAN_AGENT", "AI_AGENT", "AGENT"})

MAX_CONFIGURATIONS = 10  # of a tenant, published
MAX_CAPTURE_RULES = 100  # of a channel, published
MAX_CALLBACKS = 2  # published, where they are written
MAX_INTELLIGENCE = 5  # published
MAX_PARTICIPANTS = 50  # published, of a new conversation; ours for all of its life
MAX_ADDRESSES = 10  # of a participant; ours
MAX_RECIPIENTS = 50  # ours
MAX_NAME = 256  # characters of a conversation's or a participant's; ours
MAX_ADDRESS = 255  # characters, as an identifier has them
MAX_REFERENCE = 255  # characters of a channelId or a resourceId; ours


@dataclass(frozen=True, kw_only=True)
class CaptureRule:
    """`*` is any address."""

    from_address: str
    to_address: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChannelSetting:
    """Minutes without a communication; None: it does not become so by itself. `timed`: whether it says anything of
    that; else the defaults hold."""

    inactive: int | None = None
    closed: int | None = None
    timed: bool = False
    capture_rules: tuple[CaptureRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversationSettings:
    """What a configuration says; a conversation keeps those it began with. `store_id`: the memory of its customers.
    `memory_extraction`: whether memory learns from them. `capture_rules` of channels, `intelligence_ids` and `bridge`
    are kept for clients; nothing here acts on them."""

    display_name: str
    description: str
    grouping: Grouping
    store_id: str
    channels: Mapping[Channel, ChannelSetting] = field(default_factory=dict)
    callbacks: tuple[StatusCallback, ...] = ()
    intelligence_ids: tuple[str, ...] = ()
    memory_extraction: bool = False
    bridge: str | None = None


@dataclass(frozen=True, kw_only=True)
class Configuration:
    configuration_id: str
    settings: ConversationSettings
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class SettingsChanges:
    """None: it stays. Of `channels`, those that are named: None removes one."""

    display_name: str | None = None
    description: str | None = None
    grouping: Grouping | None = None
    store_id: str | None = None
    channels: Mapping[Channel, ChannelSetting | None] = field(default_factory=dict)
    callbacks: tuple[StatusCallback, ...] | None = None
    intelligence_ids: tuple[str, ...] | None = None
    memory_extraction: bool | None = None
    bridge: str | None = None
    no_bridge: bool = False


@dataclass(frozen=True, kw_only=True)
class Address:
    """`channel_id`: of the channel's own making, as of a call."""

    channel: Channel
    address: str
    channel_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewParticipant:
    """`type` None: UNKNOWN, or when it is changed, as it is. `profile_id`: whom the caller knows it to be."""

    addresses: tuple[Address, ...] = ()
    name: str | None = None
    type: ParticipantType | None = None
    profile_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Participant:
    """`profile_id`: of a customer, the live one; None where no address of his identifies anybody."""

    participant_id: str
    conversation_id: str
    type: ParticipantType
    addresses: tuple[Address, ...]
    name: str | None
    profile_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewConversation:
    configuration_id: str
    name: str | None = None
    participants: tuple[NewParticipant, ...] = ()
    intelligence_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ConversationChanges:
    """None: it stays. `no_name`: it has none any more."""

    name: str | None = None
    no_name: bool = False
    status: Status | None = None
    callbacks: tuple[StatusCallback, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class OrchestratedConversation:
    """`last_at`: when its last communication was posted, or when it began."""

    conversation_id: str
    configuration_id: str
    settings: ConversationSettings
    status: Status
    name: str | None
    participants: tuple[Participant, ...]
    created_at: datetime
    updated_at: datetime
    last_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who says or hears something: by the address it is done with."""

    channel: Channel
    address: str
    participant_id: str | None = None
    delivery_status: DeliveryStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """`transcription`: how it was heard, as it is published, for clients; memory takes the text."""

    text: str
    type: ContentType = "TEXT"
    transcription: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NewCommunication:
    """`resource_id`: the caller's own, by which it is told when it is sent twice. `occurred_at` None: now."""

    author: Party
    content: Content
    recipients: tuple[Party, ...]
    channel_id: str | None = None
    resource_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PostedCommunication:
    communication_id: str
    conversation_id: str
    author: Party
    content: Content
    recipients: tuple[Party, ...]
    channel_id: str | None
    resource_id: str | None
    occurred_at: datetime
    created_at: datetime
    updated_at: datetime
