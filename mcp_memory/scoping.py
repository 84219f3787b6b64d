"""The one place where it is decided whose data a call is about, and whether who asks may make it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mcp_memory import ids, rights
from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller, Scope
from mcp_memory.recent import Recent
from mcp_memory.rights import READ

ALONE = timedelta(minutes=1)  # how long a program that is alone with its store keeps in mind what it is called


class Scopes:
    """Names are looked up each time, unless they are `kept`: what was called so a moment ago may be another by now."""

    def __init__(self, backend: Backend, now: Callable[[], datetime], kept: timedelta) -> None:
        self._backend, self._now, self._kept = backend, now, kept
        self._named: Recent[tuple[str, str], tuple[Scope, datetime]] = Recent()

    async def of(self, caller: Caller, right: str = READ) -> Scope:
        """Raises Forbidden, or NoStore: what is not the caller's to reach is not there, whatever it is called."""
        rights.check(caller.rights, right)
        return replace(await self._found(caller), quota=caller.quota)

    async def reached(self, caller: Caller) -> list[Scope]:
        """Of who may reach only some."""
        return [await self._open(caller, one) for one in caller.stores or ()]

    def forget(self) -> None:
        """What something was called may be another's name from now on."""
        self._named.forget(lambda name, scope: True)

    async def _open(self, caller: Caller, name: str) -> Scope:
        now, known = self._now(), self._named.get((caller.tenant, name))
        if known is not None and timedelta(0) <= now - known[1] < self._kept:
            return known[0]
        scope = await self._backend.open_store(caller.tenant, name, caller.quota)
        if self._kept:
            self._named.put((caller.tenant, name), (scope, now))
        return scope

    async def _found(self, caller: Caller) -> Scope:
        tenant, store = caller.tenant, caller.store
        if not store.startswith(f"{ids.STORE}_"):  # no name has an underscore
            if caller.stores is not None and store not in caller.stores:
                raise _no_store()
            return await self._open(caller, store)
        store_id = ids.check(store, ids.STORE, "store_id")
        if caller.stores is None:
            return await self._backend.find_store(tenant, store_id)
        for scope in await self.reached(caller):  # what is beyond reach is not even looked for
            if scope.store_id == store_id:
                return scope
        raise _no_store()


def _no_store() -> NoStore:
    return NoStore("There is no such store.")
