"""Tools about who is one person with whom: for curators, who may overrule what was resolved."""

from typing import Annotated, Any, Literal

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import explanation, resources
from mcp_memory.model import ApartReason
from mcp_memory.rights import READ, WRITE
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, ProfileId, Result, Tool

EVERYTHING = ("traits", "observations", "summaries")


class MergeProfiles(Arguments):
    profile_id: ProfileId
    other_id: Annotated[str, Field(description="The profile that is the same person")]


class IdentifierResult(Result):
    id_type: str
    value: str


class MergeResult(Result):
    profile_id: Annotated[str, Field(description="The earlier one: the id of both from now on")]
    merged_profile_id: str
    dropped: Annotated[list[IdentifierResult], Field(description="Past the limit; they identify nobody now")]
    traits: dict[str, dict[str, Any]]
    identifiers: dict[str, list[str]]


class UnmergeProfile(Arguments):
    profile_id: Annotated[str, Field(description="The merged id that is to be a profile of its own again")]


class StayedResult(Result):
    profile_id: str
    traits: int
    observations: int
    summaries: int


class UnmergeResult(Result):
    restored_profile_id: str
    remaining_profile_id: str
    stayed: Annotated[
        list[StayedResult], Field(description="Learned after the merge under the common id: of whom, unknown")
    ]
    lost: Annotated[list[IdentifierResult], Field(description="Somebody else has them by now")]


class ExplainIdentity(Arguments):
    profile_id: ProfileId


class ExplainedIdentifier(Result):
    id_type: str
    value: str
    profile_id: Annotated[str, Field(description="Which brought it")]
    since: str
    trait: str | None = None


class ExplainedMerge(Result):
    profile_id: str
    merged_profile_id: str
    linked: list[str]
    merged_at: str
    by: Literal["resolution", "curator"]
    id_type: str | None = None
    value: str | None = None
    undone_at: str | None = None
    had: dict[str, Any]
    merged_had: dict[str, Any]


class ExplainedSeparation(Result):
    profile_ids: list[str]
    id_type: str
    value: str
    separated_at: str


class ExplainedConflict(Result):
    profile_id: Annotated[str, Field(description="For which it was given")]
    held_by: str
    id_type: str
    value: str
    reason: ApartReason
    times: int
    last_at: str


class ExplainResult(Result):
    profile_id: str
    identifiers: list[ExplainedIdentifier]
    retired: Annotated[list[ExplainedIdentifier], Field(description="No room for them, or somebody else has them")]
    merges: list[ExplainedMerge]
    separations: list[ExplainedSeparation]
    conflicts: list[ExplainedConflict]
    left_out: Annotated[int | None, Field(description="Earlier ones")] = None


async def merge_profiles(session: Session, asked: MergeProfiles) -> Answer:
    merged = await session.memory.merge_profiles(session.caller, asked.profile_id, asked.other_id)
    await session.changed(resources.changed_by(EVERYTHING, merged.profile.all_ids))
    return Answer(MergeResult(**explanation.merged_data(merged)), explanation.merged_text(merged))


async def unmerge_profile(session: Session, asked: UnmergeProfile) -> Answer:
    unmerged = await session.memory.unmerge_profile(session.caller, asked.profile_id)
    both = [*unmerged.restored.all_ids, *unmerged.remaining.all_ids]
    await session.changed(resources.changed_by(EVERYTHING, both))
    return Answer(UnmergeResult(**explanation.unmerged_data(unmerged)), explanation.unmerged_text(unmerged))


async def explain_identity(session: Session, asked: ExplainIdentity) -> Answer:
    explained = await session.memory.explain_identity(session.caller, asked.profile_id)
    data = explanation.explained_data(explained, most=explanation.SHOWN)
    return Answer(ExplainResult(**data), explanation.explained_text(explained, asked.profile_id))


TOOLS = (
    Tool(
        name="merge_profiles",
        right=WRITE,
        title="Make two profiles one",
        description=(
            "Merge two profiles of one person, whatever kept them apart. Both ids stay valid; the earlier one names "
            "the person. Only when you know it is one person. unmerge_profile undoes it."
        ),
        arguments=MergeProfiles,
        result=MergeResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
        run=merge_profiles,
    ),
    Tool(
        name="unmerge_profile",
        right=WRITE,
        title="Undo a wrong merge",
        description=(
            "Take a merged profile out again: both sides get back what they had and keep what was learned for them "
            "since. What had linked them links them no longer. explain_identity shows the ids."
        ),
        arguments=UnmergeProfile,
        result=UnmergeResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
        run=unmerge_profile,
    ),
    Tool(
        name="explain_identity",
        right=READ,
        title="Explain why this is one person",
        description=(
            "Which ids and identifiers are this person, who brought them, what merged them, when and why, what was "
            "undone, and which identifiers were kept apart."
        ),
        arguments=ExplainIdentity,
        result=ExplainResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=explain_identity,
    ),
)
