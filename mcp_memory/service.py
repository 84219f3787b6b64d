"""Memory: where a Caller becomes a Scope, and the rules that are true of every backend."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from mcp_memory import ids, imports, model, text
from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.errors import Invalid
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, Remark
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.model import (
    Added,
    Caller,
    Communication,
    Lookup,
    NewMessage,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Scope,
    Store,
    StoreChanges,
    Summary,
    Upserted,
)
from mcp_memory.traits import Raw


class Memory:
    def __init__(self, backend: Backend, now: Callable[[], datetime]) -> None:
        self._backend = backend
        self.now = now
        self._scopes: dict[Caller, Scope] = {}

    async def scope(self, caller: Caller) -> Scope:
        """The one place where it is decided whose data a call is about."""
        if caller not in self._scopes:
            self._scopes[caller] = await self._backend.open_store(caller.tenant, caller.store)
        return self._scopes[caller]

    async def get_store(self, caller: Caller) -> Store:
        return await self._backend.get_store(await self.scope(caller))

    async def update_store(self, caller: Caller, changes: StoreChanges) -> Store:
        return await self._backend.update_store(await self.scope(caller), changes)

    async def lookup_profile(self, caller: Caller, value: str, id_type: str | None) -> Lookup:
        return await self._backend.lookup_profile(await self.scope(caller), value, id_type)

    async def get_profile(self, caller: Caller, profile_id: str) -> Profile:
        target = _profile(profile_id)
        return await self._backend.get_profile(await self.scope(caller), target)

    async def list_profile_ids(self, caller: Caller, prefix: str, limit: int) -> list[str]:
        start = text.clean(prefix)
        if prefix and not start:
            return []  # something was typed, if nothing visible: not everybody's start
        return await self._backend.list_profile_ids(await self.scope(caller), start, limit)

    async def upsert_traits(self, caller: Caller, given: dict[str, dict[str, Any]], profile_id: str | None) -> Upserted:
        target = None if profile_id is None else _profile(profile_id)
        return await self._backend.upsert_traits(await self.scope(caller), given, target)

    async def upsert_profiles(self, caller: Caller, entries: Sequence[Raw]) -> list[BulkOutcome]:
        if not 1 <= len(entries) <= imports.MAX_BULK:
            raise Invalid(f"profiles has {len(entries)} entries: give 1 to {imports.MAX_BULK} in one call.")
        return await self._backend.upsert_profiles(await self.scope(caller), entries)

    async def merge_profiles(self, caller: Caller, profile_id: str, other_id: str) -> Merged:
        one, other = _profile(profile_id), ids.check(other_id, ids.PROFILE, "other_id")
        return await self._backend.merge_profiles(await self.scope(caller), one, other)

    async def unmerge_profile(self, caller: Caller, profile_id: str) -> Unmerged:
        target = _profile(profile_id)
        return await self._backend.unmerge_profile(await self.scope(caller), target)

    async def explain_identity(self, caller: Caller, profile_id: str) -> Explanation:
        target = _profile(profile_id)
        return await self._backend.explain_identity(await self.scope(caller), target)

    async def add_observations(self, caller: Caller, profile_id: str, new: Sequence[NewObservation]) -> Added:
        if not 1 <= len(new) <= model.MAX_OBSERVATIONS:
            raise Invalid(f"observations has {len(new)} items: give 1 to {model.MAX_OBSERVATIONS} in one call.")
        target = _profile(profile_id)
        return await self._backend.add_observations(await self.scope(caller), target, new)

    async def add_summary(self, caller: Caller, profile_id: str, new: NewSummary) -> Added:
        target = _profile(profile_id)
        return await self._backend.add_summary(await self.scope(caller), target, new)

    async def record_messages(
        self, caller: Caller, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        if not 1 <= len(messages) <= model.MAX_MESSAGES:
            raise Invalid(f"messages has {len(messages)} items: give 1 to {model.MAX_MESSAGES} in one call.")
        length = sum(len(one.text) for one in messages)
        if length > model.MAX_RECORDED:
            raise Invalid(f"messages have {length} characters together, the limit is {model.MAX_RECORDED}: split them.")
        given = [one.message_id for one in messages if one.message_id is not None]
        if given and (len(given) < len(messages) or len(set(given)) < len(given)):
            raise Invalid("messages must all have a message_id of their own, or none of them one.")
        target = _profile(profile_id)
        return await self._backend.record_messages(await self.scope(caller), target, conversation_id, messages)

    async def recall(self, caller: Caller, profile_id: str, query: RecallQuery) -> Recall:
        target = _profile(profile_id)
        return await self._backend.recall(await self.scope(caller), target, query)

    async def list_observations(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        target = _profile(profile_id)
        return await self._backend.list_observations(await self.scope(caller), target, limit, before)

    async def list_summaries(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        target = _profile(profile_id)
        return await self._backend.list_summaries(await self.scope(caller), target, limit, before)

    async def list_communications(
        self, caller: Caller, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        target = _profile(profile_id)
        return await self._backend.list_communications(await self.scope(caller), target, conversation_id, limit)

    async def mend(self, caller: Caller) -> int:
        return await self._backend.mend(await self.scope(caller))

    async def reembed(self, caller: Caller) -> int:
        return await self._backend.reembed(await self.scope(caller))

    async def get_identity_settings(self, caller: Caller) -> IdentitySettings:
        return await self._backend.get_identity_settings(await self.scope(caller))

    async def update_identity_settings(
        self, caller: Caller, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        return await self._backend.update_identity_settings(await self.scope(caller), new, if_version)

    async def list_trait_groups(self, caller: Caller) -> list[TraitGroup]:
        return await self._backend.list_trait_groups(await self.scope(caller))

    async def create_trait_group(self, caller: Caller, new: TraitGroup) -> TraitGroup:
        return await self._backend.create_trait_group(await self.scope(caller), new)

    async def update_trait_group(
        self, caller: Caller, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        return await self._backend.update_trait_group(await self.scope(caller), name, changes, if_version)

    async def delete_trait_group(self, caller: Caller, name: str) -> None:
        await self._backend.delete_trait_group(await self.scope(caller), name)

    async def start_import(self, caller: Caller, new: NewImport) -> Import:
        return await self._backend.start_import(await self.scope(caller), new)

    async def add_import_rows(self, caller: Caller, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        if not 1 <= len(rows) <= imports.MAX_BULK:
            raise Invalid(f"rows has {len(rows)} entries: give 1 to {imports.MAX_BULK} in one call.")
        target = ids.check(import_id, ids.IMPORT, "import_id")
        return await self._backend.add_import_rows(await self.scope(caller), target, after, rows)

    async def list_remarks(self, caller: Caller, import_id: str, after: int, limit: int) -> list[Remark]:
        target = ids.check(import_id, ids.IMPORT, "import_id")
        return await self._backend.list_remarks(await self.scope(caller), target, after, limit)

    async def close(self) -> None:
        await self._backend.close()


def _profile(profile_id: str) -> str:
    return ids.check(profile_id, ids.PROFILE, "profile_id")
