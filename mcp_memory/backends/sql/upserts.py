"""Changing traits, inside a transaction: find out whose they are, create or merge, write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_memory import identity, resolution, traits
from mcp_memory.backends.sql import merging
from mcp_memory.backends.sql.database import ProfileRow, Trait, TraitRow, Transaction
from mcp_memory.backends.sql.profiles import existing, view
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.ids import PROFILE, MakeId
from mcp_memory.imports import BulkOutcome
from mcp_memory.ledger import Holding
from mcp_memory.model import (
    Identifier,
    Merge,
    TraitChanges,
    TraitDefinition,
    Traits,
    TraitValue,
    UndeclaredTraits,
    Upserted,
)
from mcp_memory.resolution import Candidate, Decision

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one call asks for, checked. `promoted`: trait -> the identifier its value becomes."""

    wanted: TraitChanges
    promoted: Mapping[Trait, Identifier]
    profile_id: str | None

    @property
    def identifiers(self) -> list[Identifier]:
        return sorted(set(self.promoted.values()))


class Upserts:
    """The rules of the store are read once, for as many upserts as the transaction makes."""

    def __init__(
        self, tx: Transaction, *, policy: UndeclaredTraits, region: str, now: datetime, make_id: MakeId
    ) -> None:
        self.tx, self.now = tx, now
        self._policy, self._region, self._make_id = policy, region, make_id
        self._settings = tx.identity_settings()
        self._declared = tx.definitions()

    def upsert(self, raw: traits.Raw, profile_id: str | None) -> Upserted:
        tx = self.tx
        given = self._checked(raw, profile_id)
        rows = self._rows(given)
        candidates = [self._candidate(row, given, holders) for row, holders in rows]
        decision = resolution.resolve(given.identifiers, candidates, self._settings)
        before = None if decision.target is None else view(tx, existing(tx, decision.target))
        if decision.holder is None:
            holder = self._make_id(PROFILE)
            tx.insert_profile(holder, self.now)
        else:
            holder = decision.holder
        entries = [merging.merge(tx, link, self._settings, self.now) for link in decision.links]
        self._write(holder, given, decision)
        after = view(tx, existing(tx, holder))
        traits.check_size(after.traits, before.traits if before else {})
        return Upserted(
            outcome="updated" if before else "created",
            profile=after,
            before=before,
            merges=[Merge(merged_id=e.merged_id, into_id=e.into_id, at=e.at, identifier=e.identifier) for e in entries],
            kept_apart=decision.apart,
        )

    def attempt(self, raw: traits.Raw) -> BulkOutcome:
        """One of many: what breaks a rule or contradicts what is known is refused alone."""
        self.now += MICROSECOND  # so that the later entry is the later write
        try:
            with self.tx.attempt():
                upserted = self.upsert(raw, None)
        except (Invalid, Conflict) as exc:
            self._declared = self.tx.definitions()  # what it declared is taken back as well
            return BulkOutcome(outcome="refused", reason=str(exc))
        return BulkOutcome(outcome=upserted.outcome, profile_id=upserted.profile.profile_id)

    # What is asked for

    def _checked(self, raw: traits.Raw, profile_id: str | None) -> Given:
        wanted = traits.changes(raw, self._declared)
        if traits.undeclared(wanted, self._declared):
            # Another caller may have declared them meanwhile, in other types.
            self._declared = self.tx.definitions(lock=True)
            wanted = traits.changes(raw, self._declared)
            self._declare(traits.undeclared(wanted, self._declared))
        promoted = self._promoted(wanted.values)
        where = {one: f"traits.{group}.{name}" for (group, name), one in promoted.items()}
        identity.check_count(sorted(where), self._settings, where)
        if profile_id is None and not any(self._settings.matches(one.id_type) for one in where):
            raise self._nobody()
        return Given(wanted=wanted, promoted=promoted, profile_id=profile_id)

    def _declare(self, new: Sequence[TraitDefinition]) -> None:
        if new and self._policy == "refuse":
            unknown = ", ".join(f"{one.group}.{one.name}" for one in new)
            known = ", ".join(f"{one.group}.{one.name} ({one.data_type})" for one in self._declared)
            raise Invalid(f"traits: {unknown} is not declared in this store. Declared: {known}.")
        traits.check_room(self._declared, new)
        self.tx.declare(new)
        self._declared = [*self._declared, *new]

    def _promoted(self, values: Traits) -> dict[Trait, Identifier]:
        return {
            (group, name): identity.normalise(
                Identifier(id_type, value), self._settings, self._region, f"traits.{group}.{name}"
            )
            for (group, name), (id_type, value) in traits.identifying(values, self._declared).items()
            if self._settings.config(id_type)
        }

    def _nobody(self) -> Invalid:
        known = ", ".join(
            f"{one.group}.{one.name}"
            for one in self._declared
            if one.id_type_promotion and self._settings.matches(one.id_type_promotion)
        )
        return Invalid(f"traits: without profile_id, give at least one trait that identifies the customer: {known}.")

    # Whose it is

    def _rows(self, given: Given) -> list[tuple[ProfileRow, dict[Identifier, str]]]:
        """The live profiles concerned, each with what it holds of what was given."""
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
        return [(row, held[live]) for live, row in rows.items()]

    def _candidate(self, row: ProfileRow, given: Given, matched: Mapping[Identifier, str]) -> Candidate:
        tx = self.tx
        values: dict[str, set[str]] = {}
        for one in tx.identifiers(row.profile_id):
            values.setdefault(one.identifier.id_type, set()).add(one.identifier.value)
        return Candidate(
            profile_id=row.profile_id,
            created_at=row.created_at,
            identifiers={id_type: frozenset(each) for id_type, each in values.items()},
            matched=matched,
            separated=merging.separated(tx, row),
            named=given.profile_id if given.profile_id in row.members else None,
        )

    # Writing

    def _write(self, holder: str, given: Given, decision: Decision) -> None:
        tx, refused = self.tx, decision.refused
        promoted = {one: trait for trait, one in given.promoted.items() if one not in refused}
        self._demote(holder, given.wanted.removed)
        tx.remove_traits(holder, given.wanted.removed)
        owners = {one.identifier: one.profile_id for one in tx.identifiers(holder)}
        said = tx.traits(holder)
        for group, members in given.wanted.values.items():
            for name, value in members.items():
                one = given.promoted.get((group, name))
                rivals = [row for row in said if (row.group, row.name) == (group, name)]
                if one is None:
                    self._put(holder, (group, name, value), rivals)
                elif one not in refused:
                    # With whoever brought the identifier: taken apart again, each has its own.
                    self._put(owners.get(one, holder), (group, name, one.value), rivals)
        self._attach(holder, {one: trait for one, trait in promoted.items() if one not in owners})
        tx.touch_profile(holder, self.now)
        tx.record_conflicts(holder, decision.apart, self.now)

    def _put(self, holder: str, trait: tuple[str, str, TraitValue], rivals: Sequence[TraitRow]) -> None:
        """The latest write holds: this one, whatever the clocks of those who wrote before say."""
        later = [row.updated_at + MICROSECOND for row in rivals if row.profile_id != holder]
        self.tx.put_traits(holder, [trait], max([self.now, *later]))

    def _attach(self, holder: str, new: Mapping[Identifier, Trait]) -> None:
        for config in self._settings.identifier_configs:
            mine = [(one, trait) for one, trait in new.items() if one.id_type == config.id_type]
            if mine:
                self.tx.attach(holder, mine, not config.enforce_unique, self.now)
                merging.keep_limit(self.tx, holder, config, frozenset(one for one, _ in mine))

    def _demote(self, holder: str, removed: frozenset[Trait]) -> None:
        """A trait that goes takes all identifiers along that ever came from it, but those another trait still says."""
        holdings = [one for one in self.tx.identifiers(holder) if one.trait in removed]
        if not holdings:
            return
        kept = self._still_said(holder, removed)
        self.tx.detach(holdings)
        again: list[Holding] = [one for one in holdings if one.identifier in kept]
        for one in again:
            config = self._settings.config(one.identifier.id_type)
            shared = config is not None and not config.enforce_unique
            self.tx.attach(one.profile_id, [(one.identifier, kept[one.identifier])], shared, one.since)

    def _still_said(self, holder: str, removed: frozenset[Trait]) -> dict[Identifier, Trait]:
        left: dict[str, dict[str, object]] = {}
        for row in self.tx.traits(holder):
            if (row.group, row.name) not in removed:
                left.setdefault(row.group, {})[row.name] = row.value
        return {one: trait for trait, one in self._promoted(left).items()}  # type: ignore[arg-type]
