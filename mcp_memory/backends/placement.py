"""Which backend a tenant's data is in: made at the first use, closed with the host.

One for each place on this machine, and one for each tenant of a managed service, whose stores are its alone.
"""

from collections.abc import Callable
from dataclasses import replace

from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore, Unavailable
from mcp_memory.settings import Settings, of_backend
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.hosting import EMPTY
from mcp_memory.tenancy.tenants import HERE, Tenant

Place = tuple[str, str | None, tuple[str, ...]]
"""The name of a backend; of a managed service the tenant and its stores as well."""


class Placement:
    def __init__(self, settings: Settings, directory: Directory, make: Callable[[Settings], Backend]) -> None:
        self._settings, self._directory, self._make = settings, directory, make
        self._places: dict[str, Place] = {}
        self._backends: dict[Place, Backend] = {}
        self._held: dict[Place, Settings] = {}
        self._current: set[Place] = set()  # those that are what is configured now
        self._retired: list[Backend] = []

    def remember(self, tenant: Tenant) -> None:
        """As it was found just now: what is asked next is about it."""
        self._places[tenant.name] = self._place(tenant)

    async def backend_of(self, name: str) -> Backend:
        """Raises NoStore where there is no such tenant."""
        if name not in self._places:
            tenant = await self._directory.tenant(name)
            if tenant is None:
                raise NoStore("There is no such store.")
            self.remember(tenant)
        return self._backends[self._places[name]]

    async def configure(self, settings: Settings) -> None:
        """From now on what these say in tables holds; what they say at the top does with the next start."""
        self._settings, self._places = replace(self._settings, hosting=settings.hosting), {}
        self._current.clear()

    async def close(self) -> None:
        for backend in (*self._retired, *self._backends.values()):
            await backend.close()

    def _place(self, tenant: Tenant) -> Place:
        """A backend that is described otherwise than it was is another; in the one before, calls may be under way."""
        if tenant.backend not in (HERE, *self._settings.hosting.backends):
            raise Unavailable("Where this tenant's memory is kept is not configured here: another server has it.")
        managed = tenant.backend in self._settings.hosting.accounts
        place = (tenant.backend, tenant.name, tenant.stores) if managed else (tenant.backend, None, ())
        if place in self._current:
            return place
        held = replace(of_backend(self._settings, tenant), hosting=EMPTY)
        if self._held.get(place) != held:
            if place in self._backends:
                self._retired.append(self._backends[place])
            self._backends[place], self._held[place] = self._make(held), held
        self._current.add(place)
        return place
