"""New observations beside what is known: what becomes of each is decided in a read, and done in one write, unless
something was written of the profile in between: then it is decided anew.

Nothing is deleted by it. What an observation was until it was updated is a revision, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mcp_memory.backends.sql import curation, memories
from mcp_memory.backends.sql.cursors import page_of_all
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.backends.sql.recall import Asked, best_of
from mcp_memory.edits import ObservationChanges
from mcp_memory.history import Authorship, Discarded
from mcp_memory.ids import OBSERVATION, MakeId
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import MAX_CONVERSATION_IDS, Added, NewObservation, Observation, Outcome, Receipt

if TYPE_CHECKING:
    from mcp_memory.reconciliation import Decision
    from mcp_memory.reconciliation.proposals import Ask, Question

OUTCOMES: Final[Mapping[str, Outcome]] = {"add": "added", "update": "updated", "discard": "discarded"}
Proposer = Callable[[str], "Ask"]
"""As that of `reconciliation.proposals`, which is not loaded before it is used."""
COMPARED = 5  # of what recall finds; never by how alike they are alone


class Moved(Exception):
    """Something was written of the profile since it was decided."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """One that is new, and what finds what is known of the same."""

    new: NewObservation
    signature: Signature
    asked: Asked


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`items`: each as it would be on its own, under an id that it has if it is added. `questions`: what a model may
    be asked about it. `version`: of the profile that it was decided for."""

    ready: Sequence[Ready]
    items: Sequence[Observation]
    decisions: Sequence[Decision]
    questions: Sequence[Question | None]
    version: object


def plan(tx: Transaction, profile_id: str, ready: Sequence[Ready], *, now: datetime, make_id: MakeId) -> Plan:
    """Each beside what is stored, and beside those before it, as they will be."""
    live = existing(tx, profile_id).profile_id
    items = [_item(one.new, make_id(OBSERVATION), now) for one in ready]
    pending: dict[str, tuple[Observation, Signature]] = {}
    decisions: list[Decision] = []
    questions: list[Question | None] = []
    for one, item in zip(ready, items, strict=True):
        decision, question = _decided(tx, live, one, item, pending)
        decisions.append(decision)
        questions.append(question)
        if decision.outcome == "add":
            pending[item.id] = (item, one.signature)
        elif decision.outcome == "update" and decision.observation_id is not None:
            pending[decision.observation_id] = (replace(item, id=decision.observation_id), one.signature)
    return Plan(ready=ready, items=items, decisions=decisions, questions=questions, version=tx.version(live))


def proposed(planned: Plan, ask: Ask) -> Plan:
    """With what a model says where the rules found nothing. Takes long: not inside a transaction. What another of the
    new ones is decided about is not decided anew: it would not be there, or be another, when that one's turn comes."""
    from mcp_memory.reconciliation.proposals import decided

    decisions = list(planned.decisions)
    taken = {one.observation_id for one in decisions if one.observation_id is not None}
    for at, question in enumerate(planned.questions):
        if question is None or planned.items[at].id in taken:
            continue
        proposal = ask(question)
        decision = None if proposal is None else decided(question, proposal)
        if decision is not None and decision.observation_id not in taken:
            decisions[at] = decision
            taken.add(decision.observation_id or "")
    return replace(planned, decisions=decisions)


def carry_out(tx: Transaction, profile_id: str, planned: Plan, room: Room, by: Authorship, *, now: datetime) -> Added:
    """All or none. Raises Moved where the profile is not as it was."""
    profile = existing(tx, profile_id, lock=True)
    if tx.version(profile.profile_id) != planned.version:
        raise Moved
    receipts = [
        _done(tx, profile_id, one, item, decision, room, by, now)
        for one, item, decision in zip(planned.ready, planned.items, planned.decisions, strict=True)
    ]
    return Added(receipts=receipts, profile_ids=profile.members)


def foretold(tx: Transaction, profile_id: str, planned: Plan) -> Added:
    """What would become of them, without any of it."""
    profile = existing(tx, profile_id)
    receipts = [_receipt(item, decision) for item, decision in zip(planned.items, planned.decisions, strict=True)]
    return Added(receipts=receipts, profile_ids=profile.members)


def _decided(
    tx: Transaction,
    live: str,
    one: Ready,
    item: Observation,
    pending: dict[str, tuple[Observation, Signature]],
) -> tuple[Decision, Question | None]:
    from mcp_memory.reconciliation import decide, proposals  # many patterns: late, for the cold start

    if pending:
        near = sorted(pending.values(), key=lambda other: -_alike(one.signature, other[1]))[:COMPARED]
        others = [other for other, _ in near]
        decision = decide(item.content, item.occurred_at, others, lambda at: _alike(one.signature, near[at][1]))
        if decision.outcome != "add":
            return decision, None
    ranking, best = best_of(tx, "observation", live, one.asked, COMPARED)
    stored = tx.observations(live, [found.key for found in best])
    likeness = ranking.likeness_to_question([found.ranked.item for found in best])
    kept = [at for at, found in enumerate(best) if stored[found.key].id not in pending]
    known = [stored[best[at].key] for at in kept]

    def alike(place: int) -> float:
        return float(likeness[kept[place]])

    decision = decide(item.content, item.occurred_at, known, alike)
    return decision, proposals.question(item.content, item.occurred_at, decision, known, alike)


def _done(
    tx: Transaction,
    profile_id: str,
    one: Ready,
    item: Observation,
    decision: Decision,
    room: Room,
    by: Authorship,
    now: datetime,
) -> Receipt:
    if decision.outcome == "add":
        added = memories.add_observations(
            tx, profile_id, [one.new], [one.signature], room, by, now=now, make_id=lambda prefix: item.id
        )
        return replace(added.receipts[0], rule=decision.rule, reason=decision.reason)
    if decision.outcome == "update":
        assert decision.observation_id is not None
        before = curation.observation(tx, profile_id, decision.observation_id)
        because = replace(by, cause="reconciled", rule=decision.rule, reason=decision.reason)
        curation.update_observation(
            tx, profile_id, before.id, _changes(before, item), one.signature, room, because, now=now
        )
    else:
        tx.keep_discarded(profile_id, _discarded(item, decision, by, now))
    return _receipt(item, decision)


def listed(tx: Transaction, profile_id: str, query: PageQuery) -> Page[Discarded]:
    return page_of_all(tx.discarded(existing(tx, profile_id).profile_id), query, "discarded", int)


def _discarded(item: Observation, decision: Decision, by: Authorship, now: datetime) -> Discarded:
    why = replace(by, rule=decision.rule, reason=decision.reason)
    return Discarded(
        content=item.content, occurred_at=item.occurred_at, observation_id=decision.observation_id, by=why, at=now
    )


def _changes(before: Observation, item: Observation) -> ObservationChanges:
    """It comes from all conversations in which it was said, the latest of them where these are too many."""
    conversations = tuple(dict.fromkeys((*before.conversation_ids, *item.conversation_ids)))
    return ObservationChanges(
        content=item.content,
        occurred_at=item.occurred_at,
        source=item.source,
        conversation_ids=conversations[-MAX_CONVERSATION_IDS:],
    )


def _receipt(item: Observation, decision: Decision) -> Receipt:
    id = item.id if decision.outcome == "add" else decision.observation_id
    outcome: Outcome = "duplicate" if decision.rule == "same_statement" else OUTCOMES[decision.outcome]
    return Receipt(id=id, outcome=outcome, rule=decision.rule, reason=decision.reason)


def _item(new: NewObservation, id: str, now: datetime) -> Observation:
    return Observation(
        id=id,
        content=new.content,
        source=new.source,
        occurred_at=new.occurred_at or now,
        created_at=now,
        updated_at=now,
        conversation_ids=new.conversation_ids,
    )


def _alike(one: Signature, other: Signature) -> float:
    """The cosine of their first chunks; of what has no vector, nothing is alike."""
    if not (len(one.vectors) and len(other.vectors)):
        return 0.0
    return float(one.vectors[0] @ other.vectors[0])
