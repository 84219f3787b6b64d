"""Conversations of several people."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.conversations import Status
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import FAILURES, Asked, MemoryOf, UnorderedPaging, replies
from mcp_memory.http.api.orchestrator import ChannelId, ConversationId, Within, accepted
from mcp_memory.http.api.route import OF_CONVERSATIONS, ApiRoute
from mcp_memory.wire.configurations import OperationAcceptedBody
from mcp_memory.wire.orchestrator import (
    ConversationBody,
    ConversationChangesBody,
    ConversationsBody,
    ConversationStatusBody,
    NewConversationBody,
)

router = APIRouter(route_class=ApiRoute, prefix=OF_CONVERSATIONS, tags=["Conversations"])

CONVERSATIONS = "/Conversations"
CONVERSATION = CONVERSATIONS + "/{id}"
WITHIN = CONVERSATIONS + "/{ConversationId}"


@router.get(CONVERSATIONS, operation_id="ListConversationByAccount", responses=replies(200, ConversationsBody))
async def list_conversations(
    request: Asked,
    memory: MemoryOf,
    paging: UnorderedPaging,
    statuses: Annotated[list[Status] | None, Query(alias="status")] = None,
    channel_id: ChannelId = None,
) -> Answer:
    """Of any of these statuses. By store, in each the latest begun first: a page may be shorter than the list is."""
    query = paging.query()
    wanted = tuple(dict.fromkeys(statuses or ()))
    page = await memory.list_conversations(request.caller, wanted, channel_id, query)
    found = [ConversationBody.of(one, request.caller.tenant) for one in page.items]
    return answer(ConversationsBody(conversations=found, meta=paging.meta("conversations", query, page)))


@router.post(
    CONVERSATIONS,
    operation_id="CreateConversationWithConfig",
    status_code=201,
    responses=replies(201, ConversationBody, 409),
)
async def open_conversation(request: Asked, memory: MemoryOf, body: NewConversationBody) -> Answer:
    """With the settings its configuration has now. One that would be the same as another that is not CLOSED is not
    opened: X-Conflicting-Resource-Id names the other."""
    opened = await memory.open_conversation(request.caller, body.new())
    return answer(ConversationBody.of(opened, request.caller.tenant), 201)


@router.get(CONVERSATION, operation_id="FetchConversation", responses=replies(200, ConversationBody))
async def fetch_conversation(request: Asked, memory: MemoryOf, id: ConversationId) -> Answer:
    found = await memory.fetch_conversation(request.caller, id)
    return answer(ConversationBody.of(found, request.caller.tenant))


@router.put(CONVERSATION, operation_id="UpdateConversationById", responses=replies(200, ConversationBody))
async def set_status(request: Asked, memory: MemoryOf, id: ConversationId, body: ConversationStatusBody) -> Answer:
    """What is CLOSED stays so."""
    changed = await memory.update_conversation(request.caller, id, body.changes())
    return answer(ConversationBody.of(changed, request.caller.tenant))


@router.patch(CONVERSATION, operation_id="PatchConversationById", responses=replies(200, ConversationBody))
async def update_conversation(
    request: Asked, memory: MemoryOf, id: ConversationId, body: ConversationChangesBody | None = None
) -> Answer:
    """What is left out stays. Of its settings, only who is told of it can be changed."""
    changes = (body or ConversationChangesBody()).changes()
    changed = await memory.update_conversation(request.caller, id, changes)
    return answer(ConversationBody.of(changed, request.caller.tenant))


@router.delete(
    CONVERSATION,
    operation_id="DeleteConversationAsync",
    status_code=202,
    responses=replies(202, OperationAcceptedBody, 409),
)
async def delete_conversation(request: Asked, memory: MemoryOf, id: ConversationId) -> Answer:
    """With all that was said in it, for good; what was learned from it stays."""
    await memory.delete_conversation(request.caller, id)
    return await accepted(request, id)


@router.post(WITHIN + "/Actions", operation_id="CreateConversationAction", status_code=400, responses=FAILURES)
async def create_action(request: Asked, memory: MemoryOf, conversation_id: Within) -> Answer:
    """Always refused, and nothing is sent: whoever has a channel sends by it, and posts what was said."""
    await memory.create_action(request.caller, conversation_id)
