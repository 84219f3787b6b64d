"""Pure: what the agent promised, and what came of it. All else that agents say is left out."""

import re
from collections.abc import Iterator

from mcp_memory.extraction import days, drafts, kinds, openings, orders, references, screening
from mcp_memory.extraction.candidate import MAX_CANDIDATE, StatementKind
from mcp_memory.extraction.drafts import Draft
from mcp_memory.extraction.people import People
from mcp_memory.extraction.remarks import Remark, Turn
from mcp_memory.extraction.words import BASE, pattern

ABOUT = 120  # characters of what the customer had said, where a promise needs it to be understood

_WILL = pattern(
    r"""
    (?:(?:i|we)(?:'ll|~will|~shall|'m~going~to|'re~going~to|~am~going~to|~are~going~to)|(?:i|we)~(?:promise|
    guarantee|commit)~(?:to|that~(?:i|we)(?:'ll|~will)))(?P<not>~not|~never)?(?:~(?:definitely|also|just|personally|
    then|certainly|now|make~sure~to|be~sure~to|go~ahead~and)){0,3}~(?P<done>[\w'-]+\b.*)
    """
)
_WONT = re.compile(r"(?:i|we) won't (?P<done>\w.*)", re.IGNORECASE)
_YOURS_WILL = pattern(
    r"""
    (?:(?:your|the|a|an|our|my|it|they|that|someone|somebody)\b[^,;?]{0,80}?~(?:will|won't)|you~(?:will|won't)|
    (?:you|it|they)'ll)~(?:not~)?(?:be|arrive|receive|get|come|have|reach|visit|call|contact|deliver|pick|bring|
    repair|fix|install|replace|ship|start|end|expire|show|take|cost|remain|stay|email|send|process|return)\b
    """
)
_OF_THE_MOMENT = pattern(
    r"""
    (?:check|look|see|try|help|assist|be~(?:happy|glad|right|there|with|back|here|able|in~touch|sure)|need|have~to|
    ask|take~a~(?:look|moment)|pull|let~you|get~(?:right~)?(?:on|back)|wait|hold|transfer~you|connect~you|do~(?:my|
    our|that|it|so|the~same)|keep|think|remember|make~(?:a~)?note|note|explain|walk~you|guide~you|give~it|start~by|
    just|go|read|tell~you|say|admit|miss|pass|never~forget|always|love|enjoy|support|bring~it)\b
    """
)
_PLACED_IN_TIME = pattern(
    r"""
    \b(?:by|on|before|within|until|in~\d|in~(?:a|an|one|two|three|four|five|the)|tomorrow|today|tonight|next|
    this~(?:week|afternoon|evening|month)|end~of|monday|tuesday|wednesday|thursday|friday|saturday|sunday|hours?|
    days?)\b
    """
)
_AND_I = re.compile(r",? and (?=(?:i|we)(?:'ll|'ve| will| have)\b)", re.IGNORECASE)
_OWN = re.compile(  # what agents tell of themselves
    r"\bmy(?! (?:team|colleagues?|manager|supervisor|department|end|side|list|system|notes)\b)|\bmyself\b",
    re.IGNORECASE,
)
_DONE = (
    "refunded|cancelled|canceled|processed|issued|shipped|dispatched|sent|resolved|fixed|updated|changed|replaced|"
    "credited|approved|booked|rebooked|scheduled|rescheduled|activated|deactivated|reactivated|closed|waived|"
    "removed|upgraded|downgraded|escalated|reset|unlocked|blocked|delivered|repaired|restored|confirmed|extended|"
    "applied|added|ordered|reordered|opened|registered|reinstated|transferred|renewed|arranged|filed|created|moved|"
    "switched|reserved|corrected|adjusted|reversed|submitted|denied|rejected|declined|reported|paused|unsubscribed|"
    "deleted|set up"
)
_ADVERBS = "(?:now~|just~|already~|successfully~|also~|gone~ahead~and~){0,2}"
_OBJECT = "(?:you|your|the|it|this|that|these|those|them|all|both|everything)"
_DID = pattern(  # not "I moved to Leeds", nor "I ordered a pizza"
    rf"""
    (?:i|we)(?:'ve|~have)?~{_ADVERBS}(?:refunded|cancell?ed|credited|waived|escalated|reinstated)\b|
    (?:i|we)~{_ADVERBS}(?:{_DONE})~{_OBJECT}\b|
    (?:i|we)(?:'ve|~have)~{_ADVERBS}(?:{_DONE})~(?:{_OBJECT}|an?|another|half|\d+)\b
    """
)
_IS_DONE = pattern(
    rf"""
    (?:your|the|a|an|this|that|it)~?[^,;]{{0,80}}?\b(?:has~been|have~been|was|were|is|are|is~now|has)~(?:now~|just~|
    already~|successfully~)*(?:{_DONE}|active|back~(?:on|up|online)|working|complete|completed|on~(?:its|the)~way|
    eligible|in~stock|out~of~stock|due)\b
    """
)
_CONDITION = re.compile(r"(?:if|once|when|as soon as|unless|after|before)\b", re.IGNORECASE)


class Agent:
    """Reads turn by turn."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._customer = people.customer

    def read(self, turn: Turn, about: str | None) -> Iterator[Draft]:
        """`about`: what the customer said last that is worth knowing, in his words."""
        for remark in turn.remarks:
            text = openings.stripped(remark.text, self._people.spoken)
            labelled = openings.own_words(remark.text, ()) != remark.text
            if (
                remark.asks
                or labelled
                or not drafts.is_safe(remark.text)
                or orders.orders(text)
                or _CONDITION.match(text)
            ):
                continue
            for part in _AND_I.split(text):
                draft = self._promise(part, remark, about) or self._outcome(part, remark, about)
                if draft is not None:
                    yield draft

    def _promise(self, text: str, remark: Remark, about: str | None) -> Draft | None:
        speaker = self._people.agent(remark.message)
        said_on = f"{speaker.name} promised on {days.shown(remark.message.occurred_at.date())}"
        if match := _WILL.match(text) or _WONT.match(text):
            refused = match.re is _WONT or match.groupdict().get("not")
            done = match["done"].rstrip(" .!")
            if not _is_commitment(done):
                return None
            told = self._told(f"to {done}", remark, about)
            content = None if told is None else f"{said_on} {'not ' if refused else ''}{drafts.continued(told)}"
        elif _YOURS_WILL.match(text) and not kinds.is_hypothetical(text):
            told = self._told(text, remark, about)
            content = None if told is None else f"{said_on} that {drafts.continued(told)}"
        else:
            return None
        return self._made(content, "promise", text, remark)

    def _outcome(self, text: str, remark: Remark, about: str | None) -> Draft | None:
        done = _DID.match(text) or _IS_DONE.match(text)
        if not done or kinds.is_hypothetical(text) or kinds.tells_little(text) or _OWN.search(text):
            return None
        return self._made(self._told(text, remark, about), "outcome", text, remark)

    def _told(self, text: str, remark: Remark, about: str | None) -> str | None:
        """With what the customer had said, where it refers to that."""
        told = drafts.told(text, remark.message, self._people.agent(remark.message), self._customer)
        if told is None or not references.refers_back(f"I do {text}" if text.startswith("to ") else text):
            return told
        if about is None or '"' in about or len(about) > ABOUT:
            return None
        return f'{told.rstrip(".")}, after {self._customer.name} had said: "{screening.without_numbers(about)}"'

    def _made(self, content: str | None, kind: StatementKind, said: str, remark: Remark) -> Draft | None:
        if content is None or len(content) > MAX_CANDIDATE:
            return None
        special = screening.special_category(content, self._people.spoken)
        return Draft(content=drafts.capital(content), kind=kind, said=said, messages=(remark.message,), special=special)


def _is_commitment(done: str) -> bool:
    """Of what the agent will do: it is for the customer, and not done while they speak."""
    verb = done.split(" ", 1)[0].lower()
    at_once = _OF_THE_MOMENT.match(done) is not None and not _due(done)
    return (verb in BASE or verb == "be") and not (at_once or _OWN.search(done) or kinds.tells_little(f"{done} x x"))


def _due(done: str) -> bool:
    return _PLACED_IN_TIME.search(done) is not None
