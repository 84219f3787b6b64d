"""What the routes of the Conversations API, v2, have in common: ids, and what is accepted.

What is no id names nothing: these documents know no other answer to it.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from mcp_memory import ids
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.route import ApiRequest
from mcp_memory.orchestrator import MAX_REFERENCE
from mcp_memory.wire.configurations import OperationAcceptedBody, related

OPERATIONS = "/ControlPlane/Operations"


def _id(prefix: str, noun: str, alias: str = "id") -> Callable[..., Any]:
    async def found(text: Annotated[str, Path(alias=alias)]) -> str:
        try:
            return ids.check(text, prefix, noun)
        except Invalid as exc:
            raise NotFound(f"There is no such {noun}.") from exc

    return found


ConfigurationId = Annotated[str, Depends(_id(ids.CONFIGURATION, "configuration"))]
OperationId = Annotated[str, Depends(_id(ids.OPERATION, "operation"))]
ConversationId = Annotated[str, Depends(_id(ids.CONVERSATION, "conversation"))]
Within = Annotated[str, Depends(_id(ids.CONVERSATION, "conversation", "ConversationId"))]
ParticipantId = Annotated[str, Depends(_id(ids.PARTICIPANT, "participant"))]
CommunicationId = Annotated[str, Depends(_id(ids.COMMUNICATION, "communication"))]
ChannelId = Annotated[str | None, Query(alias="channelId", max_length=MAX_REFERENCE)]


async def accepted(request: ApiRequest, resource_id: str) -> Answer:
    """It is done, and there is an operation that says so."""
    operation = await request.front.memory.record_operation(request.caller, resource_id)
    url = operation_url(request, operation.operation_id)
    headers = {"Operation-Id": operation.operation_id, "Location": url, "Retry-After": "0"}
    return answer(OperationAcceptedBody(status_url=url, related=related(resource_id)), 202, headers)


def operation_url(request: ApiRequest, operation_id: str) -> str:
    return f"{request.asker.base_url}/v2{OPERATIONS}/{operation_id}"
