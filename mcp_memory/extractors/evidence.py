"""Pure: whether messages say what a model makes of them.

Names and numbers must all be there, and of the other telling words all but a few. A sentence that denies is no evidence
for one that does not, nor the other way round. Words that only report, as "asked", need no evidence. To refuse too much
is the lesser fault: what is left out is no loss, what is told wrong is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

from mcp_memory import text as texts
from mcp_memory.extraction import days, remarks
from mcp_memory.extractors.model import LONGEST_MESSAGE
from mcp_memory.model import Communication
from mcp_memory.statements import wording

UNSAID: Final = 4  # of so many telling words one may be another than was said: below, none
SUMMED_UP: Final = 3  # in a summary
SHORTEST_ROOT: Final = 5  # letters that two forms of one word share
SHORTEST_TAIL: Final = 7  # digits of a phone number by which it is known with a country and without

_REPORTING_WORDS: Final = """
    agent caller representative support service team company person he him she they ask asked asking request requested
    report reported reporting say tell told state stated explain explained inform informed promise promised agree agreed
    confirm confirmed plan planned planning intend want wanted need needed prefer preferred use used using have own live
    lives work works know feel believe think problem issue experience experiencing unable date dated conversation call
    called name named answer answered answering one something regarding because due
"""
_DENIES = r"n't\b|\b(?:not|never|neither|nor|nobody|cannot|no longer|hat(?:e|es|ed)|dislik\w+|no\b(?!,))\b"
_STRONGLY = re.compile(_DENIES, re.IGNORECASE)
_SOMEHOW = re.compile(  # by a word which may stand for a denial in another wording
    _DENIES + r"|\b(?:no|none|nothing|nope|nah|without|unable|fail\w*|avoid\w*|stop\w*|refus\w+|declin\w+|cancel\w*|"
    r"quit|lack\w*|miss\w*|broken?|wrong|problems?|issues?|trouble|lost|anymore|instead|except|un\w+able)\b",
    re.IGNORECASE,
)
_SAYS_NO = re.compile(r"\W*(?:no|nope|nah|not)\b", re.IGNORECASE)
_ASKED = re.compile(r"\b(?:ask|request|want|inquir|enquir|question|wonder)\w*", re.IGNORECASE)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)(?:T[\d:.]+Z?)?")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ ().,\u00a0-]{1,3}(?=\d)")
_JOINTS = re.compile(r"(?<=\w)[-/_](?=\w)|(?<=\d)(?=[ap]m\b)")
_DIGITS = re.compile(r"\d+")
_DATE = re.compile(rf"\b\d{{1,2}} (?:{wording.MONTH}) \d{{4}}\b", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"\b({wording.MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b", re.IGNORECASE)
_QUOTES = str.maketrans("\u2019\u2018\u02bc\u201c\u201d\u00a0", "'''\"\" ")
_COUNTED = dict(
    zip(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        map(str, range(13)),
        strict=True,
    )
)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """Of a message, with its days as dates, too. `said`: as it was said, with the answer if it asks and has one."""

    said: str
    asks: bool
    answered: bool = False
    message: Communication
    stems: frozenset[str]


class Evidence:
    """What some messages say."""

    def __init__(self, messages: Sequence[Communication], names: Iterable[str] = ()) -> None:
        """`names`: of those who take part, which need not be in what they say."""
        self._messages, self._names = messages, " ".join(names)

    @cached_property
    def sentences(self) -> list[Sentence]:
        read = [list(_sentences(message)) for message in self._messages]
        for place, told in enumerate(read[:-1]):
            answer = read[place + 1][0] if read[place + 1] else None
            if told and told[-1].asks and answer and answer.message.role != told[-1].message.role:
                told[-1] = _answered(told[-1], answer)
        return [one for told in read for one in told]

    @cached_property
    def _said(self) -> str:
        told = (days.absolute(one.said, one.message.occurred_at.date()) for one in self.sentences)
        return "\n".join((*(_plain(one.content) for one in self._messages), *told, self._names))

    @cached_property
    def _text(self) -> str:
        """With when it was said."""
        return "\n".join((self._said, *(days.with_weekday(one.occurred_at.date()) for one in self._messages)))

    @cached_property
    def _stems(self) -> frozenset[str]:
        return _stems(self._text)

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(one[:length] for one in self._stems for length in range(SHORTEST_ROOT, len(one)))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset(_numbers(self._said))

    @cached_property
    def _dates(self) -> frozenset[str]:
        return frozenset(_dates(self._text))

    def lacks(self, content: str, one_of: int = UNSAID) -> str | None:
        """What of it is not there, in words that say nothing of it; None: it is all there."""
        content = _ISO_DATE.sub(_shown, _plain(content))
        if not self._dates.issuperset(_dates(content)):
            return "a date"
        undated = _DATE.sub(" ", content)
        if not all(map(self._has_number, _joined_numbers(undated))):
            return "a number"
        if not self._stems.issuperset(_named(undated)):
            return "a name"
        telling = _stems(undated) - _REPORTING
        unsaid = sum(not self._has(one) for one in telling)
        if unsaid > len(telling) // one_of:
            return "words"
        return None if telling or _joined_numbers(undated) else "anything that tells something"

    def nearest(self, content: str) -> Sentence | None:
        """The sentence that has most of its words, of several the first."""
        telling = _stems(content) - _REPORTING
        found = max(self.sentences, key=lambda one: len(one.stems & telling), default=None)
        return found if found is not None and found.stems & telling else None

    def _has(self, stem: str) -> bool:
        """In this form, or in another of the same word."""
        if stem in self._stems or stem in self._beginnings:
            return True
        return any(stem[:length] in self._stems for length in range(SHORTEST_ROOT, len(stem)))

    def _has_number(self, number: str) -> bool:
        parts = _DIGITS.findall(number)
        joined = "".join(parts)
        if joined in self._numbers or all(one in self._numbers for one in parts):
            return True
        return len(joined) >= SHORTEST_TAIL and any(
            len(one) >= SHORTEST_TAIL and (one.endswith(joined) or joined.endswith(one)) for one in self._numbers
        )


def contradicts(content: str, sentence: Sentence) -> bool:
    """Whether one of them denies and the other does not, or it was only asked."""
    content, said = _plain(content), _plain(sentence.said)
    if sentence.asks and not sentence.answered and not _ASKED.search(content):
        return True
    if _STRONGLY.search(said) or (sentence.answered and _SAYS_NO.match(said.rpartition("?")[2])):
        return _SOMEHOW.search(content) is None
    return _STRONGLY.search(content) is not None and _SOMEHOW.search(said) is None


def _answered(question: Sentence, answer: Sentence) -> Sentence:
    said = f"{question.said.rstrip('?')}? {answer.said}"
    return replace(question, said=said, answered=True, stems=question.stems | answer.stems)


def _sentences(message: Communication) -> Iterator[Sentence]:
    for turn in remarks.turns([replace(message, content=message.content[:LONGEST_MESSAGE])]):
        for one in turn.remarks:
            dated = days.absolute(one.text, message.occurred_at.date())
            yield Sentence(said=one.text, asks=one.asks, message=message, stems=_stems(f"{one.text} {dated}"))


def _stems(text: str) -> frozenset[str]:
    found = (one for one in wording.stems(wording.plain(_apart(text))) if not one[0].isdigit() and one not in _COUNTED)
    return frozenset(map(_root, found))


def _named(text: str) -> frozenset[str]:
    found = (one for one in wording.named(_apart(text)) if len(one) > 1 and not any(map(str.isdigit, one)))
    return frozenset(map(_root, found)) - _REPORTING


def _root(stem: str) -> str:
    """As "move" and "moved" have it."""
    return stem.removesuffix("e") if len(stem) > 3 else stem


def _apart(text: str) -> str:
    return _JOINTS.sub(" ", text)


def _numbers(text: str) -> Iterator[str]:
    """As they are, and without what stands between their digits."""
    yield from _DIGITS.findall(text)
    yield from _DIGITS.findall(_BETWEEN_DIGITS.sub("", text))
    yield from (_COUNTED[one] for one in re.findall(r"[a-z]+", text.lower()) if one in _COUNTED)


def _dates(text: str) -> Iterator[str]:
    """In one spelling."""
    yield from (one.lower() for one in _DATE.findall(_ISO_DATE.sub(_shown, text)))
    yield from (f"{day} {month} {year}".lower() for month, day, year in _MONTH_FIRST.findall(text))


def _joined_numbers(text: str) -> list[str]:
    """Each with what stands between its digits. "One" counts nothing."""
    spelled = [_COUNTED[one] for one in re.findall(r"[a-z]+", text.lower()) if one in _COUNTED and one != "one"]
    return [*re.findall(r"\d+(?:[ ().,\u00a0-]{1,3}\d+){0,8}", text), *spelled]


def _plain(text: str) -> str:
    return texts.clean(text[:LONGEST_MESSAGE]).translate(_QUOTES)


def _shown(match: re.Match[str]) -> str:
    try:
        return days.shown(date(int(match[1]), int(match[2]), int(match[3])))
    except ValueError:
        return match[0]


_REPORTING: Final = frozenset(map(_root, wording.stem_set(_REPORTING_WORDS))) - {wording.stem("call")}
