"""SqlBackend: each method is one hop to a worker thread and one transaction there. Embedding comes before it."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory import traits
from mcp_memory.backends.sql import conversations, definitions, imports, memories, merging, profiles
from mcp_memory.backends.sql import recall as recalling
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.recall import Asked, TooLarge
from mcp_memory.backends.sql.reembedding import Reembedding
from mcp_memory.backends.sql.signatures import Signatures, Text
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.embedding import Embedder
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.identity import IdentitySettings
from mcp_memory.ids import PROFILE, STORE, MakeId, prefix_range
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, Remark
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.model import (
    Added,
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
from mcp_memory.weights import DEFAULT, Weights

T = TypeVar("T")

READERS = 16  # worker threads; more only take the processor from each other
WRITERS = 64  # they wait for one another and share commits
SCORERS = 2  # of large profiles: they hold the interpreter, and more at once would make all others wait
ATTEMPTS = 20  # to append to a conversation that other processes append to as well


class SqlBackend:
    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        *,
        now: Callable[[], datetime],
        make_id: MakeId,
        region: str,
        late_interaction: bool = True,
        weights: Weights = DEFAULT,
        background: bool = False,
    ) -> None:
        """`region`: the country of phone numbers written without one, as in "US". `late_interaction`: whether vectors
        of tokens are kept. `background`: whether signatures that are stale are made anew meanwhile."""
        self._database = database
        self._now, self._make_id, self._region = now, make_id, region
        self._signatures, self._weights = Signatures(embedder, late_interaction), weights
        self._background = background
        self._reembedding = Reembedding(database, self._signatures, now, holder=make_id("holder"))
        # Apart, so that writers who wait for a busy store do not keep anybody from reading.
        self._readers, self._writers = anyio.CapacityLimiter(READERS), anyio.CapacityLimiter(WRITERS)
        self._scorers = anyio.CapacityLimiter(SCORERS)
        # Messages are made ready for the end of a conversation as it is: those who write to one take turns.
        self._turns = [threading.Lock() for _ in range(WRITERS)]

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
            signatures = self._signatures.or_terms([Text(one.content) for one in new])
            return self._remember(
                scope,
                signatures,
                lambda tx: memories.add_observations(
                    tx, profile_id, new, signatures, now=self._now(), make_id=self._make_id
                ),
            )

        return await _hop(work, self._writers)

    async def add_summary(self, scope: Scope, profile_id: str, new: NewSummary) -> Added:
        def work() -> Added:
            (signature,) = self._signatures.or_terms([Text(new.content)])
            return self._remember(
                scope,
                [signature],
                lambda tx: memories.add_summary(tx, profile_id, new, signature, now=self._now(), make_id=self._make_id),
            )

        return await _hop(work, self._writers)

    async def record_messages(
        self, scope: Scope, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        def attempt() -> Added:
            ready = self._database.read(
                scope, lambda tx: conversations.compared(tx, profile_id, conversation_id, messages)
            )
            signatures = self._signatures.or_terms(conversations.texts_of(ready)) if ready.fresh else []
            return self._remember(
                scope,
                signatures,
                lambda tx: conversations.record(
                    tx,
                    profile_id,
                    conversation_id,
                    messages,
                    ready,
                    signatures,
                    now=self._now(),
                    make_id=self._make_id,
                ),
            )

        def work() -> Added:
            with self._turns[hash((scope, conversation_id)) % len(self._turns)]:
                for _ in range(ATTEMPTS):
                    with suppress(conversations.Moved):
                        return attempt()
            raise Conflict("Others write to this conversation all the time, and nothing was recorded: try again.")

        return await _hop(work, self._writers)

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall:
        asked: list[Asked] = []

        def work(large: bool) -> Recall:
            if not asked:
                asked.append(self._asked(scope, profile_id, query))
            return self._database.read(scope, lambda tx: recalling.recall(tx, profile_id, asked[0], large=large))

        try:
            return await _hop(lambda: work(False), self._readers)
        except TooLarge:
            return await _hop(lambda: work(True), self._scorers)

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

    async def list_communications(
        self, scope: Scope, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        def work(tx: Transaction) -> list[Communication]:
            profile = profiles.existing(tx, profile_id)
            return tx.conversation_end(profile.profile_id, conversation_id, limit)

        return await self._read(scope, work)

    async def mend(self, scope: Scope) -> int:
        def work() -> int:
            bad = self._database.read(scope, lambda tx: tx.damaged())  # nobody has to wait for that
            if bad:
                self._database.write(scope, lambda tx: tx.forget_signatures(bad))
            return len(bad)

        return await _hop(work, self._writers)

    async def reembed(self, scope: Scope) -> int:
        return await _hop(lambda: self._reembedding.do(scope), self._writers)

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
        def work() -> None:
            self._reembedding.stop()
            self._database.close()
            self._signatures.close()

        await _hop(work, self._writers)

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
        if self._background and self._stale_count(scope):
            self._reembedding.look_after(scope)
        return scope

    def _get_store(self, scope: Scope) -> Store:
        count = self._database.read(scope, lambda tx: tx.count_profiles())
        return replace(self._stored(scope), profile_count=count, unembedded_count=self._stale_count(scope))

    def _stale_count(self, scope: Scope) -> int:
        model_id, recipe = self._signatures.model_id, self._signatures.recipe
        return self._database.read(scope, lambda tx: tx.count_stale(model_id, recipe))

    def _stored(self, scope: Scope) -> Store:
        store = self._database.read_catalog(lambda catalog: catalog.get_store(scope))
        if store is None:
            raise NotFound("There is no such store.")
        return store

    def _remember(self, scope: Scope, signatures: Sequence[Signature], work: Callable[[Transaction], T]) -> T:
        """What is without vectors is looked after once it is stored: before, there would be nothing to see."""
        done = self._database.write(scope, work)
        if self._background and not all(one.model_id for one in signatures):
            self._reembedding.look_after(scope)
        return done

    def _asked(self, scope: Scope, profile_id: str, query: RecallQuery) -> Asked:
        text, conversation_id = query.query, query.conversation_id
        if text is None and conversation_id is not None:
            text = self._database.read(scope, lambda tx: conversations.query(tx, profile_id, conversation_id))
        return Asked(
            query=query,
            text=text or None,
            question=self._signatures.question(text, self._now().date()) if text else None,
            model_id=self._signatures.model_id,
            weights=self._weights,
        )


async def _hop(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """To a worker thread and back. A caller that gives up meanwhile waits for it: a write is never left in doubt."""
    return await anyio.to_thread.run_sync(work, limiter=limiter)
