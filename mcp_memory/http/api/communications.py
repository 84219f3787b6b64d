"""What is said in a conversation."""

from fastapi import APIRouter

from mcp_memory import inputs
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, MemoryOf, UnorderedPaging, replies
from mcp_memory.http.api.conversations import WITHIN
from mcp_memory.http.api.orchestrator import ChannelId, CommunicationId, Within
from mcp_memory.http.api.route import OF_CONVERSATIONS, ApiRoute
from mcp_memory.wire.orchestrator import NewCommunicationBody, PostedCommunicationBody, PostedCommunicationsBody

router = APIRouter(route_class=ApiRoute, prefix=OF_CONVERSATIONS, tags=["Communications"])

COMMUNICATIONS = WITHIN + "/Communications"
COMMUNICATION = COMMUNICATIONS + "/{id}"


@router.get(
    COMMUNICATIONS, operation_id="ListCommunicationByConversation", responses=replies(200, PostedCommunicationsBody)
)
async def list_communications(
    request: Asked, memory: MemoryOf, conversation_id: Within, paging: UnorderedPaging, channel_id: ChannelId = None
) -> Answer:
    """In the order in which they were posted."""
    query = paging.query()
    page = await memory.list_posted(request.caller, conversation_id, channel_id, query)
    found = [PostedCommunicationBody.of(one, request.caller.tenant) for one in page.items]
    return answer(PostedCommunicationsBody(communications=found, meta=paging.meta("communications", query, page)))


@router.post(
    COMMUNICATIONS,
    operation_id="CreateCommunicationInConversation",
    status_code=201,
    responses=replies(201, PostedCommunicationBody),
)
async def post_communication(
    request: Asked, memory: MemoryOf, conversation_id: Within, body: NewCommunicationBody
) -> Answer:
    """Into the memory of each customer who takes part. Posted again, it is the one there is."""
    inputs.check_past(body.occurred_at, request.front.now(), "occurredAt")
    posted = await memory.post_communication(request.caller, conversation_id, body.new())
    return answer(PostedCommunicationBody.of(posted, request.caller.tenant), 201)


@router.get(COMMUNICATION, operation_id="FetchCommunication", responses=replies(200, PostedCommunicationBody))
async def get_communication(request: Asked, memory: MemoryOf, conversation_id: Within, id: CommunicationId) -> Answer:
    found = await memory.get_posted(request.caller, conversation_id, id)
    return answer(PostedCommunicationBody.of(found, request.caller.tenant))
