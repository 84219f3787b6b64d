"""TwilioBackend: the memory is the managed Memory API, version 1.

No rule is decided here: each call is passed to the part of its noun, and what the service lacks is said. It has no
place for who made a change, and why.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from mcp_memory.backends.twilio.bulk import Bulk
from mcp_memory.backends.twilio.client import Client
from mcp_memory.backends.twilio.extractions import NoExtractions
from mcp_memory.backends.twilio.imports import Imports
from mcp_memory.backends.twilio.learnings import Learnings
from mcp_memory.backends.twilio.memories import Memories
from mcp_memory.backends.twilio.missing import missing
from mcp_memory.backends.twilio.orchestrations import NoOrchestrations
from mcp_memory.backends.twilio.profiles import Profiles
from mcp_memory.backends.twilio.recall import Recalls
from mcp_memory.backends.twilio.remote import Remote
from mcp_memory.backends.twilio.rules import Rules
from mcp_memory.backends.twilio.stores import Stores
from mcp_memory.backends.twilio.upserts import Upserts
from mcp_memory.conversations import Conversation
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges, SummaryChanges
from mcp_memory.history import UNKNOWN, Authorship, Changed, ProfileThen, Revision, TraitRevision
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.mappings import DataMapping, DataMappingChanges, NewDataMapping
from mcp_memory.model import (
    UNLIMITED,
    Added,
    Communication,
    Lookup,
    NewMessage,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Quota,
    Recall,
    RecallQuery,
    Scope,
    Store,
    Summary,
    TraitEntry,
    Upserted,
)
from mcp_memory.operations import Operation, Reply
from mcp_memory.traits import Raw

if TYPE_CHECKING:
    import httpx2


class TwilioBackend(Learnings, NoExtractions, NoOrchestrations):
    """`store`: the id or the name of the store that is meant where none is named. It serves one `tenant`, whose the
    key is. `transport`, `sleep` and `chance` are for whoever has no time to lose."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        key_secret: str,
        *,
        tenant: str,
        store: str,
        create_store: bool,
        region: str,
        timeout: float,
        now: Callable[[], datetime],
        transport: "httpx2.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = Client(
            base_url, key_id, key_secret, timeout=timeout, now=now, chance=chance, sleep=sleep, transport=transport
        )
        remote = Remote(self._client)
        self._rules = Rules(remote)
        self._stores = Stores(remote, self._rules, tenant=tenant, store=store, create=create_store)
        self._profiles = Profiles(remote, self._rules, region=region)
        self._upserts = Upserts(remote, self._rules, self._profiles, region=region)
        self._bulk = Bulk(remote, self._rules, self._profiles, self._upserts)
        self._memories = Memories(remote)
        self._recalls = Recalls(remote)
        self._imports = Imports(remote)

    async def close(self) -> None:
        await self._client.close()

    async def open_store(self, tenant: str, display_name: str, quota: Quota = UNLIMITED) -> Scope:
        return await self._stores.open_store(tenant, display_name)

    async def find_store(self, tenant: str, store_id: str) -> Scope:
        return await self._stores.find_store(tenant, store_id)

    async def create_store(self, tenant: str, new: NewStore, quota: Quota = UNLIMITED) -> Store:
        return await self._stores.create_store(tenant, new, quota)

    async def list_stores(self, tenant: str, page: PageQuery) -> Page[str]:
        return await self._stores.list_stores(tenant, page)

    async def get_store(self, scope: Scope) -> Store:
        return await self._stores.get_store(scope)

    async def update_store(self, scope: Scope, changes: StoreChanges, if_version: int | None = None) -> Store:
        return await self._stores.update_store(scope, changes, if_version)

    async def delete_tenant(self, tenant: str) -> None:
        raise missing("delete_tenant")

    async def callback_secret(self, tenant: str, rotate: bool = False) -> str:
        raise missing("callback_secret")

    async def delete_store(self, scope: Scope) -> None:
        await self._stores.delete_store(scope)

    async def record_operation(
        self, tenant: str, resource_id: str, stores_reached: tuple[str, ...] | None = None
    ) -> Operation:
        raise missing("record_operation")

    async def get_operation(self, tenant: str, operation_id: str) -> Operation:
        return await self._stores.get_operation(tenant, operation_id)

    async def begin_request(self, tenant: str, key: str, digest: bytes, repeatable: bool = True) -> Reply | None:
        raise missing("begin_request")

    async def end_request(self, tenant: str, key: str, reply: Reply | None) -> None:
        raise missing("end_request")

    async def lookup_profile(self, scope: Scope, value: str, id_type: str | None) -> Lookup:
        return await self._profiles.lookup_profile(scope, value, id_type)

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile:
        return await self._profiles.get_profile(scope, profile_id)

    async def live_profile_id(self, scope: Scope, profile_id: str) -> str:
        return await self._profiles.live_profile_id(scope, profile_id)

    async def delete_profile(self, scope: Scope, profile_id: str) -> None:
        await self._profiles.delete_profile(scope, profile_id)

    async def list_profiles(self, scope: Scope, page: PageQuery) -> Page[str]:
        return await self._profiles.list_profiles(scope, page)

    async def list_traits(
        self, scope: Scope, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        return await self._profiles.list_traits(scope, profile_id, groups, page)

    async def trait_history(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[TraitRevision]:
        raise missing("trait_history")

    async def profile_at(self, scope: Scope, profile_id: str, at: datetime) -> ProfileThen:
        raise missing("profile_at")

    async def changes_since(self, scope: Scope, profile_id: str, since: datetime, limit: int) -> list[Changed]:
        raise missing("changes_since")

    async def complete_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        return await self._profiles.complete_profile_ids(scope, prefix, limit)

    async def upsert_traits(
        self, scope: Scope, given: Raw, profile_id: str | None, by: Authorship = UNKNOWN
    ) -> Upserted:
        return await self._upserts.upsert_traits(scope, given, profile_id)

    async def upsert_profiles(
        self, scope: Scope, entries: Sequence[Raw], by: Authorship = UNKNOWN
    ) -> list[BulkOutcome]:
        return await self._bulk.upsert_profiles(scope, entries)

    async def add_identifier(
        self, scope: Scope, profile_id: str, id_type: str, value: str, by: Authorship = UNKNOWN
    ) -> Upserted:
        return await self._upserts.add_identifier(scope, profile_id, id_type, value)

    async def replace_identifier(
        self,
        scope: Scope,
        profile_id: str,
        id_type: str,
        old_value: str,
        new_value: str,
        by: Authorship = UNKNOWN,
    ) -> Upserted:
        return await self._upserts.replace_identifier(scope, profile_id, id_type, old_value, new_value)

    async def remove_identifiers(
        self, scope: Scope, profile_id: str, id_type: str, *, all: bool, by: Authorship = UNKNOWN
    ) -> Profile:
        return await self._upserts.remove_identifiers(scope, profile_id, id_type, all=all)

    async def merge_profiles(self, scope: Scope, profile_id: str, other_id: str) -> Merged:
        raise missing("merge_profiles")

    async def unmerge_profile(self, scope: Scope, profile_id: str) -> Unmerged:
        raise missing("unmerge_profile")

    async def explain_identity(self, scope: Scope, profile_id: str) -> Explanation:
        raise missing("explain_identity")

    async def add_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        return await self._memories.add_observations(scope, profile_id, new)

    async def list_observations(
        self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]:
        return await self._memories.list_observations(scope, profile_id, wanted, page)

    async def get_observation(self, scope: Scope, profile_id: str, observation_id: str) -> Observation:
        return await self._memories.get_observation(scope, profile_id, observation_id)

    async def update_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        changes: ObservationChanges,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        return await self._memories.update_observation(scope, profile_id, observation_id, changes)

    async def undo_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        revision: int | None = None,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        return await self._memories.undo_observation(scope, profile_id, observation_id, revision)

    async def delete_observation(self, scope: Scope, profile_id: str, observation_id: str) -> None:
        await self._memories.delete_observation(scope, profile_id, observation_id)

    async def list_revisions(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        return await self._memories.list_revisions(scope, profile_id, observation_id, page)

    async def observation_history(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Revision[Observation]]:
        return await self._memories.observation_history(scope, profile_id, observation_id, page)

    async def add_summaries(
        self, scope: Scope, profile_id: str, new: Sequence[NewSummary], by: Authorship = UNKNOWN
    ) -> Added:
        return await self._memories.add_summaries(scope, profile_id, new)

    async def list_summaries(self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery) -> Page[Summary]:
        return await self._memories.list_summaries(scope, profile_id, wanted, page)

    async def get_summary(self, scope: Scope, profile_id: str, summary_id: str) -> Summary:
        return await self._memories.get_summary(scope, profile_id, summary_id)

    async def update_summary(
        self, scope: Scope, profile_id: str, summary_id: str, changes: SummaryChanges, by: Authorship = UNKNOWN
    ) -> Summary:
        return await self._memories.update_summary(scope, profile_id, summary_id, changes)

    async def summary_history(
        self, scope: Scope, profile_id: str, summary_id: str, page: PageQuery
    ) -> Page[Revision[Summary]]:
        raise missing("summary_history")

    async def delete_summary(self, scope: Scope, profile_id: str, summary_id: str) -> None:
        await self._memories.delete_summary(scope, profile_id, summary_id)

    async def reconcile_observations(
        self,
        scope: Scope,
        profile_id: str,
        new: Sequence[NewObservation],
        by: Authorship = UNKNOWN,
        *,
        dry_run: bool = False,
    ) -> Added:
        """What becomes of what is posted, the service does not say; it is stored as it is given."""
        if dry_run:
            raise missing("dry_run")
        return await self._memories.add_observations(scope, profile_id, new)

    async def get_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation:
        raise missing("get_conversation")

    async def close_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation:
        raise missing("close_conversation")

    async def learn(self, scope: Scope) -> int:
        raise missing("learn")

    async def record_messages(
        self, scope: Scope, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        raise missing("record_messages")

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall:
        return await self._recalls.recall(scope, profile_id, query)

    async def list_communications(
        self, scope: Scope, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        raise missing("list_communications")

    async def mend(self, scope: Scope) -> int:
        raise missing("mend")

    async def reembed(self, scope: Scope) -> int:
        raise missing("reembed")

    async def latest_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        return await self._memories.latest_observations(scope, profile_id, limit, before)

    async def latest_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        return await self._memories.latest_summaries(scope, profile_id, limit, before)

    async def get_identity_settings(self, scope: Scope) -> IdentitySettings:
        return await self._rules.get_identity_settings(scope)

    async def update_identity_settings(
        self, scope: Scope, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        return await self._rules.update_identity_settings(scope, new, if_version)

    async def list_trait_groups(self, scope: Scope) -> list[TraitGroup]:
        return await self._rules.list_trait_groups(scope)

    async def create_trait_group(self, scope: Scope, new: TraitGroup) -> TraitGroup:
        return await self._rules.create_trait_group(scope, new)

    async def update_trait_group(
        self, scope: Scope, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        return await self._rules.update_trait_group(scope, name, changes, if_version)

    async def delete_trait_group(self, scope: Scope, name: str) -> None:
        await self._rules.delete_trait_group(scope, name)

    async def list_data_mappings(self, scope: Scope) -> list[DataMapping]:
        return await self._rules.list_data_mappings(scope)

    async def create_data_mapping(self, scope: Scope, new: NewDataMapping) -> DataMapping:
        return await self._rules.create_data_mapping(scope, new)

    async def get_data_mapping(self, scope: Scope, data_mapping_id: str) -> DataMapping:
        return await self._rules.get_data_mapping(scope, data_mapping_id)

    async def update_data_mapping(
        self, scope: Scope, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None = None
    ) -> DataMapping:
        return await self._rules.update_data_mapping(scope, data_mapping_id, changes, if_version)

    async def delete_data_mapping(self, scope: Scope, data_mapping_id: str) -> None:
        await self._rules.delete_data_mapping(scope, data_mapping_id)

    async def create_import(self, scope: Scope, new: NewUpload) -> Import:
        raise missing("create_import")

    async def get_import(self, scope: Scope, import_id: str) -> Import:
        return await self._imports.get_import(scope, import_id)

    async def list_imports(self, scope: Scope, page: PageQuery) -> Page[str]:
        return await self._imports.list_imports(scope, page)

    async def begin_import(self, scope: Scope, import_id: str, digest: bytes, rows_total: int) -> Import:
        raise missing("begin_import")

    async def fail_import(self, scope: Scope, import_id: str, reason: str) -> Import:
        raise missing("fail_import")

    async def start_import(self, scope: Scope, new: NewImport) -> Import:
        raise missing("start_import")

    async def add_import_rows(self, scope: Scope, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        raise missing("add_import_rows")

    async def list_remarks(self, scope: Scope, import_id: str, after: int, limit: int) -> list[Remark]:
        raise missing("list_remarks")
