"""Pure: what a model proposes, checked: a candidate observation, or why it is none.

The law of this file: when it was said and who said it is taken from the messages, never from the model; and what is not
in the messages that it names is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from mcp_memory import text as texts
from mcp_memory.extraction import (
    MAX_CANDIDATE,
    MOST_EVIDENCE,
    Candidate,
    StatementKind,
    days,
    drafts,
    orders,
    screening,
)
from mcp_memory.extraction.known import Known
from mcp_memory.extraction.summary import MAX_SUMMARY
from mcp_memory.extractors.evidence import SUMMED_UP, Evidence, contradicts
from mcp_memory.model import Communication

KINDS: Final = frozenset(get_args(StatementKind))

_FIRST_OR_SECOND = re.compile(
    r"(?<![\w'])(?:I|I'(?:m|ve|ll|d)|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Ww]e|[Ww]e'\w+|us|[Oo]urs?|[Oo]urselves|"
    r"[Yy]ou|[Yy]ou'\w+|[Yy]ours?|[Yy]oursel(?:f|ves))(?![\w'])"
)
_IN_QUOTES = re.compile(r'"[^"]*"')


class Refused(Exception):
    """Why one is none, in words that hold nothing of it."""


class Special(Exception):
    """It holds special-category data."""


@dataclass(kw_only=True)
class Judged:
    """What is left of a reply. `known`: was said before. `why`: of what was refused, each reason once."""

    taken: list[Candidate] = field(default_factory=list)
    screened: int = 0
    known: int = 0
    refused: int = 0
    why: dict[str, None] = field(default_factory=dict)


def judged(items: Sequence[Any], messages: Mapping[str, Communication], known: Known) -> Judged:
    """`messages`: in their order, by the names that the model knows them by."""
    found = Judged()
    for item in items:
        try:
            candidate = _candidate(item, messages)
        except Special:
            found.screened += 1
        except Refused as exc:
            found.refused += 1
            found.why[str(exc)] = None
        else:
            if known.has(candidate.content, by_agent=candidate.said_by == "agent"):
                found.known += 1
            else:
                found.taken.append(candidate)
    return found


def summary(said: str, messages: Sequence[Communication]) -> str:
    """As it may be kept. Raises Refused and Special."""
    content = _one_line(said)
    if len(content) > MAX_SUMMARY:
        raise Refused("it is too long")
    content = _fit_to_be_told(content)
    if orders.orders(content):
        raise Refused("it gives orders")
    lacks = Evidence(messages, _names(messages)).lacks(content, SUMMED_UP)
    if lacks is not None:
        raise Refused(f"the messages do not have {lacks} of it")
    return content


def _candidate(item: Any, messages: Mapping[str, Communication]) -> Candidate:
    content, kind, ids = _shape(item)
    cited = [one for name, one in messages.items() if name in ids]
    if len(cited) < len(set(ids)):
        raise Refused("evidence names a message that is not there")
    last = cited[-1]
    if last.role == "other":
        raise Refused("its last message is of somebody who is neither the customer nor an agent")
    content = _fit_to_be_told(days.absolute(content, last.occurred_at.date()))
    evidence = Evidence(cited, _names(messages.values()))
    lacks = evidence.lacks(content)
    if lacks is not None:
        raise Refused(f"its messages do not have {lacks} of it")
    content = _as_said(content, evidence)
    if len(content) > MAX_CANDIDATE:
        raise Refused(f"content is longer than {MAX_CANDIDATE} characters")
    return Candidate(
        content=content,
        kind=kind,
        occurred_at=last.occurred_at,
        evidence=tuple(one.id for one in cited),
        said_by=last.role,
    )


def _shape(item: Any) -> tuple[str, StatementKind, list[str]]:
    if not isinstance(item, dict):
        raise Refused("an observation is no object")
    content, kind, ids = item.get("content"), item.get("kind"), item.get("evidence")
    if not isinstance(content, str) or not texts.visible(texts.clean(content[: 2 * MAX_CANDIDATE])):
        raise Refused("content is no text")
    if len(content) > MAX_CANDIDATE:
        raise Refused(f"content is longer than {MAX_CANDIDATE} characters")
    if kind not in KINDS or not isinstance(kind, str):
        raise Refused("kind is none of those there are")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise Refused("evidence is no list of ids")
    if len(set(ids)) > MOST_EVIDENCE:
        raise Refused(f"evidence names more than {MOST_EVIDENCE} messages")
    known: StatementKind = kind  # type: ignore[assignment]  # it is one of KINDS
    return _one_line(content), known, ids


def _one_line(text: str) -> str:
    return " ".join(texts.clean(text).split())


def _fit_to_be_told(content: str) -> str:
    """Without the numbers of cards. Raises Refused and Special."""
    if screening.tells_secret(content):
        raise Refused("content tells a secret")
    if screening.special_category(content):
        raise Special
    if orders.attacks(content) or screening.too_odd(content):
        raise Refused("content is no plain sentence")
    if _FIRST_OR_SECOND.search(_IN_QUOTES.sub(" ", content)):
        raise Refused("content is not in the third person")
    return screening.without_numbers(content)


def _as_said(content: str, evidence: Evidence) -> str:
    """What orders something is told as the quote that it is. Raises Refused."""
    nearest = evidence.nearest(content)
    if nearest is None:
        raise Refused("its messages do not have words of it")
    if screening.special_category(nearest.said):
        raise Special
    if screening.tells_secret(nearest.said):
        raise Refused("its messages tell a secret")
    if contradicts(content, nearest):
        raise Refused("its messages say the contrary")
    if orders.incites(nearest.said):  # it says nothing of a customer, whatever a model makes of it
        raise Refused("its messages are no statement")
    if not (orders.orders(content) or orders.orders(nearest.said)):
        return content
    if nearest.message.role != "customer" or not orders.orders(nearest.said) or orders.markup(nearest.said):
        raise Refused("content gives orders")
    quoted = drafts.quoted("The customer said:", nearest.said)
    if quoted is None:
        raise Refused("content gives orders")
    return quoted


def _names(messages: Iterable[Communication]) -> Iterator[str]:
    return (one for one in dict.fromkeys(message.author for message in messages) if one)
