"""Stores, and what clients may ask about later."""

from dataclasses import replace

from mcp_memory import traits
from mcp_memory.backends.sql import callback_secrets, stores
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import UNLIMITED, Quota, Scope, Store
from mcp_memory.operations import Operation, Reply


class StoreCalls(Worker):
    async def open_store(self, tenant: str, display_name: str, quota: Quota = UNLIMITED) -> Scope:
        known = await self._read_catalog(tenant, lambda catalog: catalog.find_store(tenant, display_name))
        if known is not None and self._ready.get(scope := Scope(tenant=tenant, store_id=known.store_id)):
            return scope

        def work() -> Scope:
            store = known or self._database.write_catalog(
                lambda catalog: stores.open_store(
                    catalog, tenant, display_name, quota, now=self._now(), make_id=self._make_id
                )
            )
            return self._made_ready(Scope(tenant=tenant, store_id=store.store_id))

        return await self._writers.hop(tenant, work)

    async def find_store(self, tenant: str, store_id: str) -> Scope:
        scope = Scope(tenant=tenant, store_id=store_id)
        if not self._ready.get(scope):  # of one that is gone since, each transaction says so itself
            await self._read_catalog(tenant, lambda catalog: stores.existing(catalog, scope))
            await self._writers.hop(tenant, lambda: self._made_ready(scope))
        return scope

    async def create_store(self, tenant: str, new: NewStore, quota: Quota = UNLIMITED) -> Store:
        def work() -> Store:
            self._room(tenant, quota).check_storage()
            store = self._database.write_catalog(
                lambda catalog: stores.create(catalog, tenant, new, quota, now=self._now(), make_id=self._make_id)
            )
            self._made_ready(Scope(tenant=tenant, store_id=store.store_id))
            return store

        return await self._writers.hop(tenant, work)

    async def list_stores(self, tenant: str, page: PageQuery) -> Page[str]:
        return await self._read_catalog(tenant, lambda catalog: stores.page(catalog, tenant, page))

    async def get_store(self, scope: Scope) -> Store:
        return await self._readers.hop(scope.tenant, lambda: self._get_store(scope))

    async def update_store(self, scope: Scope, changes: StoreChanges, if_version: int | None = None) -> Store:
        def work() -> Store:
            self._database.write_catalog(lambda catalog: stores.update(catalog, scope, changes, if_version))
            return self._get_store(scope)

        return await self._writers.hop(scope.tenant, work)

    async def delete_store(self, scope: Scope) -> None:
        def work() -> None:
            self._database.delete_store(scope)
            self._ready.forget(lambda one, _: one == scope)

        await self._writers.hop(scope.tenant, work)

    async def delete_tenant(self, tenant: str) -> None:
        def work() -> None:
            for scope in self._database.read_catalog(lambda catalog: stores.of_tenant(catalog, tenant)):
                self._database.delete_store(scope)
            self._ready.forget(lambda scope, _: scope.tenant == tenant)
            self._database.write_catalog(lambda catalog: catalog.forget_tenant(tenant))

        await self._writers.hop(tenant, work)

    async def callback_secret(self, tenant: str, rotate: bool = False) -> str:
        secret, make = callback_secrets.rotated if rotate else callback_secrets.current, self._calling.make_secret
        return await self._writers.hop(tenant, lambda: secret(self._database, tenant, self._now(), make))

    async def record_operation(
        self, tenant: str, resource_id: str, stores_reached: tuple[str, ...] | None = None
    ) -> Operation:
        return await self._write_catalog(
            tenant,
            lambda catalog: stores.record_operation(
                catalog, tenant, resource_id, stores_reached, now=self._now(), make_id=self._make_id
            ),
        )

    async def get_operation(self, tenant: str, operation_id: str) -> Operation:
        return await self._read_catalog(
            tenant, lambda catalog: stores.operation(catalog, tenant, operation_id, now=self._now())
        )

    async def begin_request(self, tenant: str, key: str, digest: bytes, repeatable: bool = True) -> Reply | None:
        return await self._write_catalog(
            tenant, lambda catalog: stores.begin_request(catalog, tenant, key, digest, repeatable, now=self._now())
        )

    async def end_request(self, tenant: str, key: str, reply: Reply | None) -> None:
        await self._write_catalog(
            tenant, lambda catalog: stores.end_request(catalog, tenant, key, reply, now=self._now())
        )

    # On the worker thread

    def _made_ready(self, scope: Scope) -> Scope:
        """With what every store declares, and its signatures looked after."""
        if not self._database.read(scope, lambda tx: tx.definitions()):
            self._database.write(scope, lambda tx: tx.declare(traits.DEFAULT_DEFINITIONS))
        self._tend(scope)  # what was due while nobody looked
        self._deliver(scope)
        if not (self._background and self._stale_count(scope)) or self._reembedding.look_after(scope):
            self._ready.put(scope, True)
        return scope

    def _get_store(self, scope: Scope) -> Store:
        store = self._database.read_catalog(lambda catalog: stores.existing(catalog, scope))
        count = self._database.read(scope, lambda tx: tx.count_profiles())
        return replace(store, profile_count=count, unembedded_count=self._stale_count(scope))
