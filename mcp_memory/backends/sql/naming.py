"""Identifiers by themselves, inside a transaction: added, replaced, removed."""

from dataclasses import replace

from mcp_memory.backends.sql.database import Trait
from mcp_memory.backends.sql.profiles import existing, view
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.ledger import Holding
from mcp_memory.model import Identifier, Profile, Upserted


class _Refused(Exception):
    """The new value stays with somebody else: then the old one stays, too."""

    def __init__(self, outcome: Upserted) -> None:
        self.outcome = outcome


def add(upserts: Upserts, profile_id: str, id_type: str, value: str) -> Upserted:
    existing(upserts.tx, profile_id, lock=True)
    return upserts.identify(profile_id, upserts.normalised(id_type, value, "value"))


def swap(upserts: Upserts, profile_id: str, id_type: str, old_value: str, new_value: str) -> Upserted:
    tx = upserts.tx
    before = view(tx, existing(tx, profile_id, lock=True))
    old, new = (upserts.normalised(id_type, old_value, "oldValue"), upserts.normalised(id_type, new_value, "newValue"))
    held = {one.identifier: one for one in (*tx.retired(profile_id), *tx.identifiers(profile_id))}
    if old not in held:
        raise NotFound(f"The profile has no {id_type} of the old value.")
    if new in held:
        raise Conflict(f"The profile has the new {id_type} already: remove the old one.")
    member, trait = held[old].profile_id, upserts.said_by(profile_id, old)
    try:
        with tx.attempt():
            outcome = _swapped(upserts, member, trait, old, new)
    except _Refused as exc:
        tx.record_conflicts(member, exc.outcome.kept_apart, upserts.now)
        return replace(exc.outcome, profile=view(tx, existing(tx, profile_id)), before=before)
    upserts.settle(profile_id, {old})
    return replace(outcome, profile=view(tx, existing(tx, profile_id)), before=before)


def remove(upserts: Upserts, profile_id: str, id_type: str, *, all: bool) -> Profile:
    tx = upserts.tx
    existing(tx, profile_id, lock=True)
    live, waiting = (
        [one for one in each if one.identifier.id_type == id_type]
        for each in (tx.identifiers(profile_id), tx.retired(profile_id))
    )
    if not live and not waiting:
        raise NotFound(f"The profile has no {id_type}.")
    chosen = [*live, *waiting] if all else [_first(live or waiting, upserts, id_type)]
    gone = {one.identifier for one in chosen}
    upserts.forget(profile_id, gone)
    upserts.settle(profile_id, gone)
    tx.touch_profile(profile_id, upserts.now)
    return view(tx, existing(tx, profile_id))


def _swapped(upserts: Upserts, member: str, trait: Trait | None, old: Identifier, new: Identifier) -> Upserted:
    """The trait that said the old value says the new one."""
    upserts.forget(member, {old})
    if trait is None:
        outcome = upserts.identify(member, new)
    else:
        outcome = upserts.upsert({trait[0]: {trait[1]: new.value}}, member)
    if any(one.identifier == new for one in outcome.kept_apart):
        raise _Refused(outcome)
    return outcome


def _first(holdings: list[Holding], upserts: Upserts, id_type: str) -> Holding:
    """The one that the type's limit would take first."""
    ordered = sorted(holdings, key=lambda one: (one.since, one.identifier))
    config = upserts.config(id_type)
    return ordered[-1] if config is not None and config.limit_policy == "lifo" else ordered[0]
