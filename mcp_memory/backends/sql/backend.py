"""SqlBackend: each method is one hop to a worker thread and one transaction there. Embedding comes before it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory import language, traits
from mcp_memory.backends.sql import definitions, imports, memories, merging, profiles
from mcp_memory.backends.sql import recall as recalling
from mcp_memory.backends.sql.database import Database, Signature, Transaction
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.embedding import Embedder
from mcp_memory.errors import NotFound, Unavailable
from mcp_memory.identity import IdentitySettings
from mcp_memory.ids import PROFILE, STORE, MakeId, prefix_range
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, Remark
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.model import (
    Added,
    Lookup,
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

T = TypeVar("T")

READERS = 16  # worker threads; more only take the processor from each other
WRITERS = 64  # they wait for one another and share commits


class SqlBackend:
    def __init__(
        self, database: Database, embedder: Embedder, *, now: Callable[[], datetime], make_id: MakeId, region: str
    ) -> None:
        """`region`: the country of phone numbers written without one, as in "US"."""
        self._database, self._embedder = database, embedder
        self._now, self._make_id, self._region = now, make_id, region
        # Apart, so that writers who wait for a busy store do not keep anybody from reading.
        self._readers, self._writers = anyio.CapacityLimiter(READERS), anyio.CapacityLimiter(WRITERS)

    async def open_store(self, tenant: str, display_name: str) -> Scope:
        return await _hop(lambda: self._open_store(tenant, display_name), self._writers)

    async def get_store(self, scope: Scope) -> Store:
        return await _hop(lambda: self._get_store(scope), self._readers)

    async def update_store(self, scope: Scope, changes: StoreChanges) -> Store:
        def work() -> Store:
            policy = changes.undeclared_traits
            if policy is not None:
                self._database.write_catalog(lambda catalog: catalog.set_undeclared_traits(scope, policy))
            return self._get_store(scope)

        return await _hop(work, self._writers)

    async def lookup_profile(self, scope: Scope, value: str, id_type: str | None) -> Lookup:
        return await self._read(scope, lambda tx: profiles.lookup(tx, value, id_type, self._region))

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile:
        return await self._read(scope, lambda tx: profiles.view(tx, profiles.existing(tx, profile_id)))

    async def list_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        id_range = prefix_range(PROFILE, prefix.lower())

        def work(tx: Transaction) -> list[str]:
            types = [one.id_type for one in tx.identity_settings().identifier_configs]
            return tx.profile_ids(id_range, prefix, types, limit)

        return await self._read(scope, work)

    async def upsert_traits(self, scope: Scope, given: traits.Raw, profile_id: str | None) -> Upserted:
        return await self._upsert(scope, lambda upserts: upserts.upsert(given, profile_id))

    async def upsert_profiles(self, scope: Scope, entries: Sequence[traits.Raw]) -> list[BulkOutcome]:
        return await self._upsert(scope, lambda upserts: [upserts.attempt(entry) for entry in entries])

    async def merge_profiles(self, scope: Scope, profile_id: str, other_id: str) -> Merged:
        return await self._write(scope, lambda tx: merging.merge_by_hand(tx, profile_id, other_id, self._now()))

    async def unmerge_profile(self, scope: Scope, profile_id: str) -> Unmerged:
        return await self._write(scope, lambda tx: merging.unmerge(tx, profile_id, self._now()))

    async def explain_identity(self, scope: Scope, profile_id: str) -> Explanation:
        return await self._read(scope, lambda tx: merging.explain(tx, profile_id))

    async def add_observations(self, scope: Scope, profile_id: str, new: Sequence[NewObservation]) -> Added:
        def work() -> Added:
            signatures = self._signatures([one.content for one in new])
            return self._database.write(
                scope,
                lambda tx: memories.add_observations(
                    tx, profile_id, new, signatures, now=self._now(), make_id=self._make_id
                ),
            )

        return await _hop(work, self._writers)

    async def add_summary(self, scope: Scope, profile_id: str, new: NewSummary) -> Added:
        def work() -> Added:
            (signature,) = self._signatures([new.content])
            return self._database.write(
                scope,
                lambda tx: memories.add_summary(tx, profile_id, new, signature, now=self._now(), make_id=self._make_id),
            )

        return await _hop(work, self._writers)

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall:
        def work() -> Recall:
            question = self._question(query.query) if query.query else None
            return self._database.read(scope, lambda tx: recalling.recall(tx, profile_id, query, question))

        return await _hop(work, self._readers)

    async def list_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        def work(tx: Transaction) -> list[Observation]:
            profile = profiles.existing(tx, profile_id)
            return tx.latest_observations(profile.profile_id, limit, None, before, ties=True)

        return await self._read(scope, work)

    async def list_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        def work(tx: Transaction) -> list[Summary]:
            profile = profiles.existing(tx, profile_id)
            return tx.latest_summaries(profile.profile_id, limit, None, before, ties=True)

        return await self._read(scope, work)

    async def get_identity_settings(self, scope: Scope) -> IdentitySettings:
        return await self._read(scope, lambda tx: tx.identity_settings())

    async def update_identity_settings(
        self, scope: Scope, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        return await self._write(scope, lambda tx: definitions.update_settings(tx, new, if_version))

    async def list_trait_groups(self, scope: Scope) -> list[TraitGroup]:
        return await self._read(scope, lambda tx: tx.trait_groups())

    async def create_trait_group(self, scope: Scope, new: TraitGroup) -> TraitGroup:
        return await self._write(scope, lambda tx: definitions.create_group(tx, new))

    async def update_trait_group(
        self, scope: Scope, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        return await self._write(scope, lambda tx: definitions.update_group(tx, name, changes, if_version))

    async def delete_trait_group(self, scope: Scope, name: str) -> None:
        await self._write(scope, lambda tx: definitions.delete_group(tx, name))

    async def start_import(self, scope: Scope, new: NewImport) -> Import:
        return await self._write(scope, lambda tx: imports.start(tx, new, now=self._now(), make_id=self._make_id))

    async def add_import_rows(self, scope: Scope, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        return await self._upsert(scope, lambda upserts: imports.add_rows(upserts, import_id, after, rows))

    async def list_remarks(self, scope: Scope, import_id: str, after: int, limit: int) -> list[Remark]:
        return await self._read(scope, lambda tx: tx.remarks(import_id, after, limit))

    async def close(self) -> None:
        await _hop(self._database.close, self._writers)

    # On the worker thread

    async def _read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await _hop(lambda: self._database.read(scope, work), self._readers)

    async def _write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await _hop(lambda: self._database.write(scope, work), self._writers)

    async def _upsert(self, scope: Scope, change: Callable[[Upserts], T]) -> T:
        def work() -> T:
            policy = self._stored(scope).undeclared_traits
            return self._database.write(
                scope,
                lambda tx: change(
                    Upserts(tx, policy=policy, region=self._region, now=self._now(), make_id=self._make_id)
                ),
            )

        return await _hop(work, self._writers)

    def _open_store(self, tenant: str, display_name: str) -> Scope:
        store = self._database.read_catalog(lambda catalog: catalog.find_store(tenant, display_name))
        if store is None:
            new = Store(
                store_id=self._make_id(STORE),
                display_name=display_name,
                created_at=self._now(),
                undeclared_traits="declare",
            )
            store = self._database.write_catalog(
                lambda catalog: catalog.find_store(tenant, display_name) or catalog.insert_store(tenant, new)
            )
        scope = Scope(tenant=tenant, store_id=store.store_id)
        if not self._database.read(scope, lambda tx: tx.definitions()):
            self._database.write(scope, lambda tx: tx.declare(traits.DEFAULT_DEFINITIONS))
        return scope

    def _get_store(self, scope: Scope) -> Store:
        count = self._database.read(scope, lambda tx: tx.count_profiles())
        return replace(self._stored(scope), profile_count=count)

    def _stored(self, scope: Scope) -> Store:
        store = self._database.read_catalog(lambda catalog: catalog.get_store(scope))
        if store is None:
            raise NotFound("There is no such store.")
        return store

    def _signatures(self, texts: Sequence[str]) -> list[Signature]:
        import numpy as np

        pieces = [language.chunks(text) for text in texts]
        embedded = self._embedder.embed([piece for chunks in pieces for piece in chunks])
        vectors = np.array([one.vector for one in embedded])
        if not math.isfinite(float(vectors.sum())):
            raise Unavailable("The embedding model failed: it gave no numbers.")
        signatures, start = [], 0
        for chunks in pieces:
            signatures.append(
                Signature(
                    model_id=self._embedder.model_id,
                    vectors=vectors[start : start + len(chunks)],
                    terms=[language.terms(piece) for piece in chunks],
                )
            )
            start += len(chunks)
        return signatures

    def _question(self, text: str) -> Signature:
        import numpy as np

        return Signature(
            model_id=self._embedder.model_id,
            vectors=np.array([one.vector for one in self._embedder.embed([text])]),
            terms=[language.query_terms(text)],
        )


async def _hop(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """To a worker thread and back. A caller that gives up meanwhile waits for it: a write is never left in doubt."""
    return await anyio.to_thread.run_sync(work, limiter=limiter)
