"""Pure: how a new statement stands to one that is known, whenever either was said.

The wording decides. How alike two texts are only confirms what the wording suggests.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from mcp_memory.reconciliation import numbers
from mcp_memory.reconciliation.readings import Reading
from mcp_memory.reconciliation.wording import (
    DENIED_ELSEWHERE,
    PREPOSITIONS,
    beside_time,
    form_set,
    in_one_form,
    without_vagueness,
)
from mcp_memory.statements import LIKE, LIKE_UNKNOWN, NOUN_PHRASE
from mcp_memory.statements.attributes import FILLING, RELATED, SAYS_NOTHING, same_subject
from mcp_memory.statements.claims import Claim

Relation = Literal[
    "same_statement",
    "more_specific",
    "less_specific",
    "same_attribute",
    "negation",
    "part_of_more",
    "come_true",
    "separate_event",
    "without_substance",
]

MORE = 3  # words beside its attribute that a statement may lose by being replaced
MUCH = 6  # words, those of its attribute among them
SLOT = 3  # words
LIKE_IN_FORM = 0.3  # of two texts that differ in one place
LIKE_BY_ATTRIBUTE = 0.35  # of two texts that say of something named by two nouns what it is

_FRAMING = form_set(
    "live living reside residing base based located moved moving relocated settled works working job joined started "
    "employed hired promoted contacted reached reachable called call written write wanting prefer preferred "
    "favourite be become became pay pays payment owning subscribed upgraded downgraded switched changed set updated "
    "raised reduced increased home residence diet eats follows goes sent ship ships orders parcels number address "
    "person option use"
)
_SCOPED = ("prefers", "favourite", "gets", "payment", "address")
_MANY = form_set(
    "owning liking speak speaks play plays allergic learn learning know knows sing reads collect member access "
    "subscribed wanting needing"
)  # what one has, does and likes beside others of the kind
(_HAVE,) = form_set("owning")
_LESS = form_set("less least")
_WISHES = form_set("wanting needing")
_ONLY_NOW = form_set("use go bank drive attend send sent ship train study stay report order sit park deliver run meet")


_SEEN_FROM_BEFORE: Mapping[Relation, Relation | None] = {
    "same_statement": "same_statement",
    "more_specific": "less_specific",
    "less_specific": "more_specific",
    "same_attribute": "same_attribute",
    "part_of_more": None,
    "negation": "negation",
    "come_true": "come_true",
    "separate_event": "separate_event",
    "without_substance": None,
}


def relation_of_older(older: Reading, known: Reading, likeness: float, same_day: bool) -> Relation | None:
    """How a new statement that is older stands to one that is known: as that one would stand to it."""
    told = relation(known, older, likeness, same_day)
    return None if told is None else _SEEN_FROM_BEFORE[told]


def relation(new: Reading, old: Reading, likeness: float, same_day: bool) -> Relation | None:
    """None: they have nothing to do with each other. `same_day`: what happened once may be the same event."""
    if new.same == old.same:
        return "separate_event" if new.event and not same_day else "same_statement"
    if new.long or old.long:
        return None
    if new.vague and (told := _without_substance(new, old)):
        return told
    told = _by_attribute(new, old, likeness) or _by_words(new, old, same_day) or _by_change(new, old, likeness)
    if told in ("same_attribute", "negation"):
        return "part_of_more" if says_more(new, old) else told
    return told if _of_the_same(new, old, told) else None


def _of_the_same(new: Reading, old: Reading, told: Relation | None) -> bool:
    """By their numbers."""
    if told == "same_statement":
        return numbers.fit(new.same, old.same) and numbers.fit(old.same, new.same)
    if told == "more_specific":
        return numbers.fit(old.same, new.same)
    return told != "less_specific" or numbers.fit(new.same, old.same)


def says_more(new: Reading, old: Reading) -> bool:
    """Whether the old one would lose what it says of something else."""
    lost = len(old.words - new.words)
    return lost > MUCH or (old.several and (not new.several or lost > MORE))


def beside_others(new: Reading, old: Reading) -> bool:
    """Whether the old one names one of many of a kind, which the new one does not name."""
    return old.verb in _MANY and not old.words <= new.words


def _without_substance(new: Reading, old: Reading) -> Relation | None:
    rest = without_vagueness(new.words)
    valued = any(one.current and in_one_form(one.value) - old.words for one in new.claims)
    return "without_substance" if rest and rest <= old.words | FILLING and not valued else None


def _by_attribute(new: Reading, old: Reading, likeness: float) -> Relation | None:
    if new.besides or new.owners & RELATED != old.owners & RELATED:
        return None
    for one in new.claims:
        for other in old.claims:
            if not _same_attribute(one, other):
                continue
            if one.known and other.known:
                found = _of_claims(one, other, new, old)
            else:
                found = _of_unknown(one, other, new, likeness)
            if found:
                return found
    return None


def _of_unknown(one: Claim, other: Claim, new: Reading, likeness: float) -> Relation | None:
    """Of a noun phrase that may have several values: one replaces another if it says so, or if both are numbers."""
    if not one.attribute.startswith(NOUN_PHRASE) or not (one.current and other.current):
        return None
    value, before = _value(one), _value(other)
    digits = frozenset(word for word in value ^ before if word.isdigit())
    if digits and digits == value ^ before and digits & value and digits & before:
        return "same_attribute"
    enough = LIKE_BY_ATTRIBUTE if len(one.attribute.split()) > 1 or new.head else LIKE_UNKNOWN
    return "same_attribute" if new.changed and not value & before and likeness >= enough else None


def _same_attribute(one: Claim, other: Claim) -> bool:
    if same_subject(one.subject, other.subject) is not True:
        return False
    return one.attribute == other.attribute


def _of_claims(one: Claim, other: Claim, new: Reading, old: Reading) -> Relation | None:
    if one.negated or one.past or other.past or other.negated:
        return None
    value, before = _value(one), _value(other)
    if one.tentative or other.tentative:
        fulfilled = other.tentative and not one.tentative and (value == before or value < before)
        return "come_true" if fulfilled else None
    if new.temporary != old.temporary or (one.attribute.startswith(_SCOPED) and new.scope != old.scope):
        return None
    if new.directions != old.directions and value == before:
        return "same_attribute" if new.directions and old.directions else None
    if value == before or value < before or before < value:
        return _with_detail(one, other, new, old)
    return "part_of_more" if _loses(one, other, new, old) else "same_attribute"


def _with_detail(one: Claim, other: Claim, new: Reading, old: Reading) -> Relation | None:
    """Of two with one value: which says more."""
    gained = _detail(one, new) - old.words
    lost = _detail(other, old) - new.words
    if gained and lost:
        return None
    return "more_specific" if gained else "less_specific" if lost else "same_statement"


def _value(claim: Claim) -> frozenset[str]:
    told = in_one_form(claim.value)
    return (told - _FRAMING - SAYS_NOTHING) or told


def _detail(claim: Claim, said: Reading) -> frozenset[str]:
    """What the text tells beside the attribute itself."""
    key = form_set(claim.attribute.removeprefix(NOUN_PHRASE).replace(":", " "))
    named = key | in_one_form(claim.subject)
    return (said.words - _FRAMING - FILLING - SAYS_NOTHING - named) | (_value(claim) & said.words)


def _loses(one: Claim, other: Claim, new: Reading, old: Reading) -> bool:
    beside = _detail(other, old) - _value(other) - new.words
    others = {each.attribute for each in old.claims if each.current and each.known}
    others -= {each.attribute for each in new.claims}
    return len(old.words - new.words - _FRAMING) > MUCH or len(beside) > MORE or bool(others and beside)


def _by_words(new: Reading, old: Reading, same_day: bool) -> Relation | None:
    if not new.words or not old.words or new.owners != old.owners or (new.words ^ old.words) & DENIED_ELSEWHERE:
        return None
    if None not in (new.head, old.head) and new.head != old.head and new.words != old.words:
        return None
    if new.denied != old.denied:
        return "negation" if _deny(new, old) else None
    if new.tentative != old.tentative:
        return "come_true" if old.tentative and not new.event and _but_planning(old) == _but_planning(new) else None
    if (new.event or old.event) and not same_day:
        return "separate_event" if new.words & old.words else None
    if new.words == old.words:
        return "same_statement"
    if new.words > old.words:
        return None if new.words & _LESS or _of_another_thing(new, old) else "more_specific"
    return "less_specific" if new.words < old.words else None


def _of_another_thing(new: Reading, old: Reading) -> bool:
    """Whether what the old one is about is only what something else is for: "wants a case", "a refund for the case"."""
    for word in old.sequence[1:2]:
        if word in new.sequence[1:]:
            return new.sequence[new.sequence.index(word, 1) - 1] in PREPOSITIONS
    return False


def _but_planning(said: Reading) -> frozenset[str]:
    return said.words - form_set("plan planning plans")


def _deny(new: Reading, old: Reading) -> bool:
    """Whether one says that it is so, and the other that it is not, of the same."""
    if old.event or (new.event and not new.given_up) or new.tentative != old.tentative:
        return False
    if new.denied:
        told = beside_time(new.words) or new.words
        if _WISHES & (old.words - new.words):
            return False
        return told <= old.words or (new.given_up and old.words <= new.words)
    told = beside_time(new.words) or new.words
    if old.given_up and new.changed and old.words <= told:
        return True
    return told <= old.words and (new.changed or told == beside_time(old.words))


def _by_change(new: Reading, old: Reading, likeness: float) -> Relation | None:
    """Free wording that says that something has become so, of what has one state at a time."""
    if not new.changed or new.besides or new.event or old.event or new.owners != old.owners:
        return None
    if new.denied or old.denied or new.tentative or old.tentative or likeness < LIKE_IN_FORM or new.temporary:
        return None
    if new.replaced and new.replaced <= old.words and likeness >= LIKE and len(old.words - new.replaced) < MORE:
        return "same_attribute"
    if new.head is None or new.head != old.head or new.scope != old.scope:
        return None
    if not new.head and new.verb != old.verb:
        return None
    common = new.words & old.words
    if new.verb in _MANY or likeness < LIKE:
        return (
            "same_attribute"
            if new.verb != _HAVE and len(common) > 1 and _one_slot(new.sequence, old.sequence)
            else None
        )
    if new.verb in _ONLY_NOW and len(old.words - common) <= MORE and len(common) * 3 >= len(new.words):
        return "same_attribute"
    differing = (new.words | old.words) - common - _FRAMING
    mostly = len(common) >= 2 and len(differing) <= len(common) and new.ids == old.ids
    return "same_attribute" if mostly or (common and _one_slot(new.sequence, old.sequence)) else None


def _one_slot(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether they differ in a few words in one place, behind one preposition: "commutes by"."""
    start = next((at for at, pair in enumerate(zip(new, old, strict=False)) if pair[0] != pair[1]), 0)
    end = next(
        (at for at, pair in enumerate(zip(new[:start:-1], old[:start:-1], strict=False)) if pair[0] != pair[1]), 0
    )
    slots = [len(one) - end - start for one in (new, old)]
    return start > 0 and new[start - 1] in PREPOSITIONS and all(0 < length <= SLOT for length in slots)
