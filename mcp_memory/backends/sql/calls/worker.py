"""What the calls of all nouns share: worker threads, and what a unit of work needs. Embedding comes before it."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory.backends.sql import stores
from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.reembedding import Reembedding
from mcp_memory.backends.sql.signatures import Signatures
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.embedding import Embedder
from mcp_memory.ids import MakeId
from mcp_memory.model import Scope
from mcp_memory.weights import DEFAULT, Weights

T = TypeVar("T")

READERS = 16  # worker threads; more only take the processor from each other
WRITERS = 64  # they wait for one another and share commits
SCORERS = 2  # of large profiles: they hold the interpreter, and more at once would make all others wait


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
        self._ready: set[Scope] = set()

    async def close(self) -> None:
        def work() -> None:
            self._reembedding.stop()
            self._database.close()
            self._signatures.close()

        await hop(work, self._writers)

    # Each is one hop, and one transaction

    async def _read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await hop(lambda: self._database.read(scope, work), self._readers)

    async def _write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await hop(lambda: self._database.write(scope, work), self._writers)

    async def _erase(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return await hop(lambda: self._database.erase(scope, work), self._writers)

    async def _read_catalog(self, work: Callable[[Catalog], T]) -> T:
        return await hop(lambda: self._database.read_catalog(work), self._readers)

    async def _write_catalog(self, work: Callable[[Catalog], T]) -> T:
        return await hop(lambda: self._database.write_catalog(work), self._writers)

    async def _upsert(self, scope: Scope, change: Callable[[Upserts], T]) -> T:
        def work() -> T:
            policy = self._database.read_catalog(lambda catalog: stores.existing(catalog, scope)).undeclared_traits
            return self._database.write(
                scope,
                lambda tx: change(
                    Upserts(tx, policy=policy, region=self._region, now=self._now(), make_id=self._make_id)
                ),
            )

        return await hop(work, self._writers)

    # On the worker thread

    def _remember(self, scope: Scope, signatures: Sequence[Signature], work: Callable[[Transaction], T]) -> T:
        """What is without vectors is looked after once it is stored: before, there would be nothing to see."""
        done = self._database.write(scope, work)
        if self._background and not all(one.model_id for one in signatures):
            self._reembedding.look_after(scope)
        return done

    def _stale_count(self, scope: Scope) -> int:
        model_id, recipe = self._signatures.model_id, self._signatures.recipe
        return self._database.read(scope, lambda tx: tx.count_stale(model_id, recipe))


async def hop(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """To a worker thread and back. A caller that gives up meanwhile waits for it: a write is never left in doubt."""
    return await anyio.to_thread.run_sync(work, limiter=limiter)
