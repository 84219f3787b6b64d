"""Pure: by which name the customer and who speaks with him are told of, and whether a message is the customer's own."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mcp_memory import text as texts
from mcp_memory.extraction import orders
from mcp_memory.extraction.speech import Person
from mcp_memory.extraction.words import word_set
from mcp_memory.model import Communication

LONGEST_NAME = 60  # characters

_NAME = re.compile(r"[^\W\d_][^\W\d_.'-]*(?:[ '.-]{1,2}[^\W\d_]+){0,4}\.?")
_NO_NAMES = word_set(
    "customer client user caller guest visitor unknown anonymous agent bot assistant system support human ai me "
    "you i member person participant the"
)


@dataclass(frozen=True, kw_only=True)
class People:
    """`others`: names of those who write on the customer's side and are somebody else. `own`: the words of the
    customer's name. `spoken`: names by which those who take part call each other. The last two in lower case."""

    customer: Person
    others: Collection[str]
    own: Collection[str]
    spoken: Collection[str]

    def is_other(self, message: Communication) -> bool:
        return message.role == "other" or (message.role == "customer" and (message.author or "") in self.others)

    def agent(self, message: Communication | None) -> Person:
        """Who wrote it, as an agent."""
        known = name(message.author) if message is not None else None
        return Person(name="the agent" if known is None or known == self.customer.name else f"the agent {known}")


def people(messages: Sequence[Communication], customer: str | None) -> People:
    known = name(customer)
    theirs = _names(messages, "customer")
    agents = _names(messages, "agent")
    # Of several without a known name, the customer is who wrote most, of two the first.
    others = theirs[1:] if known is None else [one for one in theirs if not _same(one, known)]
    parts = {part.lower() for one in (*theirs, *agents, known or "") for part in one.split()}
    return People(
        customer=Person(name=known or "the customer", again=True),
        others=frozenset(others),
        own=frozenset((known or next(iter(theirs), "")).lower().split()),
        spoken=frozenset(part for part in parts if len(part) > 1),
    )


def name(given: str | None) -> str | None:
    """None where it is no person's name: a number, a handle, a role, an order."""
    cleaned = " ".join(texts.clean(given or "").split())
    if len(cleaned) > LONGEST_NAME or not _NAME.fullmatch(cleaned) or _NO_NAMES & set(cleaned.lower().split()):
        return None
    if orders.orders(cleaned) or orders.attacks(cleaned):
        return None
    return cleaned if cleaned[0].isupper() or not cleaned.islower() else None


def _names(messages: Sequence[Communication], role: str) -> list[str]:
    """The most frequent first; of those that wrote as often, the earlier one."""
    counted = Counter(one.author for one in messages if one.role == role and one.author and name(one.author))
    return [author for author, _ in counted.most_common()]


def _same(one: str, other: str) -> bool:
    return bool({*one.lower().split()} & {*other.lower().split()})
