"""Pure: a conversation as remarks: its messages in order, each once, as sentences that can be read.

Of an enormous conversation every message is read to the same length, so that reading all of it takes seconds.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_memory import text as texts
from mcp_memory.extraction.words import pattern
from mcp_memory.model import Communication

MAX_MESSAGES = 10_000  # the latest of them
MAX_READ = 600_000  # characters of a conversation; some seconds
MAX_REMARKS = 80  # of a message
SHORTEST, LONGEST = 2, 400  # characters of a remark; a longer one says many things at once, and none that can be told
UNBROKEN = 160  # characters: a longer sentence is broken where speech goes on with another thought

_STRAIGHT = str.maketrans("\u2019\u2018\u02bc\u201c\u201d\u201e\u00ab\u00bb\u00a0", '\'\'\'""""" ')
_PICTURES = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\u200c\u200d\ufe0e\ufe0f]+")
_SHARED = re.compile(
    r"\[(?:shared |sent )?(?P<what>image|photo|picture|video|file|attachment|"
    r"document)s?: (?P<caption>[^\]\n]{3,200})\]",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\[[^\]\n]{0,200}\]")
_FORWARDED = re.compile(
    r"^(?:>.*|-{2,} ?(?:original|forwarded) message.*|(?:on|am) [^\n]{0,120} (?:wrote|schrieb):|from: .*|sent: .*|"
    r"to: .*|"
    r"subject: .*|sent from my .*|-- ?)$",
    re.IGNORECASE | re.MULTILINE,
)
_HISTORY = re.compile(  # of a mail, below the answer and without marks
    r"^(?:on [^\n]{5,120} wrote:|-{2,} ?(?:original|forwarded) message[^\n]*|from: [^\n]{1,200}\n(?:sent|date|"
    r"to): [^\n]*)\n+(?!\s*>)",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(r'"[^"\n]{0,300}"')
_END = re.compile(r"(?:[.!?]+[\"')]?(?=\s|$)|\n+|;(?= )|\u2026)")
_ABBREVIATED = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|nr|vs|approx|e\.g|i\.e|etc|inc|ltd|co|jr|sr|dept|ext|a\.m|p\.m|\w\.\w)|^\w)\.$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"[, ]+(?=(?:and (?:then|now|so|i|we|my|it|also)|but|so (?:i|we|now|can|could)|because|then i|anyway|also)\b)",
    re.IGNORECASE,
)
_ASKS_TOO = pattern(
    r"""
    [,~]+(?=(?:(?:so|and|but)~)?(?:can|could|would|will)~(?:you|i|we|someone)\b|(?:any~idea|what~(?:can|should|do)~i|
    how~(?:do|can|long)|is~there~(?:a|any)|pls~help|please~help|please~advise|thanks|thank~you|thx|cheers)\b)|
    ,~+(?=(?:is|was)~(?:that|this|it)\b|(?:do|does|did)~(?:you|that|it|this)\b|why~|where~(?:is|are)\b|when~(?:will|can)\b)
    """
)
_ASKS = pattern(
    r"""
    (?:(?:what|which|where|when|why|who|whose|how)(?:'s|'re|'d|\b)(?!~(?:a|an)~)|(?:do|does|did|is|are|was|were|
    have|has|can|could|would|will|shall|should|may|might|isn't|aren't|don't|doesn't|didn't|won't|can't|couldn't|
    haven't)~(?:i|we|you|he|she|it|they|there|this|that|these|the|your|my|our|any|anyone|someone)\b)
    """
)
_CHAT = {
    "im": "I'm",
    "ive": "I've",
    "dont": "don't",
    "cant": "can't",
    "wont": "won't",
    "didnt": "didn't",
    "doesnt": "doesn't",
    "isnt": "isn't",
    "wasnt": "wasn't",
    "havent": "haven't",
    "hasnt": "hasn't",
    "couldnt": "couldn't",
    "wouldnt": "wouldn't",
    "thats": "that's",
    "whats": "what's",
    "theres": "there's",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "tmrw": "tomorrow",
    "tmr": "tomorrow",
    "tomo": "tomorrow",
    "wanna": "want to",
    "gonna": "going to",
    "gotta": "have to",
    "cos": "because",
    "cuz": "because",
    "bc": "because",
    "w/": "with",
    "yest": "yesterday",
    "i": "I",
    "i'm": "I'm",
    "i've": "I've",
    "i'll": "I'll",
    "i'd": "I'd",
}
_CHATTED = re.compile(rf"(?<![\w'.@-])(?:{'|'.join(map(re.escape, _CHAT))})(?![\w'@-])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A sentence. `shared`: what its message shows, by its caption."""

    text: str
    asks: bool
    message: Communication
    shared: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A message, and what is said in it."""

    message: Communication
    remarks: Sequence[Remark]

    @property
    def question(self) -> str | None:
        """That it ends with."""
        last = self.remarks[-1] if self.remarks else None
        return last.text if last is not None and last.asks else None


def turns(messages: Iterable[Communication]) -> Iterator[Turn]:
    """By the time they were sent, each message once, whatever the order they come in."""
    ordered = _ordered(messages)[-MAX_MESSAGES:]
    limit = share([len(one.content) for one in ordered], MAX_READ)
    for message in ordered:
        yield Turn(message=message, remarks=tuple(_remarks(message, limit)))


def share(lengths: Sequence[int], budget: int) -> int:
    """How much of each may be read, that all together are within the budget: the short ones whole."""
    left = budget
    for place, length in enumerate(ordered := sorted(lengths)):
        each = left // (len(ordered) - place)
        if length > each:
            return each
        left -= length
    return budget


def _ordered(messages: Iterable[Communication]) -> list[Communication]:
    known: dict[tuple[str, ...], Communication] = {}
    for one in sorted(messages, key=_moment):  # those of one moment as they are given: ids do not say which was first
        known.setdefault((one.id,), one)
    said: dict[tuple[object, ...], Communication] = {}
    for one in known.values():
        said.setdefault((one.occurred_at, one.role, one.author, one.content), one)
    return list(said.values())


def _moment(one: Communication) -> tuple[datetime, datetime]:
    return one.occurred_at, one.created_at


def _remarks(message: Communication, limit: int) -> Iterator[Remark]:
    read, shared = _plain(message.content[:limit])
    whole = len(message.content) <= limit
    sentences = list(_sentences(read))
    if not whole and len(sentences) > 1:
        sentences.pop()  # cut off in its middle
    count = 0
    for sentence in sentences:
        for asked in _parts(sentence):
            if SHORTEST <= len(asked) <= LONGEST and count < MAX_REMARKS:
                count += 1
                asks = asked.rstrip(" \"')!").endswith("?") or (asked[-1] not in ".!" and bool(_ASKS.match(asked)))
                yield Remark(text=asked, asks=asks, message=message, shared=shared)


def _plain(content: str) -> tuple[str, str]:
    text = texts.clean(content).translate(_STRAIGHT)
    if history := _HISTORY.search(text):
        text = text[: history.start()]
    found = _SHARED.search(text)
    text = _FORWARDED.sub("\n", _BRACKETS.sub(" ", text))
    text = _CHATTED.sub(lambda match: _CHAT[match[0].lower()], _PICTURES.sub(" ", text))
    return text, f"{found['what'].lower()}: {found['caption'].strip()}" if found else ""


def _sentences(text: str) -> Iterator[str]:
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    start, quote = 0, 0
    for end in _END.finditer(text):
        while quote < len(quoted) and quoted[quote][1] <= end.start():
            quote += 1
        inside = quote < len(quoted) and quoted[quote][0] < end.start() and end.end() < quoted[quote][1]
        if inside or _ABBREVIATED.search(text[max(start, end.start() - 8) : end.end()]):
            continue
        yield " ".join(text[start : end.end()].rstrip(";\n").split())
        start = end.end()
    if rest := " ".join(text[start:].split()):
        yield rest


def _parts(sentence: str) -> Iterator[str]:
    """A question at the end of a statement is a remark of its own, and so is each thought of who never stops."""
    if '"' in sentence:
        yield sentence
        return
    asked = _ASKS_TOO.search(sentence, min(12, len(sentence)))
    head, tail = (sentence[: asked.start()], sentence[asked.end() :]) if asked else (sentence, "")
    if len(head) > UNBROKEN:
        yield from (part for part in _GOES_ON.split(head) if part)
    else:
        yield head
    if tail:
        yield tail
