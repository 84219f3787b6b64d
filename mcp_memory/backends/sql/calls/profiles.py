"""Who is who."""

from collections.abc import Sequence
from datetime import datetime

from mcp_memory import traits
from mcp_memory.backends.sql import deletion, merging, naming, past, profiles
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.history import UNKNOWN, Authorship, Changed, ProfileThen, TraitRevision
from mcp_memory.ids import PROFILE, prefix_range
from mcp_memory.imports import BulkOutcome
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Lookup, Profile, Scope, TraitEntry, Upserted


class ProfileCalls(Worker):
    async def lookup_profile(self, scope: Scope, value: str, id_type: str | None) -> Lookup:
        return await self._read(scope, lambda tx: profiles.lookup(tx, value, id_type, self._region))

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile:
        return await self._read(scope, lambda tx: profiles.view(tx, profiles.existing(tx, profile_id)))

    async def live_profile_id(self, scope: Scope, profile_id: str) -> str:
        return await self._read(scope, lambda tx: profiles.existing(tx, profile_id).profile_id)

    async def delete_profile(self, scope: Scope, profile_id: str) -> None:
        await self._erase(scope, lambda tx: deletion.delete_profile(tx, profile_id))

    async def list_profiles(self, scope: Scope, page: PageQuery) -> Page[str]:
        return await self._read(scope, lambda tx: profiles.page(tx, page))

    async def list_traits(
        self, scope: Scope, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        return await self._read(scope, lambda tx: profiles.list_traits(tx, profile_id, groups, page))

    async def complete_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        id_range = prefix_range(PROFILE, prefix.lower())

        def work(tx: Transaction) -> list[str]:
            types = [one.id_type for one in tx.identity_settings().identifier_configs]
            return tx.profile_ids(id_range, prefix, types, limit)

        return await self._read(scope, work)

    async def trait_history(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[TraitRevision]:
        return await self._read(scope, lambda tx: profiles.trait_history(tx, profile_id, page))

    async def profile_at(self, scope: Scope, profile_id: str, at: datetime) -> ProfileThen:
        return await self._read(scope, lambda tx: profiles.profile_at(tx, profile_id, at))

    async def changes_since(self, scope: Scope, profile_id: str, since: datetime, limit: int) -> list[Changed]:
        return await self._read(scope, lambda tx: past.changes_since(tx, profile_id, since, limit))

    async def upsert_traits(
        self, scope: Scope, given: traits.Raw, profile_id: str | None, by: Authorship = UNKNOWN
    ) -> Upserted:
        return await self._upsert(scope, lambda upserts: upserts.upsert(given, profile_id), by)

    async def upsert_profiles(
        self, scope: Scope, entries: Sequence[traits.Raw], by: Authorship = UNKNOWN
    ) -> list[BulkOutcome]:
        return await self._upsert(scope, lambda upserts: [upserts.attempt(entry) for entry in entries], by)

    async def add_identifier(
        self, scope: Scope, profile_id: str, id_type: str, value: str, by: Authorship = UNKNOWN
    ) -> Upserted:
        return await self._upsert(scope, lambda upserts: naming.add(upserts, profile_id, id_type, value), by)

    async def replace_identifier(
        self,
        scope: Scope,
        profile_id: str,
        id_type: str,
        old_value: str,
        new_value: str,
        by: Authorship = UNKNOWN,
    ) -> Upserted:
        return await self._upsert(
            scope, lambda upserts: naming.swap(upserts, profile_id, id_type, old_value, new_value), by
        )

    async def remove_identifiers(
        self, scope: Scope, profile_id: str, id_type: str, *, all: bool, by: Authorship = UNKNOWN
    ) -> Profile:
        return await self._upsert(scope, lambda upserts: naming.remove(upserts, profile_id, id_type, all=all), by)

    async def merge_profiles(self, scope: Scope, profile_id: str, other_id: str) -> Merged:
        return await self._write(scope, lambda tx: merging.merge_by_hand(tx, profile_id, other_id, self._now()))

    async def unmerge_profile(self, scope: Scope, profile_id: str) -> Unmerged:
        return await self._write(scope, lambda tx: merging.unmerge(tx, profile_id, self._now()))

    async def explain_identity(self, scope: Scope, profile_id: str) -> Explanation:
        return await self._read(scope, lambda tx: merging.explain(tx, profile_id))
