"""Conversations of several people, who takes part and what they say: of the Conversations API v2.

What is answered is also what webhooks bring: each is made of a resource and the name of its tenant.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mcp_memory import ids
from mcp_memory.conversations import Status
from mcp_memory.model import MAX_CONTENT
from mcp_memory.orchestrator import (
    MAX_ADDRESS,
    MAX_ADDRESSES,
    MAX_NAME,
    MAX_PARTICIPANTS,
    MAX_RECIPIENTS,
    MAX_REFERENCE,
    Address,
    Channel,
    Content,
    ContentType,
    ConversationChanges,
    DeliveryStatus,
    NewCommunication,
    NewConversation,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    ParticipantType,
    Party,
    PostedCommunication,
)
from mcp_memory.text import clean
from mcp_memory.wire import OMITTED, Answer, Open, Time, read_time
from mcp_memory.wire.configurations import CallbackBody, IntelligenceIds, Noted, SettingsBody, callbacks, shown
from mcp_memory.wire.pages import Meta

MAX_TOLD = 20  # callbacks of a conversation, as published
MAX_WORDS = MAX_CONTENT  # of a transcription: each has a letter


def _as_told(id: str) -> str:
    if ids.spelled_otherwise(id):
        raise ValueError("it should be an id as an answer told it")
    return id


Name = Annotated[str, Field(max_length=MAX_NAME)]
Reference = Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE)]
Reached = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS)]
ProfileId = Annotated[str, Field(pattern=r"^mem_profile_[0-7][0-9a-z]{25}$"), AfterValidator(_as_told)]


def account_id(tenant: str) -> str:
    """The same for a tenant, wherever it is asked for, in the form that clients know."""
    return f"AC{sha256(tenant.encode('utf-8', 'replace')).hexdigest()[:32]}"


# What is asked


class AddressBody(Open):
    channel: Channel
    address: Reached
    channel_id: Reference = OMITTED


Addresses = Annotated[list[AddressBody], Field(max_length=MAX_ADDRESSES)]


class ParticipantChangesBody(Open):
    """All of it: what is left out is gone, but for `type`."""

    name: Name = OMITTED
    type: ParticipantType = OMITTED
    profile_id: ProfileId = OMITTED
    addresses: Addresses = []

    def new(self) -> NewParticipant:
        return NewParticipant(
            addresses=tuple(Address(**one.model_dump()) for one in self.addresses),
            name=self.name,
            type=self.type,
            profile_id=self.profile_id,
        )


class NewParticipantBody(ParticipantChangesBody):
    addresses: Addresses


class OwnSettingsBody(Open):
    intelligence_configuration_ids: IntelligenceIds = OMITTED


class NewConversationBody(Open):
    configuration_id: str
    name: Name = OMITTED
    configuration: OwnSettingsBody = OMITTED
    participants: Annotated[list[ParticipantChangesBody], Field(max_length=MAX_PARTICIPANTS)] = []

    def new(self) -> NewConversation:
        own = None if self.configuration is None else self.configuration.intelligence_configuration_ids
        return NewConversation(
            configuration_id=self.configuration_id,
            name=self.name,
            participants=tuple(one.new() for one in self.participants),
            intelligence_ids=None if own is None else tuple(own),
        )


class ConversationStatusBody(Open):
    """A `name` that is left out stays: who closes a conversation does not mean to unname it."""

    status: Status
    name: Name = OMITTED

    def changes(self) -> ConversationChanges:
        return ConversationChanges(name=self.name, status=self.status)


class OwnCallbacksBody(Open):
    """A null as good as an empty list: nobody is told any more."""

    status_callbacks: Annotated[list[CallbackBody], Field(max_length=MAX_TOLD)] | None = None


class ConversationChangesBody(Open):
    """What is left out stays; a null removes the name."""

    name: Name | None = None
    status: Status = OMITTED
    configuration: OwnCallbacksBody = OMITTED

    def changes(self) -> ConversationChanges:
        told = self.configuration
        given = told is not None and "status_callbacks" in told.model_fields_set
        return ConversationChanges(
            name=self.name,
            no_name=self.name is None and "name" in self.model_fields_set,
            status=self.status,
            callbacks=callbacks(told.status_callbacks or ()) if given else None,
        )


class PartyBody(Open):
    address: Reached
    channel: Channel
    participant_id: Reference = OMITTED

    def party(self) -> Party:
        return Party(channel=self.channel, address=self.address, participant_id=self.participant_id)


def _moment(text: str) -> str:
    read_time(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""As it was sent: what is between two words is less than a second."""


class WordBody(Open):
    text: Annotated[str, AfterValidator(clean)]
    start_time: Moment = OMITTED
    end_time: Moment = OMITTED


class TranscriptionBody(Open):
    channel: Annotated[int, Field(ge=0, le=1000)] = OMITTED
    confidence: Annotated[float, Field(ge=0, le=1)] = OMITTED
    engine: Noted = OMITTED
    words: Annotated[list[WordBody], Field(max_length=MAX_WORDS)] = OMITTED


class ContentBody(Open):
    type: ContentType
    text: Annotated[str, Field(max_length=MAX_CONTENT)]
    transcription: TranscriptionBody = OMITTED

    def content(self) -> Content:
        heard = self.transcription if self.type == "TRANSCRIPTION" else None
        return Content(text=self.text, type=self.type, transcription={} if heard is None else heard.body())


class NewCommunicationBody(Open):
    """`resourceId` is published in what is answered only, as what tells a communication from another: here it may be
    sent as well."""

    author: PartyBody
    content: ContentBody
    recipients: Annotated[list[PartyBody], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    channel_id: Reference = OMITTED
    resource_id: Reference = OMITTED
    occurred_at: Time = OMITTED

    def new(self) -> NewCommunication:
        return NewCommunication(
            author=self.author.party(),
            content=self.content.content(),
            recipients=tuple(one.party() for one in self.recipients),
            channel_id=self.channel_id,
            resource_id=self.resource_id,
            occurred_at=self.occurred_at,
        )


# What is answered


class AddressAnswer(Answer):
    channel: Channel
    address: str
    channel_id: str | None = None


class ConversationParticipantBody(Answer):
    """`name` is always there, since clients read it unasked: of who has none it is the first address."""

    id: str
    conversation_id: str
    account_id: str
    name: str
    type: ParticipantType
    profile_id: str | None = None
    addresses: list[AddressAnswer]
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, one: Participant, tenant: str) -> "ConversationParticipantBody":
        return cls(
            id=one.participant_id,
            conversation_id=one.conversation_id,
            account_id=account_id(tenant),
            name=one.name or next((each.address for each in one.addresses), ""),
            type=one.type,
            profile_id=one.profile_id,
            addresses=[AddressAnswer(**vars(each)) for each in one.addresses],
            created_at=one.created_at,
            updated_at=one.updated_at,
        )


class ParticipantsBody(Answer):
    participants: list[ConversationParticipantBody]
    meta: Meta


class ConversationBody(Answer):
    id: str
    account_id: str
    configuration_id: str
    status: Status
    name: str | None = None
    created_at: Time
    updated_at: Time
    configuration: SettingsBody
    participants: list[ConversationParticipantBody]

    @classmethod
    def of(cls, one: OrchestratedConversation, tenant: str) -> "ConversationBody":
        return cls(
            id=one.conversation_id,
            account_id=account_id(tenant),
            configuration_id=one.configuration_id,
            status=one.status,
            name=one.name,
            created_at=one.created_at,
            updated_at=one.updated_at,
            configuration=SettingsBody(**shown(one.settings)),
            participants=[ConversationParticipantBody.of(each, tenant) for each in one.participants],
        )


class ConversationsBody(Answer):
    conversations: list[ConversationBody]
    meta: Meta


class PartyAnswer(Answer):
    address: str
    channel: Channel
    participant_id: str | None = None
    delivery_status: DeliveryStatus | None = None

    @classmethod
    def of(cls, one: Party) -> "PartyAnswer":
        return cls(**vars(one))


class ContentAnswer(Answer):
    type: ContentType
    text: str
    transcription: Mapping[str, Any] | None = None


class PostedCommunicationBody(Answer):
    id: str
    conversation_id: str
    account_id: str
    author: PartyAnswer
    content: ContentAnswer
    recipients: list[PartyAnswer]
    channel_id: str | None = None
    resource_id: str | None = None
    created_at: Time
    updated_at: Time
    occurred_at: Time

    @classmethod
    def of(cls, one: PostedCommunication, tenant: str) -> "PostedCommunicationBody":
        said = one.content
        return cls(
            id=one.communication_id,
            conversation_id=one.conversation_id,
            account_id=account_id(tenant),
            author=PartyAnswer.of(one.author),
            content=ContentAnswer(type=said.type, text=said.text, transcription=said.transcription or None),
            recipients=[PartyAnswer.of(each) for each in one.recipients],
            channel_id=one.channel_id,
            resource_id=one.resource_id,
            created_at=one.created_at,
            updated_at=one.updated_at,
            occurred_at=one.occurred_at,
        )


class PostedCommunicationsBody(Answer):
    communications: list[PostedCommunicationBody]
    meta: Meta


def resource(tenant: str, what: OrchestratedConversation | Participant | PostedCommunication) -> dict[str, Any]:
    """What a callback tells of a change: as it would be answered."""
    match what:
        case OrchestratedConversation():
            return ConversationBody.of(what, tenant).body()
        case Participant():
            return ConversationParticipantBody.of(what, tenant).body()
    return PostedCommunicationBody.of(what, tenant).body()
