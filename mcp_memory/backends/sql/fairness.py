"""So many at once and no more; among those who wait, whoever has the fewest running goes next.

A tenant alone has its share, and what that leaves is there for the next one at once. Where all is taken, whoever comes
is given what ends next, and so on until they have as much each: nobody is stopped, and nobody waits for more than one
call of each of the others. Equals take turns; the calls of one tenant go in their order.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")
Queue = OrderedDict[anyio.Event, None]


class FairLimiter:
    """Of one event loop: nothing happens between two lines of it."""

    def __init__(self, most: int, share: int) -> None:
        """`share`: what one tenant has at most, even where nobody else asks."""
        self._free, self._share = most, share
        self._running: dict[str, int] = {}
        # Who waits, by how many they have running. Whoever came to a level first is first in it.
        self._levels: list[OrderedDict[str, Queue]] = [OrderedDict() for _ in range(share + 1)]

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        await self._acquire(tenant)
        try:
            yield
        finally:
            self._release(tenant)

    async def _acquire(self, tenant: str) -> None:
        running = self._running.get(tenant, 0)
        if self._free and running < self._share:  # then nobody waits who might go
            self._free -= 1
            self._running[tenant] = running + 1
            return
        turn, came = anyio.Event(), False
        self._level(tenant).setdefault(tenant, OrderedDict())[turn] = None
        try:
            await turn.wait()
            came = True
        finally:
            if not came and turn.is_set():  # it was given in the moment in which nobody wanted it any more
                self._release(tenant)
            elif not came:
                self._leave(tenant, turn)

    def _release(self, tenant: str) -> None:
        queue = self._level(tenant).pop(tenant, None)
        self._running[tenant] -= 1
        if not self._running[tenant]:
            del self._running[tenant]
        if queue:
            self._level(tenant)[tenant] = queue
        self._free += 1
        self._give()

    def _give(self) -> None:
        """What is free, to whoever is next."""
        level = next((one for one in self._levels[:-1] if one), None)
        if level is None:
            return
        tenant, queue = level.popitem(last=False)
        turn, _ = queue.popitem(last=False)
        self._free -= 1
        self._running[tenant] = self._running.get(tenant, 0) + 1
        if queue:
            self._level(tenant)[tenant] = queue
        turn.set()

    def _leave(self, tenant: str, turn: anyio.Event) -> None:
        level = self._level(tenant)
        del level[tenant][turn]
        if not level[tenant]:
            del level[tenant]

    def _level(self, tenant: str) -> OrderedDict[str, Queue]:
        return self._levels[self._running.get(tenant, 0)]


class Threads:
    """Worker threads of their own kind, for all tenants together."""

    def __init__(self, most: int, share: int) -> None:
        self._turns = FairLimiter(most, share)
        self._limiter = anyio.CapacityLimiter(most)  # nobody waits here

    async def hop(self, tenant: str, work: Callable[[], T]) -> T:
        """To a thread and back. A caller that gives up meanwhile waits for it: a write is never left in doubt."""
        async with self._turns.turn(tenant):
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
