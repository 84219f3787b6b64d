"""What is learned of conversations: how far it is, and what failed tried again. Ours, not published."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mcp_memory import ids
from mcp_memory.extractions import ExtractionFilter, Status
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import SUFFIX, CallerOf, DataPaging, MemoryOf, known, replies
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.wire import ConversationId
from mcp_memory.wire.extractions import ExtractionBody, ExtractionsBody
from mcp_memory.wire.memories import inside
from mcp_memory.wire.pages import Accepted

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Extractions"])

EXTRACTIONS = "/Stores/{storeId}/Extractions"
EXTRACTION = EXTRACTIONS + "/{extractionId}"

ExtractionId = Annotated[str, Path(alias="extractionId", pattern=f"^{ids.EXTRACTION}{SUFFIX}")]
ProfileId = Annotated[str | None, Query(alias="profileId", pattern=f"^{ids.PROFILE}{SUFFIX}")]


@router.get(EXTRACTIONS, operation_id="ListExtractions", responses=replies(200, ExtractionsBody))
async def list_extractions(
    memory: MemoryOf,
    caller: CallerOf,
    paging: DataPaging,
    status: Annotated[Status | None, Query()] = None,
    profile_id: ProfileId = None,
    conversation_id: Annotated[ConversationId | None, Query(alias="conversationId")] = None,
) -> Answer:
    """Ours, not published: by the time they were queued, the latest first."""
    wanted = ExtractionFilter(
        profile_id=None if profile_id is None else known(profile_id, "profile"),
        conversation_id=None if conversation_id is None else inside(conversation_id),
        status=status,
    )
    query = paging.query()
    page = await memory.list_extractions(caller, wanted, query)
    found = [ExtractionBody.of(one) for one in page.items]
    return answer(ExtractionsBody(extractions=found, meta=paging.meta("extractions", query, page)))


@router.get(EXTRACTION, operation_id="FetchExtraction", responses=replies(200, ExtractionBody))
async def get_extraction(memory: MemoryOf, caller: CallerOf, id: ExtractionId) -> Answer:
    """Ours, not published."""
    return answer(ExtractionBody.of(await memory.get_extraction(caller, known(id, "extraction"))))


@router.post(
    EXTRACTION + "/Retry", operation_id="RetryExtraction", status_code=202, responses=replies(202, Accepted, 409)
)
async def retry_extraction(memory: MemoryOf, caller: CallerOf, id: ExtractionId) -> Answer:
    """Ours, not published: one that FAILED is queued anew. What was stored of it stays, and is not stored again."""
    await memory.retry_extraction(caller, known(id, "extraction"))
    return answer(Accepted(message="Extraction accepted for processing."), 202)
