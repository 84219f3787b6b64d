"""Pure: which profile a set of identifiers means, what merges with it, and what is kept apart.

Matching rules are alternatives, the strongest first. No profile matches: one is created. One matches: it is updated.
Several match: they are merged, unless

- a type with a limit of 1 (as user_id) has different values on both sides, and what links them is not stronger;
- somebody has taken just these two apart, and nothing else links them since;
- what links them is one value that several people may share;
- they would be more profiles than any person had.

Then the strongest match wins, the weaker identifier stays where it is, and the conflict is reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mcp_memory.errors import Conflict
from mcp_memory.identity import IdentitySettings
from mcp_memory.model import ApartReason, Identifier, KeptApart

MAX_MEMBERS = 500  # profiles merged into one; ours: more than any person had, fewer than a shared value would join
NAMED = 5  # sharers that an error names

Values = Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A live profile that holds one of the identifiers given, or was named."""

    profile_id: str
    created_at: datetime
    identifiers: Values
    """By type, at least those of which a profile has one."""
    matched: Mapping[Identifier, str]
    """Those given that it holds -> the profile, itself or merged into it, that brought each."""
    separated: Mapping[str, frozenset[Identifier]] = field(default_factory=dict)
    """Live profile it was once one with -> what linked them then and may not do so again."""
    members: int = 1
    """Profiles it is made of."""
    named: str | None = None
    """The id by which the caller named it."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """Why two profiles are one: `identifier`, the weaker of two matches, of which `one` and `other` have one each."""

    profile_id: str
    one: str
    other: str
    identifier: Identifier


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`target`: the live profile that is meant, None for a new one. `holder`: it, or one merged into it, for which
    what is written now is learned."""

    target: str | None
    holder: str | None = None
    links: tuple[Link, ...] = ()
    apart: tuple[KeptApart, ...] = ()

    @property
    def refused(self) -> frozenset[Identifier]:
        return frozenset(one.identifier for one in self.apart)


def survivor(profiles: Iterable[tuple[datetime, str]]) -> str:
    """Of (created_at, profile id) the canonical one: the earliest."""
    return min(profiles)[1]


def resolve(given: Sequence[Identifier], candidates: Sequence[Candidate], settings: IdentitySettings) -> Decision:
    """Raises Conflict where several profiles share what was given and nothing tells which one is meant."""
    ordered = sorted(candidates, key=lambda one: (_strength(one, settings), one.created_at, one.profile_id))
    contradictions = {one.profile_id: _contradiction(one, given, settings) for one in ordered}
    impossible = {profile_id for profile_id, contradiction in contradictions.items() if contradiction}
    apart = [
        each
        for one in ordered
        if (contradiction := contradictions[one.profile_id])
        for each in _refused(one, contradiction, settings)
    ]
    target = _target(given, [one for one in ordered if one.profile_id not in impossible], settings)
    links: list[Link] = []
    if target is None:
        return Decision(target=None, apart=tuple(_without_rule(candidates, settings, apart)))
    cluster = replace(target, identifiers=_with(target.identifiers, given, apart))
    for other in ordered:
        if other.profile_id == target.profile_id or other.profile_id in impossible:
            continue
        outcome = _joined(cluster, other, settings)
        if isinstance(outcome, Link):
            links.append(outcome)
            cluster = _union(cluster, other)
        elif outcome is not None:
            apart += _refused(other, outcome, settings)
    holder = target.named or target.matched[_strongest(_ruled(target, settings), settings)]
    apart = _without_rule(candidates, settings, apart, cluster)
    return Decision(target=target.profile_id, holder=holder, links=tuple(links), apart=tuple(apart))


@dataclass(frozen=True, kw_only=True)
class _Bar:
    """What keeps two apart; `differ`: the type of which they have different values."""

    reason: ApartReason
    differ: str | None = None


def _contradiction(one: Candidate, given: Sequence[Identifier], settings: IdentitySettings) -> _Bar | None:
    """The call brings another value of a type it has one of, and a stronger one than what it is matched by."""
    ranks = [settings.rank(match.id_type) for match in _ruled(one, settings)]
    if one.named is not None or not ranks:
        return None
    differ = _differ(one.identifiers, _by_type(given), settings, down_to=min(ranks) - 1)
    return _Bar(reason="limit", differ=differ) if differ else None


def _target(given: Sequence[Identifier], ordered: Sequence[Candidate], settings: IdentitySettings) -> Candidate | None:
    """The named one, else the one with the strongest match by a value that is its alone."""
    sure = [
        one
        for one in ordered
        if one.named is not None or any(_unique(match, settings) for match in _ruled(one, settings))
    ]
    return sure[0] if sure else _among_sharers(given, [one for one in ordered if _ruled(one, settings)], settings)


def _refused(one: Candidate, bar: _Bar, settings: IdentitySettings) -> list[KeptApart]:
    """What is its alone stays with it; what several may share, the other may have too."""
    return [
        KeptApart(identifier=match, holder_id=one.profile_id, reason=bar.reason, differ=bar.differ)
        for match in _ruled(one, settings)
        if _unique(match, settings)
    ]


def _among_sharers(
    given: Sequence[Identifier], sharers: Sequence[Candidate], settings: IdentitySettings
) -> Candidate | None:
    """All match only by values that several may share: two of them tell a person, one does if nothing else is given."""
    sure = [one for one in sharers if len(_ruled(one, settings)) > 1]
    if sure:
        return sure[0]
    if not sharers or any(_unique(one, settings) and settings.matches(one.id_type) for one in given):
        return None
    if len(sharers) > 1:
        ids = ", ".join([*(one.profile_id for one in sharers[:NAMED]), *(["…"] if len(sharers) > NAMED else [])])
        types = ", ".join(sorted({match.id_type for one in sharers for match in one.matched}))
        raise Conflict(
            f"Several customers share this {types} ({ids}) and nothing was written: name the profile_id, or give a "
            "second identifier."
        )
    return sharers[0]


def _joined(cluster: Candidate, other: Candidate, settings: IdentitySettings) -> Link | _Bar | None:
    """What links the two, why they are kept apart, or None where nothing links them but a value several may share."""
    ruled = _ruled(other, settings)
    if not ruled:
        return None
    blocked = cluster.separated.get(other.profile_id, frozenset())
    ours = [one for one in _ruled(cluster, settings) if one not in blocked]
    theirs = [one for one in ruled if one not in blocked]
    if not theirs or not (ours or cluster.named):
        return _Bar(reason="unmerged")
    if not any(_unique(one, settings) for one in theirs) and len(theirs) < 2:
        return _Bar(reason="unmerged") if any(_unique(one, settings) for one in ruled) else None
    strongest = _strongest(theirs, settings)
    if cluster.named is not None:
        one, weaker = cluster.named, strongest
    else:
        best = _strongest(ours, settings)
        one, weaker = cluster.matched[best], max(best, strongest, key=lambda one: _key(one, settings))
    differ = _differ(cluster.identifiers, other.identifiers, settings, down_to=settings.rank(weaker.id_type))
    if differ:
        return _Bar(reason="limit", differ=differ)
    if cluster.members + other.members > MAX_MEMBERS:
        return _Bar(reason="size")
    return Link(profile_id=other.profile_id, one=one, other=other.matched[strongest], identifier=weaker)


def _differ(one: Values, other: Values, settings: IdentitySettings, down_to: int) -> str | None:
    """A type of which a profile has one only and nobody shares, ranked `down_to` or stronger, with other values on
    both sides."""
    return next(
        (
            config.id_type
            for config in settings.identifier_configs
            if config.limit == 1
            and config.enforce_unique
            and settings.rank(config.id_type) <= down_to
            and one.get(config.id_type)
            and other.get(config.id_type)
            and not one[config.id_type] & other[config.id_type]
        ),
        None,
    )


def _without_rule(
    candidates: Sequence[Candidate],
    settings: IdentitySettings,
    apart: Sequence[KeptApart],
    cluster: Candidate | None = None,
) -> list[KeptApart]:
    """And what matches by no rule, but is somebody else's alone."""
    return [
        *apart,
        *(
            KeptApart(identifier=match, holder_id=one.profile_id, reason="no_rule")
            for one in candidates
            for match in one.matched
            if not settings.matches(match.id_type)
            and _unique(match, settings)
            and (cluster is None or match not in cluster.matched)
        ),
    ]


def _union(cluster: Candidate, other: Candidate) -> Candidate:
    types = {*cluster.identifiers, *other.identifiers}
    empty: frozenset[str] = frozenset()
    return replace(
        cluster,
        identifiers={
            id_type: cluster.identifiers.get(id_type, empty) | other.identifiers.get(id_type, empty)
            for id_type in types
        },
        matched={**other.matched, **cluster.matched},
        members=cluster.members + other.members,
        separated={
            live: cluster.separated.get(live, frozenset()) | other.separated.get(live, frozenset())
            for live in {*cluster.separated, *other.separated}
        },
    )


def _with(identifiers: Values, given: Sequence[Identifier], apart: Sequence[KeptApart]) -> Values:
    refused = {one.identifier for one in apart}
    new = _by_type([one for one in given if one not in refused])
    return {id_type: identifiers.get(id_type) or new.get(id_type, frozenset()) for id_type in {*identifiers, *new}}


def _by_type(identifiers: Sequence[Identifier]) -> Values:
    return {
        id_type: frozenset(one.value for one in identifiers if one.id_type == id_type)
        for id_type in {one.id_type for one in identifiers}
    }


def _ruled(one: Candidate, settings: IdentitySettings) -> list[Identifier]:
    return [match for match in one.matched if settings.matches(match.id_type)]


def _strength(one: Candidate, settings: IdentitySettings) -> tuple[int, int]:
    """Named before all; by its strongest unique match; those that share come last."""
    ranks = [settings.rank(match.id_type) for match in one.matched if _unique(match, settings)]
    return (0 if one.named is not None else 1 if ranks else 2, min(ranks, default=0))


def _unique(one: Identifier, settings: IdentitySettings) -> bool:
    config = settings.config(one.id_type)
    return config is None or config.enforce_unique


def _strongest(matches: Sequence[Identifier], settings: IdentitySettings) -> Identifier:
    """What is one's alone before what several may share: that both have it says little."""
    return min(matches, key=lambda one: (not _unique(one, settings), *_key(one, settings)))


def _key(one: Identifier, settings: IdentitySettings) -> tuple[int, Identifier]:
    return settings.rank(one.id_type), one
