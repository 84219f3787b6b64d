"""Pure: what becomes of a new observation beside what is known: it is added, updates one, or is discarded.

The laws: the wording decides, never how alike two texts are alone. Nothing older overwrites what is newer; of two
that were said at one time, the one that comes later holds. An observation is updated only by what contradicts it with
substance or says the same with more; what says several things is not replaced by one that corrects one of them. What
happens on another day happens again, and so is another observation, in whatever words. Many of a kind (languages,
allergies, likes) stand beside each other. A plan replaces no fact; a fact replaces the plan for it only where no fact
is known that it replaces. In doubt it is added: a repetition costs less than a loss.

Written for English: in other languages little but repetition and detail is seen. Of a long text only whether it is
known already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_memory.model import Observation
from mcp_memory.reconciliation.readings import Reading, reading
from mcp_memory.reconciliation.relations import Relation, relation, relation_of_older
from mcp_memory.reconciliation.wording import without_vagueness

Outcome = Literal["add", "update", "discard"]
Rule = Literal[
    "nothing_like_it",
    "same_statement",
    "same_attribute",
    "more_specific",
    "less_specific",
    "negation",
    "come_true",
    "out_of_date",
    "without_substance",
    "separate_event",
    "part_of_more",
    "model",
]
"""`model`: none of the rules, but what a model proposed; see `proposals`."""

MOST = 5  # of what is known; recall finds what an observation is about among its best five
QUOTED = 60  # characters

_REPLACES = frozenset({"same_attribute", "negation", "come_true"})
_STANDS: Sequence[Relation] = (
    "same_statement",
    "less_specific",
    "more_specific",
    "part_of_more",
    "negation",
    "same_attribute",
)
_REASONS: dict[tuple[Rule, Outcome], str] = {
    ("nothing_like_it", "add"): "Added: none of what is known says this or contradicts it.",
    ("separate_event", "add"): "Added: it happened at another time than what is known as {}.",
    ("part_of_more", "add"): "Added: it contradicts only a part of {}, which says more than that.",
    ("more_specific", "add"): "Added: it says more than {}, but is older, and what is newer is not overwritten.",
    ("same_statement", "discard"): "Discarded: {} says the same.",
    ("less_specific", "discard"): "Discarded: {} says the same in more detail.",
    ("out_of_date", "discard"): "Discarded: it is older than {}, which holds since.",
    ("without_substance", "discard"): "Discarded: it contradicts {} without saying what is so instead.",
    ("same_attribute", "update"): "Updated: it is a newer value of what was known as {}.",
    ("more_specific", "update"): "Updated: it says the same as {}, in more detail.",
    ("negation", "update"): "Updated: it is newer than {}, and says the opposite.",
    ("come_true", "update"): "Updated: what was a plan, {}, has become so.",
}
_UNSPECIFIC = "Discarded: it contradicts something, without saying what is so instead."


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`observation_id`: the known one that is updated, or that makes the new one superfluous; None where there is
    none. `reason`: for people and models; it quotes what is known as data, and asks for nothing."""

    outcome: Outcome
    rule: Rule
    observation_id: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Found:
    relation: Relation
    known: Observation
    likeness: float


def decide(
    content: str, occurred_at: datetime, known: Sequence[Observation], likeness: Callable[[int], float]
) -> Decision:
    """`known`: what recall finds for the new one, best first; beyond the first five nothing is looked at. `likeness`:
    the cosine of the new one's vector and that of known[i], after the profile's mean was taken from both."""
    new, top = reading(content), known[:MOST]
    if not top:
        return _decision("add", "nothing_like_it")
    each = (_found(new, occurred_at, one, likeness(at)) for at, one in enumerate(top))
    found = [one for one in each if one is not None]
    return _of_vagueness(new, found) or _of_what_holds(occurred_at, found) or _otherwise(occurred_at, found)


def _found(new: Reading, at: datetime, known: Observation, likeness: float) -> _Found | None:
    old, same_day = reading(known.content), known.occurred_at.date() == at.date()
    vague = new.vague and relation(new, old, likeness, same_day) == "without_substance"
    how = relation_of_older if at < known.occurred_at and not vague else relation
    told = how(new, old, likeness, same_day)
    return None if told is None else _Found(relation=told, known=known, likeness=likeness)


def _of_vagueness(new: Reading, found: Sequence[_Found]) -> Decision | None:
    if any(one.relation == "same_statement" for one in found):
        return None
    about = [one for one in found if one.relation == "without_substance"]
    if about:
        return _decision("discard", "without_substance", _first(about))
    return _decision("discard", "without_substance") if new.vague and not without_vagueness(new.words) else None


def _of_what_holds(at: datetime, found: Sequence[_Found]) -> Decision | None:
    """By the latest of those that say the same or the contrary."""
    since = [one for one in found if one.relation in _REPLACES and one.known.occurred_at > at]
    if since:
        return _decision("discard", "out_of_date", _first(since))
    holding = [one for one in found if one.relation in _STANDS]
    if not holding:
        return None
    one = _first(holding)
    match one.relation:
        case "same_statement" | "less_specific":
            return _decision("discard", one.relation, one)
        case "more_specific" if one.known.occurred_at > at:
            return _decision("add", "more_specific", one)
        case "part_of_more":
            return _decision("add", "part_of_more", one)
    return _decision("update", one.relation, one)


def _otherwise(at: datetime, found: Sequence[_Found]) -> Decision:
    plans = [one for one in found if one.relation == "come_true" and one.known.occurred_at <= at]
    if plans:
        return _decision("update", "come_true", _first(plans))
    again = [one for one in found if one.relation == "separate_event"]
    return _decision("add", "separate_event", _first(again)) if again else _decision("add", "nothing_like_it")


def _first(found: Sequence[_Found]) -> _Found:
    """The latest, then by what it is, then the most alike; never by the order in which they were given."""

    def key(one: _Found) -> tuple[float, int, float, str]:
        place = _STANDS.index(one.relation) if one.relation in _STANDS else len(_STANDS)
        return -one.known.occurred_at.timestamp(), place, -one.likeness, one.known.id

    return min(found, key=key)


def _decision(outcome: Outcome, rule: Rule, by: _Found | None = None) -> Decision:
    if by is None:
        reason = _UNSPECIFIC if rule == "without_substance" else _REASONS[rule, outcome]
        return Decision(outcome=outcome, rule=rule, observation_id=None, reason=reason)
    return Decision(
        outcome=outcome,
        rule=rule,
        observation_id=None if outcome == "add" else by.known.id,
        reason=_REASONS[rule, outcome].format(quoted(by.known.content)),
    )


def quoted(content: str, most: int = QUOTED) -> str:
    """As short data: in one line, without marks that could end the quotation."""
    told = " ".join("".join(one if one.isprintable() else " " for one in content[: 2 * most]).split())
    told = told.replace('"', "'")
    return f'"{told}"' if len(told) <= most else f'"{told[: most - 1].rstrip()}…"'
