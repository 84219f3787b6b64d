"""Memory: where a Caller becomes a Scope, and the rules that are true of every backend."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from mcp_memory import ids, model, text
from mcp_memory.backend import Backend
from mcp_memory.errors import Invalid
from mcp_memory.identity import candidate_types
from mcp_memory.model import (
    Caller,
    Identifier,
    Lookup,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Receipt,
    Scope,
    Store,
    StoreChanges,
    Summary,
    Upserted,
)


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
        types = (id_type,) if id_type else candidate_types(value)
        candidates = [Identifier(one, value) for one in types]
        return await self._backend.lookup_profile(await self.scope(caller), candidates)

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

    async def add_observations(self, caller: Caller, profile_id: str, new: Sequence[NewObservation]) -> list[Receipt]:
        if not 1 <= len(new) <= model.MAX_OBSERVATIONS:
            raise Invalid(f"observations has {len(new)} items: give 1 to {model.MAX_OBSERVATIONS} in one call.")
        target = _profile(profile_id)
        return await self._backend.add_observations(await self.scope(caller), target, new)

    async def add_summary(self, caller: Caller, profile_id: str, new: NewSummary) -> Receipt:
        target = _profile(profile_id)
        return await self._backend.add_summary(await self.scope(caller), target, new)

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

    async def close(self) -> None:
        await self._backend.close()


def _profile(profile_id: str) -> str:
    return ids.check(profile_id, ids.PROFILE, "profile_id")
