"""Who is who, inside a transaction: find or create a profile, change its traits."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mcp_memory import identity, traits
from mcp_memory.backends.sql.database import ProfileRow, Transaction
from mcp_memory.errors import Conflict, Invalid, NotFound
from mcp_memory.ids import PROFILE, MakeId
from mcp_memory.model import (
    Identifier,
    Lookup,
    Profile,
    TraitChanges,
    TraitDefinition,
    Traits,
    TraitValue,
    UndeclaredTraits,
    Upserted,
)


def lookup(tx: Transaction, normalised: Sequence[Identifier]) -> Lookup:
    owners = tx.owners(normalised)
    for one in normalised:
        if one in owners:
            return Lookup(identifier=one, profile=view(tx, existing(tx, owners[one])))
    return Lookup(identifier=normalised[0], profile=None)


def existing(tx: Transaction, profile_id: str, *, lock: bool = False) -> ProfileRow:
    row = tx.lock_profile(profile_id) if lock else tx.find_profile(profile_id)
    if row is None:
        raise NotFound("There is no such profile in this store: find the customer with lookup_profile first.")
    return row


def view(tx: Transaction, row: ProfileRow) -> Profile:
    grouped: dict[str, dict[str, TraitValue]] = {}
    for group, name, value in tx.traits(row.profile_id):
        grouped.setdefault(group, {})[name] = value
    identifiers: dict[str, list[str]] = {}
    for one in tx.identifiers(row.profile_id):
        identifiers.setdefault(one.id_type, []).append(one.value)
    return Profile(
        profile_id=row.profile_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_activity_at=row.last_activity_at,
        observation_count=row.observation_count,
        summary_count=row.summary_count,
        traits=grouped,
        identifiers=identifiers,
    )


def upsert(
    tx: Transaction,
    given: traits.Raw,
    profile_id: str | None,
    *,
    policy: UndeclaredTraits,
    region: str,
    now: datetime,
    make_id: MakeId,
) -> Upserted:
    declared = tx.definitions()
    wanted = traits.changes(given, declared)
    if traits.undeclared(wanted, declared):
        declared = tx.definitions(lock=True)  # another caller may have declared them meanwhile, in other types
        wanted = traits.changes(given, declared)
        _declare(tx, wanted, declared, policy)
    promoted = _promoted(wanted.values, declared, region)
    owners = tx.claim(sorted(set(promoted.values()))) if promoted else {}
    target = profile_id or _find(promoted, owners, declared)
    before = None
    if target is None:
        target = make_id(PROFILE)
        tx.insert_profile(target, now)
    else:
        before = view(tx, existing(tx, target, lock=True))
        target = before.profile_id
    _refuse_strangers(promoted, owners, target)
    _apply(tx, target, wanted, promoted, declared, now)
    after = view(tx, existing(tx, target))
    traits.check_size(after.traits)
    return Upserted(outcome="updated" if before else "created", profile=after, before=before)


def _declare(
    tx: Transaction, wanted: TraitChanges, declared: Sequence[TraitDefinition], policy: UndeclaredTraits
) -> None:
    new = traits.undeclared(wanted, declared)
    if new and policy == "refuse":
        unknown = ", ".join(f"{one.group}.{one.name}" for one in new)
        known = ", ".join(f"{one.group}.{one.name} ({one.data_type})" for one in declared)
        raise Invalid(f"traits: {unknown} is not declared in this store. Declared: {known}.")
    traits.check_room(declared, new)
    tx.declare(new)


def _promoted(values: Traits, declared: Sequence[TraitDefinition], region: str) -> dict[tuple[str, str], Identifier]:
    """(group, name) -> the identifier its value becomes."""
    return {
        (group, name): identity.normalise(Identifier(id_type, value), region, f"traits.{group}.{name}")
        for (group, name), (id_type, value) in traits.identifying(values, declared).items()
    }


def _find(
    promoted: Mapping[tuple[str, str], Identifier],
    owners: Mapping[Identifier, str],
    declared: Sequence[TraitDefinition],
) -> str | None:
    if not promoted:
        known = ", ".join(f"{one.group}.{one.name}" for one in declared if one.id_type_promotion)
        raise Invalid(f"traits: without profile_id, give at least one trait that identifies the customer: {known}.")
    found = {owners[one]: where for where, one in promoted.items() if one in owners}
    if len(found) > 1:
        belongs = ", ".join(f"{'.'.join(where)} to {profile_id}" for profile_id, where in found.items())
        raise Conflict(
            f"These traits belong to different profiles ({belongs}) and nothing was written: "
            "repeat the call with the profile_id you mean and only the traits that are its own. "
            "Profiles can't be merged yet."
        )
    return next(iter(found), None)


def _refuse_strangers(
    promoted: Mapping[tuple[str, str], Identifier], owners: Mapping[Identifier, str], profile_id: str
) -> None:
    for (group, name), one in promoted.items():
        if owners.get(one, profile_id) != profile_id:
            raise Conflict(
                f"{group}.{name} already identifies another profile, {owners[one]}, and nothing was written: "
                "use that profile_id if it is the same customer, or leave this trait out. Profiles can't be merged yet."
            )


def _apply(
    tx: Transaction,
    profile_id: str,
    wanted: TraitChanges,
    promoted: Mapping[tuple[str, str], Identifier],
    declared: Sequence[TraitDefinition],
    now: datetime,
) -> None:
    gone = {one.id_type_promotion for one in declared if (one.group, one.name) in wanted.removed} - {None}
    if gone:
        tx.detach([one for one in tx.identifiers(profile_id) if one.id_type in gone], profile_id)
    tx.remove_traits(profile_id, wanted.removed)
    values = {
        **{(g, n): v for g, members in wanted.values.items() for n, v in members.items()},
        **{where: one.value for where, one in promoted.items()},
    }
    tx.put_traits(profile_id, [(group, name, value) for (group, name), value in values.items()], now)
    tx.attach(sorted(set(promoted.values())), profile_id, now)
    tx.touch_profile(profile_id, now)
