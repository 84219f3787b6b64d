"""The one place where it is decided whose data a call is about, and whether who asks may make it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mcp_memory import ids, rights
from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller, Scope
from mcp_memory.rights import READ

MAX_KEPT = 10_000  # names of stores that need not be looked up again
NAMED = timedelta(seconds=1)  # for as long: another process may rename a store, or remove its tenant


class Scopes:
    def __init__(self, backend: Backend, now: Callable[[], datetime]) -> None:
        self._backend, self._now = backend, now
        self._named: dict[tuple[str, str], tuple[Scope, datetime]] = {}

    async def of(self, caller: Caller, right: str = READ) -> Scope:
        """Raises Forbidden, or NoStore: what is not the caller's to reach is not there, whatever it is called."""
        rights.check(caller.rights, right)
        found = await self._found(caller.tenant, caller.store)
        if caller.stores is not None and found not in await self.reached(caller.tenant, caller.stores):
            raise NoStore("There is no such store.")
        return replace(found, quota=caller.quota)

    async def reached(self, tenant: str, stores: tuple[str, ...]) -> list[Scope]:
        return [await self._found(tenant, one) for one in stores]

    def forget(self, tenant: str, store_id: str | None = None) -> None:
        """What its store was called, or all its stores, may be another's name from now on."""
        self._named = {
            name: (scope, at)
            for name, (scope, at) in self._named.items()
            if scope.tenant != tenant or store_id not in (None, scope.store_id)
        }

    async def _found(self, tenant: str, store: str) -> Scope:
        if store.startswith(f"{ids.STORE}_"):  # no name has an underscore
            return await self._backend.find_store(tenant, ids.check(store, ids.STORE, "store_id"))
        now = self._now()
        scope, at = self._named.get((tenant, store), (None, now))
        if scope is None or not timedelta(0) <= now - at < NAMED:
            scope = await self._backend.open_store(tenant, store)
            while len(self._named) >= MAX_KEPT:
                del self._named[next(iter(self._named))]
            self._named[tenant, store] = scope, now
        return scope
