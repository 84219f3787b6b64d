"""Pure: what the sentences of a text claim: an attribute, whose, its value, and whether it is so now."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from mcp_memory.statements import frames, values
from mcp_memory.statements.attributes import (
    FILLING,
    NOUNS,
    ONE_AT_A_TIME,
    OTHER_PLANS,
    SAYS_NOTHING,
    SITES,
    WHERE_TO,
    attribute,
    topic,
)
from mcp_memory.statements.wording import BEGINS, DENIAL, DOUBT, FORMER, FUTURE, spoken, stem, stem_set, stems

MOST_NOUNS = 5  # words of a noun phrase that names an attribute
MOST_MATCHES = 6  # of a wording in a sentence; no sentence says more, but it may be made to cost time
MOST_NAMES = 3  # of a person
MOST_VALUES = 12  # words of a value that count


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Words are stems. `known`: the attribute is one that has one value at a time. `past`, `negated`: by its own words
    it is not so now."""

    attribute: str
    subject: frozenset[str]
    value: frozenset[str]
    known: bool
    tentative: bool
    past: bool
    negated: bool

    @property
    def current(self) -> bool:
        return not (self.tentative or self.past or self.negated)


_SENTENCE = re.compile(r"(?<=[a-z0-9)\"'][a-z0-9)\"'][.;!?]) +|\n+", re.IGNORECASE)
_BREAK = re.compile(
    r"[,;:(] |\s[-\u2013\u2014]\s|\b(?:and|but|while|because|so|since|that|although|who|which|when|where|if|says?|said|"
    r"wrote|writes|confirm(?:s|ed)|mention(?:s|ed)|explain(?:s|ed)|reports|announced|notes?|noted|told us|informed us|"
    r"agreed|insists|to say)\b",
    re.IGNORECASE,
)
_VALUE_END = re.compile(
    r"[.;!?](?: |$)|\n| [(\u2013\u2014]|,? (?:but|so|because|since|after that|instead|rather than|over|than|as of|"
    r"as from|effective|starting|until|from (?:now|today|this|next|\w+day|\w+ on)|"
    r"and (?:no longer|now|can|will|he|she|they|is|has|wants|prefers|works|lives|moved))\b|$",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"\bbut\b|;", re.IGNORECASE)
_PREPOSITION = re.compile(r" (?:(?:of|for|at|in|on|from|with|by) |(?=to ))", re.IGNORECASE)
_PLACED = re.compile(r"\s*(?:in|at|for|on|from) ((?-i:[A-Z][\w-]*(?: [A-Z][\w-]*){0,2}))\b,? ", re.IGNORECASE)
_NAME = re.compile(r"(?:^|(?<= ))[A-Z][\w'-]*(?: [A-Z][\w'-]*)+|(?<=\w )[A-Z][\w'-]*")
_OWNER = re.compile(r"([\w-]+)'s (?=\w)")
_FIRST_NAME = re.compile(
    r"\W*(?:the )?([A-Z][\w-]*(?: (?:[A-Z][\w-]*|office|site|warehouse|branch|shop|store|team))?)"
    r"(?='s\b| (?:is|was|has|had|who|left|quit|went|took|became|got|came|gave|[a-z]+(?:s|ed))\b)"
)
_PRONOUN = re.compile(r"\b(?:he|she|his|her|him|it|its)\b", re.IGNORECASE)
_CUSTOMER = re.compile(r"\b(?:customer|client|account|user|they|their|we|our|my|i)\b", re.IGNORECASE)
_CUSTOMER_NUMBER = re.compile(r"\b(?:customer|client|account) (?:number|no)\b", re.IGNORECASE)
_WAS = re.compile(
    r"\b(?<!has )(?<!have )(?:was(?! (?:named|appointed|made)\b)|were|had|lived|worked|working|resided|drove|ate|used)"
    r"\b(?!.* to$)",
    re.IGNORECASE,
)
_IS_ROLE = re.compile(r"(?:is|are|was|were|became|becomes|now)$", re.IGNORECASE)
_NOT_NEXT = re.compile(r",?(?: [a-z]+)? (?:not|no longer|never)\b|.*\bany ?more\b", re.IGNORECASE)

_NOBODY = stem_set(
    "january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday week month year today yesterday morning note update called new "
    "officially permanently apparently former formerly previous previously used old longer stopped cancelled yes "
    "ok okay hi hello fyi good great finally actually general fact start started got found accepted took file "
    "record no"
)
_DATED = stem_set("date deadline meeting appointment delivery order call slot")  # what moves without changing house


def claims(text: str) -> Iterator[Claim]:
    """All that are found, those by verbs first. One text may claim the same twice, in two wordings."""
    for sentence in _SENTENCE.split(text):
        words = spoken(sentence)
        yield from _of_verbs(sentence, words)
        if not frames.PREFERS_SIGNS.isdisjoint(words):
            yield from _of_preferences(sentence)
        if ":" in sentence or not frames.IS_SIGNS.isdisjoint(words):
            yield from _of_nouns(sentence)
        if match := frames.COUNT.search(sentence):
            found = _Found(sentence, match)
            yield found.claim("count:" + stem(match["noun"]), value=frozenset({match["value"].lower()}))


@dataclass(frozen=True)
class _Found:
    """A frame in a sentence."""

    sentence: str
    match: re.Match[str]

    @cached_property
    def before(self) -> list[str]:
        """The pieces of the sentence up to the frame; the last one is what the frame says something of."""
        return _BREAK.split(self.sentence[: self.match.start()])

    @cached_property
    def after(self) -> str:
        rest = self.sentence[self.match.end() :]
        end = _VALUE_END.search(rest)
        return rest[: end.start()] if end else rest

    @cached_property
    def value(self) -> frozenset[str]:
        return frozenset(stems(self.after)[:MOST_VALUES])

    def claim(
        self, key: str, *, value: frozenset[str], subject: frozenset[str] | None = None, known: bool = True
    ) -> Claim:
        piece = self.before[-1]
        earlier = _CONTRAST.split(self.sentence[: self.match.start()])[-1]
        asked = self.sentence.rstrip().endswith("?")
        doubt = asked or DOUBT.search(earlier + self.match[0]) or DOUBT.match(self.after.lstrip())
        later = FUTURE.search(piece + self.match[0]) and not BEGINS.search(self.sentence)
        return Claim(
            attribute=key,
            subject=self.owner() if subject is None else subject,
            value=value,
            known=known,
            tentative=bool(doubt or later),
            past=bool(_WAS.search(self.match[0]) or FORMER.search(piece)),
            negated=bool(DENIAL.search(f"{piece} {self.match[0]}") or _NOT_NEXT.match(self.after)),
        )

    def owner(self) -> frozenset[str]:
        """Whose it is: named just before the frame, or, for a pronoun or nothing, by name earlier in the sentence."""
        piece = self.before[-1]
        owners = {stem(name): f"{stem(name)}'s" for name in _OWNER.findall(piece)}  # Dana's team is not Dana
        told = frozenset(owners.get(one, one) for one in stems(piece)) - _NOBODY - FILLING - SAYS_NOTHING
        if told or _CUSTOMER.search(piece):
            return told
        return self.named_before()

    def named_before(self) -> frozenset[str]:
        """Whom an earlier piece of the sentence begins with."""
        for piece in reversed(self.before[:-1]):
            if name := _FIRST_NAME.match(piece):
                return frozenset(stems(name[1])) - _NOBODY - FILLING
        return frozenset()


def _of_verbs(sentence: str, words: set[str]) -> Iterator[Claim]:
    for frame in frames.FRAMES:
        if frame.signs.isdisjoint(words):
            continue
        for match in islice(frame.pattern.finditer(sentence), MOST_MATCHES):
            found, key = _Found(sentence, match), frame.attribute
            if key == "job" and _IS_ROLE.search(match[0]) and _role_of(sentence, match.end()):
                continue  # "became manager of the Lyon office": of that it says who
            value = found.value
            if key == "plan" and value & OTHER_PLANS:
                key = "plan:" + " ".join(sorted(value & OTHER_PLANS))
            claim = found.claim(key, value=value - SAYS_NOTHING)
            if not claim.subject & (_DATED | NOUNS):
                yield claim


def _role_of(sentence: str, start: int) -> bool:
    said = frames.HOLDER.match(sentence, start)
    return said is not None and said["of"] is not None


def _of_preferences(sentence: str) -> Iterator[Claim]:
    for match in islice(frames.PREFERS.finditer(sentence), MOST_MATCHES):
        found = _Found(sentence, match)
        about = topic([*found.value, *stems(match[0])])
        if about or match["sure"]:
            key = about if about in ("payment", "diet") else f"prefers:{about}" if about else "prefers"
            yield found.claim(key, value=found.value, known=bool(about))


def _of_nouns(sentence: str) -> Iterator[Claim]:
    if (match := frames.SUCCEEDS.search(sentence)) and (successor := _of_successor(_Found(sentence, match))):
        yield successor
        return
    for pattern in (frames.SETS, frames.HAS, frames.HAS_NEW):
        if match := pattern.search(sentence):
            found = _Found(sentence, match)
            yield from _of_phrase(found, match["nouns"], found.owner())
    if (match := frames.WANTS.search(sentence)) and (nouns := stems(match["nouns"])):
        found = _Found(sentence, match)
        yield found.claim("gets:" + " ".join(sorted(nouns)), value=found.value)
    for match in islice(frames.IS.finditer(sentence), MOST_MATCHES):
        found = _Found(sentence, match)
        if match["adverb"] is not None and (holder := _of_holder(found)):
            yield holder
            return
        claimed = list(_of_phrase(found, found.before[-1]))
        if claimed and (not match["colon"] or claimed[0].known):
            yield from claimed
            return


def _of_phrase(found: _Found, phrase: str, whose: frozenset[str] = frozenset()) -> Iterator[Claim]:
    """The claim that what the noun phrase names has the value that follows, if the phrase is short and has a noun."""
    nouns, owner = _nouns(phrase)
    owner |= whose
    if not 0 < len(nouns) <= MOST_NOUNS or len(owner) > MOST_NOUNS:
        return
    key, known = attribute(nouns)
    if key == "phone" and _CUSTOMER_NUMBER.search(phrase):
        key = "is:customer number"
    if "address" in nouns and SITES.intersection(nouns):
        key, owner = "residence", owner | SITES.intersection(nouns)
    alone = phrase.strip()
    if not known and not owner and alone[:1].isupper() and " " not in alone:
        return  # "Maria is ...": no attribute
    if not owner and _PRONOUN.search(phrase):
        owner = found.named_before()
    if (value := found.value - SAYS_NOTHING) and values.fits(key, found.after):
        yield found.claim(key, subject=owner, value=value, known=known)


def _of_holder(found: _Found) -> Claim | None:
    """Of "Tom is our new account manager" the claim of "the account manager is Tom"."""
    said = frames.HOLDER.match(found.sentence, found.match.end())
    if said is None or not (said["the"] or said["of"]):
        return None
    return _of_role(found, said["nouns"], found.sentence[said.end("nouns") :])


def _of_successor(found: _Found) -> Claim | None:
    """Of "Tom has taken over as account manager" the same."""
    placed = _PLACED.match(found.sentence)
    of = found.after if found.match["of"] else placed[1] if placed else ""
    return _of_role(found, found.match["nouns"], of)


def _of_role(found: _Found, role: str, of: str) -> Claim | None:
    piece = found.before[-1].strip()
    holder = frozenset(stems(piece)) - _NOBODY
    nouns, _ = _nouns(role.lower())
    if not nouns or not piece[:1].isupper() or not 0 < len(holder) <= MOST_NAMES:
        return None
    key, known = attribute(nouns)
    if not (known or frames.HELD.search(role)):
        return None
    return found.claim(key, subject=frozenset(stems(of)), value=holder)


def _nouns(phrase: str) -> tuple[list[str], frozenset[str]]:
    """The nouns that name an attribute; and whose it is: possessors, names, and what follows "of", "for", "in"."""
    owner: set[str] = set()
    if placed := _PLACED.match(phrase):
        owner.update(stems(placed[1]))
        phrase = phrase[placed.end() :]
    left, *right = _PREPOSITION.split(f" {phrase.strip()} ", maxsplit=1)
    if left.strip().lower().endswith("point") and right:  # "point of contact"
        left, right = right[0], []
    if right and not right[0].startswith("to "):  # "the number to reach her"
        owner.update(stems(right[0]))
    names = set(stems(" ".join(_NAME.findall(left.strip())))) - ONE_AT_A_TIME - FILLING - WHERE_TO
    names.update(stems(" ".join(_OWNER.findall(left))))
    nouns = [one for one in stems(left) if one not in names and one not in _NOBODY]
    return nouns, frozenset(owner | names) - _NOBODY
