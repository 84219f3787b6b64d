"""Tools about what an observation was: for curators, who may put it back."""

from typing import Annotated

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import model, resources, revisions, views
from mcp_memory.history import TOOL, Cause
from mcp_memory.listing import PageQuery
from mcp_memory.rights import READ, WRITE
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, ProfileId, Result, Tool, Whole

ObservationId = Annotated[str, Field(description="From recall: mem_observation_…")]


class ObservationHistory(Arguments):
    profile_id: ProfileId
    observation_id: ObservationId
    limit: Annotated[int, Field(strict=True, ge=1, le=model.MAX_RECALL), Whole] = 20


class RevisionResult(Result):
    revision: int
    learned_at: str
    cause: Cause
    actor: str | None = None
    rule: str | None = None
    reason: str | None = None
    content: str
    source: str
    occurred_at: str
    conversation_ids: list[str] | None = None


class ObservationHistoryResult(Result):
    revisions: list[RevisionResult]
    left_out: Annotated[int | None, Field(description="Earlier ones")] = None
    notice: str


class UndoObservation(Arguments):
    profile_id: ProfileId
    observation_id: ObservationId
    revision: Annotated[
        int | None,
        Field(strict=True, ge=1, description="The one to undo, by its number. Default the latest"),
        Whole,
    ] = None


class UndoObservationResult(Result):
    id: str
    content: str
    source: str
    occurred_at: str
    notice: str


async def observation_history(session: Session, asked: ObservationHistory) -> Answer:
    page = await session.memory.observation_history(
        session.caller, asked.profile_id, asked.observation_id, PageQuery(limit=asked.limit)
    )
    result = ObservationHistoryResult(
        revisions=[RevisionResult(**revisions.revision_data(one)) for one in page.items],
        left_out=page.items[-1].number - 1 or None,
        notice=views.DATA_NOTICE,
    )
    return Answer(result, revisions.history_text(asked.observation_id, page.items))


async def undo_observation(session: Session, asked: UndoObservation) -> Answer:
    profile = await session.memory.get_profile(session.caller, asked.profile_id)  # whoever listens to any of its ids
    now = await session.memory.undo_observation(
        session.caller, asked.profile_id, asked.observation_id, asked.revision, TOOL
    )
    await session.changed(resources.changed_by(["observations"], profile.all_ids))
    result = UndoObservationResult(
        id=now.id,
        content=now.content,
        source=now.source,
        occurred_at=views.time(now.occurred_at),
        notice=views.DATA_NOTICE,
    )
    return Answer(result, revisions.undone_text(now))


TOOLS = (
    Tool(
        name="observation_history",
        right=READ,
        title="See what an observation was",
        description="What an observation was before, latest first: when it was learned, by whom, and why it changed.",
        arguments=ObservationHistory,
        result=ObservationHistoryResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=observation_history,
    ),
    Tool(
        name="undo_observation",
        right=WRITE,
        title="Undo a change of an observation",
        description=(
            "Put an observation back to what it was before a revision. That is a revision more: nothing is lost, and "
            "it can be undone too."
        ),
        arguments=UndoObservation,
        result=UndoObservationResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
        run=undo_observation,
    ),
)
