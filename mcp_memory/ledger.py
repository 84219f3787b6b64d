"""Who was merged with whom, and why: pure rules over the ledger of merges.

Merged profiles keep what they brought. A cluster is a tree: its profiles, and per merge an edge between the two that
were linked. To undo a merge is to take out its edge, which leaves two trees, each as it was but for what it learned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_memory.model import Identifier, KeptApart, Merge, Profile, Traits

MergedBy = Literal["resolution", "curator"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a profile had."""

    traits: Traits
    identifiers: Mapping[str, Sequence[str]]
    observation_count: int
    summary_count: int


@dataclass(frozen=True, kw_only=True)
class Entry(Merge):
    """`one` and `other`: the profiles that were linked, ends of the edge. `no` numbers the entries of a store."""

    no: int
    by: MergedBy
    one: str
    other: str
    into_had: Side
    merged_had: Side
    undone_at: datetime | None = None


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
    """Why these are one person: who brought what, what linked them, what was kept apart. All earliest first."""

    profile: Profile
    holdings: Sequence[Holding]
    entries: Sequence[Entry]
    separations: Sequence[Separation]
    conflicts: Sequence[IdentityConflict]


@dataclass(frozen=True, kw_only=True)
class Stayed:
    """What was learned after the merge under the id that both had, so that nobody can tell of whom."""

    profile_id: str
    traits: int
    observations: int
    summaries: int


@dataclass(frozen=True, kw_only=True)
class Merged:
    profile: Profile
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class Unmerged:
    """`restored` is a profile of its own again, `remaining` the one it was part of."""

    restored: Profile
    remaining: Profile
    undone: Entry
    stayed: Stayed


def standing(entries: Iterable[Entry]) -> list[Entry]:
    return [one for one in entries if one.undone_at is None]


def component(entries: Sequence[Entry], start: str) -> set[str]:
    """The profiles of the tree that `start` is in."""
    return {start, *_ways(entries, start)}


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
