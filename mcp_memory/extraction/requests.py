"""Pure: what the customer asks to be done. It is told as that: the customer asked for it."""

import re
from dataclasses import dataclass

from mcp_memory.extraction import references
from mcp_memory.extraction.candidate import StatementKind
from mcp_memory.extraction.words import pattern

LEAST = 2  # words after the verb

_WANTS = (
    "cancel|refund|return|replace|exchange|change|update|upgrade|downgrade|switch|reschedule|rebook|book|reserve|"
    "order|send|resend|ship|deliver|redeliver|call|contact|email|text|phone|write|remove|delete|unsubscribe|stop|"
    "add|move|charge|credit|activate|deactivate|block|unblock|unlock|pause|renew|extend|transfer|close|open|fix|"
    "repair|install|waive|confirm|address|speak|talk|get|have|use|pay|leave|invoice|bill"
)
_REQUEST = pattern(
    rf"""
    (?:(?:so|and|but)~)?(?:(?:from~now~on|in~future|next~time),?~)?(?P<lead>please~|kindly~|(?P<may>(?:can|could|
    may)~(?:i|we)~)|(?:can|could|would|will)~you~|i~need~you~to~|i~want~you~to~|i'd~like~you~to~|
    i~would~like~you~to~)?(?:please~|kindly~|just~|also~)?(?P<not>don't~(?:ever~)?|do~not~(?:ever~)?|never~|
    no~longer~)?(?P<always>always~|only~)?(?P<verb>{_WANTS})\b(?P<rest>~[^?]*)?\??$
    """
)
_STANDING = pattern(
    r"""
    \b(?:stop~(?:sending|calling|emailing|texting)|newsletters?|mailing~list|marketing|always|never|only|
    from~now~on|instead~of|rather~than|don't|do~not|every|after~\d|before~\d|in~the~(?:morning|afternoon|evening)s?|
    by~(?:email|phone|sms|text|mail|post)|on~(?:weekdays|weekends|\w+days))\b
    """
)
_LASTING = re.compile(
    r"\b(?:always|never|only|from now on|on (?:weekdays|weekends|\w+days)|call me|in future)\b", re.IGNORECASE
)
_PLEA = pattern(r"(?:(?:so|and|but)~)?(?:please|kindly|i~need~you|i~want~you|i'd~like~you|i~would~like~you)\b")
_MINE = pattern(r"\b(?:my|me|our|us)\b")


@dataclass(frozen=True, kw_only=True)
class Request:
    """`told`: in the words of who asks, as "I asked ..."."""

    told: str
    kind: StatementKind


def request(text: str, *, asks: bool, whom: str, leaning: bool = False) -> Request | None:
    """`asks`: whether it is a question. `leaning`: told with the sentence before it, so that it may refer to that."""
    match = _REQUEST.match(text)
    if match is None or (asks and not match["lead"]):
        return None
    verb, rest = match["verb"].lower(), (match["rest"] or "").strip(" .!,")
    if len(rest.split()) < LEAST or (references.refers_back(f"I {verb} {rest}") and not leaning):
        return None
    plain = match["may"] or asks or _PLEA.match(text) or _LASTING.search(text)
    if not (plain or _MINE.search(rest)):
        return None
    return Request(
        told=_told(match, f"{verb} {rest}", whom), kind="preference" if _STANDING.search(text) else "problem"
    )


def _told(match: re.Match[str], done: str, whom: str) -> str:
    if match["may"]:
        return f"I asked to {done}"
    if refused := match["not"]:
        return f"I asked {whom} {'never' if refused.strip().lower() == 'never' else 'not'} to {done}"
    return f"I asked {whom} to {(match['always'] or '').lower()}{done}"
