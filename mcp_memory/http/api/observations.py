"""Observations and their revisions."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory import inputs
from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import (
    PUBLISHED_PAGE,
    Asked,
    CallerOf,
    DataPaging,
    LiveProfile,
    MemoryOf,
    ObservationId,
    ResolvedProfile,
    UnorderedPaging,
    known,
    replies,
)
from mcp_memory.http.api.profiles import PROFILE
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.listing import ItemFilter
from mcp_memory.wire import ConversationId, Time, receipts
from mcp_memory.wire.memories import (
    NewObservationsBody,
    ObservationBody,
    ObservationChangesBody,
    ObservationsBody,
    RevisionsBody,
    Source,
    inside,
)
from mcp_memory.wire.pages import Accepted

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Observations"])

OBSERVATIONS = PROFILE + "/Observations"
OBSERVATION = OBSERVATIONS + "/{observationId}"


@router.get(OBSERVATIONS, operation_id="ListProfileObservations", responses=replies(200, ObservationsBody, 301))
async def list_observations(
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    paging: DataPaging,
    source: Annotated[Source | None, Query()] = None,
    created_after: Annotated[Time | None, Query(alias="createdAfter")] = None,
    created_before: Annotated[Time | None, Query(alias="createdBefore")] = None,
    conversation_id: Annotated[ConversationId | None, Query(alias="conversationId")] = None,
) -> Answer:
    """By the time they were written, 50 to a page at most."""
    wanted = ItemFilter(
        source=source,
        conversation_id=None if conversation_id is None else inside(conversation_id),
        created_after=created_after,
        created_before=created_before,
    )
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.list_observations(caller, profile_id, wanted, query)
    found = [ObservationBody.of(one) for one in page.items]
    return answer(ObservationsBody(observations=found, meta=paging.meta("observations", query, page)))


@router.post(
    OBSERVATIONS, operation_id="CreateProfileObservation", status_code=202, responses=replies(202, Accepted, 308)
)
async def add_observations(
    request: Asked, memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, body: NewObservationsBody
) -> Answer:
    """All or none. What the profile has already is not added again, and of a store that reconciles API writes they are
    reconciled with what is known: Memory-Receipts says what became of each."""
    new = [
        inputs.new_observation(
            content=one.content,
            occurred_at=one.occurred_at,
            source=one.source,
            conversation_ids=[inside(id) for id in one.conversation_ids],
            now=request.front.now(),
            name=f"observations[{at}]",
        )
        for at, one in enumerate(body.observations)
    ]
    added = await memory.post_observations(caller, profile_id, new, API)
    return answer(Accepted(message="Observations creation accepted"), 202, receipts.header(added.receipts))


@router.get(OBSERVATION, operation_id="FetchProfileObservation", responses=replies(200, ObservationBody))
async def get_observation(memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, id: ObservationId) -> Answer:
    return answer(ObservationBody.of(await memory.get_observation(caller, profile_id, known(id, "observation"))))


@router.patch(
    OBSERVATION, operation_id="PatchProfileObservation", status_code=202, responses=replies(202, Accepted, 308)
)
async def update_observation(
    request: Asked,
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    id: ObservationId,
    body: ObservationChangesBody,
) -> Answer:
    """What is left out stays; what it was stays as a revision."""
    changes = inputs.observation_changes(body.changes(), request.front.now())
    await memory.update_observation(caller, profile_id, known(id, "observation"), changes, API)
    return answer(Accepted(message="Observation update accepted"), 202)


@router.delete(
    OBSERVATION, operation_id="DeleteProfileObservation", status_code=202, responses=replies(202, Accepted, 308)
)
async def delete_observation(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id: ObservationId) -> Answer:
    """With its revisions, for good."""
    await memory.delete_observation(caller, profile_id, known(id, "observation"))
    return answer(Accepted(message="Observation deletion accepted"), 202)


@router.get(OBSERVATION + "/Revisions", operation_id="ListObservationRevisions", responses=replies(200, RevisionsBody))
async def list_revisions(
    memory: MemoryOf, caller: CallerOf, profile_id: ResolvedProfile, id: ObservationId, paging: UnorderedPaging
) -> Answer:
    """The latest first, which is what it is now."""
    query = paging.query(most=PUBLISHED_PAGE)
    page = await memory.list_revisions(caller, profile_id, known(id, "observation"), query)
    found = [ObservationBody.of(one) for one in page.items]
    return answer(RevisionsBody(revisions=found, meta=paging.meta("revisions", query, page)))
