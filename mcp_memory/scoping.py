"""The one place where it is decided whose data a call is about, and whether who asks may make it."""

from dataclasses import replace

from mcp_memory import ids, rights
from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller, Scope
from mcp_memory.recent import Recent
from mcp_memory.rights import READ


class Scopes:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._named: Recent[tuple[str, str], Scope] = Recent()

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
        self._named.forget(lambda _, scope: scope.tenant == tenant and store_id in (None, scope.store_id))

    async def _found(self, tenant: str, store: str) -> Scope:
        if store.startswith(f"{ids.STORE}_"):  # no name has an underscore
            return await self._backend.find_store(tenant, ids.check(store, ids.STORE, "store_id"))
        known = self._named.get((tenant, store))
        if known is None:
            known = await self._backend.open_store(tenant, store)
            self._named.put((tenant, store), known)
        return known
