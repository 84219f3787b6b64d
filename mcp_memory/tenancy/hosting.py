"""What a configuration says of tenants, their keys, the backends they map to and the issuers that are believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_memory.errors import Invalid
from mcp_memory.tenancy.issuers import Issuer
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import HERE, NO_LIMITS, Limits, Tenant


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """`backends`: what each sets in place of the settings beside it. `limits`: of tenants that have none of a kind of
    their own."""

    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    issuers: tuple[Issuer, ...] = ()
    backends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Of those backends that are a managed service: which account of it. What tenants call by one name there is one."""
    limits: Limits = NO_LIMITS
    sole: str | None = None
    """The tenant of whoever has no other: as long as there is none, every store of a managed service's account is its
    own."""

    def is_empty(self) -> bool:
        return not (self.tenants or self.keys or self.issuers)

    def reach(self, tenant: Tenant) -> tuple[str, ...] | None:
        """The only stores that are this tenant's, where the account they are in holds others too. As far as is known
        here: the catalog may have tenants besides."""
        alone = tenant.name == self.sole and self.tenants.keys() <= {tenant.name}
        return tenant.stores if tenant.backend in self.accounts and not alone else None

    def check(self, tenants: Iterable[Tenant]) -> None:
        """Raises Contradiction where what these say cannot all be so."""
        taken: dict[tuple[str, str], Tenant] = {}
        for tenant in tenants:
            if tenant.backend != HERE and tenant.backend not in self.backends:
                known = ", ".join((HERE, *sorted(self.backends)))
                raise Contradiction(tenant, "backend", f"must be one of {known}; [backends.NAME] makes others.")
            for store in tenant.stores if tenant.backend in self.accounts else ():
                other = taken.setdefault((self.accounts[tenant.backend], store), tenant)
                if other is not tenant and not (tenant.shared and other.shared):
                    raise Contradiction(
                        tenant,
                        "stores",
                        f"{store} is the store of tenant {other.name} too: `shared = true` in both says so.",
                    )


class Contradiction(Invalid):
    """`field`: what of the tenant is to be changed; empty: all of it."""

    def __init__(self, tenant: Tenant, field: str, message: str) -> None:
        super().__init__(tenant, field, message)
        self.tenant, self.field, self.message = tenant, field, message

    def __str__(self) -> str:
        return f"tenants.{self.tenant.name}.{self.field}: {self.message}" if self.field else self.message


EMPTY = Hosting()
