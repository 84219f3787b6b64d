"""Observations and summaries."""

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.backends.sql import curation, memories, profiles
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.signatures import Text
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.history import UNKNOWN, Authorship, Revision
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.model import Added, NewObservation, NewSummary, Observation, Scope, Summary


class MemoryCalls(Worker):
    async def add_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        def work() -> Added:
            signatures = self._signatures.or_terms([Text(one.content) for one in new])
            room = self._room(scope.tenant, scope.quota)
            return self._remember(
                scope,
                signatures,
                lambda tx: memories.add_observations(
                    tx, profile_id, new, signatures, room, by, now=self._now(), make_id=self._make_id
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def list_observations(
        self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]:
        return await self._read(scope, lambda tx: curation.list_observations(tx, profile_id, wanted, page))

    async def get_observation(self, scope: Scope, profile_id: str, observation_id: str) -> Observation:
        return await self._read(scope, lambda tx: curation.observation(tx, profile_id, observation_id))

    async def update_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        changes: ObservationChanges,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        def work() -> Observation:
            signature = self._signature(changes.content)
            room = self._room(scope.tenant, scope.quota)
            return self._remember(
                scope,
                [signature] if signature else [],
                lambda tx: curation.update_observation(
                    tx, profile_id, observation_id, changes, signature, room, by, now=self._now()
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def undo_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        revision: int | None = None,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        def work() -> Observation:
            restored = self._database.read(
                scope, lambda tx: curation.before_undone(tx, profile_id, observation_id, revision)
            )
            (signature,) = self._signatures.or_terms([Text(restored[1].content)])
            room = self._room(scope.tenant, scope.quota)
            return self._remember(
                scope,
                [signature],
                lambda tx: curation.undo_observation(
                    tx, profile_id, observation_id, revision, restored, signature, room, by, now=self._now()
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def delete_observation(self, scope: Scope, profile_id: str, observation_id: str) -> None:
        await self._erase(
            scope, lambda tx: curation.delete_observation(tx, profile_id, observation_id, now=self._now())
        )

    async def list_revisions(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        return await self._read(scope, lambda tx: curation.list_revisions(tx, profile_id, observation_id, page))

    async def observation_history(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Revision[Observation]]:
        return await self._read(scope, lambda tx: curation.observation_history(tx, profile_id, observation_id, page))

    async def add_summaries(
        self, scope: Scope, profile_id: str, new: Sequence[NewSummary], by: Authorship = UNKNOWN
    ) -> Added:
        def work() -> Added:
            signatures = self._signatures.or_terms([Text(one.content) for one in new])
            room = self._room(scope.tenant, scope.quota)
            return self._remember(
                scope,
                signatures,
                lambda tx: memories.add_summaries(
                    tx, profile_id, new, signatures, room, by, now=self._now(), make_id=self._make_id
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def list_summaries(self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery) -> Page[Summary]:
        return await self._read(scope, lambda tx: curation.list_summaries(tx, profile_id, wanted, page))

    async def get_summary(self, scope: Scope, profile_id: str, summary_id: str) -> Summary:
        return await self._read(scope, lambda tx: curation.summary(tx, profile_id, summary_id))

    async def update_summary(
        self, scope: Scope, profile_id: str, summary_id: str, changes: SummaryChanges, by: Authorship = UNKNOWN
    ) -> Summary:
        def work() -> Summary:
            signature = self._signature(changes.content)
            room = self._room(scope.tenant, scope.quota)
            return self._remember(
                scope,
                [signature] if signature else [],
                lambda tx: curation.update_summary(
                    tx, profile_id, summary_id, changes, signature, room, by, now=self._now()
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def summary_history(
        self, scope: Scope, profile_id: str, summary_id: str, page: PageQuery
    ) -> Page[Revision[Summary]]:
        return await self._read(scope, lambda tx: curation.summary_history(tx, profile_id, summary_id, page))

    async def delete_summary(self, scope: Scope, profile_id: str, summary_id: str) -> None:
        await self._erase(scope, lambda tx: curation.delete_summary(tx, profile_id, summary_id, now=self._now()))

    async def latest_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        def work(tx: Transaction) -> list[Observation]:
            profile = profiles.existing(tx, profile_id)
            return tx.latest_observations(profile.profile_id, limit, None, before, ties=True)

        return await self._read(scope, work)

    async def latest_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        def work(tx: Transaction) -> list[Summary]:
            profile = profiles.existing(tx, profile_id)
            return tx.latest_summaries(profile.profile_id, limit, None, before, ties=True)

        return await self._read(scope, work)

    # On the worker thread

    def _signature(self, content: str | None) -> Signature | None:
        return None if content is None else self._signatures.or_terms([Text(content)])[0]
