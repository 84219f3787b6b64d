"""Making profiles one, and two again, inside a transaction. Nothing moves: who is part of whom is all that changes."""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime

from mcp_memory import ledger, resolution
from mcp_memory.backends.sql.database import ProfileRow, Transaction
from mcp_memory.backends.sql.profiles import existing, view
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.identity import IdentifierConfig, IdentitySettings
from mcp_memory.ledger import Entry, Explanation, Holding, Merged, MergedBy, Separation, Side, Stayed, Unmerged
from mcp_memory.model import Identifier, Profile
from mcp_memory.resolution import Link

NOBODY: Set[Identifier] = frozenset()


def merge(tx: Transaction, link: Link, settings: IdentitySettings, now: datetime) -> Entry:
    """As resolution decided."""
    return _join(tx, link.one, link.other, link.identifier, "resolution", settings, now)


def merge_by_hand(tx: Transaction, profile_id: str, other_id: str, now: datetime) -> Merged:
    """As a curator says, whatever kept them apart: it does so no longer."""
    locked = tx.lock_profiles([profile_id, other_id])
    one, other = (locked.get(each) or existing(tx, each) for each in (profile_id, other_id))
    if profile_id == other_id:
        raise Invalid("profile_id and other_id are the same profile: name two.")
    if one.profile_id == other.profile_id:
        raise Conflict(f"{profile_id} and {other_id} are one profile already: {one.profile_id}.")
    tx.reunite(_between(tx, one, other))
    entry = _join(tx, profile_id, other_id, None, "curator", tx.identity_settings(), now)
    return Merged(profile=view(tx, existing(tx, profile_id)), entry=entry)


def unmerge(tx: Transaction, profile_id: str, now: datetime) -> Unmerged:
    row = existing(tx, profile_id, lock=True)
    if len(row.members) == 1:
        raise Conflict(f"{profile_id} was never merged with another profile, so there is nothing to undo.")
    if row.profile_id == profile_id:
        parts = ", ".join(row.members[1:])
        raise Conflict(f"{profile_id} is the profile the others were merged into. Name the one to take out: {parts}.")
    entries = ledger.standing(tx.merges(profile_id))
    undone = ledger.path(entries, profile_id, row.profile_id)[0]
    left = [one for one in entries if one is not undone]
    restored, remaining = (_live(tx, row, left, start) for start in (profile_id, row.profile_id))
    tx.undo_merge(undone.no, now)
    tx.revive(undone.no)
    if undone.identifier is not None:
        tx.separate(Separation(one=undone.one, other=undone.other, identifier=undone.identifier, at=now))
    for config in tx.identity_settings().identifier_configs:
        for live in (restored, remaining):
            keep_limit(tx, live, config, NOBODY)
    for live in (restored, remaining):
        tx.touch_profile(live, now)
    return Unmerged(
        restored=view(tx, existing(tx, restored)),
        remaining=view(tx, existing(tx, remaining)),
        undone=replace(undone, undone_at=now),
        stayed=_stayed(tx, row.profile_id, undone.at),
    )


def explain(tx: Transaction, profile_id: str) -> Explanation:
    row = existing(tx, profile_id)
    return Explanation(
        profile=view(tx, row),
        holdings=tx.identifiers(profile_id),
        entries=tx.merges(profile_id),
        separations=tx.separations(profile_id),
        conflicts=tx.conflicts(profile_id),
    )


def separated(tx: Transaction, row: ProfileRow) -> Mapping[str, frozenset[Identifier]]:
    """Live profiles that were taken apart from this one -> the identifiers that do not link them any more."""
    found: dict[str, frozenset[Identifier]] = {}
    for one in tx.separations(row.profile_id):
        far = one.other if one.one in row.members else one.one
        live = existing(tx, far).profile_id
        found[live] = found.get(live, frozenset()) | {one.identifier}
    return found


def keep_limit(tx: Transaction, profile_id: str, config: IdentifierConfig, new: Set[Identifier]) -> None:
    """What is too much of a type identifies no longer. `new`: what has just come, and counts as the newest.

    What is too much only because of a merge comes back when the merge is undone.
    """
    entries: list[Entry] | None = None
    for one in _too_much(tx, profile_id, config, new):
        if one.profile_id == profile_id:
            tx.detach([one])
            continue
        entries = ledger.standing(tx.merges(profile_id)) if entries is None else entries
        tx.retire([one], max(entry.no for entry in ledger.path(entries, one.profile_id, profile_id)))


def _too_much(tx: Transaction, profile_id: str, config: IdentifierConfig, new: Set[Identifier]) -> list[Holding]:
    holdings = [one for one in tx.identifiers(profile_id) if one.identifier.id_type == config.id_type]
    by_age = sorted(holdings, key=lambda one: (one.since, one.identifier in new, one.identifier))
    ordered = list(dict.fromkeys(one.identifier for one in by_age))
    kept = set(ordered[-config.limit :] if config.limit_policy == "fifo" else ordered[: config.limit])
    return [one for one in holdings if one.identifier not in kept]


def _join(
    tx: Transaction,
    one_id: str,
    other_id: str,
    identifier: Identifier | None,
    by: MergedBy,
    settings: IdentitySettings,
    now: datetime,
) -> Entry:
    rows = [existing(tx, each, lock=True) for each in (one_id, other_id)]
    into_id = resolution.survivor((row.created_at, row.profile_id) for row in rows)
    into, merged = sorted(rows, key=lambda row: row.profile_id != into_id)
    entry = Entry(
        no=0,
        one=one_id,
        other=other_id,
        into_id=into_id,
        merged_id=merged.profile_id,
        at=now,
        by=by,
        identifier=identifier,
        into_had=_side(view(tx, into)),
        merged_had=_side(view(tx, merged)),
    )
    number = tx.insert_merge(entry)
    tx.set_members(into_id, [*into.members, *merged.members])
    tx.touch_profile(merged.profile_id, now)
    for config in settings.identifier_configs:
        tx.retire(_too_much(tx, into_id, config, NOBODY), number)
    return replace(entry, no=number)


def _live(tx: Transaction, row: ProfileRow, entries: list[Entry], start: str) -> str:
    """The component that `start` is in becomes a profile of its own; its id."""
    members = ledger.component(entries, start)
    live = next(one for one in row.members if one in members)  # they come earliest first
    tx.set_members(live, members)
    return live


def _stayed(tx: Transaction, profile_id: str, since: datetime) -> Stayed:
    row = existing(tx, profile_id)
    return Stayed(
        profile_id=row.profile_id,
        traits=sum(one.updated_at > since and one.profile_id == profile_id for one in tx.traits(profile_id)),
        observations=tx.count_since("observation", [profile_id], since),
        summaries=tx.count_since("summary", [profile_id], since),
    )


def _between(tx: Transaction, one: ProfileRow, other: ProfileRow) -> list[Separation]:
    return [
        each
        for each in tx.separations(one.profile_id)
        if (each.one in one.members and each.other in other.members)
        or (each.other in one.members and each.one in other.members)
    ]


def _side(profile: Profile) -> Side:
    return Side(
        traits=profile.traits,
        identifiers=profile.identifiers,
        observation_count=profile.observation_count,
        summary_count=profile.summary_count,
    )
