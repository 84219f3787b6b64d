"""Conversations of several people, for those who test them: who takes part, and what they say."""

from collections.abc import Sequence
from typing import Any

from mcp_memory.backend import Backend
from mcp_memory.conversations import Status
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import Observation, RecallQuery, Scope
from mcp_memory.orchestrator import (
    Address,
    Channel,
    Configuration,
    Content,
    ConversationSettings,
    NewCommunication,
    NewConversation,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    ParticipantType,
    Party,
    PostedCommunication,
)

ALL = PageQuery(limit=100, newest_first=False)
DANA, BEN, SHOP = "+13175550142", "+13175550143", "+18005550100"


async def configured(backend: Backend, scope: Scope, **settings: Any) -> Configuration:
    given: dict[str, Any] = {"grouping": "GROUP_BY_PROFILE", "memory_extraction": True, **settings}
    new = ConversationSettings(display_name="support", description="", store_id=scope.store_id, **given)
    return await backend.create_configuration(scope, new)


def who(address: str, type: ParticipantType | None = None, channel: Channel = "SMS", **more: Any) -> NewParticipant:
    return NewParticipant(addresses=(Address(channel=channel, address=address),), type=type, **more)


CUSTOMER, AGENT = who(DANA, "CUSTOMER", name="Dana"), who(SHOP, "HUMAN_AGENT", name="Ada")


async def opened(
    backend: Backend, scope: Scope, configuration: Configuration, *people: NewParticipant
) -> OrchestratedConversation:
    new = NewConversation(configuration_id=configuration.configuration_id, participants=people)
    return await backend.open_conversation(scope, configuration, new)


async def say(
    backend: Backend,
    scope: Scope,
    to: OrchestratedConversation,
    text: str,
    by: str = DANA,
    hears: str = SHOP,
    channel: Channel = "SMS",
    **more: Any,
) -> PostedCommunication:
    new = NewCommunication(
        author=Party(channel=channel, address=by),
        content=Content(text=text),
        recipients=(Party(channel=channel, address=hears),),
        **more,
    )
    return await backend.post_communication(scope, to.conversation_id, new)


async def state(backend: Backend, scope: Scope, one: OrchestratedConversation) -> Status:
    await backend.learn(scope)
    return (await backend.fetch_conversation(scope, one.conversation_id)).status


async def told(backend: Backend, scope: Scope, profile_id: str | None) -> list[tuple[str, str]]:
    """What its memory has of all conversations, the earliest first."""
    assert profile_id is not None
    found = await backend.recall(scope, profile_id, RecallQuery(communications_limit=100, observations_limit=0))
    return [(one.item.role, one.item.content) for one in reversed(found.communications)]


async def learned(backend: Backend, scope: Scope, profile_id: str | None) -> list[Observation]:
    assert profile_id is not None
    return list((await backend.list_observations(scope, profile_id, ItemFilter(), ALL)).items)


async def people(backend: Backend, scope: Scope, one: OrchestratedConversation) -> Sequence[Participant]:
    return (await backend.list_participants(scope, one.conversation_id, ALL)).items
