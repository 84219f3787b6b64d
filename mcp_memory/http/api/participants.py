"""Who takes part in a conversation."""

from fastapi import APIRouter

from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, MemoryOf, UnorderedPaging, replies
from mcp_memory.http.api.conversations import WITHIN
from mcp_memory.http.api.orchestrator import ParticipantId, Within
from mcp_memory.http.api.route import OF_CONVERSATIONS, ApiRoute
from mcp_memory.wire.orchestrator import (
    ConversationParticipantBody,
    NewParticipantBody,
    ParticipantChangesBody,
    ParticipantsBody,
)

router = APIRouter(route_class=ApiRoute, prefix=OF_CONVERSATIONS, tags=["Participants"])

PARTICIPANTS = WITHIN + "/Participants"
PARTICIPANT = PARTICIPANTS + "/{id}"


@router.get(PARTICIPANTS, operation_id="ListParticipantByConversation", responses=replies(200, ParticipantsBody))
async def list_participants(
    request: Asked, memory: MemoryOf, conversation_id: Within, paging: UnorderedPaging
) -> Answer:
    """In the order in which they joined."""
    query = paging.query()
    page = await memory.list_participants(request.caller, conversation_id, query)
    found = [ConversationParticipantBody.of(one, request.caller.tenant) for one in page.items]
    return answer(ParticipantsBody(participants=found, meta=paging.meta("participants", query, page)))


@router.post(
    PARTICIPANTS,
    operation_id="CreateParticipantInConversation",
    status_code=201,
    responses=replies(201, ConversationParticipantBody, 409),
)
async def add_participant(
    request: Asked, memory: MemoryOf, conversation_id: Within, body: NewParticipantBody
) -> Answer:
    """Where another one has one of the addresses, X-Conflicting-Resource-Id names them."""
    added = await memory.add_participant(request.caller, conversation_id, body.new())
    return answer(ConversationParticipantBody.of(added, request.caller.tenant), 201)


@router.get(PARTICIPANT, operation_id="FetchParticipant", responses=replies(200, ConversationParticipantBody))
async def get_participant(request: Asked, memory: MemoryOf, conversation_id: Within, id: ParticipantId) -> Answer:
    found = await memory.get_participant(request.caller, conversation_id, id)
    return answer(ConversationParticipantBody.of(found, request.caller.tenant))


@router.put(
    PARTICIPANT, operation_id="UpdateParticipantInConversation", responses=replies(200, ConversationParticipantBody)
)
async def update_participant(
    request: Asked, memory: MemoryOf, conversation_id: Within, id: ParticipantId, body: ParticipantChangesBody
) -> Answer:
    """What is left out is gone, but for the type."""
    changed = await memory.update_participant(request.caller, conversation_id, id, body.new())
    return answer(ConversationParticipantBody.of(changed, request.caller.tenant))
