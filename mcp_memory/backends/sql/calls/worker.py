"""What the calls of all nouns share: worker threads, and what a unit of work needs. Embedding comes before it."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from mcp_memory.backends.sql import stores
from mcp_memory.backends.sql.catalog_rows import STIR, Catalog
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.delivery import NOBODY, Calling, Delivery
from mcp_memory.backends.sql.fairness import Threads
from mcp_memory.backends.sql.learning import Extractor, Generated, Learned, Learning, by_rules, uncounted, untold
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.backends.sql.reconciling import Proposer
from mcp_memory.backends.sql.reembedding import Reembedding
from mcp_memory.backends.sql.signatures import Signatures
from mcp_memory.backends.sql.tending import Tending
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.embedding import Embedder
from mcp_memory.history import Authorship
from mcp_memory.ids import MakeId
from mcp_memory.model import Quota, Scope
from mcp_memory.recent import Recent
from mcp_memory.weights import DEFAULT, Weights

T = TypeVar("T")

READERS = 8, 4  # worker threads; more only take the processor from each other
WRITERS = 64, 16  # they wait for one another and share commits
SCORERS = 2, 2  # of large profiles: they hold the interpreter, and more at once would make all others wait


class Worker:
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
        extractor: Extractor = by_rules,
        proposer: Proposer | None = None,
        learned: Learned = untold,
        generated: Generated = uncounted,
        background: bool = False,
        alone: bool = False,
        calling: Calling = NOBODY,
    ) -> None:
        """`region`: the country of phone numbers written without one, as in "US". `late_interaction`: whether vectors
        of tokens are kept. `extractor`: reads conversations; `proposer`: says what becomes of what rules find nothing
        for; `learned` is told of what was learned, `generated` how much that took. `background`: whether signatures
        that are stale are made anew meanwhile. `alone`: all calls are of one tenant, who has no others to leave room
        for. `calling`: what becomes of callbacks."""
        self._database = database
        self._now, self._make_id, self._region = now, make_id, region
        self._signatures, self._weights = Signatures(embedder, late_interaction), weights
        self._background = background
        self._reembedding = Reembedding(database, self._signatures, now, holder=make_id("holder"))
        self._learned, self._generated = learned, generated
        self._learning, self._proposer = Learning(database, now, make_id, extractor), proposer
        self._calling = calling
        self._delivery = Delivery(database, calling, now, holder=make_id("holder"))
        self._tending = Tending(database, self._learn_next, now, holder=make_id("holder"))
        # Apart, so that writers who wait for a busy store do not keep anybody from reading.
        self._readers, self._writers, self._scorers = (
            Threads(most, most if alone else share) for most, share in (READERS, WRITERS, SCORERS)
        )
        # Messages are made ready for the end of a conversation as it is: those who write to one take turns.
        self._turns = [threading.Lock() for _ in range(WRITERS[0])]
        self._ready, self._stirred = Recent[Scope, bool](), Recent[Scope, datetime]()

    async def close(self) -> None:
        def work() -> None:
            self._tending.stop()
            self._delivery.stop()
            self._reembedding.stop()
            self._database.close()
            self._signatures.close()

        await self._writers.hop("", work)  # nobody's: it is not behind anybody's

    # Each is one hop, and one transaction

    async def _read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await self._readers.hop(scope.tenant, lambda: self._database.read(scope, work))

    async def _write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await self._writers.hop(scope.tenant, lambda: self._database.write(scope, work))

    async def _write_due(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """What makes something due."""

        def stirring() -> T:
            self._stir(scope)
            return self._database.write(scope, work)

        done = await self._writers.hop(scope.tenant, stirring)
        self._tend(scope)
        return done

    async def _erase(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await self._writers.hop(scope.tenant, lambda: self._database.erase(scope, work))

    async def _read_catalog(self, tenant: str, work: Callable[[Catalog], T]) -> T:
        return await self._readers.hop(tenant, lambda: self._database.read_catalog(work))

    async def _write_catalog(self, tenant: str, work: Callable[[Catalog], T]) -> T:
        return await self._writers.hop(tenant, lambda: self._database.write_catalog(work))

    async def _upsert(self, scope: Scope, change: Callable[[Upserts], T], by: Authorship) -> T:
        def work() -> T:
            policy = self._database.read_catalog(lambda catalog: stores.existing(catalog, scope)).undeclared_traits
            room = self._room(scope.tenant, scope.quota)
            return self._database.write(
                scope,
                lambda tx: change(
                    Upserts(
                        tx,
                        room,
                        policy=policy,
                        region=self._region,
                        now=self._now(),
                        make_id=self._make_id,
                        by=by,
                    )
                ),
            )

        return await self._writers.hop(scope.tenant, work)

    async def _add(self, scope: Scope, work: Callable[[Transaction, Room], T]) -> T:
        def added() -> T:
            room = self._room(scope.tenant, scope.quota)
            return self._database.write(scope, lambda tx: work(tx, room))

        return await self._writers.hop(scope.tenant, added)

    # On the worker thread

    def _room(self, tenant: str, quota: Quota) -> Room:
        stored = 0 if quota.storage_bytes is None else self._database.storage_bytes(tenant)
        return Room(quota=quota, stored=stored)

    def _remember(self, scope: Scope, signatures: Sequence[Signature], work: Callable[[Transaction], T]) -> T:
        """What is without vectors is looked after once it is stored: before, there would be nothing to see."""
        done = self._database.write(scope, work)
        if self._background and not all(one.model_id for one in signatures):
            self._reembedding.look_after(scope)
        return done

    def _stir(self, scope: Scope) -> None:
        """Before something is written that makes something due: whoever starts next looks after the store."""
        now, known = self._now(), self._stirred.get(scope)
        if known is None or not timedelta(0) <= now - known < STIR:
            self._database.write_catalog(lambda catalog: catalog.stir(scope, now))
            self._stirred.put(scope, now)

    def _tend(self, scope: Scope) -> None:
        """What was said, or is over, is looked after when its time comes."""
        if self._background:
            self._tending.look_after(scope)

    def _deliver(self, scope: Scope) -> None:
        """After something was announced."""
        if self._background:
            self._delivery.look_after(scope)

    def _learn_next(self, scope: Scope) -> bool:
        raise NotImplementedError  # the calls about learning have it

    def _stale_count(self, scope: Scope) -> int:
        model_id, recipe = self._signatures.model_id, self._signatures.recipe
        return self._database.read(scope, lambda tx: tx.count_stale(model_id, recipe))
