"""Conversations of several people: they are another service's, and there is not one call of them in this one."""

from collections.abc import Sequence

from mcp_memory.backends.twilio.missing import missing
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


class NoOrchestrations:
    async def create_configuration(self, scope: Scope, new: ConversationSettings) -> Configuration:
        raise missing("create_configuration")

    async def get_configuration(self, tenant: str, configuration_id: str) -> Configuration:
        raise missing("get_configuration")

    async def list_configurations(self, tenant: str) -> list[Configuration]:
        raise missing("list_configurations")

    async def replace_configuration(
        self, scope: Scope, configuration_id: str, new: ConversationSettings
    ) -> Configuration:
        raise missing("replace_configuration")

    async def update_configuration(self, tenant: str, configuration_id: str, changes: SettingsChanges) -> Configuration:
        raise missing("update_configuration")

    async def delete_configuration(self, tenant: str, configuration_id: str) -> None:
        raise missing("delete_configuration")

    async def store_of_conversation(self, tenant: str, conversation_id: str) -> str:
        raise missing("store_of_conversation")

    async def stores_with_conversations(self, tenant: str) -> list[str]:
        raise missing("stores_with_conversations")

    async def open_conversation(
        self, scope: Scope, configuration: Configuration, new: NewConversation
    ) -> OrchestratedConversation:
        raise missing("open_conversation")

    async def fetch_conversation(self, scope: Scope, conversation_id: str) -> OrchestratedConversation:
        raise missing("fetch_conversation")

    async def list_conversations(
        self, scope: Scope, statuses: Sequence[Status], channel_id: str | None, page: PageQuery
    ) -> Page[OrchestratedConversation]:
        raise missing("list_conversations")

    async def update_conversation(
        self, scope: Scope, conversation_id: str, changes: ConversationChanges
    ) -> OrchestratedConversation:
        raise missing("update_conversation")

    async def delete_conversation(self, scope: Scope, conversation_id: str) -> None:
        raise missing("delete_conversation")

    async def add_participant(self, scope: Scope, conversation_id: str, new: NewParticipant) -> Participant:
        raise missing("add_participant")

    async def list_participants(self, scope: Scope, conversation_id: str, page: PageQuery) -> Page[Participant]:
        raise missing("list_participants")

    async def get_participant(self, scope: Scope, conversation_id: str, participant_id: str) -> Participant:
        raise missing("get_participant")

    async def update_participant(
        self, scope: Scope, conversation_id: str, participant_id: str, new: NewParticipant
    ) -> Participant:
        raise missing("update_participant")

    async def post_communication(
        self, scope: Scope, conversation_id: str, new: NewCommunication
    ) -> PostedCommunication:
        raise missing("post_communication")

    async def list_posted(
        self, scope: Scope, conversation_id: str, channel_id: str | None, page: PageQuery
    ) -> Page[PostedCommunication]:
        raise missing("list_posted")

    async def get_posted(self, scope: Scope, conversation_id: str, communication_id: str) -> PostedCommunication:
        raise missing("get_posted")
