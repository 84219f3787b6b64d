"""The part of the seam that is about conversations of several people: see `backend.py`, whose laws hold here."""

from collections.abc import Sequence
from typing import Protocol

from mcp_memory.conversations import Status
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.orchestrator import (
    Configuration,
    ConversationChanges,
    ConversationSettings,
    NewCommunication,
    NewConversation,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    PostedCommunication,
    SettingsChanges,
)


class Orchestrations(Protocol):
    async def create_configuration(self, scope: Scope, new: ConversationSettings) -> Configuration:
        """Raises Full where the tenant has as many as it may."""
        ...

    async def get_configuration(self, tenant: str, configuration_id: str) -> Configuration: ...

    async def list_configurations(self, tenant: str) -> list[Configuration]:
        """All there are, the earliest first."""
        ...

    async def replace_configuration(
        self, scope: Scope, configuration_id: str, new: ConversationSettings
    ) -> Configuration:
        """Conversations that began before go on as they began. Raises Conflict where `grouping` is another."""
        ...

    async def update_configuration(
        self, tenant: str, configuration_id: str, changes: SettingsChanges
    ) -> Configuration: ...

    async def delete_configuration(self, tenant: str, configuration_id: str) -> None:
        """Its conversations go on as they began."""
        ...

    async def store_of_conversation(self, tenant: str, conversation_id: str) -> str:
        """The id of the store that it is in."""
        ...

    async def stores_with_conversations(self, tenant: str) -> list[str]:
        """Ids, sorted."""
        ...

    async def open_conversation(
        self, scope: Scope, configuration: Configuration, new: NewConversation
    ) -> OrchestratedConversation:
        """Customers are found by their addresses as `upsert_traits` finds them, or created; who is UNKNOWN is only
        looked up, and is a CUSTOMER where somebody has the address. Raises Conflicting where one that is not CLOSED is
        of the same group."""
        ...

    async def fetch_conversation(self, scope: Scope, conversation_id: str) -> OrchestratedConversation: ...

    async def list_conversations(
        self, scope: Scope, statuses: Sequence[Status], channel_id: str | None, page: PageQuery
    ) -> Page[OrchestratedConversation]:
        """No statuses: all. `channel_id`: of one of its participants' addresses or its communications."""
        ...

    async def update_conversation(
        self, scope: Scope, conversation_id: str, changes: ConversationChanges
    ) -> OrchestratedConversation:
        """Raises Conflict where it is CLOSED and is to be opened: nothing reopens it."""
        ...

    async def delete_conversation(self, scope: Scope, conversation_id: str) -> None:
        """With all that was said in it, in the memory of its customers too; what was learned from it stays."""
        ...

    async def add_participant(self, scope: Scope, conversation_id: str, new: NewParticipant) -> Participant:
        """What was said before is in the memory of a customer as well. Raises Conflicting where another one has one of
        the addresses."""
        ...

    async def list_participants(self, scope: Scope, conversation_id: str, page: PageQuery) -> Page[Participant]: ...

    async def get_participant(self, scope: Scope, conversation_id: str, participant_id: str) -> Participant: ...

    async def update_participant(
        self, scope: Scope, conversation_id: str, participant_id: str, new: NewParticipant
    ) -> Participant:
        """All of it is replaced; who becomes a customer has what was said before in memory."""
        ...

    async def post_communication(
        self, scope: Scope, conversation_id: str, new: NewCommunication
    ) -> PostedCommunication:
        """Of one that is INACTIVE, it is ACTIVE again. To one that is CLOSED only what occurred before that is added;
        of the rest Conflict says to open another one. An author or recipient that nobody has the address of takes part
        from now on as UNKNOWN, or as the CUSTOMER who has it.

        Posted again, under the same resource id, or by the same author in the same words at the same stated time, it is
        the one there is.
        """
        ...

    async def list_posted(
        self, scope: Scope, conversation_id: str, channel_id: str | None, page: PageQuery
    ) -> Page[PostedCommunication]:
        """In the order in which they were posted."""
        ...

    async def get_posted(self, scope: Scope, conversation_id: str, communication_id: str) -> PostedCommunication: ...
