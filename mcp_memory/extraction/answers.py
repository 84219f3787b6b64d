"""Pure: what a short answer says, together with the question it answers. Both are in the words of a dialogue: "you" is
who answers, until the two are one statement of the answerer."""

import re
from dataclasses import dataclass

from mcp_memory.extraction.words import pattern
from mcp_memory.statements import wording

LONGEST_QUESTION = 140  # characters; a longer one asks several things
LEAST_ASKED = 3  # words that tell something, beside "it"
SHORT = 6  # words of an answer that says nothing by itself

_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|correct|that's right|right|exactly|of course|absolutely|definitely)\b", re.I
)
_NO = re.compile(r"(?:no|nope|nah|not really|never)\b", re.I)
_EVASIVE = pattern(
    r"""
    (?:i~(?:don't|do~not)~know|not~sure|no~idea|i'm~not~sure|dunno|maybe|perhaps|what|why|who|huh|sorry|pardon|
    hello|hi|hey|wait|one~(?:moment|second|sec)|hold~on|let~me|thanks|thank~you|ok|okay|great|cool|nice|wow|haha|
    lol|bye|good(?:~one)?|fine|none~of~your|it~depends|could~you|can~you|hmm+|um+|please~wait|i'll~check|will~do|
    done|got~it|alright|all~right)\b
    """
)
_FORMULA = pattern(
    r"""
    \b(?:anything~else|something~else|how~are~you|how~have~you~been|how(?:'s|~is|~was|~has|~have)~(?:it~going|
    everything|life|(?:your|the)~(?:day|week|weekend|night|morning)|your~day|things)|(?:can|may|could)~i~(?:help|
    assist|have|get|ask)|help~you|assist~you|are~you~(?:there|ready|ok|okay|sure)|still~there|is~(?:that|this|
    it)~(?:ok|okay|correct|right|all|fine|alright)|make~sense|sound~good|shall~(?:i|we)|do~you~mind|what's~(?:up|
    new|going~on)|what~is~(?:up|new)|how~about~you|what~about~you|and~you|right\?|isn't~it|aren't~they|
    don't~you~think|you~know|guess~what|how~can~i|how~may~i|who~am~i~speaking|what~do~you~think|agree)
    """
)
_UNNAMED = re.compile(r"\b(?:it|its|that|this|these|those|they|them|their|he|she|him|his|her|one|ones|there)\b", re.I)
_BE_YOU = re.compile(r"(?P<verb>do|did|are|were|have|had|can|will|would) you (?P<rest>[^?]{2,100})\?*$", re.I)
_YOUR = re.compile(r"(?:and )?(?:what's|what is|what are|whats) your (?P<what>[\w' -]{2,40}?)(?: please)?\?*$", re.I)
_WHERE = re.compile(r"where (?P<verb>do|did) you (?P<does>live|work|stay|go|buy it|move)\?*$", re.I)
_PLACED = re.compile(r"(?:in|at|on|near|from|to|the)\b", re.I)
_BACK = {
    "you": "I",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "i": "you",
    "me": "you",
    "my": "your",
    "our": "your",
    "us": "you",
}
_PERSONS = re.compile(rf"\b(?:{'|'.join(_BACK)})\b", re.I)
_FIRST = re.compile(r"\b(?:i|i'\w+|my|me|we|we'\w+|our|us)\b", re.I)
_COURTESY = re.compile(r",? *(?:please|thanks|thank you|thx|sir|ma'am|madam)[.!]*$", re.I)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`statement`: in the words of who answers; else the two are to be quoted."""

    question: str
    words: str
    statement: str | None = None


def answer(question: str, reply: str) -> Answer | None:
    """None where the reply says all there is by itself, or nothing, or where it can't be told what was asked."""
    asked = question.strip()
    words = _COURTESY.sub("", reply.strip()).rstrip(".! ")
    if not words or _EVASIVE.match(words) or _FORMULA.search(asked) or len(asked) > LONGEST_QUESTION or "?" in words:
        return None
    asked = re.sub(
        r"^(?:and|so|ok(?:ay)?|great|thanks|thank you|sure|perfect|alright|well|oh|wow|cool|nice)\b[,.!]* ",
        "",
        asked,
        flags=re.I,
    )
    if '"' in asked or '"' in words or _unnamed(asked):
        return None
    return Answer(question=asked, words=words, statement=_stated(asked, words))


def is_yes_or_no(reply: str) -> bool:
    words = _COURTESY.sub("", reply.strip()).strip(" .!")
    return any(sign is not None and sign.end() == len(words) for sign in (_YES.match(words), _NO.match(words)))


def is_short(reply: str) -> bool:
    return len(reply.split()) <= SHORT and not _FIRST.search(reply)


def _unnamed(question: str) -> bool:
    """Whether it can't be told what it asks."""
    telling = [one for one in wording.stems(question) if len(one) > 2]
    return _UNNAMED.search(question) is not None and len(telling) < LEAST_ASKED


def _stated(question: str, words: str) -> str | None:
    if sign := _YES.match(words) or _NO.match(words):
        rest = words[sign.end() :].strip(" ,.!")
        return None if rest else _polar(question, affirmed=sign.re is _YES)
    if match := _YOUR.match(question):
        return f"My {match['what']} is {words}"
    if len(words.split()) > SHORT or _FIRST.search(words):
        return None
    if match := _WHERE.match(question):
        verb = "did " if match["verb"].lower() == "did" else ""
        return f"I {verb}{match['does']} {'' if _PLACED.match(words) else 'in '}{words}"
    return None


def _polar(question: str, *, affirmed: bool) -> str | None:
    match = _BE_YOU.match(question)
    if match is None or " or " in question:
        return None
    verb, rest = match["verb"].lower(), _PERSONS.sub(lambda one: _BACK[one[0].lower()], match["rest"])
    verb = {"are": "am", "were": "was"}.get(verb, verb)
    if rest.startswith(("ever ", "still ", "also ")):
        rest = rest.partition(" ")[2] if rest.startswith("ever ") else rest
    rest = re.sub(r"\bany\b", "some" if affirmed else "any", rest)
    if affirmed:
        return f"I {rest}" if verb == "do" else f"I {verb} {rest}"
    return f"I {verb} not {rest}"
