"""Making profiles one, and two again, inside a transaction.

No trait or memory moves: who is part of whom is what changes, and with it which identifiers there is room for.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mcp_memory import ledger, resolution
from mcp_memory.backends.sql import identifiers
from mcp_memory.backends.sql.database import ProfileRow, Transaction
from mcp_memory.backends.sql.profiles import existing, view
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.identity import IdentitySettings
from mcp_memory.ledger import Entry, Explanation, Merged, MergedBy, Separation, Side, Sides, Stayed, Unmerged
from mcp_memory.model import Identifier, Profile
from mcp_memory.resolution import MAX_MEMBERS, NAMED, Link


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
    if len(one.members) + len(other.members) > MAX_MEMBERS:
        raise Conflict(f"The two are {len(one.members)} and {len(other.members)} profiles, the limit is {MAX_MEMBERS}.")
    entry = _join(tx, profile_id, other_id, None, "curator", tx.identity_settings(), now)
    return Merged(profile=view(tx, existing(tx, profile_id)), entry=entry)


def unmerge(tx: Transaction, profile_id: str, now: datetime) -> Unmerged:
    row = existing(tx, profile_id, lock=True)
    if len(row.members) == 1:
        raise Conflict(f"{profile_id} is not merged with another profile, so there is nothing to undo.")
    if row.profile_id == profile_id:
        parts = ", ".join(row.members[1 : NAMED + 1])
        more = ", …" if len(row.members) > NAMED + 1 else ""
        raise Conflict(
            f"{profile_id} is the profile the others were merged into. Name the one to take out: {parts}{more}."
        )
    entries = ledger.standing(tx.merges(profile_id))
    undone = ledger.path(entries, profile_id, row.profile_id)[0]
    left = [one for one in entries if one is not undone]
    restored, remaining = (_live(tx, row, left, start) for start in (profile_id, row.profile_id))
    tx.undo_merge(undone.no, now)
    if undone.identifier is not None:
        tx.separate(Separation(one=undone.one, other=undone.other, identifier=undone.identifier, at=now))
    settings = tx.identity_settings()
    for live in (restored, remaining):
        identifiers.settle(tx, live, settings)
        tx.touch_profile(live, now)
    return Unmerged(
        restored=view(tx, existing(tx, restored)),
        remaining=view(tx, existing(tx, remaining)),
        undone=replace(undone, undone_at=now),
        stayed=[one for common in ledger.common_ids(entries, undone) if (one := _stayed(tx, *common)).anything],
        lost=[one for live in (restored, remaining) for one in identifiers.lost(tx, live, settings)],
    )


def explain(tx: Transaction, profile_id: str) -> Explanation:
    row, entries, holdings = existing(tx, profile_id), tx.merges(profile_id), tx.identifiers(profile_id)
    return Explanation(
        profile=view(tx, row),
        holdings=holdings,
        retired=[one for one in tx.retired(profile_id) if one.identifier not in {each.identifier for each in holdings}],
        entries=entries,
        sides=tx.sides(one.no for one in entries),
        separations=_standing(tx, row),
        conflicts=tx.conflicts(profile_id),
    )


def forget(tx: Transaction, row: ProfileRow) -> None:
    """No merge tells of these profiles any more."""
    gone = set(row.members)
    entries = {one.no: one for member in row.members for one in tx.related_merges(member)}
    for one in ledger.redacted(sorted(entries.values(), key=lambda each: each.no), gone):
        tx.redact_merge(one)
    for one in entries.values():
        if {one.one, one.other} & gone:
            tx.remove_merge(one.no)


def separated(tx: Transaction, row: ProfileRow) -> Mapping[str, frozenset[Identifier]]:
    """Live profiles that were taken apart from this one -> the identifiers that do not link them any more."""
    found: dict[str, frozenset[Identifier]] = {}
    for one in _standing(tx, row):
        far = one.other if one.one in row.members else one.one
        live = existing(tx, far).profile_id
        found[live] = found.get(live, frozenset()) | {one.identifier}
    return found


def _standing(tx: Transaction, row: ProfileRow) -> list[Separation]:
    """Those between this profile and others: of two that are one again, a separation waits until they are not."""
    return [one for one in tx.separations(row.profile_id) if not {one.one, one.other} <= set(row.members)]


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
    )
    number = tx.insert_merge(entry, Sides(into=_side(view(tx, into)), merged=_side(view(tx, merged))))
    tx.set_members(into_id, merged.members)
    tx.touch_profile(merged.profile_id, now)
    return replace(entry, no=number, dropped=identifiers.settle(tx, into_id, settings))


def _live(tx: Transaction, row: ProfileRow, entries: list[Entry], start: str) -> str:
    """The component that `start` is in becomes a profile of its own; its id."""
    members = ledger.component(entries, start)
    live = next(one for one in row.members if one in members)  # they come earliest first
    tx.set_members(live, members)
    return live


def _stayed(tx: Transaction, common_id: str, since: datetime, until: datetime | None) -> Stayed:
    own = {one.trait for one in tx.identifiers(common_id) if one.profile_id == common_id}  # it is known whose they are
    return Stayed(
        profile_id=common_id,
        traits=sum(
            one.profile_id == common_id
            and (one.group, one.name) not in own
            and since < one.updated_at
            and (until is None or one.updated_at < until)
            for one in tx.traits(common_id)
        ),
        observations=tx.count_learned("observation", common_id, since, until),
        summaries=tx.count_learned("summary", common_id, since, until),
    )


def _side(profile: Profile) -> Side:
    return Side(
        traits=profile.traits,
        identifiers=profile.identifiers,
        observation_count=profile.observation_count,
        summary_count=profile.summary_count,
    )
