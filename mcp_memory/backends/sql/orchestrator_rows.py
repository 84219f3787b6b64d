"""The part of the lower seam that is about conversations of several people. See `database.py`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from mcp_memory.backends.sql.conversation_rows import ConversationRow
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.conversations import Status
from mcp_memory.orchestrator import Configuration, OrchestratedConversation, Participant, PostedCommunication


class OrchestratorRows(Protocol):
    def find_orchestrated(self, conversation_id: str) -> OrchestratedConversation | None:
        """Its participants in the order in which they came; `profile_id`: the member that was found."""
        ...

    def insert_orchestrated(
        self, new: OrchestratedConversation, group_key: str | None, due_at: datetime | None
    ) -> None:
        """With its participants."""
        ...

    def put_orchestrated(self, one: OrchestratedConversation, group_key: str | None, due_at: datetime | None) -> None:
        """Without its participants."""
        ...

    def delete_orchestrated(self, conversation_id: str) -> None:
        """With who takes part and what was said, but for what is in the memory of customers."""
        ...

    def due_orchestrated(self, now: datetime, limit: int) -> list[str]:
        """Whose status is to change by now, but for those that a memory has still to be fed with."""
        ...

    def open_of_key(self, configuration_id: str, group_key: str) -> str | None: ...

    def open_of_profile(self, configuration_id: str, profile_id: str) -> str | None:
        """Of any of its members."""
        ...

    def orchestrated_of_profile(self, profile_id: str) -> list[str]:
        """In which just this member takes part."""
        ...

    def list_orchestrated(
        self, statuses: Sequence[Status], channel_id: str | None, after: Place | None, limit: int
    ) -> list[tuple[Place, str]]:
        """Ids, the latest begun first."""
        ...

    def put_participant(self, one: Participant) -> None:
        """Who has another profile than before is fed from the start."""
        ...

    def delete_participant(self, participant_id: str) -> list[str]:
        """With what was said by them: ids of it."""
        ...

    # What was said

    def insert_posted(self, new: PostedCommunication, digest: bytes) -> None: ...

    def has_posted(self, participant_id: str) -> bool: ...

    def posted_as(self, conversation_id: str, resource_id: str) -> PostedCommunication | None: ...

    def posted_alike(
        self, conversation_id: str, digest: bytes, occurred_at: datetime
    ) -> PostedCommunication | None: ...

    def find_posted(self, conversation_id: str, communication_id: str) -> PostedCommunication | None: ...

    def posted_after(
        self, conversation_id: str, after: int, limit: int, channel_id: str | None = None
    ) -> list[tuple[int, PostedCommunication]]:
        """With their numbers, which ascend."""
        ...

    # What memory has of it

    def set_unfed(self, conversation_id: str, at: datetime | None) -> None:
        """From when memories are to be fed with it. None: they have all of it. Without effect where there is none."""
        ...

    def unfed_orchestrated(self, now: datetime) -> str | None: ...

    def fed(self, participant_id: str) -> int:
        """The number of the last communication that is in his memory."""
        ...

    def set_fed(self, participant_id: str, number: int) -> None: ...

    def lead_conversation(self, row: ConversationRow) -> None: ...

    def is_said(self, communication_id: str) -> bool:
        """Whether a memory has one with this id."""
        ...

    def unsay(self, row: ConversationRow, message_ids: Iterable[str] | None) -> None:
        """Of this member, all of a conversation that is in memory, and the conversation; or these messages of the
        caller's, and what was near them is made ready for recall anew."""
        ...


class ConfigurationRows(Protocol):
    """Of the catalog."""

    def find_configuration(self, tenant: str, configuration_id: str) -> Configuration | None: ...

    def list_configurations(self, tenant: str) -> list[Configuration]:
        """The earliest first."""
        ...

    def put_configuration(self, tenant: str, one: Configuration) -> None: ...

    def remove_configuration(self, tenant: str, configuration_id: str) -> None: ...

    def put_place(self, tenant: str, conversation_id: str, store_id: str) -> None: ...

    def find_place(self, tenant: str, conversation_id: str) -> str | None: ...

    def remove_place(self, tenant: str, conversation_id: str) -> None: ...

    def placed_stores(self, tenant: str) -> list[str]:
        """Ids of those that are there, sorted."""
        ...
