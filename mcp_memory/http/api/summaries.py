"""Summaries of conversations."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory import inputs
from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import (
    PUBLISHED_PAGE,
    Asked,
    CallerOf,
    LiveProfile,
    MemoryOf,
    ResolvedProfile,
    SummaryId,
    UnorderedPaging,
    known,
    replies,
)
from mcp_memory.http.api.profiles import PROFILE
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.listing import ItemFilter
from mcp_memory.wire import ConversationId, receipts
from mcp_memory.wire.memories import NewSummariesBody, SummariesBody, SummaryBody, SummaryChangesBody, inside
from mcp_memory.wire.pages import Accepted

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Conversation summaries"])

SUMMARIES = PROFILE + "/ConversationSummaries"
SUMMARY = SUMMARIES + "/{summaryId}"


@router.get(SUMMARIES, operation_id="ListProfileConversationSummaries", responses=replies(200, SummariesBody, 301))
async def list_summaries(
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    paging: UnorderedPaging,
    conversation_id: Annotated[ConversationId | None, Query(alias="conversationId")] = None,
) -> Answer:
    wanted = ItemFilter(conversation_id=None if conversation_id is None else inside(conversation_id))
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.list_summaries(caller, profile_id, wanted, query)
    found = [SummaryBody.of(one) for one in page.items]
    return answer(SummariesBody(summaries=found, meta=paging.meta("summaries", query, page)))


@router.post(
    SUMMARIES, operation_id="CreateProfileConversationSummary", status_code=202, responses=replies(202, Accepted, 308)
)
async def add_summaries(
    request: Asked, memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, body: NewSummariesBody
) -> Answer:
    """All or none. What is there of the conversation in the same words is not added again."""
    new = [
        inputs.new_summary(
            content=one.content,
            conversation_id=inside(one.conversation_id),
            occurred_at=one.occurred_at,
            source=one.source,
            now=request.front.now(),
            name=f"summaries[{at}]",
        )
        for at, one in enumerate(body.summaries)
    ]
    added = await memory.add_summaries(caller, profile_id, new, API)
    return answer(Accepted(message="Summaries creation accepted"), 202, receipts.header(added.receipts))


@router.get(SUMMARY, operation_id="FetchProfileConversationSummary", responses=replies(200, SummaryBody))
async def get_summary(memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, id: SummaryId) -> Answer:
    return answer(SummaryBody.of(await memory.get_summary(caller, profile_id, known(id, "summary"))))


@router.patch(
    SUMMARY, operation_id="PatchProfileConversationSummary", status_code=202, responses=replies(202, Accepted, 308)
)
async def update_summary(
    request: Asked,
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    id: SummaryId,
    body: SummaryChangesBody,
) -> Answer:
    """What is left out stays."""
    changes = inputs.summary_changes(body.changes(), request.front.now())
    await memory.update_summary(caller, profile_id, known(id, "summary"), changes, API)
    return answer(Accepted(message="Conversation summary update accepted"), 202)


@router.delete(
    SUMMARY, operation_id="DeleteProfileConversationSummary", status_code=202, responses=replies(202, Accepted, 308)
)
async def delete_summary(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id: SummaryId) -> Answer:
    await memory.delete_summary(caller, profile_id, known(id, "summary"))
    return answer(Accepted(message="Conversation summary deletion accepted"), 202)
