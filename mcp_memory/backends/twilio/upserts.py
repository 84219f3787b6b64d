"""Changing traits and identifiers. Whose they are, the service decides; what it made of them is found out by looking,
and where it is one of ours, its headers say the rest.

It refuses a trait that no group declares without saying which, so what is given is held against the groups here first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mcp_memory import identity
from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.profiles import Profiles
from mcp_memory.backends.twilio.remote import Remote
from mcp_memory.backends.twilio.replies import is_id
from mcp_memory.backends.twilio.rules import Rules
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.identity import IdentitySettings
from mcp_memory.ids import PROFILE
from mcp_memory.model import MAX_IDENTIFIER, Identifier, KeptApart, Merge, Profile, Scope, TraitChanges, Upserted
from mcp_memory.traits import Declared, Raw
from mcp_memory.wire import outcomes
from mcp_memory.wire.outcomes import Told
from mcp_memory.wire.pages import Accepted

Trait = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one call asks for, checked. `promoted`: trait -> the identifier that its value becomes."""

    wanted: TraitChanges
    promoted: Mapping[Trait, Identifier]

    @property
    def identifiers(self) -> list[Identifier]:
        return sorted(set(self.promoted.values()))

    def values(self) -> dict[str, dict[str, Any]]:
        return {
            group: {name: _plain(value) for name, value in traits.items()}
            for group, traits in self.wanted.values.items()
        }

    def nulls(self) -> dict[str, dict[str, Any]]:
        body: dict[str, dict[str, Any]] = {}
        for group, name in sorted(self.wanted.removed):
            body.setdefault(group, {})[name] = None
        return body


class Upserts:
    def __init__(self, remote: Remote, rules: Rules, profiles: Profiles, *, region: str) -> None:
        self._remote, self._rules, self._profiles, self._region = remote, rules, profiles, region

    async def upsert_traits(self, scope: Scope, given: Raw, profile_id: str | None) -> Upserted:
        settings = await self._rules.settings(scope.store_id)
        checked = await self.checked(scope, given, settings)
        if profile_id is None and not any(settings.matches(one.id_type) for one in checked.identifiers):
            raise await self._nobody(scope, settings)
        named = None if profile_id is None else await self._profiles.get_profile(scope, profile_id)
        holders = await self._holders(scope, checked.identifiers, settings)
        before = named or await self._first(scope, holders)
        target, told = await self._write(scope, checked, profile_id, None if before is None else before.profile_id)
        after = await self._after(scope, target, checked)
        return await self._told(scope, before, after, holders, settings, told)

    async def add_identifier(self, scope: Scope, profile_id: str, id_type: str, value: str) -> Upserted:
        settings = await self._rules.settings(scope.store_id)
        one = identity.normalise(Identifier(id_type, value), settings, self._region, "value")
        before = await self._profiles.get_profile(scope, profile_id)
        holders = await self._holders(scope, [one], settings)
        body = {"idType": one.id_type, "value": one.value}
        reply = await self._remote.send(calls.CREATE_IDENTIFIER, scope.store_id, profile_id, body=body)
        after = await self._seen(scope, profile_id, one, held=True)
        return await self._told(scope, before, after, holders, settings, outcomes.read(reply.headers))

    async def replace_identifier(
        self, scope: Scope, profile_id: str, id_type: str, old_value: str, new_value: str
    ) -> Upserted:
        settings = await self._rules.settings(scope.store_id)
        old = identity.normalise(Identifier(id_type, old_value), settings, self._region, "old_value")
        new = identity.normalise(Identifier(id_type, new_value), settings, self._region, "new_value")
        before = await self._profiles.get_profile(scope, profile_id)
        holders = await self._holders(scope, [new], settings)
        body = {"idType": id_type, "oldValue": old.value, "newValue": new.value}
        reply = await self._remote.send(calls.PATCH_IDENTIFIER, scope.store_id, profile_id, id_type, body=body)
        after = await self._seen(scope, profile_id, new, held=True)
        return await self._told(scope, before, after, holders, settings, outcomes.read(reply.headers))

    async def remove_identifiers(self, scope: Scope, profile_id: str, id_type: str, *, all: bool) -> Profile:
        before = await self._profiles.get_profile(scope, profile_id)
        held = before.identifiers.get(id_type, ())
        if not held:
            raise NotFound(f"The profile has no identifier of the type {id_type[:MAX_IDENTIFIER]}.")
        call = calls.DELETE_IDENTIFIERS if all else calls.DELETE_IDENTIFIER
        query = {"removeAll": "true" if all else "false"}
        await self._remote.send(call, scope.store_id, profile_id, id_type, query=query)
        return await self._remote.settled(
            lambda: self._profiles.get_profile(scope, profile_id),
            lambda seen: len(seen.identifiers.get(id_type, ())) < (1 if all else len(held)),
        )

    async def checked(self, scope: Scope, raw: Raw, settings: IdentitySettings) -> Given:
        """Raises Invalid, naming the trait, for what breaks a rule of the store."""
        declared = await self._rules.declared(scope.store_id)
        wanted = declared.changes(raw)
        if declared.undeclared(wanted):  # somebody may have declared it a moment ago
            declared = await self._rules.declared(scope.store_id, fresh=True)
            wanted = declared.changes(raw)
        promoted = self._promoted(declared, wanted, settings)
        if unknown := declared.undeclared(wanted):
            names = ", ".join(f"{one.group}.{one.name}" for one in unknown)
            known = ", ".join(f"{one.group}.{one.name} ({one.data_type})" for one in declared.definitions)
            raise Invalid(f"traits: {names} is not declared in this store. Declared: {known}.")
        there = {(one.group, one.name) for one in declared.definitions}
        wanted = replace(wanted, removed=wanted.removed & there)  # what was never there, is gone
        where = {one: f"traits.{group}.{name}" for (group, name), one in promoted.items()}
        identity.check_count(where, settings)
        return Given(wanted=_spelled(wanted, promoted), promoted=promoted)

    def _promoted(
        self, declared: Declared, wanted: TraitChanges, settings: IdentitySettings
    ) -> dict[Trait, Identifier]:
        return {
            (group, name): identity.normalise(
                Identifier(id_type, value), settings, self._region, f"traits.{group}.{name}"
            )
            for (group, name), (id_type, value) in declared.identifying(wanted.values).items()
            if settings.config(id_type)
        }

    async def _nobody(self, scope: Scope, settings: IdentitySettings) -> Invalid:
        promotions = (await self._rules.declared(scope.store_id)).promotions
        known = ", ".join(f"{group}.{name}" for (group, name), one in promotions.items() if settings.matches(one))
        return Invalid(f"traits: without profile_id, give at least one trait that identifies the customer: {known}.")

    # Whose it is

    async def _holders(
        self, scope: Scope, given: Sequence[Identifier], settings: IdentitySettings
    ) -> dict[Identifier, list[str]]:
        """Who has them now, by the strength of their types."""
        ranked = sorted(given, key=lambda one: (settings.rank(one.id_type), one))
        return {one: (await self._profiles.holders(scope, one))[1] for one in ranked}

    async def _first(self, scope: Scope, holders: Mapping[Identifier, Sequence[str]]) -> Profile | None:
        known = [holder for each in holders.values() for holder in each]
        return await self._profiles.get_profile(scope, known[0]) if known else None

    async def _write(
        self, scope: Scope, given: Given, profile_id: str | None, known: str | None
    ) -> tuple[str, Told | None]:
        """The id of the profile that was written to. Without one, the service resolves whose it is; what is removed
        is removed afterwards, since a new profile has nothing to remove."""
        values, nulls = given.values(), given.nulls()
        if profile_id is not None:
            body = {group: {**values.get(group, {}), **nulls.get(group, {})} for group in sorted({*values, *nulls})}
            if not body:
                return profile_id, None
            reply = await self._remote.send(calls.PATCH_TRAITS, scope.store_id, profile_id, body={"traits": body})
            return profile_id, outcomes.read(reply.headers)
        reply = await self._remote.send(calls.CREATE_PROFILE, scope.store_id, body={"traits": values})
        made = reply.read(Accepted).id
        if made is None or not is_id(made, PROFILE):
            raise reply.unpublished()
        if nulls and known is not None:
            await self._remote.send(calls.PATCH_TRAITS, scope.store_id, made, body={"traits": nulls})
        return made, outcomes.read(reply.headers)

    # What came of it

    async def _after(self, scope: Scope, profile_id: str, given: Given) -> Profile:
        """The profile with what was accepted: what identifies somebody only as the service shows it, since it may
        have stayed with somebody else."""
        plain = [
            (group, name, value)
            for group, traits in given.wanted.values.items()
            for name, value in traits.items()
            if (group, name) not in given.promoted
        ]
        seen = await self._remote.settled(
            lambda: self._profiles.get_profile(scope, profile_id),
            lambda seen: (
                all(_same(seen.traits.get(group, {}).get(name), value) for group, name, value in plain)
                and all(_has(seen, one) for one in given.identifiers)
                and not any(name in seen.traits.get(group, {}) for group, name in given.wanted.removed)
            ),
        )
        traits = {group: dict(members) for group, members in seen.traits.items()}
        for group, name, value in plain:
            traits.setdefault(group, {})[name] = value
        for group, name in given.wanted.removed:
            traits.get(group, {}).pop(name, None)
        return replace(seen, traits={group: members for group, members in sorted(traits.items()) if members})

    async def _seen(self, scope: Scope, profile_id: str, one: Identifier, *, held: bool) -> Profile:
        return await self._remote.settled(
            lambda: self._profiles.get_profile(scope, profile_id),
            lambda seen: _has(seen, one) is held,
        )

    async def _told(
        self,
        scope: Scope,
        before: Profile | None,
        after: Profile,
        holders: dict[Identifier, list[str]],
        settings: IdentitySettings,
        told: Told | None,
    ) -> Upserted:
        """`told`: what the service itself says of it, as ours does; whether it was there is else known from before."""
        joined = before is not None and await self._is_part(scope, before.profile_id, after.profile_id)
        merges, apart = await self._met(scope, before if joined else None, after, holders, settings)
        known = joined or any(after.profile_id in each for each in holders.values())
        dropped: list[Identifier] = []
        if told is not None:
            known, apart = told.outcome == "updated", _as_told(told, holders, settings)
            kept = {one.identifier for one in apart}
            dropped = [one for one in holders if one not in kept and not _has(after, one)]
        return Upserted(
            outcome="updated" if known else "created",
            profile=after,
            before=before if joined else None,
            merges=merges,
            kept_apart=apart,
            dropped=dropped,
        )

    async def _met(
        self,
        scope: Scope,
        before: Profile | None,
        after: Profile,
        holders: dict[Identifier, list[str]],
        settings: IdentitySettings,
    ) -> tuple[list[Merge], list[KeptApart]]:
        """Who was somebody else before, and is the same now; and what stayed with somebody else."""
        merges: list[Merge] = []
        apart: list[KeptApart] = []
        seen = {after.profile_id}
        by = next((one for one in reversed(holders) if after.profile_id in holders[one]), next(iter(holders), None))
        if before is not None and before.profile_id not in seen:
            seen.add(before.profile_id)
            merges.append(_merge(before.profile_id, after, by, self._remote.now()))
        for one, each in holders.items():
            for holder in each:
                if holder in seen:
                    continue
                seen.add(holder)
                if await self._is_part(scope, holder, after.profile_id):
                    merges.append(_merge(holder, after, one, self._remote.now()))
                elif not _has(after, one):
                    apart += _apart(one, holder, settings)
        return merges, apart

    async def _is_part(self, scope: Scope, profile_id: str, of: str) -> bool:
        return profile_id == of or await self._profiles.live_profile_id(scope, profile_id) == of


def _has(profile: Profile, one: Identifier) -> bool:
    return one.value in profile.identifiers.get(one.id_type, ())


def _merge(merged_id: str, into: Profile, by: Identifier | None, at: datetime) -> Merge:
    return Merge(merged_id=merged_id, into_id=into.profile_id, at=at, identifier=by)


def _apart(one: Identifier, holder: str, settings: IdentitySettings) -> list[KeptApart]:
    """Why, as far as the rules tell: the service does not say."""
    if not settings.matches(one.id_type):
        return [KeptApart(identifier=one, holder_id=holder, reason="no_rule")]
    return [KeptApart(identifier=one, holder_id=holder, reason="limit", differ=_single(settings))]


def _as_told(told: Told, holders: Mapping[Identifier, Sequence[str]], settings: IdentitySettings) -> list[KeptApart]:
    """With the values that were given: of a type, the one that the holder had."""
    found = []
    for each in told.apart:
        given = [one for one in holders if one.id_type == each.id_type]
        one = next((one for one in given if each.holder_id in holders[one]), next(iter(given), None))
        if one is not None:
            differ = _single(settings) if each.reason == "limit" else None
            found.append(KeptApart(identifier=one, holder_id=each.holder_id, reason=each.reason, differ=differ))
    return found


def _single(settings: IdentitySettings) -> str | None:
    return next((one.id_type for one in settings.identifier_configs if one.limit == 1), None)


def _spelled(wanted: TraitChanges, promoted: Mapping[Trait, Identifier]) -> TraitChanges:
    """Identifying texts as they are compared, so that a trait reads like the identifier it becomes."""
    values = {group: dict(members) for group, members in wanted.values.items()}
    for (group, name), one in promoted.items():
        if isinstance(values[group][name], str):
            values[group][name] = one.value
    return replace(wanted, values=values)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _same(seen: object, given: object) -> bool:
    """The service may give a number back as text."""
    return seen == given or (seen is not None and str(seen) == str(given))
