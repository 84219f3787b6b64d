"""Changing traits, inside a transaction: find out whose they are, create or merge, write."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mcp_memory import identity, resolution, traits
from mcp_memory.backends.sql import identifiers, merging
from mcp_memory.backends.sql.database import ProfileRow, Trait, TraitRow, Transaction
from mcp_memory.backends.sql.profiles import existing, view
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.history import Authorship
from mcp_memory.identity import IdentifierConfig
from mcp_memory.ids import PROFILE, MakeId
from mcp_memory.imports import BulkOutcome
from mcp_memory.ledger import Entry, Holding, Separation
from mcp_memory.model import (
    Identifier,
    KeptApart,
    TraitChanges,
    TraitDefinition,
    Traits,
    TraitValue,
    UndeclaredTraits,
    Upserted,
)
from mcp_memory.resolution import Candidate, Decision
from mcp_memory.traits import Declared

MICROSECOND = timedelta(microseconds=1)

TraitOf = tuple[str, str, TraitValue]
"""Group, name, value."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one call asks for, checked. `promoted`: trait -> the identifier its value becomes. `bare`: identifiers
    that no trait says."""

    wanted: TraitChanges
    promoted: Mapping[Trait, Identifier]
    profile_id: str | None
    bare: tuple[Identifier, ...] = ()

    @property
    def identifiers(self) -> list[Identifier]:
        return sorted({*self.promoted.values(), *self.bare})


class Upserts:
    """The rules of the store are read once, for as many upserts as the transaction makes."""

    def __init__(
        self,
        tx: Transaction,
        room: Room,
        *,
        policy: UndeclaredTraits,
        region: str,
        now: datetime,
        make_id: MakeId,
        by: Authorship,
    ) -> None:
        self.tx, self.now, self.room, self._by = tx, now, room, by
        self._policy, self._region, self.make_id = policy, region, make_id
        self._settings = tx.identity_settings()
        self._declared = Declared(tx.definitions())

    def upsert(self, raw: traits.Raw, profile_id: str | None) -> Upserted:
        return self._upsert(self._checked(raw, profile_id))

    def identify(self, profile_id: str, one: Identifier) -> Upserted:
        """`one`, as `normalised`, is the profile's."""
        return self._upsert(Given(wanted=TraitChanges(), promoted={}, profile_id=profile_id, bare=(one,)))

    def meet(self, known_by: Sequence[Identifier]) -> Upserted:
        """Somebody with these, as `normalised`: whoever has one of them, or else somebody new, with the traits that say
        so. Raises Invalid where nobody is told by any of them."""
        if not any(self._settings.matches(one.id_type) for one in known_by):
            raise self._nobody()
        raw: dict[str, dict[str, str]] = {}
        if not any(self.tx.claim(known_by).values()):
            by_type = {one.id_type: one.value for one in reversed(known_by)}
            for each in self._declared.definitions:
                if each.id_type_promotion in by_type and each.data_type == "STRING":
                    raw.setdefault(each.group, {})[each.name] = by_type[each.id_type_promotion]
        given = self._checked(raw, None) if raw else Given(wanted=TraitChanges(), promoted={}, profile_id=None)
        said = set(given.promoted.values())
        return self._upsert(replace(given, bare=tuple(one for one in known_by if one not in said)))

    def normalised(self, id_type: str, value: str, name: str) -> Identifier:
        return identity.normalise(Identifier(id_type, value), self._settings, self._region, name)

    def forget(self, profile_id: str, gone: Set[Identifier]) -> None:
        """Nobody says them of this profile any more: with them go the traits whose values they are."""
        tx = self.tx
        tx.detach([one for one in (*tx.identifiers(profile_id), *tx.retired(profile_id)) if one.identifier in gone])
        for row in tx.traits(profile_id):
            if self._says(row) in gone:
                tx.remove_own_traits(row.profile_id, [(row.group, row.name)], self.now, self._by)

    def settle(self, profile_id: str, gone: Set[Identifier]) -> None:
        """After that: who waited for them has them, and what waited for the room identifies again."""
        live = existing(self.tx, profile_id).profile_id
        identifiers.release(self.tx, sorted(gone), self._settings, but=live)
        identifiers.settle(self.tx, live, self._settings)

    def identifying(self, group: str, name: str, value: str) -> Identifier | None:
        """What a trait would identify by; None: it does not. Raises Invalid for what has not the form of its type."""
        return self._promoted({group: {name: value}}).get((group, name))

    def config(self, id_type: str) -> IdentifierConfig | None:
        return self._settings.config(id_type)

    def said_by(self, profile_id: str, one: Identifier) -> Trait | None:
        """The trait whose text it is, as the profile reads."""
        rows = self.tx.traits(profile_id)
        now = traits.latest(((row.updated_at, row.profile_id), row.group, row.name, row.value) for row in rows)
        says = {Identifier(*promoted): trait for trait, promoted in self._declared.identifying(now).items()}
        trait = says.get(one)
        texts = {(each.group, each.name) for each in self._declared.definitions if each.data_type == "STRING"}
        return trait if trait in texts else None

    def _says(self, row: TraitRow) -> Identifier | None:
        promoted = self._declared.identifying({row.group: {row.name: row.value}})
        return next((Identifier(*one) for one in promoted.values()), None)

    def _upsert(self, given: Given) -> Upserted:
        decision = self._decide(given)
        before = None if decision.target is None else view(self.tx, existing(self.tx, decision.target))
        holder, entries = self._apply(given, decision)
        after = view(self.tx, existing(self.tx, holder))
        dropped = {
            one
            for one in (*given.identifiers, *(each for entry in entries for each in entry.dropped))
            if one not in decision.refused and one.value not in after.identifiers.get(one.id_type, ())
        }
        return Upserted(
            outcome="created" if before is None else "updated",
            profile=after,
            before=before,
            merges=entries,
            kept_apart=decision.apart,
            dropped=sorted(dropped),
        )

    def attempt(self, raw: traits.Raw) -> BulkOutcome:
        """One of many: what breaks a rule or contradicts what is known is refused alone."""
        self.now += MICROSECOND  # so that the later entry is the later write
        declared = self._declared
        try:
            with self.tx.attempt():
                given = self._checked(raw, None)
                decision = self._decide(given)
                holder, entries = self._apply(given, decision)
        except (Invalid, Conflict) as exc:
            self._declared = declared  # what it declared is taken back as well
            return BulkOutcome(outcome="refused", reason=str(exc))
        live = entries[-1].into_id if entries else decision.target or holder
        return BulkOutcome(
            outcome="created" if decision.target is None else "updated",
            profile_id=live,
            merges=len(entries),
            kept_apart=decision.apart,
        )

    # What is asked for

    def _checked(self, raw: traits.Raw, profile_id: str | None) -> Given:
        wanted = self._declared.changes(raw)
        if self._declared.undeclared(wanted):
            # Another caller may have declared them meanwhile, in other types.
            self._declared = Declared(self.tx.definitions(lock=True))
            wanted = self._declared.changes(raw)
            self._declare(self._declared.undeclared(wanted))
        promoted = self._promoted(wanted.values)
        where = {one: f"traits.{group}.{name}" for (group, name), one in promoted.items()}
        identity.check_count(where, self._settings)
        if profile_id is None and not any(self._settings.matches(one.id_type) for one in where):
            raise self._nobody()
        return Given(wanted=wanted, promoted=promoted, profile_id=profile_id)

    def _declare(self, new: Sequence[TraitDefinition]) -> None:
        declared = self._declared.definitions
        if new and self._policy == "refuse":
            unknown = ", ".join(f"{one.group}.{one.name}" for one in new)
            known = ", ".join(f"{one.group}.{one.name} ({one.data_type})" for one in declared)
            raise Invalid(f"traits: {unknown} is not declared in this store. Declared: {known}.")
        traits.check_room(declared, new)
        self.tx.declare(new)
        self._declared = Declared([*declared, *new])

    def _promoted(self, values: Traits) -> dict[Trait, Identifier]:
        return {
            (group, name): identity.normalise(
                Identifier(id_type, value), self._settings, self._region, f"traits.{group}.{name}"
            )
            for (group, name), (id_type, value) in self._declared.identifying(values).items()
            if self._settings.config(id_type)
        }

    def _nobody(self) -> Invalid:
        known = ", ".join(
            f"{one.group}.{one.name}"
            for one in self._declared.definitions
            if one.id_type_promotion and self._settings.matches(one.id_type_promotion)
        )
        return Invalid(f"traits: without profile_id, give at least one trait that identifies the customer: {known}.")

    # Whose it is

    def _decide(self, given: Given) -> Decision:
        """Among the live profiles that hold something of what was given, or were named."""
        holders = self.tx.claim(given.identifiers)
        ids = {holder for each in holders.values() for holder in each}
        if given.profile_id is not None:
            existing(self.tx, given.profile_id)  # or NotFound
            ids.add(given.profile_id)
        locked = self.tx.lock_profiles(ids)
        rows = {row.profile_id: row for row in locked.values()}
        held: dict[str, dict[Identifier, str]] = {live: {} for live in rows}
        for one, each in holders.items():
            for holder in reversed(each):
                held[locked[holder].profile_id][one] = holder
        candidates = [self._candidate(row, given, held[live], len(rows) > 1) for live, row in rows.items()]
        return resolution.resolve(given.identifiers, candidates, self._settings)

    def _candidate(
        self, row: ProfileRow, given: Given, matched: Mapping[Identifier, str], has_rivals: bool
    ) -> Candidate:
        named = given.profile_id if given.profile_id in row.members else None
        values: dict[str, set[str]] = {}
        if any(config.limit == 1 for config in self._settings.identifier_configs):
            for one in self.tx.identifiers(row.profile_id):
                if named is not None and one.trait in given.wanted.removed:
                    continue  # gone with this very call
                values.setdefault(one.identifier.id_type, set()).add(one.identifier.value)
        return Candidate(
            profile_id=row.profile_id,
            created_at=row.created_at,
            identifiers={id_type: frozenset(each) for id_type, each in values.items()},
            matched=matched,
            separated=merging.separated(self.tx, row) if has_rivals else {},
            members=len(row.members),
            named=named,
        )

    # Writing

    def _apply(self, given: Given, decision: Decision) -> tuple[str, list[Entry]]:
        """The profile that was written to, live or part of one, and the merges."""
        if decision.holder is None:
            self.room.check_profile(self.tx)
            holder = self.make_id(PROFILE)
            self.tx.insert_profile(holder, self.now)
            self._write(holder, given, decision, [], [], [])
            return holder, []
        holder = decision.holder
        if decision.links and given.wanted.removed:
            raise Conflict(
                "These identifiers make two customers one, and null would remove what either of them has; nothing was "
                "written: give the identifiers in one call, then null in another."
            )
        entries = [merging.merge(self.tx, link, self._settings, self.now) for link in decision.links]
        if given.wanted.removed:
            self._remove(holder, given.wanted.removed)
        tx = self.tx
        self._write(holder, given, decision, tx.traits(holder), tx.identifiers(holder), tx.retired(holder))
        self.tx.touch_profile(holder, self.now)
        return holder, entries

    def _write(
        self,
        holder: str,
        given: Given,
        decision: Decision,
        said: Sequence[TraitRow],
        held: Sequence[Holding],
        retired: Sequence[Holding],
    ) -> None:
        """`said`, `held` and `retired`: the traits and identifiers there are."""
        refused, known = decision.refused, {one.identifier for one in held}
        owners = {one.identifier: one.profile_id for one in (*retired, *held)}
        new: dict[str, list[TraitOf]] = {}
        for group, members in given.wanted.values.items():
            for name, value in members.items():
                one = given.promoted.get((group, name))
                if one is None:
                    new.setdefault(holder, []).append((group, name, value))
                elif one not in refused:
                    # With whoever brought the identifier: taken apart again, each has its own.
                    written = one.value if isinstance(value, str) else value
                    new.setdefault(owners.get(one, holder), []).append((group, name, written))
        _check_size(said, new.values())
        for member, values in new.items():
            self._put(member, values, said)
        promoted: dict[Identifier, Trait | None] = {one: None for one in given.bare if one not in refused}
        promoted |= {one: trait for trait, one in given.promoted.items() if one not in refused}
        fresh = {one: trait for one, trait in promoted.items() if one not in known}
        if fresh:
            self._attach(holder, fresh, promoted.keys(), [*held, *retired])
        self._keep_apart(holder, list(fresh), decision.apart)

    def _keep_apart(self, holder: str, new: Sequence[Identifier], apart: Sequence[KeptApart]) -> None:
        """What is first heard in a call that mixes two who were taken apart, does not link them when it is repeated."""
        self.tx.record_conflicts(holder, apart, self.now)
        for other in {one.holder_id for one in apart if one.reason == "unmerged"}:
            for one in new:
                self.tx.separate(Separation(one=holder, other=other, identifier=one, at=self.now))

    def _put(self, member: str, values: Sequence[TraitOf], said: Sequence[TraitRow]) -> None:
        """The latest write holds: this one, whatever the clocks of those who wrote before say."""
        own = {(row.group, row.name): repr(row.value) for row in said if row.profile_id == member}  # 1 is equal to True
        self.tx.keep_traits(member, [one for one in values if own.get(one[:2]) not in (None, repr(one[2]))])
        times: dict[datetime, list[TraitOf]] = {}
        for one in values:
            others = [row.updated_at for row in said if (row.group, row.name) == one[:2] and row.profile_id != member]
            times.setdefault(max([self.now, *(time + MICROSECOND for time in others)]), []).append(one)
        for at, written in times.items():
            self.tx.put_traits(member, written, at, self._by)

    def _attach(
        self, holder: str, new: Mapping[Identifier, Trait | None], given: Set[Identifier], known: Sequence[Holding]
    ) -> None:
        """`new`: what identifies nobody yet, of all that was `given`. `known`: what the profile has, retired or not."""
        waiting = {one.identifier: one for one in known if one.identifier in new}
        dropped: list[Identifier] = []
        for one, trait in new.items():
            config = self._settings.config(one.id_type)
            if config is None:
                continue
            member = holder
            if one in waiting:  # said again, and of the one who brought it
                member, trait = waiting[one].profile_id, trait or waiting[one].trait
                self.tx.detach([waiting[one]])
            since = [each.since + MICROSECOND for each in known if each.identifier.id_type == one.id_type]
            self.tx.attach(member, [(one, trait)], not config.enforce_unique, max([self.now, *since]))
            if len(known) + len(new) > config.limit:
                dropped += identifiers.trim(self.tx, member, config, given)
        if dropped:
            identifiers.release(self.tx, dropped, self._settings, but=existing(self.tx, holder).profile_id)
        if any(len(known) + len(new) > config.limit for config in self._settings.identifier_configs):
            identifiers.settle(self.tx, holder, self._settings, given)

    def _remove(self, holder: str, removed: frozenset[Trait]) -> None:
        """A trait that goes takes all identifiers along that ever came from it, but those another trait still says."""
        tx = self.tx
        going = [one for one in (*tx.identifiers(holder), *tx.retired(holder)) if one.trait in removed]
        tx.remove_traits(holder, removed, self.now, self._by)
        left = traits.latest((row.updated_at, row.group, row.name, row.value) for row in tx.traits(holder))
        says = {Identifier(*promoted): trait for trait, promoted in self._declared.identifying(left).items()}
        gone = [one for one in going if one.identifier not in says]
        tx.detach(gone)
        for one in going:
            if one.identifier in says:
                tx.inherit([one], says[one.identifier])
        if gone:
            live = existing(tx, holder).profile_id
            identifiers.release(tx, [one.identifier for one in gone], self._settings, but=live)
            identifiers.settle(tx, holder, self._settings)


def _check_size(said: Sequence[TraitRow], new: Iterable[Sequence[TraitOf]]) -> None:
    before = traits.latest((row.updated_at, row.group, row.name, row.value) for row in said)
    after = {group: dict(members) for group, members in before.items()}
    for values in new:
        for group, name, value in values:
            after.setdefault(group, {})[name] = value
    traits.check_size(after, before)
