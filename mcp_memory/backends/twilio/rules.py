"""The rules of a store: identity resolution, trait groups, data mappings.

They are asked for before each write that they decide about, so they are kept for a minute; our own changes, and a
trait that they do not know, ask anew.
"""

from dataclasses import replace
from typing import Any, Final

from mcp_memory import definitions, identity, mappings
from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.remote import Remote
from mcp_memory.backends.twilio.replies import Reply, is_id
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.identity import IdentitySettings
from mcp_memory.mappings import DataMapping, DataMappingChanges, NewDataMapping, TraitMapping
from mcp_memory.model import Scope
from mcp_memory.traits import Declared
from mcp_memory.wire.mappings import (
    DataMappingBody,
    DataMappingsBody,
    IngressAnswer,
    MappingToAnswer,
    TraitMappingAnswer,
)
from mcp_memory.wire.rules import (
    IdentitySettingsAnswer,
    IdentitySettingsBody,
    TraitGroupAnswer,
    TraitGroupFetchedBody,
    TraitGroupsBody,
)

KEPT: Final = 60.0  # seconds
MAX_STORES: Final = 100
PAGE: Final = 100  # of rules, at most
INGRESS: Final = "INGRESS"


class Rules:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._settings: dict[str, tuple[float, IdentitySettings]] = {}
        self._groups: dict[str, tuple[float, list[TraitGroup]]] = {}

    # As they are kept

    async def settings(self, store_id: str) -> IdentitySettings:
        kept = self._settings.get(store_id)
        if kept is None or self._remote.clock() - kept[0] > KEPT:
            _, found = await self.fetch_settings(store_id)
            return found
        return kept[1]

    async def declared(self, store_id: str, *, fresh: bool = False) -> Declared:
        kept = self._groups.get(store_id)
        if fresh or kept is None or self._remote.clock() - kept[0] > KEPT:
            groups = await self.fetch_groups(store_id)
        else:
            groups = kept[1]
        return Declared(one for group in groups for one in group.definitions)

    def forget(self, store_id: str) -> None:
        self._settings.pop(store_id, None)
        self._groups.pop(store_id, None)

    # Identity resolution

    async def fetch_settings(self, store_id: str) -> tuple[Reply, IdentitySettings]:
        reply = await self._remote.send(calls.FETCH_SETTINGS, store_id)
        found = reply.read(IdentitySettingsAnswer).settings()
        _keep(self._settings, store_id, (self._remote.clock(), found))
        return reply, found

    async def get_identity_settings(self, scope: Scope) -> IdentitySettings:
        return (await self.fetch_settings(scope.store_id))[1]

    async def update_identity_settings(
        self, scope: Scope, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        if_match = None
        if if_version is not None:
            read, current = await self.fetch_settings(scope.store_id)
            if_match = self._remote.if_match(read, current.version, if_version)
        identity.check_settings(new)
        body = IdentitySettingsBody.of(new).body()
        del body["version"]
        reply = await self._remote.send(calls.UPDATE_SETTINGS, scope.store_id, body=body, if_match=if_match)
        await self._remote.done(reply)
        return (await self.fetch_settings(scope.store_id))[1]

    # Trait groups

    async def fetch_groups(self, store_id: str) -> list[TraitGroup]:
        pages = await self._remote.pages(calls.LIST_GROUPS, store_id, includeTraits="true", pageSize=PAGE)
        groups = [_sorted(one) for reply in pages for one in reply.read(TraitGroupsBody).trait_groups]
        _keep(self._groups, store_id, (self._remote.clock(), groups))
        return groups

    async def list_trait_groups(self, scope: Scope) -> list[TraitGroup]:
        return sorted(await self.fetch_groups(scope.store_id), key=lambda group: group.display_name)

    async def create_trait_group(self, scope: Scope, new: TraitGroup) -> TraitGroup:
        group = definitions.new_group(new, await self.fetch_groups(scope.store_id))
        reply = await self._remote.send(calls.CREATE_GROUP, scope.store_id, body=_group_body(group))
        return await self._changed_group(scope, reply, group.display_name)

    async def update_trait_group(
        self, scope: Scope, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        known = definitions.find(await self.fetch_groups(scope.store_id), name)
        read, current = await self._fetch_group(scope, name if known is None else known.display_name)
        if_match = self._remote.if_match(read, current.version, if_version)
        body = _changes_body(current, definitions.changed_group(current, changes))
        name = current.display_name
        reply = await self._remote.send(calls.PATCH_GROUP, scope.store_id, name, body=body, if_match=if_match)
        return await self._changed_group(scope, reply, name)

    async def delete_trait_group(self, scope: Scope, name: str) -> None:
        definitions.check_removable(name)
        reply = await self._remote.send(calls.DELETE_GROUP, scope.store_id, name)
        self.forget(scope.store_id)
        await self._remote.done(reply)
        self.forget(scope.store_id)

    async def _changed_group(self, scope: Scope, reply: Reply, name: str) -> TraitGroup:
        await self._remote.done(reply)
        self.forget(scope.store_id)
        return (await self._fetch_group(scope, name))[1]

    async def _fetch_group(self, scope: Scope, name: str) -> tuple[Reply, TraitGroup]:
        reply = await self._remote.send(calls.FETCH_GROUP, scope.store_id, name, query={"pageSize": PAGE})
        return reply, _sorted(reply.read(TraitGroupFetchedBody).trait_group)

    # Data mappings

    async def list_data_mappings(self, scope: Scope) -> list[DataMapping]:
        """Those of the service's own data sets are left out: they have no columns to speak of."""
        pages = await self._remote.pages(calls.LIST_MAPPINGS, scope.store_id, pageSize=PAGE, type=INGRESS)
        found = [one for reply in pages for one in reply.read(DataMappingsBody).data_mappings]
        ours = [_mapping(one) for one in found if one.mapping_from.type == INGRESS]
        return sorted(ours, key=lambda one: (one.created_at, one.data_mapping_id))

    async def create_data_mapping(self, scope: Scope, new: NewDataMapping) -> DataMapping:
        mappings.check(new, await self.list_data_mappings(scope))
        body = {
            "displayName": new.display_name,
            "isEnabled": new.is_enabled,
            "mappingFrom": IngressAnswer(columns=list(new.columns)).body(),
            "mappingTo": _mapping_to(new.mappings),
            **({} if new.description is None else {"description": new.description}),
        }
        reply = await self._remote.send(calls.CREATE_MAPPING, scope.store_id, body=body)
        made = await self._remote.done(reply)
        if made is None or not is_id(made, "mem_datamapping"):
            raise reply.unpublished()
        return await self.get_data_mapping(scope, made)

    async def get_data_mapping(self, scope: Scope, data_mapping_id: str) -> DataMapping:
        return (await self._fetch_mapping(scope, data_mapping_id))[1]

    async def update_data_mapping(
        self, scope: Scope, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None = None
    ) -> DataMapping:
        read, current = await self._fetch_mapping(scope, data_mapping_id)
        if_match = self._remote.if_match(read, current.version, if_version)
        others = [one for one in await self.list_data_mappings(scope) if one.data_mapping_id != current.data_mapping_id]
        mappings.changed(current, changes, others, current.updated_at)
        body: dict[str, Any] = {
            "displayName": changes.display_name,
            "description": changes.description,
            "isEnabled": changes.is_enabled,
            "mappingTo": None if changes.mappings is None else _mapping_to(changes.mappings),
        }
        body = {name: value for name, value in body.items() if value is not None}
        reply = await self._remote.send(
            calls.PATCH_MAPPING, scope.store_id, data_mapping_id, body=body, if_match=if_match
        )
        await self._remote.done(reply)
        return await self.get_data_mapping(scope, data_mapping_id)

    async def delete_data_mapping(self, scope: Scope, data_mapping_id: str) -> None:
        await self._remote.done(await self._remote.send(calls.DELETE_MAPPING, scope.store_id, data_mapping_id))

    async def _fetch_mapping(self, scope: Scope, data_mapping_id: str) -> tuple[Reply, DataMapping]:
        reply = await self._remote.send(calls.FETCH_MAPPING, scope.store_id, data_mapping_id)
        return reply, _mapping(reply.read(DataMappingBody))


def _sorted(answer: TraitGroupAnswer) -> TraitGroup:
    group = answer.group()
    return replace(group, definitions=tuple(sorted(group.definitions, key=lambda one: one.name)))


def _keep(kept: dict[str, Any], store_id: str, value: Any) -> None:
    if len(kept) >= MAX_STORES:
        kept.clear()
    kept[store_id] = value


def _group_body(group: TraitGroup) -> dict[str, Any]:
    body = TraitGroupAnswer.of(group, group.definitions).body()
    del body["version"]
    return body


def _changes_body(before: TraitGroup, after: TraitGroup) -> dict[str, Any]:
    """What differs: complete definitions, and an empty type for what goes."""
    new = tuple(one for one in after.definitions if one != before.definition(one.name))
    body = _group_body(replace(after, definitions=new))
    del body["displayName"]
    if after.description == before.description:
        body.pop("description", None)
    gone = [one.name for one in before.definitions if after.definition(one.name) is None]
    body["traits"] |= {name: {"dataType": ""} for name in gone}
    return body if body["traits"] else {name: value for name, value in body.items() if name != "traits"}


def _mapping_to(traits: Any) -> dict[str, Any]:
    return MappingToAnswer(mappings=[TraitMappingAnswer(**vars(one)) for one in traits]).body()


def _mapping(body: DataMappingBody) -> DataMapping:
    return DataMapping(
        data_mapping_id=body.id,
        display_name=body.display_name,
        description=body.description,
        is_enabled=body.is_enabled,
        columns=tuple(body.mapping_from.columns),
        mappings=tuple(
            TraitMapping(expression=one.expression, trait_group=one.trait_group, trait_name=one.trait_name)
            for one in body.mapping_to.mappings
        ),
        created_at=body.created_at,
        updated_at=body.updated_at,
        version=body.version,
    )
