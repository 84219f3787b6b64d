"""What the catalog holds of tenants and keys, for the front doors and the commands."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Database
from mcp_memory.errors import NotFound, Taken
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Tenant

T = TypeVar("T")

THREADS = 4  # apart from those of the stores: who is turned away keeps nobody waiting


class SqlTenants:
    """`tenancy.directory.Managed`, over a database that others use as well and that they close."""

    def __init__(self, database: Database) -> None:
        self._database, self._threads = database, anyio.CapacityLimiter(THREADS)

    async def find_tenant(self, name: str) -> Tenant | None:
        return await self._read(lambda catalog: catalog.find_tenant(name))

    async def list_tenants(self) -> list[Tenant]:
        return await self._read(lambda catalog: catalog.list_tenants())

    async def has_tenants(self) -> bool:
        return await self._read(lambda catalog: catalog.has_tenants())

    async def insert_tenant(self, new: Tenant) -> None:
        def work(catalog: Catalog) -> None:
            if catalog.find_tenant(new.name) is not None:
                raise Taken(f"There is a tenant {new.name} already: choose another name.")
            catalog.put_tenant(new)

        await self._write(work)

    async def put_tenant(self, tenant: Tenant) -> None:
        def work(catalog: Catalog) -> None:
            if catalog.find_tenant(tenant.name) is None:
                raise NotFound(f"There is no tenant {tenant.name} any more.")
            catalog.put_tenant(tenant)

        await self._write(work)

    async def remove_tenant(self, name: str) -> None:
        await self._write(lambda catalog: catalog.remove_tenant(name))

    async def find_key(self, key_id: str) -> tuple[Key, Tenant] | None:
        return await self._read(lambda catalog: catalog.find_key(key_id))

    async def list_keys(self, tenant: str | None) -> list[Key]:
        return await self._read(lambda catalog: catalog.list_keys(tenant))

    async def insert_key(self, new: Key) -> None:
        def work(catalog: Catalog) -> None:
            if catalog.find_tenant(new.tenant) is None:
                raise NotFound(f"There is no tenant {new.tenant}: `mcp-memory tenants list` shows those there are.")
            catalog.put_key(new)

        await self._write(work)

    async def put_key(self, key: Key) -> None:
        def work(catalog: Catalog) -> None:
            if catalog.find_key(key.key_id) is None:
                raise NotFound(f"There is no key {key.key_id} any more.")
            catalog.put_key(key)

        await self._write(work)

    async def _read(self, work: Callable[[Catalog], T]) -> T:
        return await anyio.to_thread.run_sync(self._database.read_catalog, work, limiter=self._threads)

    async def _write(self, work: Callable[[Catalog], T]) -> T:
        return await anyio.to_thread.run_sync(self._database.write_catalog, work, limiter=self._threads)
