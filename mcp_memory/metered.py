"""Memory whose results are counted for the bill. What fails is not."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mcp_memory import usage
from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.imports import BulkOutcome, Import, ImportRow
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.model import (
    Added,
    Caller,
    Communication,
    Lookup,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Summary,
    TraitEntry,
    Upserted,
)
from mcp_memory.service import Memory
from mcp_memory.traits import Raw
from mcp_memory.usage import CHARACTERS, PROFILE_OPERATIONS, RECALLS
from mcp_memory.usage_counter import UsageCounter

MAX_MOVED = 10_000  # merged ids whose live one is known


class MeteredMemory(Memory):
    def __init__(
        self,
        backend: Backend,
        now: Callable[[], datetime],
        counter: UsageCounter,
        names_kept: timedelta = timedelta(0),
    ) -> None:
        super().__init__(backend, now, names_kept)
        self.usage = counter
        self._moved: dict[str, str] = {}

    async def close(self) -> None:
        await self.usage.close()
        await super().close()

    # Profiles that are created, updated and merged

    async def upsert_traits(self, caller: Caller, given: dict[str, dict[str, Any]], profile_id: str | None) -> Upserted:
        return self._upserted(caller, await super().upsert_traits(caller, given, profile_id))

    async def add_identifier(self, caller: Caller, profile_id: str, id_type: str, value: str) -> Upserted:
        return self._upserted(caller, await super().add_identifier(caller, profile_id, id_type, value))

    async def replace_identifier(
        self, caller: Caller, profile_id: str, id_type: str, old_value: str, new_value: str
    ) -> Upserted:
        done = await super().replace_identifier(caller, profile_id, id_type, old_value, new_value)
        return self._upserted(caller, done)

    async def remove_identifiers(self, caller: Caller, profile_id: str, id_type: str, *, all: bool) -> Profile:
        found = await super().remove_identifiers(caller, profile_id, id_type, all=all)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS)
        return found

    async def upsert_profiles(self, caller: Caller, entries: Sequence[Raw]) -> list[BulkOutcome]:
        outcomes = await super().upsert_profiles(caller, entries)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_bulk(outcomes))
        return outcomes

    async def add_import_rows(self, caller: Caller, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        before = await super().get_import(caller, import_id)
        done = await super().add_import_rows(caller, import_id, after, rows)  # or somebody else has it meanwhile
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_rows(before, done))
        return done

    async def merge_profiles(self, caller: Caller, profile_id: str, other_id: str) -> Merged:
        merged = await super().merge_profiles(caller, profile_id, other_id)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS)
        return merged

    async def unmerge_profile(self, caller: Caller, profile_id: str) -> Unmerged:
        unmerged = await super().unmerge_profile(caller, profile_id)
        self._moved.clear()
        return unmerged

    # Profiles that are read

    async def lookup_profile(self, caller: Caller, value: str, id_type: str | None) -> Lookup:
        found = await super().lookup_profile(caller, value, id_type)
        if found.profile is not None:
            self._read(caller, found.profile.profile_id)
        return found

    async def get_profile(self, caller: Caller, profile_id: str) -> Profile:
        found = await super().get_profile(caller, profile_id)
        self._read(caller, profile_id, found.profile_id)
        return found

    async def live_profile_id(self, caller: Caller, profile_id: str) -> str:
        live = await super().live_profile_id(caller, profile_id)
        self._learn(profile_id, live)
        return live

    async def explain_identity(self, caller: Caller, profile_id: str) -> Explanation:
        found = await super().explain_identity(caller, profile_id)
        self._read(caller, profile_id, found.profile.profile_id)
        return found

    async def list_traits(
        self, caller: Caller, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        found = await super().list_traits(caller, profile_id, groups, page)
        self._read(caller, profile_id)
        return found

    async def list_observations(
        self, caller: Caller, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]:
        found = await super().list_observations(caller, profile_id, wanted, page)
        self._read(caller, profile_id)
        return found

    async def get_observation(self, caller: Caller, profile_id: str, observation_id: str) -> Observation:
        found = await super().get_observation(caller, profile_id, observation_id)
        self._read(caller, profile_id)
        return found

    async def list_revisions(
        self, caller: Caller, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        found = await super().list_revisions(caller, profile_id, observation_id, page)
        self._read(caller, profile_id)
        return found

    async def latest_observations(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        found = await super().latest_observations(caller, profile_id, limit, before)
        self._read(caller, profile_id)
        return found

    async def list_summaries(
        self, caller: Caller, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Summary]:
        found = await super().list_summaries(caller, profile_id, wanted, page)
        self._read(caller, profile_id)
        return found

    async def get_summary(self, caller: Caller, profile_id: str, summary_id: str) -> Summary:
        found = await super().get_summary(caller, profile_id, summary_id)
        self._read(caller, profile_id)
        return found

    async def latest_summaries(
        self, caller: Caller, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        found = await super().latest_summaries(caller, profile_id, limit, before)
        self._read(caller, profile_id)
        return found

    async def list_communications(
        self, caller: Caller, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        found = await super().list_communications(caller, profile_id, conversation_id, limit)
        self._read(caller, profile_id)
        return found

    async def recall(self, caller: Caller, profile_id: str, query: RecallQuery) -> Recall:
        found = await super().recall(caller, profile_id, query)
        self.usage.add(caller.tenant, RECALLS)
        self._read(caller, profile_id, found.profile_id)
        return found

    # What is written

    async def add_observations(self, caller: Caller, profile_id: str, new: Sequence[NewObservation]) -> Added:
        added = await super().add_observations(caller, profile_id, new)
        self.usage.add(caller.tenant, CHARACTERS, usage.of_written(new, added))
        return added

    async def update_observation(
        self, caller: Caller, profile_id: str, observation_id: str, changes: ObservationChanges
    ) -> Observation:
        changed = await super().update_observation(caller, profile_id, observation_id, changes)
        self.usage.add(caller.tenant, CHARACTERS, len(changes.content or ""))
        return changed

    async def add_summaries(self, caller: Caller, profile_id: str, new: Sequence[NewSummary]) -> Added:
        added = await super().add_summaries(caller, profile_id, new)
        self.usage.add(caller.tenant, CHARACTERS, usage.of_written(new, added))
        return added

    async def update_summary(
        self, caller: Caller, profile_id: str, summary_id: str, changes: SummaryChanges
    ) -> Summary:
        changed = await super().update_summary(caller, profile_id, summary_id, changes)
        self.usage.add(caller.tenant, CHARACTERS, len(changes.content or ""))
        return changed

    # Counting

    def _upserted(self, caller: Caller, done: Upserted) -> Upserted:
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_upsert(done))
        return done

    def _read(self, caller: Caller, asked: str, live: str | None = None) -> None:
        """By the live id, as far as it is known, so that a person with two ids is read once."""
        if live is not None:
            self._learn(asked, live)
        self.usage.read(caller.tenant, self._moved.get(asked, asked))

    def _learn(self, asked: str, live: str) -> None:
        if asked == live:
            self._moved.pop(asked, None)
            return
        if len(self._moved) >= MAX_MOVED:
            self._moved.clear()
        self._moved[asked] = live
