"""Recall."""

from time import perf_counter

from fastapi import APIRouter

from mcp_memory import inputs
from mcp_memory.errors import Invalid
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import CallerOf, LiveProfile, MemoryOf, replies
from mcp_memory.http.api.profiles import PROFILE
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.model import RecallQuery
from mcp_memory.text import clean
from mcp_memory.wire.memories import inside
from mcp_memory.wire.recall import RecallBody, RecallRequestBody

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Recall"])


@router.post(PROFILE + "/Recall", operation_id="CreateFetchProfileMemory", responses=replies(200, RecallBody, 308))
async def recall(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, body: RecallRequestBody) -> Answer:
    """Lists are ranked each by itself. A score says how well an item fits, from 0 to 1."""
    started = perf_counter()
    recalled = await memory.recall(caller, profile_id, _query(body))
    return answer(RecallBody.of(recalled, round((perf_counter() - started) * 1000)))


def _query(body: RecallRequestBody) -> RecallQuery:
    question = clean(body.query or "")
    if body.communications_limit and not body.conversation_id and not question:
        raise Invalid("conversation_id is required when communications_limit is greater than 0 and there is no query.")
    inputs.check_period(body.begin_date, body.end_date)
    return RecallQuery(
        query=question or None,
        conversation_id=None if body.conversation_id is None else inside(body.conversation_id),
        observations_limit=body.observations_limit,
        summaries_limit=body.summaries_limit,
        communications_limit=body.communications_limit,
        begin=body.begin_date,
        end=body.end_date,
        relevance_threshold=body.relevance_threshold,
        as_of=body.as_of,
    )
