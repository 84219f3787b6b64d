"""Pure: what a model may say of a new observation for which the rules found nothing, and which of it holds.

The laws of `reconciliation` are a model's as well: nothing older overwrites what is newer, no number that is known is
lost, what happens on another day happens again, what says several things is not replaced by one that corrects one of
them, a plan replaces no fact, and many of a kind stand beside each other. What is against them is not done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mcp_memory.model import Observation
from mcp_memory.reconciliation import Decision, Outcome, quoted
from mcp_memory.reconciliation.numbers import fit
from mcp_memory.reconciliation.readings import Reading, reading
from mcp_memory.reconciliation.relations import beside_others, says_more

NEAR: Final = 0.25  # cosine; of what is less alike, hardly anything is about the same
LONGEST_REASON: Final = 200  # characters
LONGEST_NAME: Final = 100


@dataclass(frozen=True, kw_only=True)
class Question:
    """`known`: what is near, best first."""

    content: str
    occurred_at: datetime
    known: tuple[Observation, ...]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`observation_id`: one of those that were shown; None: it stands beside them all. `by`: which model, with the
    version of its prompt."""

    outcome: Outcome
    observation_id: str | None
    reason: str
    by: str


Ask = Callable[[Question], Proposal | None]
"""May take long. None: nothing that can be used was said."""
Proposer = Callable[[str], Ask]
"""For what is written at once to the store of this id: all its questions have one time, and each is asked once."""


def question(
    content: str,
    occurred_at: datetime,
    decision: Decision,
    known: Sequence[Observation],
    likeness: Callable[[int], float],
) -> Question | None:
    """As `decide` was given them, and what it decided. None: there is nothing to ask."""
    if decision.rule != "nothing_like_it" or reading(content).long:
        return None
    near = tuple(one for at, one in enumerate(known) if likeness(at) >= NEAR and not reading(one.content).long)
    return Question(content=content, occurred_at=occurred_at, known=near) if near else None


def decided(question: Question, proposal: Proposal) -> Decision | None:
    """None: what the rules decided stays."""
    known = next((one for one in question.known if one.id == proposal.observation_id), None)
    if known is None or not _holds(question, known, proposal.outcome):
        return None
    done = "Updated, in place of" if proposal.outcome == "update" else "Discarded beside"
    told = f"{done} {quoted(known.content)}, by {proposal.by[:LONGEST_NAME]}: "
    return Decision(
        outcome=proposal.outcome,
        rule="model",
        observation_id=known.id,
        reason=told + quoted(proposal.reason, LONGEST_REASON),
    )


def _holds(question: Question, known: Observation, outcome: Outcome) -> bool:
    new, old = reading(question.content), reading(known.content)
    if new.event and question.occurred_at.date() != known.occurred_at.date():
        return False
    older = question.occurred_at < known.occurred_at
    if outcome == "discard":
        return fit(new.same, old.same) and (older or new.denied == old.denied)
    return outcome == "update" and not older and _may_replace(new, old)


def _may_replace(new: Reading, old: Reading) -> bool:
    if says_more(new, old) or beside_others(new, old) or (new.tentative and not old.tentative):
        return False
    return fit(old.same, new.same)
