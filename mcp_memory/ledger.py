"""Who was merged with whom, and why: pure rules over the ledger of merges.

Merged profiles keep what they brought. A cluster is a tree: its profiles, and per merge an edge between the two that
were linked. To undo a merge is to take out its edge, which leaves two trees. An entry tells what was when it was made:
`into_id` may be part of another profile by now.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mcp_memory.model import Identifier, KeptApart, Merge, Profile, Traits

MergedBy = Literal["resolution", "curator"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a profile had."""

    traits: Traits
    identifiers: Mapping[str, Sequence[str]]
    observation_count: int | None
    summary_count: int | None


@dataclass(frozen=True, kw_only=True)
class Entry(Merge):
    """`one` and `other`: the profiles that were linked, ends of the edge. `no` numbers the entries of a store."""

    no: int
    by: MergedBy
    one: str
    other: str
    undone_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What the two profiles of a merge had when it was made."""

    into: Side
    merged: Side


@dataclass(frozen=True, kw_only=True)
class Holding:
    """An identifier, which profile brought it, when, and from which trait (None: by itself)."""

    identifier: Identifier
    profile_id: str
    since: datetime
    trait: tuple[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Two profiles that were taken apart, and the identifier that does not link them any more."""

    one: str
    other: str
    identifier: Identifier
    at: datetime


@dataclass(frozen=True, kw_only=True)
class IdentityConflict(KeptApart):
    """As often as it was seen. `for_id`: the profile the identifier was given for."""

    for_id: str
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why these are one person: who brought what, what linked them, what was kept apart. All earliest first.

    `sides` by the number of the entry. `retired`: identifiers there is no room for.
    """

    profile: Profile
    holdings: Sequence[Holding]
    retired: Sequence[Holding]
    entries: Sequence[Entry]
    sides: Mapping[int, Sides]
    separations: Sequence[Separation]
    conflicts: Sequence[IdentityConflict]


@dataclass(frozen=True, kw_only=True)
class Stayed:
    """What was learned after the merge under an id that both sides went by, so that nobody can tell of whom. It stays
    with the profile of that id."""

    profile_id: str
    traits: int
    observations: int
    summaries: int

    @property
    def anything(self) -> bool:
        return bool(self.traits or self.observations or self.summaries)


@dataclass(frozen=True, kw_only=True)
class Merged:
    profile: Profile
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class Unmerged:
    """`restored` is of its own again, with what had been merged into it, by the earliest id of those. `remaining` is
    the profile it was part of. `lost`: identifiers there had been no room for, and that somebody else has by now."""

    restored: Profile
    remaining: Profile
    undone: Entry
    stayed: Sequence[Stayed]
    lost: Sequence[Identifier] = ()


def standing(entries: Iterable[Entry]) -> list[Entry]:
    return [one for one in entries if one.undone_at is None]


def component(entries: Sequence[Entry], start: str) -> set[str]:
    """The profiles of the tree that `start` is in."""
    return {start, *_ways(entries, start)}


def parts(entries: Sequence[Entry], members: Sequence[str]) -> list[Merge]:
    """Per member but the first, the canonical one, the merge that makes it part of that; the earliest first."""
    canonical = members[0]
    ways = _ways(entries, canonical)
    ordered = sorted(members[1:], key=lambda member: ways[member].no)
    return [
        Merge(merged_id=member, into_id=canonical, at=ways[member].at, identifier=ways[member].identifier)
        for member in ordered
    ]


def common_ids(entries: Iterable[Entry], undone: Entry) -> list[tuple[str, datetime, datetime | None]]:
    """(id, since, until): by which id both sides of a merge went, from when to when."""
    found = []
    current, since = undone.into_id, undone.at
    for one in sorted(entries, key=lambda each: each.no):
        if one.no > undone.no and one.merged_id == current:
            found.append((current, since, one.at))
            current, since = one.into_id, one.at
    return [*found, (current, since, None)]


def redacted(entries: Sequence[Entry], gone: Set[str]) -> list[Entry]:
    """Of entries that link others: those that tell what a profile had that is to be forgotten, since it was part of one
    of the two. They are between their own ends from now on."""
    found = []
    for one in entries:
        if {one.one, one.other} & gone:
            continue
        then = [each for each in entries if each.no < one.no and (each.undone_at is None or each.undone_at >= one.at)]
        sides = component(then, one.one), component(then, one.other)
        if (sides[0] | sides[1] | {one.into_id, one.merged_id}) & gone:
            swapped = one.into_id in sides[1] or one.merged_id in sides[0]
            into, merged = (one.other, one.one) if swapped else (one.one, one.other)
            found.append(replace(one, into_id=into, merged_id=merged))
    return found


def path(entries: Sequence[Entry], start: str, end: str) -> list[Entry]:
    """The merges on the way from one profile of a tree to another: each of them, undone, would part the two."""
    ways = _ways(entries, end)
    found = []
    while start != end:
        found.append(ways[start])
        start = found[-1].other if start == found[-1].one else found[-1].one
    return found


def _ways(entries: Sequence[Entry], root: str) -> dict[str, Entry]:
    """Profile -> the edge that leads from it towards the root."""
    edges: dict[str, list[Entry]] = {}
    for one in entries:
        edges.setdefault(one.one, []).append(one)
        edges.setdefault(one.other, []).append(one)
    ways: dict[str, Entry] = {}
    new = [root]
    while new:
        near = new.pop()
        for edge in edges.get(near, ()):
            far = edge.other if near == edge.one else edge.one
            if far != root and far not in ways:
                ways[far] = edge
                new.append(far)
    return ways
