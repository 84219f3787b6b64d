"""Conversations written into profiles, and what gold each item of such a profile then holds."""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mcp_memory import model
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import MAX_OBSERVATIONS, Caller, NewObservation, NewSummary
from mcp_memory.service import Memory

from . import wiring
from .talks import Session, Talk

T = TypeVar("T")
Holds = dict[Hashable, frozenset[str]]
"""By what tells the items apart: an observation's id, a summary's conversation, a message's conversation and time."""
Write = Callable[[Memory, Caller, str, Talk], Awaitable[Holds]]

MAX_MESSAGES = 100  # in one write


@dataclass(frozen=True, kw_only=True)
class Diary:
    talk: Talk
    profile_id: str
    holds: Mapping[Hashable, frozenset[str]]


async def written(folder: Path, embedder: MiniLM, talks: Sequence[Talk], write: Write) -> list[Diary]:
    """A profile for each talk, all in the one store of this folder."""
    diaries = []
    async with wiring.opened(folder, embedder) as (memory, caller):
        for number, talk in enumerate(talks):
            profile_id = await wiring.new_profile(memory, caller, f"talk-{number}")
            holds = await write(memory, caller, profile_id, talk)
            diaries.append(Diary(talk=talk, profile_id=profile_id, holds=holds))
    return diaries


async def turns(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    """Both who speak are human, and neither is an agent."""
    for session in talk.sessions:
        new = [
            model.NewMessage(text=turn.text, role="customer", author=turn.speaker, occurred_at=turn.occurred_at)
            for turn in session.turns
        ]
        for batch in batches(new, MAX_MESSAGES):
            await memory.record_messages(caller, profile_id, session.name, batch)
    return {
        (session.name, turn.occurred_at): frozenset({turn.turn_id})
        for session in talk.sessions
        for turn in session.turns
    }


async def facts(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    holds: Holds = {}
    for session in talk.sessions:
        for batch in batches(session.facts, MAX_OBSERVATIONS):
            new = [_observation(session, fact.content) for fact in batch]
            added = await memory.add_observations(caller, profile_id, new)
            for receipt, fact in zip(added.receipts, batch, strict=True):  # what is said twice has one id
                holds[receipt.id] = holds.get(receipt.id, frozenset()) | fact.evidence
    return holds


async def both(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    return {**await turns(memory, caller, profile_id, talk), **await facts(memory, caller, profile_id, talk)}


async def summaries(memory: Memory, caller: Caller, profile_id: str, talk: Talk) -> Holds:
    """The gold is the session itself."""
    holds: Holds = {}
    for session in talk.sessions:
        if session.summary:
            new = NewSummary(content=session.summary, conversation_id=session.name, occurred_at=session.began)
            await memory.add_summaries(caller, profile_id, [new])
            holds[session.name] = frozenset({session.name})
    return holds


def _observation(session: Session, content: str) -> NewObservation:
    return NewObservation(content=content, occurred_at=session.began, conversation_ids=(session.name,))


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
