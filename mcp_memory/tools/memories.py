"""Tools about what is remembered of the customer."""

from time import perf_counter
from typing import Annotated

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import inputs, model, records, resources, views
from mcp_memory.history import TOOL
from mcp_memory.rights import READ, WRITE
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, Loaded, OccurredAt, ProfileId, Result, Source, Tool, Whole

# Whole stands last, or pydantic would not know that the limits are those of a number.
Limit = Annotated[int, Field(strict=True, ge=0, le=model.MAX_RECALL), Whole]
Tokens = Annotated[int, Field(strict=True, ge=1, le=model.MAX_TOKENS), Whole]


class ObservationArgument(Arguments):
    content: Annotated[str, Field(description=f"One self-contained sentence, 1-{model.MAX_CONTENT} characters")]
    occurred_at: OccurredAt = None
    source: Source = None
    conversation_ids: Annotated[list[str] | None, Field(description="Conversations it comes from")] = None


class AddObservation(Arguments):
    profile_id: ProfileId
    observations: Annotated[
        list[ObservationArgument],
        Loaded,
        Field(
            description=f'1 to {model.MAX_OBSERVATIONS} of {{"content": "…"}}',
            json_schema_extra={"minItems": 1, "maxItems": model.MAX_OBSERVATIONS},
        ),
    ]


class ReceiptResult(Result):
    id: str | None = None
    outcome: model.Outcome
    reason: str | None = None


class AddObservationResult(Result):
    profile_id: str
    observations: list[ReceiptResult]


class WriteSummary(Arguments):
    profile_id: ProfileId
    conversation_id: Annotated[str, Field(description="The conversation summarised, in your own form")]
    content: Annotated[str, Field(description=f"Topic, issues, outcome, promises; 1-{model.MAX_CONTENT} characters")]
    occurred_at: OccurredAt = None
    source: Source = None


class WriteSummaryResult(ReceiptResult):
    profile_id: str


class RecallArguments(Arguments):
    profile_id: ProfileId
    query: Annotated[
        str | None,
        Field(
            description=f"What you want to know, in words, ids included; max {model.MAX_QUERY} characters. "
            "Left out: the latest"
        ),
    ] = None
    conversation_id: Annotated[
        str | None,
        Field(description="The conversation you are in: without a query, its last messages are the question"),
    ] = None
    observations_limit: Annotated[Limit, Field(description="At most so many; 0: none")] = 10
    summaries_limit: Limit = 3
    communications_limit: Annotated[
        Limit, Field(description="Messages: those of conversation_id, latest first; without it, the best of all")
    ] = 0
    begin: Annotated[str | None, Field(description="occurred_at from, e.g. 2026-05-01T00:00:00Z")] = None
    end: Annotated[str | None, Field(description="occurred_at before")] = None
    relevance_threshold: Annotated[float, Field(strict=True, ge=0, le=1, description="Least score")] = 0.0
    as_of: Annotated[str | None, Field(description="What was known then, as it was worded then. Default now")] = None
    max_tokens: Annotated[Tokens | None, Field(description="Keep the best that fits")] = None
    detail: Annotated[model.Detail, Field(description="full: why each item came, and where from")] = "concise"


class MatchResult(Result):
    words: list[str]
    cosine: float | None = None
    late_interaction: float | None = None
    date: float | None = None


class RecalledItem(Result):
    id: str
    content: str
    source: str
    occurred_at: str
    score: float | None = None
    created_at: str | None = None
    match: MatchResult | None = None


class RecalledObservation(RecalledItem):
    conversation_ids: list[str] | None = None
    outdated_by: str | None = None


class RecalledSummary(RecalledItem):
    conversation_id: str


class RecalledCommunication(RecalledItem):
    conversation_id: str
    role: str
    author: str | None = None


class RecallResult(Result):
    profile_id: str
    observations: list[RecalledObservation]
    summaries: list[RecalledSummary]
    communications: list[RecalledCommunication]
    query_time_ms: int
    left_out: int | None = None
    as_of: str | None = None
    warning: str | None = None
    notice: str


async def add_observation(session: Session, asked: AddObservation) -> Answer:
    now = session.memory.now()
    new = [
        inputs.new_observation(
            content=one.content,
            occurred_at=one.occurred_at,
            source=one.source,
            conversation_ids=one.conversation_ids or (),
            now=now,
            name=f"observations[{position}]",
        )
        for position, one in enumerate(asked.observations)
    ]
    added = await session.memory.reconcile_observations(session.caller, asked.profile_id, new, TOOL)
    await session.changed(resources.changed_by(["observations"], added.profile_ids))
    return Answer(
        AddObservationResult(
            profile_id=added.profile_ids[0],
            observations=[
                ReceiptResult(id=one.id, outcome=one.outcome, reason=views.reason(one)) for one in added.receipts
            ],
        ),
        views.added_text(added, asked.profile_id),
    )


async def write_summary(session: Session, asked: WriteSummary) -> Answer:
    new = inputs.new_summary(
        content=asked.content,
        conversation_id=asked.conversation_id,
        occurred_at=asked.occurred_at,
        source=asked.source,
        now=session.memory.now(),
    )
    added = await session.memory.add_summaries(session.caller, asked.profile_id, [new], TOOL)
    (receipt,) = added.receipts
    await session.changed(resources.changed_by(["summaries"], added.profile_ids))
    return Answer(
        WriteSummaryResult(profile_id=added.profile_ids[0], id=receipt.id, outcome=receipt.outcome),
        views.added_text(added, asked.profile_id),
    )


async def recall(session: Session, asked: RecallArguments) -> Answer:
    started = perf_counter()
    query = inputs.recall_query(**asked.model_dump(exclude={"profile_id"}))
    recalled = await session.memory.recall(session.caller, asked.profile_id, query)
    full = query.detail == "full"
    result = RecallResult(
        profile_id=recalled.profile_id,
        observations=[RecalledObservation(**records.recalled_data(one, full)) for one in recalled.observations],
        summaries=[RecalledSummary(**records.recalled_data(one, full)) for one in recalled.summaries],
        communications=[RecalledCommunication(**records.recalled_data(one, full)) for one in recalled.communications],
        query_time_ms=round((perf_counter() - started) * 1000),
        left_out=recalled.left_out or None,
        as_of=None if recalled.as_of is None else views.time(recalled.as_of),
        warning=views.recall_warning(recalled),
        notice=views.DATA_NOTICE,
    )
    return Answer(result, views.recall_text(recalled, asked.profile_id))


TOOLS = (
    Tool(
        name="recall",
        right=READ,
        title="Recall what is known",
        description=(
            "What is remembered of a customer that matters now: hybrid search by meaning, words, dates and exact ids "
            "over observations, conversation summaries and messages, best first with scores from 0 to 1. Where two "
            "disagree, the later one holds. Call it before you answer a question about the customer. Traits are in "
            "lookup_profile."
        ),
        arguments=RecallArguments,
        result=RecallResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=recall,
    ),
    Tool(
        name="add_observation",
        right=WRITE,
        title="Remember what happened",
        description=(
            "Remember things about a customer: what they want, prefer, report, were promised. All or none are stored. "
            "Each is reconciled with what is known. Returns per item an id and the outcome: added; updated, the one "
            "that said otherwise or less; duplicate of one that says the same; discarded, with the reason."
        ),
        arguments=AddObservation,
        result=AddObservationResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=add_observation,
    ),
    Tool(
        name="write_summary",
        right=WRITE,
        title="Summarise a conversation",
        description=(
            "Keep the summary of a conversation with a customer, at its end or when it is handed over. "
            "Each call keeps one more, unless the same text is there already."
        ),
        arguments=WriteSummary,
        result=WriteSummaryResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=write_summary,
    ),
)
