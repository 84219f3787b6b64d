"""Pure: a statement on its way into the third person, and what keeps it out."""

import re
from dataclasses import dataclass

from mcp_memory.extraction import days, english, orders, screening, speech
from mcp_memory.extraction.candidate import MAX_CANDIDATE, StatementKind
from mcp_memory.extraction.speech import Person
from mcp_memory.extraction.words import ADVERBS, BASE, NO_VERBS
from mcp_memory.model import Communication

_QUOTED = re.compile(r'"[^"]*"')
_PERSONAL = re.compile(
    r"\b(?:i|me|my|mine|myself|we|our|ours|ourselves|you|your|yours|yourself|yourselves)\b|\b(?-i:[Uu]s)\b",
    re.IGNORECASE,
)
MOST_ADDED = 2  # sentences that lean on another one and are told with it


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`said`: in the words of who said it, for rules that look at them. `special`: holds special-category data."""

    content: str
    kind: StatementKind
    said: str
    messages: tuple[Communication, ...]
    special: bool = False
    added: int = 0
    plain: "Draft | None" = None
    """What it was before something special was added to it."""

    def with_more(self, more: "Draft") -> "Draft | None":
        """The two as one sentence; None where that is too long."""
        content = f"{self.content.rstrip('.')}; {continued(more.content)}"
        if self.added >= MOST_ADDED or len(content) > MAX_CANDIDATE:
            return None
        return Draft(
            content=content,
            kind=self.kind,
            said=f"{self.said} {more.said}",
            messages=tuple(dict.fromkeys([*self.messages, *more.messages])),
            special=self.special or more.special,
            added=self.added + 1,
            plain=self if more.special and not self.special else self.plain,
        )


def is_safe(text: str) -> bool:
    """Whether it may be told at all: no secret in it, nothing that can't be read, no quote without an end."""
    return english.is_english(text) and not (
        text.count('"') % 2 or screening.tells_secret(text) or orders.attacks(text) or screening.too_odd(text)
    )


def told(text: str, message: Communication, speaker: Person, listener: Person) -> str | None:
    """In the third person and with dates; None where that makes no good sentence."""
    dated = days.absolute(screening.without_numbers(text), message.occurred_at.date())
    content = speech.in_third_person(dated.rstrip(" .!,;:-"), speaker, listener)
    if content is None or len(content) >= MAX_CANDIDATE or is_personal(content):
        return None
    return f"{content}."


def is_personal(content: str) -> bool:
    """Whether somebody speaks of himself in it, outside of quotes."""
    return _PERSONAL.search(_QUOTED.sub("", content)) is not None


def quoted(lead: str, words: str) -> str | None:
    """Words that are told as they were said; None where they can't be put into quotes."""
    content = screening.without_numbers(f'{lead} "{words.strip()}"')
    return content if '"' not in words and len(content) <= MAX_CANDIDATE else None


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def continued(content: str) -> str:
    """A sentence as it stands within another one: a name keeps its capital letter."""
    first = content.split(" ", 1)[0].split("'", 1)[0].lower()
    ordinary = first in BASE or first in ADVERBS or first in NO_VERBS or english.is_small_word(first)
    return content[0].lower() + content[1:] if ordinary or first.endswith(("ing", "ly")) else content
