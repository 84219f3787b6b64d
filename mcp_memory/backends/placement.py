"""Which backend a tenant's data is in: made at the first use, closed with the host.

One for each place on this machine, and one for each tenant of a managed service, whose stores are its alone.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mcp_memory.backend import Backend
from mcp_memory.errors import NoStore, Unavailable
from mcp_memory.settings import Settings, of_backend
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.tenants import HERE, Tenant

Place = tuple[str, str | None, Path]


class Placement:
    def __init__(self, settings: Settings, directory: Directory, make: Callable[[Settings], Backend]) -> None:
        self._settings, self._directory, self._make = settings, directory, make
        self._places: dict[str, Place] = {}
        self._backends: dict[Place, Backend] = {}

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
        """From now on what these say holds. What is kept on this machine stays open, and the folder at the top what it
        is: the catalog is in it."""
        self._settings, self._places = replace(settings, data_dir=self._settings.data_dir), {}
        for place in [one for one in self._backends if one[1] is not None]:
            await self._backends.pop(place).close()

    async def close(self) -> None:
        for backend in self._backends.values():
            await backend.close()

    def _place(self, tenant: Tenant) -> Place:
        if tenant.backend not in (HERE, *self._settings.hosting.backends):
            raise Unavailable("Where this tenant's memory is kept is not configured here: another server has it.")
        settings = of_backend(self._settings, tenant)
        place = (tenant.backend, tenant.name if settings.backend == "twilio" else None, settings.data_dir)
        if place not in self._backends:
            self._backends[place] = self._make(settings)
        return place
