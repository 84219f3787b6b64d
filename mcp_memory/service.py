"""Memory: where a Caller becomes a Scope, and the rules that are true of every backend."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mcp_memory import edits, history, ids, imports, listing, model, rights, text
from mcp_memory.chronicle import checked
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.dialogues import check_number
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges, SummaryChanges
from mcp_memory.errors import Forbidden, Invalid, NotFound
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.mappings import DataMapping, DataMappingChanges, NewDataMapping
from mcp_memory.model import (
    Added,
    Caller,
    Lookup,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Store,
    Summary,
    TraitEntry,
    Upserted,
)
from mcp_memory.operations import NO_OPERATION, Operation, Reply
from mcp_memory.orchestration import Orchestration
from mcp_memory.rights import ADMIN, READ, WRITE
from mcp_memory.traits import Raw


class Memory(Orchestration):
    # Stores. Those who may reach only some make none.

    async def create_store(self, caller: Caller, new: NewStore) -> Store:
        rights.check(caller.rights, ADMIN)
        if caller.stores is not None:
            raise Forbidden(
                "This credential is for certain stores alone: one for all of them may create others.", ADMIN
            )
        return await self._backend.create_store(caller.tenant, edits.checked(new), caller.quota)

    async def list_stores(self, caller: Caller, page: PageQuery) -> Page[str]:
        rights.check(caller.rights, READ)
        if caller.stores is None:
            return await self._backend.list_stores(caller.tenant, checked(page))
        reached = {scope.store_id for scope in await self._scopes.reached(caller)}
        return listing.sliced(sorted(reached), str, checked(page))

    async def get_store(self, caller: Caller) -> Store:
        return await self._backend.get_store(await self.scope(caller))

    async def update_store(self, caller: Caller, changes: StoreChanges, if_version: int | None = None) -> Store:
        stored = await self._backend.update_store(await self.scope(caller, ADMIN), edits.checked(changes), if_version)
        self._scopes.forget()
        return stored

    async def delete_store(self, caller: Caller) -> None:
        await self._backend.delete_store(await self.scope(caller, ADMIN))
        self._scopes.forget()

    async def delete_tenant(self, caller: Caller) -> None:
        """For whoever runs the host: no front door does this."""
        rights.check(caller.rights, ADMIN)
        await self._backend.delete_tenant(caller.tenant)
        self._scopes.forget()

    async def callback_secret(self, caller: Caller, rotate: bool = False) -> str:
        """For whoever runs the host, as `delete_tenant`."""
        rights.check(caller.rights, ADMIN)
        return await self._backend.callback_secret(caller.tenant, rotate)

    async def record_operation(self, caller: Caller, resource_id: str) -> Operation:
        return await self._backend.record_operation(caller.tenant, resource_id, caller.stores)

    async def get_operation(self, caller: Caller, operation_id: str) -> Operation:
        rights.check(caller.rights, READ)
        target = ids.check(operation_id, ids.OPERATION, "operation_id")
        found = await self._backend.get_operation(caller.tenant, target)
        if caller.stores is not None and not _within(found.stores_reached, caller.stores):
            raise NotFound(NO_OPERATION)
        return found

    async def begin_request(self, caller: Caller, key: str, digest: bytes, repeatable: bool) -> Reply | None:
        return await self._backend.begin_request(caller.tenant, _own(caller, key), digest, repeatable)

    async def end_request(self, caller: Caller, key: str, reply: Reply | None) -> None:
        await self._backend.end_request(caller.tenant, _own(caller, key), reply)

    # Profiles

    async def lookup_profile(self, caller: Caller, value: str, id_type: str | None) -> Lookup:
        return await self._backend.lookup_profile(await self.scope(caller), value, id_type)

    async def get_profile(self, caller: Caller, profile_id: str) -> Profile:
        target = _profile(profile_id)
        return await self._backend.get_profile(await self.scope(caller), target)

    async def live_profile_id(self, caller: Caller, profile_id: str) -> str:
        target = _profile(profile_id)
        return await self._backend.live_profile_id(await self.scope(caller), target)

    async def delete_profile(self, caller: Caller, profile_id: str) -> None:
        target = _profile(profile_id)
        await self._backend.delete_profile(await self.scope(caller, ADMIN), target)

    async def list_profiles(self, caller: Caller, page: PageQuery) -> Page[str]:
        return await self._backend.list_profiles(await self.scope(caller), checked(page))

    async def list_traits(
        self, caller: Caller, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        target = _profile(profile_id)
        return await self._backend.list_traits(await self.scope(caller), target, groups, checked(page))

    async def complete_profile_ids(self, caller: Caller, prefix: str, limit: int) -> list[str]:
        start = text.clean(prefix)
        if prefix and not start:
            return []  # something was typed, if nothing visible: not everybody's start
        return await self._backend.complete_profile_ids(await self.scope(caller), start, limit)

    async def upsert_traits(
        self, caller: Caller, given: dict[str, dict[str, Any]], profile_id: str | None, by: Authorship = UNKNOWN
    ) -> Upserted:
        target, signed = None if profile_id is None else _profile(profile_id), history.signed(by, caller.actor)
        return await self._backend.upsert_traits(await self.scope(caller, WRITE), given, target, signed)

    async def upsert_profiles(
        self, caller: Caller, entries: Sequence[Raw], by: Authorship = UNKNOWN
    ) -> list[BulkOutcome]:
        if not 1 <= len(entries) <= imports.MAX_BULK:
            raise Invalid(f"profiles has {len(entries)} entries: give 1 to {imports.MAX_BULK} in one call.")
        signed = history.signed(by, caller.actor)
        return await self._backend.upsert_profiles(await self.scope(caller, WRITE), entries, signed)

    async def add_identifier(
        self, caller: Caller, profile_id: str, id_type: str, value: str, by: Authorship = UNKNOWN
    ) -> Upserted:
        target, signed = _profile(profile_id), history.signed(by, caller.actor)
        return await self._backend.add_identifier(await self.scope(caller, WRITE), target, id_type, value, signed)

    async def replace_identifier(
        self,
        caller: Caller,
        profile_id: str,
        id_type: str,
        old_value: str,
        new_value: str,
        by: Authorship = UNKNOWN,
    ) -> Upserted:
        target, signed = _profile(profile_id), history.signed(by, caller.actor)
        scope = await self.scope(caller, WRITE)
        return await self._backend.replace_identifier(scope, target, id_type, old_value, new_value, signed)

    async def remove_identifiers(
        self, caller: Caller, profile_id: str, id_type: str, *, all: bool, by: Authorship = UNKNOWN
    ) -> Profile:
        target, signed = _profile(profile_id), history.signed(by, caller.actor)
        scope = await self.scope(caller, WRITE)
        return await self._backend.remove_identifiers(scope, target, id_type, all=all, by=signed)

    async def merge_profiles(self, caller: Caller, profile_id: str, other_id: str) -> Merged:
        one, other = _profile(profile_id), ids.check(other_id, ids.PROFILE, "other_id")
        return await self._backend.merge_profiles(await self.scope(caller, WRITE), one, other)

    async def unmerge_profile(self, caller: Caller, profile_id: str) -> Unmerged:
        target = _profile(profile_id)
        return await self._backend.unmerge_profile(await self.scope(caller, WRITE), target)

    async def explain_identity(self, caller: Caller, profile_id: str) -> Explanation:
        target = _profile(profile_id)
        return await self._backend.explain_identity(await self.scope(caller), target)

    # What is remembered

    async def add_observations(
        self, caller: Caller, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        check_number(new)
        target = _profile(profile_id)
        signed = history.signed(by, caller.actor)
        return await self._backend.add_observations(await self.scope(caller, WRITE), target, new, signed)

    async def list_observations(
        self, caller: Caller, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]:
        target = _profile(profile_id)
        return await self._backend.list_observations(await self.scope(caller), target, wanted, checked(page))

    async def get_observation(self, caller: Caller, profile_id: str, observation_id: str) -> Observation:
        target, item = _profile(profile_id), _observation(observation_id)
        return await self._backend.get_observation(await self.scope(caller), target, item)

    async def update_observation(
        self,
        caller: Caller,
        profile_id: str,
        observation_id: str,
        changes: ObservationChanges,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        target, item, signed = _profile(profile_id), _observation(observation_id), history.signed(by, caller.actor)
        return await self._backend.update_observation(await self.scope(caller, WRITE), target, item, changes, signed)

    async def delete_observation(self, caller: Caller, profile_id: str, observation_id: str) -> None:
        target, item = _profile(profile_id), _observation(observation_id)
        await self._backend.delete_observation(await self.scope(caller, WRITE), target, item)

    async def list_revisions(
        self, caller: Caller, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        target, item = _profile(profile_id), _observation(observation_id)
        return await self._backend.list_revisions(await self.scope(caller), target, item, checked(page))

    async def add_summaries(
        self, caller: Caller, profile_id: str, new: Sequence[NewSummary], by: Authorship = UNKNOWN
    ) -> Added:
        if not 1 <= len(new) <= model.MAX_SUMMARIES:
            raise Invalid(f"summaries has {len(new)} items: give 1 to {model.MAX_SUMMARIES} in one call.")
        target = _profile(profile_id)
        signed = history.signed(by, caller.actor)
        return await self._backend.add_summaries(await self.scope(caller, WRITE), target, new, signed)

    async def list_summaries(
        self, caller: Caller, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Summary]:
        target = _profile(profile_id)
        return await self._backend.list_summaries(await self.scope(caller), target, wanted, checked(page))

    async def get_summary(self, caller: Caller, profile_id: str, summary_id: str) -> Summary:
        target, item = _profile(profile_id), _summary(summary_id)
        return await self._backend.get_summary(await self.scope(caller), target, item)

    async def update_summary(
        self, caller: Caller, profile_id: str, summary_id: str, changes: SummaryChanges, by: Authorship = UNKNOWN
    ) -> Summary:
        target, item, signed = _profile(profile_id), _summary(summary_id), history.signed(by, caller.actor)
        return await self._backend.update_summary(await self.scope(caller, WRITE), target, item, changes, signed)

    async def delete_summary(self, caller: Caller, profile_id: str, summary_id: str) -> None:
        target, item = _profile(profile_id), _summary(summary_id)
        await self._backend.delete_summary(await self.scope(caller, WRITE), target, item)

    async def recall(self, caller: Caller, profile_id: str, query: RecallQuery) -> Recall:
        target = _profile(profile_id)
        return await self._backend.recall(await self.scope(caller), target, query)

    async def latest_observations(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        target = _profile(profile_id)
        return await self._backend.latest_observations(await self.scope(caller), target, limit, before)

    async def latest_summaries(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        target = _profile(profile_id)
        return await self._backend.latest_summaries(await self.scope(caller), target, limit, before)

    async def mend(self, caller: Caller) -> int:
        return await self._backend.mend(await self.scope(caller, WRITE))

    async def reembed(self, caller: Caller) -> int:
        return await self._backend.reembed(await self.scope(caller, WRITE))

    # The rules of the store

    async def get_identity_settings(self, caller: Caller) -> IdentitySettings:
        return await self._backend.get_identity_settings(await self.scope(caller))

    async def update_identity_settings(
        self, caller: Caller, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        return await self._backend.update_identity_settings(await self.scope(caller, ADMIN), new, if_version)

    async def list_trait_groups(self, caller: Caller) -> list[TraitGroup]:
        return await self._backend.list_trait_groups(await self.scope(caller))

    async def create_trait_group(self, caller: Caller, new: TraitGroup) -> TraitGroup:
        return await self._backend.create_trait_group(await self.scope(caller, ADMIN), new)

    async def update_trait_group(
        self, caller: Caller, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        return await self._backend.update_trait_group(await self.scope(caller, ADMIN), name, changes, if_version)

    async def delete_trait_group(self, caller: Caller, name: str) -> None:
        await self._backend.delete_trait_group(await self.scope(caller, ADMIN), name)

    async def list_data_mappings(self, caller: Caller) -> list[DataMapping]:
        return await self._backend.list_data_mappings(await self.scope(caller))

    async def create_data_mapping(self, caller: Caller, new: NewDataMapping) -> DataMapping:
        return await self._backend.create_data_mapping(await self.scope(caller, ADMIN), new)

    async def get_data_mapping(self, caller: Caller, data_mapping_id: str) -> DataMapping:
        target = _mapping(data_mapping_id)
        return await self._backend.get_data_mapping(await self.scope(caller), target)

    async def update_data_mapping(
        self, caller: Caller, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None = None
    ) -> DataMapping:
        target = _mapping(data_mapping_id)
        return await self._backend.update_data_mapping(await self.scope(caller, ADMIN), target, changes, if_version)

    async def delete_data_mapping(self, caller: Caller, data_mapping_id: str) -> None:
        target = _mapping(data_mapping_id)
        await self._backend.delete_data_mapping(await self.scope(caller, ADMIN), target)

    # Imports

    async def create_import(self, caller: Caller, new: NewUpload) -> Import:
        return await self._backend.create_import(await self.scope(caller, WRITE), new)

    async def get_import(self, caller: Caller, import_id: str) -> Import:
        target = _import(import_id)
        return await self._backend.get_import(await self.scope(caller), target)

    async def list_imports(self, caller: Caller, page: PageQuery) -> Page[str]:
        return await self._backend.list_imports(await self.scope(caller), checked(page))

    async def begin_import(self, caller: Caller, import_id: str, digest: bytes, rows_total: int) -> Import:
        target = _import(import_id)
        return await self._backend.begin_import(await self.scope(caller, WRITE), target, digest, rows_total)

    async def fail_import(self, caller: Caller, import_id: str, reason: str) -> Import:
        target = _import(import_id)
        return await self._backend.fail_import(await self.scope(caller, WRITE), target, reason)

    async def start_import(self, caller: Caller, new: NewImport) -> Import:
        return await self._backend.start_import(await self.scope(caller, WRITE), new)

    async def add_import_rows(self, caller: Caller, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        if not 1 <= len(rows) <= imports.MAX_BULK:
            raise Invalid(f"rows has {len(rows)} entries: give 1 to {imports.MAX_BULK} in one call.")
        target = _import(import_id)
        return await self._backend.add_import_rows(await self.scope(caller, WRITE), target, after, rows)

    async def list_remarks(self, caller: Caller, import_id: str, after: int, limit: int) -> list[Remark]:
        target = _import(import_id)
        return await self._backend.list_remarks(await self.scope(caller), target, after, limit)

    async def close(self) -> None:
        await self._backend.close()


def _own(caller: Caller, key: str) -> str:
    """Who may see less is not answered what was answered to who may see more."""
    if caller.stores is None and caller.rights == rights.ALL:
        return key
    return f"{','.join(caller.stores or ())}/{','.join(sorted(caller.rights))}/{key}"


def _within(stores: tuple[str, ...] | None, reached: tuple[str, ...]) -> bool:
    return stores is not None and set(stores) <= set(reached)


def _profile(profile_id: str) -> str:
    return ids.check(profile_id, ids.PROFILE, "profile_id")


def _observation(observation_id: str) -> str:
    return ids.check(observation_id, ids.OBSERVATION, "observation_id")


def _summary(summary_id: str) -> str:
    return ids.check(summary_id, ids.SUMMARY, "summary_id")


def _mapping(data_mapping_id: str) -> str:
    return ids.check(data_mapping_id, ids.DATA_MAPPING, "data_mapping_id")


def _import(import_id: str) -> str:
    return ids.check(import_id, ids.IMPORT, "import_id")
