"""The one place where it is decided whose data a call is about, and whether who asks may make it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from mcp_memory import ids, rights
from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller, Scope
from mcp_memory.rights import READ

MAX_KEPT = 10_000  # names of stores that need not be looked up again


class Scopes:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._named: dict[tuple[str, str], Scope] = {}

    async def of(self, caller: Caller, right: str = READ) -> Scope:
        """Raises Forbidden, or NoStore: what is not the caller's to reach is not there, whatever it is called."""
        rights.check(caller.rights, right)
        found = await self._found(caller.tenant, caller.store)
        for anew in (False, True):
            if caller.stores is None or found in await self.reached(caller.tenant, caller.stores, anew=anew):
                return replace(found, quota=caller.quota)
        raise NoStore("There is no such store.")

    async def reached(self, tenant: str, stores: tuple[str, ...], *, anew: bool) -> list[Scope]:
        """`anew`: whatever they were before."""
        for one in stores if anew else ():
            self._named.pop((tenant, one), None)
        return [await self._found(tenant, one) for one in stores]

    async def reopened(self, gone: Scope) -> Scope | None:
        """Whoever asked for a name means what is called so now; who asked for an id, that store and no other."""
        if gone.name is None:
            return None
        if self._named.get((gone.tenant, gone.name), gone) == gone:
            self._named.pop((gone.tenant, gone.name), None)
        return replace(await self._found(gone.tenant, gone.name), quota=gone.quota)

    def forget(self, tenant: str, store_id: str | None = None) -> None:
        """What its store was called, or all its stores, may be another's name from now on."""
        self._named = {
            name: scope
            for name, scope in self._named.items()
            if scope.tenant != tenant or store_id not in (None, scope.store_id)
        }

    async def _found(self, tenant: str, store: str) -> Scope:
        if store.startswith(f"{ids.STORE}_"):  # no name has an underscore
            return await self._backend.find_store(tenant, ids.check(store, ids.STORE, "store_id"))
        if (tenant, store) not in self._named:
            scope = await self._backend.open_store(tenant, store)
            while len(self._named) >= MAX_KEPT:
                del self._named[next(iter(self._named))]
            self._named[tenant, store] = replace(scope, name=store)
        return self._named[tenant, store]


def reopening(backend: Backend, scopes: Scopes) -> Backend:
    """Another process may have deleted a store, or its tenant, and made it anew; or the tenant is in another backend
    since. What is told of it then is that there is no such store, and nothing was done: so it is done again."""
    return cast(Backend, _Reopening(backend, scopes))


class _Reopening:
    def __init__(self, backend: Backend, scopes: Scopes) -> None:
        self._backend, self._scopes = backend, scopes

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._backend, name)

        async def call(*given: Any, **named: Any) -> Any:
            try:
                return await method(*given, **named)
            except NoStore:
                scope = await self._scopes.reopened(given[0]) if given and isinstance(given[0], Scope) else None
                if scope is None:
                    raise
            return await method(scope, *given[1:], **named)

        return call
