"""What was, and who made it so: ours, beside what is published."""

from typing import Literal

from pydantic import Field

from mcp_memory.conversation_ids import to_api
from mcp_memory.history import Authorship, Cause, Changed, Discarded, Revision, TraitRevision
from mcp_memory.model import Observation, Summary, TraitValue
from mcp_memory.wire import OMITTED, Answer, Open, Time
from mcp_memory.wire.memories import ObservationBody, SummaryBody
from mcp_memory.wire.pages import Meta


class AuthorshipBody(Answer):
    """`conversationId`: the one it was learned in."""

    cause: Cause
    actor: str | None = None
    rule: str | None = None
    reason: str | None = None
    conversation_id: str | None = None

    @classmethod
    def of(cls, by: Authorship) -> "AuthorshipBody":
        assert by.cause is not None, "a revision always has one"
        return cls(
            cause=by.cause,
            actor=by.actor or None,
            rule=by.rule,
            reason=by.reason,
            conversation_id=None if by.conversation_id is None else to_api(by.conversation_id),
        )


class ObservationRevisionBody(Answer):
    revision: int
    by: AuthorshipBody
    observation: ObservationBody

    @classmethod
    def of(cls, one: Revision[Observation]) -> "ObservationRevisionBody":
        return cls(revision=one.number, by=AuthorshipBody.of(one.by), observation=ObservationBody.of(one.item))


class ObservationHistoryBody(Answer):
    history: list[ObservationRevisionBody]
    meta: Meta


class SummaryRevisionBody(Answer):
    revision: int
    by: AuthorshipBody
    summary: SummaryBody

    @classmethod
    def of(cls, one: Revision[Summary]) -> "SummaryRevisionBody":
        return cls(revision=one.number, by=AuthorshipBody.of(one.by), summary=SummaryBody.of(one.item))


class SummaryHistoryBody(Answer):
    history: list[SummaryRevisionBody]
    meta: Meta


class TraitRevisionBody(Answer):
    """Without a value: it was removed."""

    trait_group: str
    trait_name: str
    value: str | int | float | bool | list[str] | list[float] | None = None
    at: Time
    by: AuthorshipBody

    @classmethod
    def of(cls, one: TraitRevision) -> "TraitRevisionBody":
        return cls(
            trait_group=one.group,
            trait_name=one.name,
            value=_plain(one.value),
            at=one.at,
            by=AuthorshipBody.of(one.by),
        )


class TraitHistoryBody(Answer):
    history: list[TraitRevisionBody]
    meta: Meta


class ChangeBody(Answer):
    """One of `observation`, `summary` and `trait`: as it is since. `before`: what it said until then."""

    kind: Literal["observation", "summary", "trait"]
    at: Time
    observation: ObservationRevisionBody | None = None
    summary: SummaryRevisionBody | None = None
    trait: TraitRevisionBody | None = None
    before: str | int | float | bool | list[str] | list[float] | None = None

    @classmethod
    def of(cls, one: Changed) -> "ChangeBody":
        now, before = one.now, _plain(one.before)
        if isinstance(now, TraitRevision):
            return cls(kind="trait", at=one.at, trait=TraitRevisionBody.of(now), before=before)
        if isinstance(now.item, Observation):
            observation = ObservationRevisionBody.of(Revision(number=now.number, item=now.item, by=now.by))
            return cls(kind="observation", at=one.at, observation=observation, before=before)
        summary = SummaryRevisionBody.of(Revision(number=now.number, item=now.item, by=now.by))
        return cls(kind="summary", at=one.at, summary=summary, before=before)


class ChangesBody(Answer):
    changes: list[ChangeBody]


class DiscardedItem(Answer):
    """`observationId`: what made it superfluous, if one thing did."""

    content: str
    occurred_at: Time
    at: Time
    observation_id: str | None = None
    actor: str | None = None
    rule: str | None = None
    reason: str | None = None
    conversation_id: str | None = None

    @classmethod
    def of(cls, one: Discarded) -> "DiscardedItem":
        said_in = one.by.conversation_id
        return cls(
            content=one.content,
            occurred_at=one.occurred_at,
            at=one.at,
            observation_id=one.observation_id,
            actor=one.by.actor or None,
            rule=one.by.rule,
            reason=one.by.reason,
            conversation_id=None if said_in is None else to_api(said_in),
        )


class DiscardedBody(Answer):
    discarded: list[DiscardedItem]
    meta: Meta


class UndoBody(Open):
    """`revision`: the one that is undone; without, the latest."""

    revision: int = Field(default=OMITTED, ge=1)


def _plain(value: TraitValue | None) -> str | int | float | bool | list[str] | list[float] | None:
    return list(value) if isinstance(value, tuple) else value  # type: ignore[return-value]
