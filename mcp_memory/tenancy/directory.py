"""Who is known: the tenants and keys of the configuration, and those that are managed in the catalog.

Each request asks anew, and nothing is kept in between: what the commands change holds at once, in every process, for
sessions that are open too.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Protocol

from mcp_memory.errors import Invalid, NotFound, Taken
from mcp_memory.model import UNLIMITED, Quota
from mcp_memory.tenancy.hosting import Contradiction, Hosting
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Limits, Tenant


class Managed(Protocol):
    """What the catalog holds. Each call is one transaction."""

    async def find_tenant(self, name: str) -> Tenant | None: ...

    async def list_tenants(self) -> list[Tenant]:
        """By name."""
        ...

    async def has_tenants(self) -> bool: ...

    async def insert_tenant(self, new: Tenant) -> None:
        """Raises Taken where there is one of this name."""
        ...

    async def put_tenant(self, tenant: Tenant) -> None: ...

    async def remove_tenant(self, name: str) -> None:
        """With its keys."""
        ...

    async def find_key(self, key_id: str) -> tuple[Key, Tenant] | None: ...

    async def list_keys(self, tenant: str | None) -> list[Key]:
        """By tenant, the oldest first."""
        ...

    async def insert_key(self, new: Key) -> None: ...

    async def put_key(self, key: Key) -> None: ...


class Directory:
    """`hosting` may be put in place of another while requests are answered."""

    def __init__(
        self,
        managed: Managed,
        hosting: Hosting,
        *,
        now: Callable[[], datetime],
        make_id: Callable[[str], str],
        make_secret: Callable[[], str],
    ) -> None:
        self._managed, self.hosting = managed, hosting
        self.now, self.make_id, self.make_secret = now, make_id, make_secret

    async def tenant(self, name: str) -> Tenant | None:
        """With the limits that hold for it."""
        found = self.hosting.tenants.get(name) or await self._managed.find_tenant(name)
        if found is None and name == self.hosting.sole and await self.is_empty():
            found = Tenant(name=name)
        return None if found is None else self._limited(found)

    async def quota(self, name: str) -> Quota:
        tenant = await self.tenant(name)
        return UNLIMITED if tenant is None else tenant.limits.quota

    async def takes_files(self, name: str) -> bool:
        """Whether files are brought here without a credential, for who is served and whose data is kept here: a managed
        service takes them itself, and is not asked by whoever knows a name."""
        tenant = await self.tenant(name)
        return tenant is not None and not tenant.suspended and tenant.backend not in self.hosting.accounts

    async def reach(self, tenant: Tenant) -> tuple[str, ...] | None:
        """The only stores that are this tenant's, where the account they are in holds others too."""
        known = self.hosting.reach(tenant)
        managed = tenant.backend in self.hosting.accounts and known is None and await self._managed.has_tenants()
        return tenant.stores if managed else known

    async def key(self, key_id: str) -> tuple[Key, Tenant] | None:
        configured = self.hosting.keys.get(key_id)
        if configured is not None:
            return configured, self._limited(self.hosting.tenants[configured.tenant])
        found = await self._managed.find_key(key_id)
        return None if found is None else (found[0], self._limited(found[1]))

    async def tenants(self) -> list[Tenant]:
        everyone = [*self.hosting.tenants.values(), *await self._managed.list_tenants()]
        return [self._limited(one) for one in sorted(everyone, key=lambda one: one.name)]

    async def is_empty(self) -> bool:
        """Whether there is nobody to tell from others."""
        return self.hosting.is_empty() and not await self._managed.has_tenants()

    async def check(self, hosting: Hosting | None = None) -> None:
        """Raises Contradiction where a configuration, this one's or another, and the catalog contradict each other."""
        hosting = hosting or self.hosting
        managed = await self._managed.list_tenants()
        for one in managed:
            if one.name in hosting.tenants:
                raise Contradiction(
                    one,
                    "",
                    f"Tenant {one.name} is in the configuration and in the catalog: take it out of the configuration, "
                    f"or `mcp-memory tenants remove {one.name}`.",
                )
        hosting.check([*hosting.tenants.values(), *managed])

    # What the commands change

    async def add_tenant(self, new: Tenant) -> Tenant:
        if new.name in self.hosting.tenants:
            raise Taken(f"Tenant {new.name} is in the configuration: change it there.")
        self.hosting.check([*await self.tenants(), new])
        added = replace(new, created_at=self.now())
        await self._managed.insert_tenant(added)
        return added

    async def suspend_tenant(self, name: str, suspended: bool) -> Tenant:
        changed = replace(await self.managed_tenant(name), suspended=suspended)
        await self._managed.put_tenant(changed)
        return changed

    async def put_tenant(self, changed: Tenant) -> None:
        await self._managed.put_tenant(changed)

    async def remove_tenant(self, name: str) -> None:
        await self.managed_tenant(name)
        await self._managed.remove_tenant(name)

    async def managed_tenant(self, name: str) -> Tenant:
        """One that the commands may change."""
        if name in self.hosting.tenants:
            raise Invalid(f"Tenant {name[:100]} is in the configuration: change it there.")
        found = await self._managed.find_tenant(name)
        if found is None:
            raise NotFound(f"There is no tenant {name[:100]}: `mcp-memory tenants list` shows those there are.")
        return found

    async def add_key(self, new: Key) -> Key:
        added = replace(new, created_at=self.now())
        await self._managed.insert_key(added)
        return added

    async def put_key(self, key: Key) -> None:
        await self._managed.put_key(key)

    async def managed_key(self, key_id: str) -> Key:
        if key_id in self.hosting.keys:
            raise Invalid(f"Key {key_id[:100]} is in the configuration: change it there.")
        found = await self._managed.find_key(key_id)
        if found is None:
            raise NotFound(f"There is no key {key_id[:100]}: `mcp-memory keys list` shows those there are.")
        return found[0]

    async def keys(self, tenant: str | None = None) -> Sequence[Key]:
        configured = [one for one in self.hosting.keys.values() if tenant in (None, one.tenant)]
        return [*configured, *await self._managed.list_keys(tenant)]

    def _limited(self, tenant: Tenant) -> Tenant:
        """What it does not say of limits, the configuration says for all."""
        given = {one.name: getattr(tenant.limits, one.name) for one in fields(Limits)}
        default = self.hosting.limits
        merged = {name: getattr(default, name) if value is None else value for name, value in given.items()}
        return replace(tenant, limits=Limits(**merged))
