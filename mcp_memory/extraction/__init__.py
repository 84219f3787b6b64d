"""Pure: a conversation, read without a model: what of it may become observations, and a summary made of that.

The laws: what is left out is no loss, what is told wrong is. So a sentence that can't be told in the third person, that
leans on what is not there, that only supposes something or that is no English is left out. What a message tells the
reader to do is told, if at all, as a quote. Special-category data and secrets are left out, too. The same messages give
the same, in whatever order they come.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from mcp_memory.extraction.agent import Agent
from mcp_memory.extraction.candidate import MAX_CANDIDATE, Candidate, Extract, StatementKind
from mcp_memory.extraction.customer import Customer
from mcp_memory.extraction.drafts import Draft
from mcp_memory.extraction.known import Known
from mcp_memory.extraction.people import People, people
from mcp_memory.extraction.remarks import Turn, turns
from mcp_memory.extraction.summary import summary
from mcp_memory.model import Communication

__all__ = ["MAX_CANDIDATE", "Candidate", "Extract", "StatementKind", "extract"]

MOST_OBSERVATIONS = 500  # of a conversation: the first ones
MOST_EVIDENCE = 10  # messages of an observation


def extract(
    messages: Sequence[Communication],
    *,
    customer: str | None = None,
    recalled: Collection[str] = (),
    with_summary: bool = True,
    screen: bool = True,
) -> Extract:
    """What the messages of one conversation say, in any order and each once or more.

    `customer`: his name, if known; who writes under another one is somebody else. `recalled`: texts that were shown to
    the agent in this conversation. `screen=False` keeps special-category data.
    """
    read = list(turns(messages))
    ordered = [turn.message for turn in read]
    known = Known(recalled)
    told, screened = list[tuple[Draft, bool]](), 0
    for draft, by_agent in _drafts(read, people(ordered, customer)):
        if known.has(draft.content, draft.said, by_agent=by_agent):
            continue
        if screen and draft.special:
            screened += 1
        kept = draft.plain if screen and draft.special else draft
        if kept is not None:
            told.append((kept, by_agent))
    found = _candidates(told)
    return Extract(
        observations=found,
        summary=summary(ordered, found) if with_summary else None,
        screened=screened,
    )


def _drafts(read: Sequence[Turn], known: People) -> Iterator[tuple[Draft, bool]]:
    """With whether it was the agent that said it."""
    customer, agent = Customer(known), Agent(known)
    before: Turn | None = None
    about: str | None = None
    for turn in read:
        if turn.message.role == "agent":
            for draft in agent.read(turn, about):
                yield draft, True
        elif not known.is_other(turn.message):
            for draft in customer.read(turn, before):
                about = draft.said
                yield draft, False
        before = turn


def _candidates(told: Sequence[tuple[Draft, bool]]) -> tuple[Candidate, ...]:
    """Each once, with all that it was said in."""
    found: dict[str, Candidate] = {}
    for draft, by_agent in told:
        ids = [one.id for one in draft.messages]
        same = found.get(key := draft.content.casefold())
        if same is None and len(found) == MOST_OBSERVATIONS:
            continue
        found[key] = Candidate(
            content=draft.content if same is None else same.content,
            kind=draft.kind if same is None else same.kind,
            occurred_at=draft.messages[-1].occurred_at if same is None else same.occurred_at,
            evidence=tuple(islice(dict.fromkeys([*(same.evidence if same else ()), *ids]), MOST_EVIDENCE)),
            said_by=("agent" if by_agent else "customer") if same is None else same.said_by,
        )
    return tuple(found.values())
