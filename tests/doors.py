"""Doors for apps in process: who is let in is said here, as the configuration or the catalog says it elsewhere."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from starlette.types import ASGIApp, Scope

from mcp_memory.errors import Unauthorized
from mcp_memory.http.auth.authenticator import Authenticator, Credentials, Unasked
from mcp_memory.http.auth.tokens import WRONG
from mcp_memory.http.door import Door, Entrance, Policy
from mcp_memory.metering import Meter
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.issuers import Claims
from mcp_memory.tenancy.keys import Key, digest
from mcp_memory.tenancy.tenants import Tenant
from mcp_memory.tools.toolsets import TOOLSETS

RIGHTS = {tool.name: tool.right for tools in TOOLSETS.values() for tool in tools}


class Catalog:
    """`tenancy.directory.Managed` in memory."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.keys: dict[str, Key] = {}

    async def find_tenant(self, name: str) -> Tenant | None:
        return self.tenants.get(name)

    async def list_tenants(self) -> list[Tenant]:
        return [self.tenants[name] for name in sorted(self.tenants)]

    async def has_tenants(self) -> bool:
        return bool(self.tenants)

    async def insert_tenant(self, new: Tenant) -> None:
        self.tenants[new.name] = new

    async def put_tenant(self, tenant: Tenant) -> None:
        self.tenants[tenant.name] = tenant

    async def remove_tenant(self, name: str) -> None:
        del self.tenants[name]
        self.keys = {key_id: key for key_id, key in self.keys.items() if key.tenant != name}

    async def find_key(self, key_id: str) -> tuple[Key, Tenant] | None:
        key = self.keys.get(key_id)
        return None if key is None else (key, self.tenants[key.tenant])

    async def list_keys(self, tenant: str | None) -> list[Key]:
        return [key for key in self.keys.values() if tenant in (None, key.tenant)]

    async def insert_key(self, new: Key) -> None:
        self.keys[new.key_id] = new

    async def put_key(self, key: Key) -> None:
        self.keys[key.key_id] = key


class NoTokens:
    async def verify(self, token: str) -> Claims:
        raise Unauthorized(WRONG)


def now() -> datetime:
    return datetime.now(UTC)


def anybody(tenant: str = "local") -> Authenticator:
    known = directory(Catalog(), Hosting(sole=tenant))
    return Unasked(known, credentials(known))


def held_by(tenants: Mapping[str, str], secret: str) -> Authenticator:
    """Keys, each of a tenant, all with one secret and every right."""
    keys = {key_id: Key(key_id=key_id, tenant=name, digest=digest(secret)) for key_id, name in tenants.items()}
    hosting = Hosting(tenants={name: Tenant(name=name) for name in tenants.values()}, keys=keys)
    return credentials(directory(Catalog(), hosting))


def directory(catalog: Catalog, hosting: Hosting, now: Callable[[], datetime] = now) -> Directory:
    return Directory(catalog, hosting, now=now, make_id=lambda prefix: prefix, make_secret=lambda: "a secret of tests")


def credentials(known: Directory) -> Credentials:
    return Credentials(known, NoTokens, lambda tenant: None)


def guarded(app: ASGIApp, authenticator: Authenticator, meter: Meter | None = None) -> Door:
    admission = Admission(lambda: 0.0)
    policy = Policy(rights=RIGHTS, base_url=base_url)
    return Door(app, Entrance(authenticator=authenticator, admission=admission, policy=policy, meter=meter))


def base_url(scope: Scope) -> str:
    """As the client called us."""
    host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "localhost")
    return f"{scope['scheme']}://{host}"
