"""Pure: what a text says is so, as far as its wording tells; and which of two statements holds now.

The laws: a statement replaces an earlier one about the same attribute of the same subject. What is asked, planned,
wished, denied or past replaces no value. Without an attribute in words that are known here, a statement replaces one
that is much like it, if it says that something has become so. Events replace nothing. Nothing is reordered where the
question asks for the past, and what it asks for by its value keeps its place.

English only, and of a long text nothing is said.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache

from mcp_memory.statements import attributes, wording
from mcp_memory.statements.claims import claims

NOUN_PHRASE = "is:"  # begins the key of an attribute that is known by its words alone
LONGEST = 600  # characters; what is longer says many things at once

LIKE = 0.45  # of two texts in free wording, one replaces the other if they are that near,
LESS = 0.1  # or less by that, if the newer one has all the words of the question that the older one has
LIKE_BY_NAME = 0.7  # short texts that name the same person are near each other, whatever they say
LIKE_EVENT = 0.65  # "bought a new laptop" after "the laptop is ...", but not after another purchase
LIKE_UNNAMED = 0.5  # one names somebody, the other nobody
LIKE_UNKNOWN = 0.75  # "the sofa is ...": its colour, or its state
BRIEF = 8  # words that tell something: most of the vector is the name
SHORT = 10  # words that tell something: a longer text says more than the attribute that was found in it
REACH = 10  # of free wordings, only those count that answer the question best
REPEATED = 0.6  # of the words of a denial, how many a statement must have to be the one that it denies


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one text says. Words are stems, in lower case.

    `subject` is whose it is: a person, a site; empty for the customer. `attribute` is None where the wording is free;
    `known` says that it has one value at a time. `value` holds the words of its value, `named` the names and numbers of
    the text, `first` its first word, which may be a name, `words` all that tell something. `change`: says that it has
    become so. `past`, `negated`: it is not so now, by its own words. `event`: says what happened once.
    """

    subject: frozenset[str] = frozenset()
    attribute: str | None = None
    known: bool = False
    value: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    first: frozenset[str] = frozenset()
    change: bool = False
    tentative: bool = False
    past: bool = False
    negated: bool = False
    event: bool = False

    @property
    def current(self) -> bool:
        return not (self.tentative or self.past or self.negated or self.event)

    def same_attribute(self, other: "Statement") -> bool:
        if not (self.known and other.known and self.attribute and other.attribute):
            return False
        return self.attribute == other.attribute or self.same_noun_phrase(other)

    def same_noun_phrase(self, other: "Statement") -> bool:
        """Whether "X of Y" is the one's attribute, and "Y X" the other's, all in the same words."""
        both = [{*(one.attribute or "").removeprefix(NOUN_PHRASE).split(), *one.subject} for one in (self, other)]
        generic = all((one.attribute or "").startswith(NOUN_PHRASE) and one.known for one in (self, other))
        return generic and both[0] == both[1]


_STRONG_PAST = re.compile(
    r"\b(?:before(?! (?:noon|\d|the weekend|nine|ten|eight))|previous(?:ly)?|former(?:ly)?|earlier|used to|"
    r"original(?:ly)?|back then|history|until|so far|no longer|prior|in (?:19|20)\d\d|at first|"
    r"(?:was|were) (?:the|her|his|their) first|ever)\b",
    re.IGNORECASE,
)
_WEAK_PAST = re.compile(r"\b(?:past|old|(?:19|20)\d\d)\b(?! name)", re.IGNORECASE)
_HAPPENED = re.compile(r"\b(?:did|was|were|had|first)\b", re.IGNORECASE)
_PRESENT = re.compile(r"\b(?:now|current(?:ly)?|these days|nowadays|today|at present|how old)\b", re.IGNORECASE)
_WORK = frozenset({"job", "employer"})
_FORMERLY = re.compile(r"\b(?:used to|formerly|previously|back then)\b", re.IGNORECASE)
_LEAD = re.compile(r"([A-Z][a-z][\w-]*(?: [A-Z][\w'-]*)?)(?:'s\b| (?:now |no longer )?(?:is|was|has|\w{2,}s)\b)")


@lru_cache(maxsize=4_096)  # reading takes 0.1 ms; about 8 MB
def read(text: str) -> Statement:
    """Of several things said, the first that is so now."""
    if len(text) > LONGEST:
        return Statement()
    text = wording.plain(text)
    words = frozenset(wording.stems(text))
    change = wording.says_change(text, wording.spoken(text))
    named = wording.named(text)
    said = Statement(words=words, named=named, first=frozenset(wording.stems(text.split(" ", 1)[0])), change=change)
    best = min(claims(text), key=lambda one: (not one.known, not one.current), default=None)
    if best is None or (not best.known and wording.EVENT.match(text)):
        return _free(text, said)
    return replace(
        said,
        subject=best.subject,
        attribute=best.attribute,
        known=best.known,
        value=best.value,
        tentative=best.tentative,
        past=best.past and (best.known or not change),
        negated=best.negated,
    )


def _free(text: str, said: Statement) -> Statement:
    """By signs anywhere in the text."""
    lead = _LEAD.match(text)
    subject = frozenset(wording.stems(lead[1])) if lead else frozenset[str]()
    later = wording.FUTURE.search(text) and not wording.BEGINS.search(text)
    return replace(
        said,
        subject=subject,
        named=said.named | subject,
        tentative=bool(wording.DOUBT.search(text) or later),
        past=bool(_FORMERLY.search(text)) and not said.change,
        negated=bool(wording.DENIAL.search(text)) and "," not in text,  # with a comma, it also says what is so instead
        event=wording.EVENT.match(text) is not None,
    )


def asks_for_the_past(question: str) -> bool:
    """Then the latest is not what is asked for."""
    if _STRONG_PAST.search(question):
        return True
    return bool(_WEAK_PAST.search(question)) and not _PRESENT.search(question)


def asks_what_happened(question: str) -> bool:
    """Then an attribute that is named has its latest value still, but of events the latest is not the one."""
    return bool(_HAPPENED.search(question)) and not _PRESENT.search(question)


def supersedes(newer: Statement, older: Statement, likeness: float, asked: frozenset[str] = frozenset()) -> bool:
    """Whether the later of two statements makes the other one outdated, for who asks with these stems.

    `likeness`: the cosine of the texts' vectors after the profile's mean was taken from both.
    """
    if newer.tentative or newer.past or _asks_for(older, newer, asked):
        return False
    if newer.negated:
        return _denies(newer, older, likeness)
    if newer.attribute and newer.attribute == older.attribute:
        return _replaces(newer, older, likeness)
    if newer.same_noun_phrase(older):
        return True
    if older.attribute in newer.subject and not newer.value:  # "email is broken": not what it is
        return False
    if newer.known and older.known and len(newer.words) <= SHORT and not _may_be_one(newer, older):
        return False
    return (
        newer.change and bool(older.words) and likeness >= _enough(newer, older, asked) and not _of_others(newer, older)
    )


def current_first(
    order: Sequence[int],
    question: str,
    statements: Mapping[int, Statement] | Sequence[Statement],
    at: Mapping[int, int] | Sequence[int],
    likeness: Callable[[int, int], float],
) -> list[int]:
    """The same items: each just below those that supersede it, the latest of them first, else in the order given.

    `order`: some tens of items, best first, none twice: all pairs are compared. Doing it again changes nothing.
    """
    return settled(order, question, statements, at, likeness)[0]


def settled(
    order: Sequence[int],
    question: str,
    statements: Mapping[int, Statement] | Sequence[Statement],
    at: Mapping[int, int] | Sequence[int],
    likeness: Callable[[int, int], float],
) -> tuple[list[int], dict[int, int]]:
    """As `current_first`; and for each item that is superseded, the first that supersedes it."""
    if asks_for_the_past(question):
        return list(order), {}
    asked = frozenset(wording.stems(wording.plain(question)))
    since = {item: _since(item, order, statements, at) for item in order}

    def holds_over(other: int, item: int) -> bool:
        return since[other] > since[item] and supersedes(
            statements[other], statements[item], likeness(other, item), asked
        )

    def by_attribute(other: int, item: int) -> bool:
        return statements[other].same_attribute(statements[item]) and holds_over(other, item)

    def latest_first(item: int) -> tuple[int, int]:
        return -since[item][0], -since[item][1]

    reach = 0 if asks_what_happened(question) else REACH
    attributed = {item for item in order if statements[item].known and statements[item].attribute}
    known = _arranged(order, attributed, by_attribute, latest_first)
    arranged = _arranged(known[:reach], set(known[:reach]), holds_over, latest_first) + known[reach:]
    outdated = {}
    for place, item in enumerate(arranged):
        among, above = (arranged[:reach], holds_over) if place < reach else (attributed, by_attribute)
        by = next(
            (other for other in arranged[:place] if item in among and other in among and above(other, item)), None
        )
        if by is not None:
            outdated[item] = by
    return arranged, outdated


def _arranged(
    order: Sequence[int],
    among: Set[int],
    above: Callable[[int, int], bool],
    latest_first: Callable[[int], tuple[int, int]],
) -> list[int]:
    """Each item just below those that are to be above it, else as given. Only those `among` are compared."""
    placed: dict[int, None] = {}

    def place(item: int) -> None:
        if item not in placed:
            others = among if item in among else ()
            for other in sorted((other for other in order if other in others and above(other, item)), key=latest_first):
                place(other)
            placed[item] = None

    for item in order:
        place(item)
    return list(placed)


def _since(
    item: int,
    order: Sequence[int],
    statements: Mapping[int, Statement] | Sequence[Statement],
    at: Mapping[int, int] | Sequence[int],
) -> tuple[int, int]:
    """By what a statement is ordered in time. A denial that does not touch the value that was current is as old as
    that, and a little older: it must not stand above it."""
    denial = statements[item]
    if not (denial.negated and denial.known):
        return at[item], 1
    before = [
        other
        for other in order
        if at[other] < at[item]
        and statements[other].current
        and statements[other].same_attribute(denial)
        and attributes.same_subject(statements[other].subject, denial.subject)
    ]
    last = max(before, key=lambda other: at[other], default=None)
    if last is None or statements[last].value & denial.value:
        return at[item], 1
    return at[last], 0


def _asks_for(older: Statement, newer: Statement, asked: frozenset[str]) -> bool:
    """Whether the question names the older one's value, or names what only the older one is about."""
    if any(_is_id(one) for one in asked - newer.words):
        return True
    if older.known and newer.known:
        asked_value = asked - attributes.ASKED_OF_ANY
        return bool(asked_value & (older.value - newer.words)) and not asked_value & (newer.value - older.words)
    named = asked & older.named
    numbers = {one for one in named if any(letter.isdigit() for letter in one)}
    return bool(numbers - newer.words) or (bool(named) and not asked & (older.named | older.first) & newer.words)


def _may_be_one(newer: Statement, older: Statement) -> bool:
    """Whether two keys may stand for one attribute: noun phrases without a common word, as "discount" and
    "reduction", and what is said of somebody's work."""
    one, other = newer.attribute or "", older.attribute or ""
    nouns = [key.startswith("is:") for key in (one, other)]
    if {one, other} <= _WORK or ("job" in (one, other) and any(nouns)):
        return True
    return all(nouns) and not ({*one[3:].split(), *newer.subject} & {*other[3:].split(), *older.subject})


def _enough(newer: Statement, older: Statement, asked: frozenset[str]) -> float:
    """How much alike two texts must be for the newer one to replace the other, if no attribute tells."""
    if newer.event:
        return float("inf") if older.event else LIKE_EVENT
    asked_of_older = asked & older.words
    kept = len(asked_of_older & newer.words) / max(len(asked_of_older), 1)
    return LIKE_BY_NAME if _only_names_in_common(newer, older) else LIKE - LESS * kept


def _only_names_in_common(newer: Statement, older: Statement) -> bool:
    common = newer.words & older.words
    names = newer.named | newer.first | older.named | older.first
    return len(common) >= 2 and common <= names and len(newer.words) <= BRIEF


def _is_id(word: str) -> bool:
    return "@" in word or sum(letter.isdigit() for letter in word) >= 4


def _denies(newer: Statement, older: Statement, likeness: float) -> bool:
    if newer.known:
        same = newer.attribute == older.attribute and attributes.same_subject(newer.subject, older.subject)
        return bool(same) and not older.negated and bool(newer.value & older.value)
    denied = len(newer.words & older.words) >= REPEATED * max(len(newer.words), 1)
    return likeness >= LIKE and denied and not _of_others(newer, older)


def _replaces(newer: Statement, older: Statement, likeness: float) -> bool:
    same = attributes.same_subject(newer.subject, older.subject)
    if same is None:
        same = likeness >= LIKE_UNNAMED
    return same and (newer.known or likeness >= (LIKE if newer.change else LIKE_UNKNOWN))


def _of_others(newer: Statement, older: Statement) -> bool:
    """Whether each is about somebody of whom the other says nothing."""
    return bool(newer.subject and older.subject) and not (newer.subject & older.words or older.subject & newer.words)
