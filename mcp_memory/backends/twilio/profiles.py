"""Who is who: profiles and their traits, as the service has them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio

from mcp_memory import identity, ids
from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.calls import Call
from mcp_memory.backends.twilio.remote import Remote, checked_ids
from mcp_memory.backends.twilio.replies import Reply, is_id
from mcp_memory.backends.twilio.rules import Rules
from mcp_memory.backends.twilio.stores import order, token
from mcp_memory.errors import Error, Invalid, NotFound
from mcp_memory.identity import IdentitySettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import (
    MAX_IDENTIFIER,
    MAX_PAGE,
    Identifier,
    Lookup,
    Profile,
    Scope,
    TraitEntry,
    Traits,
    TraitValue,
)
from mcp_memory.text import clean
from mcp_memory.traits import MAX_ARRAY, MAX_STRING
from mcp_memory.wire.memories import ObservationsBody
from mcp_memory.wire.profiles import IdentifiersBody, LookupBody, ProfileBody, ProfilesBody, TraitsListBody

NOBODY: Final = "There is no such profile in this store: find the customer with lookup_profile first."
TRAITS_PAGE: Final = 100
RECENT: Final = 10  # observations: what was learned last did not always happen last


class Profiles:
    def __init__(self, remote: Remote, rules: Rules, *, region: str) -> None:
        self._remote, self._rules, self._region = remote, rules, region

    async def lookup_profile(self, scope: Scope, value: str, id_type: str | None) -> Lookup:
        settings = await self._rules.settings(scope.store_id)
        types = (id_type,) if id_type else identity.candidate_types(value, settings)
        normalised = self._normalised([Identifier(one, value) for one in types], settings)
        for one in normalised:
            spelled, holders = await self.holders(scope, one)
            if holders:
                profile = await self.get_profile(scope, holders[0])
                sharers = [other for other in holders[1:] if other != profile.profile_id]
                return Lookup(identifier=spelled, profile=profile, sharers=sharers)
        likeliest = normalised[0]
        promotions = (await self._rules.declared(scope.store_id)).promotions
        return Lookup(
            identifier=likeliest,
            profile=None,
            tried=[one.id_type for one in normalised],
            trait=next((trait for trait, promoted in promotions.items() if promoted == likeliest.id_type), None),
        )

    async def holders(self, scope: Scope, one: Identifier) -> tuple[Identifier, list[str]]:
        """The identifier as the service writes it, and the profiles that have it."""
        body = {"idType": one.id_type, "value": one.value}
        reply = await self._remote.send(calls.LOOKUP_PROFILES, scope.store_id, body=body)
        found = reply.read(LookupBody)
        spelled = Identifier(one.id_type, clean(found.normalized_value)[:MAX_IDENTIFIER] or one.value)
        return spelled, list(dict.fromkeys(checked_ids(reply, found.profiles, ids.PROFILE)))

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile:
        """Four questions at once: the service tells each thing apart."""
        at = scope.store_id, profile_id
        asked: list[Asked] = [
            (calls.FETCH_PROFILE, at, {}),
            (calls.LIST_IDENTIFIERS, at, {}),
            (calls.LIST_TRAITS, at, {"pageSize": TRAITS_PAGE}),
            (calls.LIST_OBSERVATIONS, at, {"pageSize": RECENT}),
        ]
        try:
            replies = await together(self._remote, asked)
        except NotFound as exc:
            raise NotFound(NOBODY) from exc
        body, timed = replies[0].read(ProfileBody), replies[2].read(TraitsListBody).traits
        if not is_id(body.id, ids.PROFILE) or body.created_at is None:
            raise replies[0].unpublished()
        created = body.created_at
        latest = replies[3].read(ObservationsBody).observations
        happened = [one.occurred_at or one.created_at for one in latest]
        return Profile(
            profile_id=body.id,
            created_at=created,
            updated_at=max(
                [created, *(one.timestamp for one in timed if one.timestamp), *(one.updated_at for one in latest)]
            ),
            last_activity_at=max(happened, default=created),
            observation_count=None,
            summary_count=None,
            communication_count=None,
            traits=trait_values(body.traits),
            identifiers={
                one.id_type: [clean(value) for value in one.values if clean(value)]
                for one in replies[1].read(IdentifiersBody).identifiers
                if one.values
            },
        )

    async def live_profile_id(self, scope: Scope, profile_id: str) -> str:
        reply = await self._remote.send(calls.FETCH_PROFILE, scope.store_id, profile_id)
        body = reply.read(ProfileBody)
        if not is_id(body.id, ids.PROFILE):
            raise reply.unpublished()
        return body.id if body.id != profile_id else reply.profile_id(profile_id)

    async def _live_ids(self, scope: Scope, profile_id: str) -> list[str]:
        try:
            return [await self.live_profile_id(scope, profile_id)]
        except NotFound:
            return []

    async def delete_profile(self, scope: Scope, profile_id: str) -> None:
        await self._remote.send(calls.DELETE_PROFILE, scope.store_id, profile_id)

    async def list_profiles(self, scope: Scope, page: PageQuery) -> Page[str]:
        query = {"pageSize": page.limit, "pageToken": token(page), "orderBy": order(page)}
        reply = await self._remote.send(calls.LIST_PROFILES, scope.store_id, query=query)
        found = checked_ids(reply, reply.read(ProfilesBody).profiles, ids.PROFILE)
        return Page(items=found, next_cursor=reply.next_token())

    async def list_traits(
        self, scope: Scope, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        if groups is not None and not groups:
            await self.live_profile_id(scope, profile_id)
            return Page(items=[])
        query = {"pageSize": min(page.limit, TRAITS_PAGE), "pageToken": token(page), "orderBy": order(page)}
        wanted = None if groups is None else ",".join(groups)
        reply = await self._remote.send(
            calls.LIST_TRAITS, scope.store_id, profile_id, query={**query, "traitGroups": wanted}
        )
        found = reply.read(TraitsListBody).traits
        items = []
        for one in found:
            value = trait_value(one.value)
            if one.timestamp is None:
                raise reply.unpublished()
            if value is not None:
                items.append(TraitEntry(group=one.trait_group, name=one.name, value=value, updated_at=one.timestamp))
        return Page(items=items, next_cursor=reply.next_token())

    async def complete_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """As good as the service allows: ids among the newest profiles, and whole identifiers. Newest first."""
        if f"{ids.PROFILE}_".startswith(prefix) or prefix.startswith(f"{ids.PROFILE}_"):
            page = await self.list_profiles(scope, PageQuery(limit=limit if not prefix else MAX_PAGE))
            found = [one for one in page.items if one.startswith(prefix)]
            if found:
                return found[:limit]
            if is_id(prefix, ids.PROFILE):
                return await self._live_ids(scope, prefix)
        try:
            settings = await self._rules.settings(scope.store_id)
            types = identity.candidate_types(prefix, settings)
            candidates = self._normalised([Identifier(one, prefix) for one in types], settings)
        except Invalid:
            return []
        known = [holder for one in candidates for holder in (await self.holders(scope, one))[1]]
        return list(dict.fromkeys(known))[:limit]

    def _normalised(self, candidates: Sequence[Identifier], settings: IdentitySettings) -> list[Identifier]:
        """Those that have the form of their type. Raises Invalid where none has."""
        found, refusal = [], None
        for one in candidates:
            try:
                found.append(identity.normalise(one, settings, self._region, "value"))
            except Invalid as exc:
                refusal = refusal or exc
        if refusal is not None and not found:
            raise refusal
        return found


Asked = tuple[Call, tuple[str, ...], Mapping[str, Any]]


async def together(remote: Remote, asked: Sequence[Asked]) -> list[Reply]:
    """All at once; the replies in order. Raises what the first of them was refused with."""
    found: dict[int, Reply] = {}
    refused: dict[int, Error] = {}

    async def ask(position: int, call: Call, at: tuple[str, ...], query: Mapping[str, Any]) -> None:
        try:
            found[position] = await remote.send(call, *at, query=query)
        except Error as exc:
            refused[position] = exc

    async with anyio.create_task_group() as tasks:
        for position, one in enumerate(asked):
            tasks.start_soon(ask, position, *one)
    if refused:
        raise refused[min(refused)]
    return [found[position] for position in range(len(asked))]


def trait_values(raw: Mapping[str, Mapping[str, Any]]) -> Traits:
    values: dict[str, dict[str, TraitValue]] = {}
    for group, members in sorted(raw.items()):
        for name, one in sorted(members.items()):
            value = trait_value(one)
            if value is not None:
                values.setdefault(group, {})[name] = value
    return values


def trait_value(raw: object) -> TraitValue | None:
    """As the model has it. None for what is no value: null, or an object, which the service does not take either."""
    match raw:
        case bool() | int() | float():
            return raw
        case str():
            return clean(raw)[:MAX_STRING]
        case list():
            scalars = [trait_value(one) for one in raw[:MAX_ARRAY] if not isinstance(one, list)]
            return tuple(one for one in scalars if one is not None and not isinstance(one, tuple))
    return None
