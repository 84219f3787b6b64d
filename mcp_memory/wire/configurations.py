"""Configurations of conversations, of the Conversations API v2, and the operations that say what became of a change."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from mcp_memory import ids
from mcp_memory.callbacks import Method, StatusCallback
from mcp_memory.callbacks.urls import MAX_URL
from mcp_memory.operations import Operation
from mcp_memory.orchestrator import (
    MAX_ADDRESS,
    MAX_CALLBACKS,
    MAX_CAPTURE_RULES,
    MAX_INTELLIGENCE,
    MAX_REFERENCE,
    CaptureRule,
    Channel,
    ChannelSetting,
    Configuration,
    ConversationSettings,
    Grouping,
    SettingsChanges,
)
from mcp_memory.text import clean
from mcp_memory.wire import OMITTED, Answer, Open, Time
from mcp_memory.wire.pages import Meta

MAX_DISPLAY_NAME = 32  # characters, as published; so is the next one
MAX_DESCRIPTION = 512
MAX_MINUTES = 3 * 365 * 24 * 60  # the published age of a conversation
MAX_METADATA = 20  # entries of a rule; ours
STORE = "mem_service"  # what older clients call a store


def _store_id(text: str) -> str:
    return text.replace(STORE, ids.STORE, 1)


def _seen(text: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise ValueError("it should have a character that can be seen")
    return cleaned


DisplayName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_ -]+$", max_length=MAX_DISPLAY_NAME)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(clean)]
StoreId = Annotated[str, Field(pattern=r"^mem_(store|service)_[0-7][0-9a-z]{25}$"), AfterValidator(_store_id)]
Minutes = Annotated[int, Field(ge=1, le=MAX_MINUTES)]
Rule = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS), AfterValidator(_seen)]
Reference = Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE), AfterValidator(_seen)]
Noted = Annotated[str, Field(max_length=MAX_REFERENCE), AfterValidator(clean)]
IntelligenceIds = Annotated[list[Reference], Field(max_length=MAX_INTELLIGENCE)]


# What is asked


class TimeoutsBody(Open):
    inactive: Minutes = OMITTED
    closed: Minutes = OMITTED


class CaptureRuleBody(Open):
    from_address: Annotated[Rule, Field(alias="from")]
    to_address: Annotated[Rule, Field(alias="to")]
    metadata: Annotated[dict[Reference, Noted], Field(max_length=MAX_METADATA)] = {}


class ChannelSettingBody(Open):
    status_timeouts: TimeoutsBody = OMITTED
    capture_rules: Annotated[list[CaptureRuleBody], Field(max_length=MAX_CAPTURE_RULES)] = []

    def setting(self) -> ChannelSetting:
        times = self.status_timeouts
        return ChannelSetting(
            inactive=None if times is None else times.inactive,
            closed=None if times is None else times.closed,
            timed=times is not None,
            capture_rules=tuple(CaptureRule(**one.model_dump()) for one in self.capture_rules),
        )


class CallbackBody(Open):
    """Where `url` may lead to is checked where it is kept."""

    url: Annotated[str, Field(max_length=MAX_URL)]
    method: Method = "POST"


Channels = dict[Channel, ChannelSettingBody]
Callbacks = Annotated[list[CallbackBody], Field(max_length=MAX_CALLBACKS)]


class BridgeBody(Open):
    service_id: Annotated[str, Field(pattern=r"^IS[0-9a-f]{32}$")]


class ReplacedConfigurationBody(Open):
    """All of it. `displayName` may be left out, and stays."""

    display_name: DisplayName = OMITTED
    description: Description
    conversation_grouping_type: Grouping
    memory_store_id: StoreId
    channel_settings: Channels
    status_callbacks: Callbacks = []
    intelligence_configuration_ids: IntelligenceIds = []
    memory_extraction_enabled: bool = False
    conversations_v1_bridge: BridgeBody = OMITTED

    def settings(self, display_name: str) -> ConversationSettings:
        return ConversationSettings(
            display_name=display_name,
            description=self.description,
            grouping=self.conversation_grouping_type,
            store_id=self.memory_store_id,
            channels={name: one.setting() for name, one in self.channel_settings.items()},
            callbacks=callbacks(self.status_callbacks),
            intelligence_ids=tuple(self.intelligence_configuration_ids),
            memory_extraction=self.memory_extraction_enabled,
            bridge=None if self.conversations_v1_bridge is None else self.conversations_v1_bridge.service_id,
        )


class NewConfigurationBody(ReplacedConfigurationBody):
    display_name: DisplayName
    channel_settings: Channels = {}

    def new(self) -> ConversationSettings:
        return self.settings(self.display_name)


class ConfigurationChangesBody(Open):
    """What is left out stays, and so does what can't be without a value where that is null; the rest a null removes.
    Of `channelSettings`, those that are named: a null removes one."""

    display_name: DisplayName | None = None
    description: Description | None = None
    conversation_grouping_type: Grouping = OMITTED
    memory_store_id: StoreId | None = None
    channel_settings: dict[Channel, ChannelSettingBody | None] = {}
    status_callbacks: Callbacks | None = None
    intelligence_configuration_ids: IntelligenceIds | None = None
    memory_extraction_enabled: bool | None = None
    conversations_v1_bridge: BridgeBody | None = None

    def changes(self) -> SettingsChanges:
        given, bridge = self.model_fields_set, self.conversations_v1_bridge
        told = callbacks(self.status_callbacks or ())
        learning = tuple(self.intelligence_configuration_ids or ())
        return SettingsChanges(
            display_name=self.display_name,
            description=self.description,
            grouping=self.conversation_grouping_type,
            store_id=self.memory_store_id,
            channels={name: None if one is None else one.setting() for name, one in self.channel_settings.items()},
            callbacks=told if "status_callbacks" in given else None,
            intelligence_ids=learning if "intelligence_configuration_ids" in given else None,
            memory_extraction=self.memory_extraction_enabled,
            bridge=None if bridge is None else bridge.service_id,
            no_bridge=bridge is None and "conversations_v1_bridge" in given,
        )


def callbacks(given: Sequence[CallbackBody]) -> tuple[StatusCallback, ...]:
    return tuple(StatusCallback(url=one.url, method=one.method) for one in given)


# What is answered


class TimeoutsAnswer(Answer):
    inactive: int | None = None
    closed: int | None = None


class CaptureRuleAnswer(Answer):
    from_address: Annotated[str, Field(alias="from")]
    to_address: Annotated[str, Field(alias="to")]
    metadata: dict[str, str]


class ChannelSettingAnswer(Answer):
    status_timeouts: TimeoutsAnswer | None = None
    capture_rules: list[CaptureRuleAnswer]

    @classmethod
    def of(cls, one: ChannelSetting) -> "ChannelSettingAnswer":
        rules = [
            CaptureRuleAnswer(from_address=each.from_address, to_address=each.to_address, metadata=dict(each.metadata))
            for each in one.capture_rules
        ]
        times = TimeoutsAnswer(inactive=one.inactive, closed=one.closed) if one.timed else None
        return cls(status_timeouts=times, capture_rules=rules)


class CallbackAnswer(Answer):
    url: str
    method: Method


class BridgeAnswer(Answer):
    service_id: str


class SettingsBody(Answer):
    """What a conversation has of the configuration it began with."""

    display_name: str
    description: str
    conversation_grouping_type: Grouping
    memory_store_id: str
    channel_settings: dict[str, ChannelSettingAnswer]
    status_callbacks: list[CallbackAnswer]
    intelligence_configuration_ids: list[str]
    memory_extraction_enabled: bool
    conversations_v1_bridge: BridgeAnswer | None = None


class ConfigurationBody(SettingsBody):
    id: str
    created_at: Time
    updated_at: Time
    version: int

    @classmethod
    def of(cls, one: Configuration) -> "ConfigurationBody":
        return cls(
            id=one.configuration_id,
            created_at=one.created_at,
            updated_at=one.updated_at,
            version=one.version,
            **shown(one.settings),
        )


def shown(settings: ConversationSettings) -> dict[str, Any]:
    """The fields of a SettingsBody."""
    return {
        "display_name": settings.display_name,
        "description": settings.description,
        "conversation_grouping_type": settings.grouping,
        "memory_store_id": settings.store_id,
        "channel_settings": {name: ChannelSettingAnswer.of(one) for name, one in settings.channels.items()},
        "status_callbacks": [CallbackAnswer(url=one.url, method=one.method) for one in settings.callbacks],
        "intelligence_configuration_ids": list(settings.intelligence_ids),
        "memory_extraction_enabled": settings.memory_extraction,
        "conversations_v1_bridge": None if settings.bridge is None else BridgeAnswer(service_id=settings.bridge),
    }


class ConfigurationsBody(Answer):
    configurations: list[ConfigurationBody]
    meta: Meta


_RELATED: Mapping[str, str] = {ids.CONFIGURATION: "configurationId", ids.CONVERSATION: "conversationId"}


def related(resource_id: str) -> dict[str, str] | None:
    """What an operation was about, by its published name; None for what is of the memory's own control plane."""
    name = _RELATED.get(resource_id.rpartition("_")[0])
    return None if name is None else {name: resource_id}


class OperationAcceptedBody(Answer):
    status_url: str
    related: dict[str, str] | None = None


class OperationStatusBody(Answer):
    """Changes are made before they are answered: none is pending, and none that failed was accepted."""

    operation_id: str
    status: Literal["COMPLETED"] = "COMPLETED"
    created_at: Time
    completed_at: Time
    status_url: str
    related: dict[str, str] | None = None

    @classmethod
    def of(cls, operation: Operation, status_url: str) -> "OperationStatusBody":
        return cls(
            operation_id=operation.operation_id,
            created_at=operation.completed_at,
            completed_at=operation.completed_at,
            status_url=status_url,
            related=related(operation.resource_id),
        )
