"""What was, who made it so, and going back to it: ours, beside what is published."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import (
    PUBLISHED_PAGE,
    CallerOf,
    LiveProfile,
    MemoryOf,
    ObservationId,
    ResolvedProfile,
    SummaryId,
    UnorderedPaging,
    known,
    replies,
)
from mcp_memory.http.api.observations import OBSERVATION
from mcp_memory.http.api.profiles import PROFILE
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.http.api.summaries import SUMMARY
from mcp_memory.model import MAX_PAGE
from mcp_memory.wire import Time
from mcp_memory.wire.histories import (
    ChangeBody,
    ChangesBody,
    DiscardedBody,
    DiscardedItem,
    ObservationHistoryBody,
    ObservationRevisionBody,
    SummaryHistoryBody,
    SummaryRevisionBody,
    TraitHistoryBody,
    TraitRevisionBody,
    UndoBody,
)
from mcp_memory.wire.pages import Accepted

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Histories"])


@router.get(
    OBSERVATION + "/History", operation_id="ListObservationHistory", responses=replies(200, ObservationHistoryBody)
)
async def observation_history(
    memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, id: ObservationId, paging: UnorderedPaging
) -> Answer:
    """Its revisions, the latest first, each with who made it and why."""
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.observation_history(caller, profile_id, known(id, "observation"), query)
    found = [ObservationRevisionBody.of(one) for one in page.items]
    return answer(ObservationHistoryBody(history=found, meta=paging.meta("history", query, page)))


@router.post(
    OBSERVATION + "/Undo", operation_id="UndoObservation", status_code=202, responses=replies(202, Accepted, 308)
)
async def undo_observation(
    memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id: ObservationId, body: UndoBody | None = None
) -> Answer:
    """It reads again as before that revision, which is a revision more: nothing is lost."""
    revision = None if body is None else body.revision
    await memory.undo_observation(caller, profile_id, known(id, "observation"), revision, API)
    return answer(Accepted(message="Observation update accepted"), 202)


@router.get(SUMMARY + "/History", operation_id="ListSummaryHistory", responses=replies(200, SummaryHistoryBody))
async def summary_history(
    memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, id: SummaryId, paging: UnorderedPaging
) -> Answer:
    """As that of an observation."""
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.summary_history(caller, profile_id, known(id, "summary"), query)
    found = [SummaryRevisionBody.of(one) for one in page.items]
    return answer(SummaryHistoryBody(history=found, meta=paging.meta("history", query, page)))


@router.get(PROFILE + "/TraitHistory", operation_id="ListTraitHistory", responses=replies(200, TraitHistoryBody))
async def trait_history(
    memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, paging: UnorderedPaging
) -> Answer:
    """Each value that a trait was given or lost, the latest first."""
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.trait_history(caller, profile_id, query)
    found = [TraitRevisionBody.of(one) for one in page.items]
    return answer(TraitHistoryBody(history=found, meta=paging.meta("history", query, page)))


@router.get(PROFILE + "/Changes", operation_id="ListProfileChanges", responses=replies(200, ChangesBody))
async def changes_since(
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: ResolvedProfile,
    since: Annotated[Time, Query()],
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> Answer:
    """What was learned or changed after that time, the latest first."""
    found = await memory.changes_since(caller, profile_id, since, limit)
    return answer(ChangesBody(changes=[ChangeBody.of(one) for one in found]))


@router.get(PROFILE + "/Discarded", operation_id="ListProfileDiscarded", responses=replies(200, DiscardedBody))
async def list_discarded(
    memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, paging: UnorderedPaging
) -> Answer:
    """What was said and is not remembered, since it was known, older, or said nothing; the latest first."""
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.list_discarded(caller, profile_id, query)
    found = [DiscardedItem.of(one) for one in page.items]
    return answer(DiscardedBody(discarded=found, meta=paging.meta("discarded", query, page)))
