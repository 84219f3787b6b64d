"""Pure: what a remark begins and ends with that says nothing: greetings, thanks, names, fillers."""

import re
from collections.abc import Collection

from mcp_memory.extraction.words import AUXILIARIES, BASE, NEGATED, is_past, pattern, word_set

SENTENCE = 30  # words of a remark in which its verb is looked for
MOST = 5  # openings of a remark

_ALWAYS = (
    "hi|hey|hello|hiya|oh|ooh|aw+|wow|whoa|yeah|yep|yup|ok|okay|um+|uh+|hmm+|haha+|lol|btw|fyi|anyway|anyways|also|"
    "and|but|so|gosh|omg|phew|yay|dear|good (?:morning|afternoon|evening|day)|hi there|hey there|by the way|"
    "to be honest|tbh|honestly|you know what|you know|i mean|guess what|actually|basically|unfortunately|luckily|"
    "fortunately|sadly|yes|apparently|as i said|like i said|thanks for (?:asking|that|the reply|getting back)|"
    "thanks so much|thank you so much|thanks a lot|thanks again|thank you(?! for| to| very)|thanks(?! for| to)|"
    "remember that(?= i\\b| my\\b)|note that(?= i\\b| my\\b)|please note(?: that)?|done|noted|understood|"
    "just so you know|for the record|as you know|sorry|well"
)
_POINTED = (  # only before a comma or the like: "no signal", "like my mother"
    "no|nope|like|right|great|nice|cool|sure|look|listen|see|absolutely|definitely|of course|totally|exactly|true|"
    "awesome|amazing|perfect|alright|all right|now|then|still|again|indeed|seriously|plus|hmm|good|same here|"
    "me too|likewise|however|besides|overall|nah|together|that said|in fact|in that case|no worries|no problem|"
    "you're welcome|not really|congrats|congratulations|correct|for example|for instance|as for me|personally|"
    "not yet|please|finally|anyhow|excuse me|ah"
)
_OPENING = re.compile(rf"(?:(?:{_ALWAYS})(?:[\s,.!:;-]+|$)|(?:{_POINTED})(?:\s*[,.!:;-]+\s*|$))", re.IGNORECASE)
_LABEL = re.compile(r"([A-Za-z][\w'-]{0,20}(?: [A-Z0-9][\w'-]{0,20}){0,2}) ?: +(?=\S)")
_SELF = word_set("customer caller client me myself guest patient")
_FIELDS = word_set("name address email phone birthday budget")
_NO_SPEAKERS = word_set(
    "note notes update question questions problem problems issue issues ps fyi edit request reason order subject "
    "remember reminder hi hello so also but and because info details complaint feedback summary important urgent "
    "case"
)
_GREETED = re.compile(r"(?:hi|hey|hello|hiya|dear|thanks|thank you|good \w+),? ([A-Z][\w'-]+)[,!. ]+", re.IGNORECASE)
_CLOSING = pattern(
    r"""
    [\s,;-]*(?:\b(?:please|thanks|thank~you|thx|cheers|lol|haha|haha|right|though|tbh|btw|sir|ma'am|so~much|a~lot|
    in~advance)[\s.!,]*)$
    """
)
_OUGHT_TO_SAY_I = word_set("need want prefer love hate live work hope enjoy guess")
_NOT_SUBJECTLESS = word_set("let set put read hit cost cut used based said done made given needed thought")
_GOING_ON = pattern(
    r"""
    (?:(?:still|just|currently|also|now)~)?(?:waiting|having|looking|thinking|trying|going|planning|working|moving|
    using|travell?ing|hoping|getting|living|struggling|considering|calling|writing)\b
    """
)
_LACKS_I = frozenset({"haven't", "hadn't", "can't", "couldn't", "didn't", "cannot"})
_FINITE = re.compile(
    r"\b(?:is|was|are|were|sounds?|seems?|helps?|makes?|made|lets?|can|gives?|keeps?|has|must|should|will|would|might)\b",
    re.IGNORECASE,
)
_ADVERB = re.compile(r"(?:just|already|finally|recently|also|still|never|only|once|actually) (?=\w)", re.IGNORECASE)


def own_words(text: str, names: Collection[str]) -> str | None:
    """Without the label of who speaks, as transcripts have it; None where that is somebody else. `names`: of the
    speaker, in lower case."""
    match = _LABEL.match(text)
    if match is None:
        return text
    label = match[1].lower()
    if label in _FIELDS:
        return f"My {label} is {text[match.end() :]}"
    own = label in _SELF or label in _NO_SPEAKERS or (names and all(word in names for word in label.split()))
    return text[match.end() :] if own else None


def stripped(text: str, names: Collection[str]) -> str:
    """The text without its openings and closings. `names`: of those who speak with one another, in lower case."""
    if (greeted := _GREETED.match(text)) and greeted[1].lower() not in ("i", "my", "we", "the"):
        known = greeted[1].lower() in names or greeted[0].rstrip()[-1] in ",!."
        text = text[greeted.end() :] if known else text
    for _ in range(MOST):
        shorter = _without_name(text, names)
        if match := _OPENING.match(shorter):
            shorter = shorter[match.end() :]
        if shorter == text:
            break
        text = shorter
    return _without_closing(text, names)


def with_subject(text: str) -> str:
    """ "Moved to Leeds", as it is written in short messages, is said of who writes."""
    lead = _ADVERB.match(text)
    rest = text[lead.end() :] if lead else text
    first, _, after = rest.partition(" ")
    word = first.lower()
    if not after:
        return text
    if word in _LACKS_I:
        return f"I {_lowered(text)}"
    if _GOING_ON.match(text) and not _FINITE.search(text):
        return f"I am {_lowered(text)}"
    if word in _OUGHT_TO_SAY_I or (is_past(word) and word not in _NOT_SUBJECTLESS and _has_object(after)):
        return f"I {_lowered(text)}"
    return text


def _has_object(after: str) -> bool:
    """ "Loved the room", not "Fried chicken" or "Delayed again"."""
    return after.split()[0].lower() in _OBJECTS


_OBJECTS = word_set(
    "the a an my our to in on at it this that for from with into by up down out off back two three some all your "
    "you about me us yesterday today last another"
)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _without_name(text: str, names: Collection[str]) -> str:
    first, _, rest = text.partition(" ")
    bare = first.rstrip(",!.:")
    return rest.strip() if bare != first and bare.lower() in names else text


def _without_closing(text: str, names: Collection[str]) -> str:
    for _ in range(2):
        text = text.rstrip()
        words = text.rsplit(",", 1)
        if len(words) == 2 and words[1].strip(" .!?").lower() in names:
            text = words[0] + text[len(text.rstrip(".!?")) :]
        if (match := _CLOSING.search(text, max(0, len(text) - 40))) and match.start() > 0:
            text = text[: match.start()]
    return text


def is_only_polite(bare: str) -> bool:
    """Of a remark that was stripped: nothing is left that could be an answer."""
    return (
        not bare.strip(" .!,")
        or re.match(r"(?:thanks?|sorry|that's|it's (?:ok|okay|fine)|wow)\b", bare, re.IGNORECASE) is not None
    )


def is_sentence(bare: str) -> bool:
    """Whether it has a verb that says what is so, as far as forms tell."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", bare)]
    if "i" in words or "we" in words or any("'" in word and not word.endswith("'s") for word in words):
        return True
    return any(word in AUXILIARIES or is_past(word) for word in words[:SENTENCE])


def lacks_subject(text: str) -> bool:
    """An order, or a sentence of which the subject can't be told."""
    first, _, rest = text.lower().partition(" ")
    second = rest.split(" ", 1)[0]
    if first in BASE and (second[:1].isdigit() or second in AUXILIARIES or second in NEGATED or is_past(second)):
        return False  # "order 5521 is late"
    return first in BASE or first in ("let", "let's", "lets") or first in AUXILIARIES or first in NEGATED
