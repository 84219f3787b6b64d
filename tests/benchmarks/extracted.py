"""Observations made from LoCoMo's conversations by the extractor that needs no model.

There both who speak are people: each is once the customer, with the other one as the agent, and what is learned of both
goes into the profile of the talk, as its messages do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_memory.extraction import Candidate, extract
from mcp_memory.model import MAX_OBSERVATIONS, Caller, Communication, NewObservation
from mcp_memory.service import Memory

from . import diaries
from .diaries import Holds, batches
from .talks import Session, Talk, Turn

CHANNEL = "chat"


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What was extracted from a session, of both who spoke."""

    session: Session
    candidates: tuple[Candidate, ...]
    screened: int


def learned(talk: Talk, *, screen: bool = True) -> Iterator[Learned]:
    for session in talk.sessions:
        found, screened = list[Candidate](), 0
        for customer in sorted({turn.speaker for turn in session.turns}):
            messages = [_message(session, turn, customer) for turn in session.turns]
            extracted = extract(messages, customer=customer, with_summary=False, screen=screen)
            found += extracted.observations
            screened += extracted.screened
        yield Learned(session=session, candidates=tuple(found), screened=screened)


async def observations(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    holds: Holds = {}
    for one in learned(talk):
        for batch in batches(one.candidates, MAX_OBSERVATIONS):
            new = [_observation(one.session, candidate) for candidate in batch]
            added = await memory.add_observations(caller, profile_id, new)
            for receipt, candidate in zip(added.receipts, batch, strict=True):  # what is said twice has one id
                holds[receipt.id] = holds.get(receipt.id, frozenset()) | frozenset(candidate.evidence)
    return holds


async def both(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    said = await diaries.turns(memory, caller, profile_id, talk)
    return {**said, **await observations(memory, caller, profile_id, talk)}


def _observation(session: Session, candidate: Candidate) -> NewObservation:
    return NewObservation(
        content=candidate.content, occurred_at=candidate.occurred_at, conversation_ids=(session.name,)
    )


def _message(session: Session, turn: Turn, customer: str) -> Communication:
    return Communication(
        id=turn.turn_id,
        content=turn.text,
        source=CHANNEL,
        occurred_at=turn.occurred_at,
        created_at=turn.occurred_at,
        updated_at=turn.occurred_at,
        conversation_id=session.name,
        role="customer" if turn.speaker == customer else "agent",
        author=turn.speaker,
    )
