"""The one place where it is decided whose data a call is about, and whether who asks may make it."""

from dataclasses import replace

from mcp_memory import ids, rights
from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller, Scope
from mcp_memory.rights import READ


class Scopes:
    """Names are looked up each time: what was called so a moment ago, in another process too, may be another by now."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def of(self, caller: Caller, right: str = READ) -> Scope:
        """Raises Forbidden, or NoStore: what is not the caller's to reach is not there, whatever it is called."""
        rights.check(caller.rights, right)
        return replace(await self._found(caller), quota=caller.quota)

    async def reached(self, caller: Caller) -> list[Scope]:
        """Of who may reach only some."""
        return [await self._backend.open_store(caller.tenant, one, caller.quota) for one in caller.stores or ()]

    async def _found(self, caller: Caller) -> Scope:
        tenant, store = caller.tenant, caller.store
        if not store.startswith(f"{ids.STORE}_"):  # no name has an underscore
            if caller.stores is not None and store not in caller.stores:
                raise _no_store()
            return await self._backend.open_store(tenant, store, caller.quota)
        store_id = ids.check(store, ids.STORE, "store_id")
        if caller.stores is None:
            return await self._backend.find_store(tenant, store_id)
        for scope in await self.reached(caller):  # what is beyond reach is not even looked for
            if scope.store_id == store_id:
                return scope
        raise _no_store()


def _no_store() -> NoStore:
    return NoStore("There is no such store.")
