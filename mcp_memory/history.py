"""Pure: how what is known came to be so: who changed it, when and why.

The earliest revision of an item is number 1. Numbers stay, since nothing is taken out of a history but all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, Literal

from mcp_memory.edits import ObservationChanges
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.model import ItemT_co, Observation, Summary, Traits, TraitValue
from mcp_memory.text import clean
from mcp_memory.traits import latest

MAX_ACTOR = 256
MAX_RULE = 64
MAX_REASON = 500
MAX_DISCARDED = 200  # of a profile, the latest
MAX_TRAIT_REVISIONS = 100  # of one trait of one profile: what is known can be updated where there is no room left

Cause = Literal["created", "corrected", "reconciled", "undone"]


@dataclass(frozen=True, kw_only=True)
class Authorship:
    """Who writes, and why. `actor`: a front door or a job, then by what the caller was recognised; empty where nobody
    knows. `cause`: None for what the call does by itself, which is to create or to correct. `rule` and `reason`: what
    decided, and a sentence about it. `conversation_id`: the one it was learned in."""

    actor: str = ""
    cause: Cause | None = None
    rule: str | None = None
    reason: str | None = None
    conversation_id: str | None = None


UNKNOWN: Final = Authorship()
TOOL: Final = Authorship(actor="tool")
API: Final = Authorship(actor="api")
IMPORT: Final = Authorship(actor="import")
EXTRACTION: Final = Authorship(actor="extraction")


@dataclass(frozen=True, kw_only=True)
class Revision(Generic[ItemT_co]):
    """What an item has been since `item.updated_at`. `by` always has a cause."""

    number: int
    item: ItemT_co
    by: Authorship


@dataclass(frozen=True, kw_only=True)
class TraitRevision:
    """A value that a trait was given at that time; None: it was removed. `profile_id`: the member that has it.
    `number`: of one trait the later has the greater one."""

    group: str
    name: str
    value: TraitValue | None
    at: datetime
    by: Authorship
    profile_id: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of one thing `at` a time: `now` is that revision of it, and `before` what it said until then; None:
    nothing."""

    at: datetime
    by: Authorship
    now: Revision[Observation] | Revision[Summary] | TraitRevision
    before: TraitValue | None


@dataclass(frozen=True, kw_only=True)
class Discarded:
    """What reconciliation left out `at` a time, as a duplicate or because it is older or says nothing: `by` has the
    rule and the reason. `observation_id`: what made it superfluous, if one thing did."""

    content: str
    occurred_at: datetime
    observation_id: str | None
    by: Authorship
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ProfileThen:
    """What was known of a customer `at` a time. By what they are recognised is known as it is now alone."""

    profile_id: str
    at: datetime
    created_at: datetime
    traits: Traits
    observation_count: int
    summary_count: int


def traits_history(revisions: Iterable[TraitRevision]) -> list[TraitRevision]:
    """By their time, each with its cause; of a trait, in the order they were given whatever the clocks say."""
    ordered = sorted(revisions, key=lambda one: (one.group, one.name, one.profile_id, one.number))
    found: list[TraitRevision] = []
    for one in ordered:
        before = found[-1] if found and _same_trait(found[-1], one) else None
        at = one.at if before is None else max(one.at, before.at)
        found.append(replace(one, at=at, by=caused(one.by, 1 if before is None else 2)))
    return sorted(found, key=lambda one: (one.at, one.group, one.name, one.profile_id, one.number))


def traits_at(revisions: Iterable[TraitRevision], at: datetime) -> Traits:
    """What they were, of revisions by their time: of what several members say, the latest given."""
    last = {(one.group, one.name, one.profile_id): one for one in revisions if one.at <= at}
    return latest(
        ((one.at, one.profile_id), one.group, one.name, one.value) for one in last.values() if one.value is not None
    )


def item_change(now: Revision[Observation] | Revision[Summary], before: str | None) -> Changed:
    return Changed(at=now.item.updated_at, by=now.by, now=now, before=before)


def trait_changes(revisions: Iterable[TraitRevision], since: datetime) -> list[Changed]:
    """Of revisions by their time. Before a trait was removed there was its value, before it is given again nothing."""
    said: dict[tuple[str, str, str], TraitValue | None] = {}
    found = []
    for one in revisions:
        trait = one.group, one.name, one.profile_id
        found.append(Changed(at=one.at, by=one.by, now=one, before=said.get(trait)))
        said[trait] = one.value
    return [one for one in found if one.at > since]


def latest_changes(changes: Iterable[Changed], limit: int) -> list[Changed]:
    """The latest first; of one moment, what came last is first."""
    return sorted(list(changes)[::-1], key=lambda one: one.at, reverse=True)[:limit]


def _same_trait(one: TraitRevision, other: TraitRevision) -> bool:
    return (one.group, one.name, one.profile_id) == (other.group, other.name, other.profile_id)


def signed(by: Authorship, caller: str) -> Authorship:
    """As it is kept, with by what the caller was recognised. A reason may be a model's words: it is cleaned and cut,
    as all of it, rather than refused, since what it is about is right or wrong without it."""
    return replace(
        by,
        actor=_line(f"{by.actor} {caller}", MAX_ACTOR),
        rule=_line(by.rule or "", MAX_RULE) or None,
        reason=_line(by.reason or "", MAX_REASON) or None,
    )


def caused(by: Authorship, number: int) -> Authorship:
    """With what the revision of that number was by itself, where nothing else is said."""
    return by if by.cause else replace(by, cause="created" if number == 1 else "corrected")


def undone(revision: int | None, latest: int) -> int:
    """The number of the revision that is undone: the latest, unless one is named. Raises Conflict for the first."""
    number = latest if revision is None else revision
    if not 1 <= number <= latest:
        raise NotFound(f"There is no revision {number} of it: there are 1 to {latest}.")
    if number == 1:
        raise Conflict(
            "Revision 1 is how it was learned, and nothing was known before: there is nothing to go back to."
        )
    return number


def undoing(by: Authorship, number: int) -> Authorship:
    return replace(by, cause="undone", reason=by.reason or f"Reads again as before revision {number}.")


def restored(before: Observation) -> ObservationChanges:
    """All that a revision says of it."""
    return ObservationChanges(
        content=before.content,
        occurred_at=before.occurred_at,
        source=before.source,
        conversation_ids=before.conversation_ids,
    )


def _line(text: str, limit: int) -> str:
    line = " ".join(clean(text[: 4 * limit]).split())  # so that nobody waits for what is cut off anyway
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
