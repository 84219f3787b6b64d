"""What `serve` serves, in process and whole: two tenants, and keys that differ in what they may reach and do."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
import apsw
import httpx2
from starlette.applications import Starlette

from mcp_memory import app, served
from mcp_memory.app import Host
from mcp_memory.backend import Backend
from mcp_memory.backends.placement import Placement
from mcp_memory.backends.routing import routing
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.tenants import SqlTenants
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.leaving import Leaving
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.memory import MeteredMemory
from mcp_memory.rights import RIGHTS
from mcp_memory.settings import Settings
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.keys import Key, digest, token
from mcp_memory.tenancy.tenants import Tenant
from tests.wall.counting import Counting

BASE = "http://127.0.0.1:8765"
METRICS_KEY = "the-key-of-the-metrics"
USAGE = ("usage", "usage_profile")


@dataclass(eq=False)
class Client:
    """Somebody with a key. `tenant` is what we know of them; the server has it from the key alone."""

    world: "World"
    tenant: str
    key: Key
    secret: str
    http: httpx2.AsyncClient = field(init=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {token(self.key.key_id, self.secret)}"}

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(self.world.app)
        self.http = httpx2.AsyncClient(transport=transport, base_url=BASE, headers=self.headers)


@dataclass(kw_only=True)
class World:
    folder: Path
    app: Starlette
    host: Host
    database: Counting
    clients: list[Client] = field(default_factory=list)

    @property
    def directory(self) -> Directory:
        return self.host.directory

    async def tenant(self, name: str, *stores: str) -> Tenant:
        return await self.directory.add_tenant(Tenant(name=name, stores=stores or Tenant.stores))

    @asynccontextmanager
    async def elsewhere(self, embedder: MiniLM) -> AsyncIterator[Host]:
        """Another process on the same folder, as a command or a second worker is."""
        database = SqliteDatabase(self.folder)
        other = hosted(Settings(data_dir=self.folder), database, Counting(database), embedder)
        try:
            yield other
        finally:
            await other.close()
            await anyio.to_thread.run_sync(database.close)

    async def client(self, tenant: str, *, store: str | None = None, scopes: tuple[str, ...] = RIGHTS) -> Client:
        secret = secrets.token_urlsafe(24)
        key = Key(
            key_id=f"key-{secrets.token_hex(6)}", tenant=tenant, digest=digest(secret), store=store, scopes=scopes
        )
        self.clients.append(Client(self, tenant, await self.directory.add_key(key), secret))
        return self.clients[-1]

    async def kept(self, tenant: str, *store_ids: str) -> dict[str, Any]:
        """Every byte of these stores, of what was uploaded, and every row of the catalog that is the tenant's."""

        def work() -> dict[str, Any]:
            return {**self._files(store_ids), **self._rows(tenant)}

        return await anyio.to_thread.run_sync(work)

    async def bytes_of(self, store_id: str) -> bytes:
        return b"".join((await anyio.to_thread.run_sync(self._files, (store_id,))).values())

    def _files(self, store_ids: tuple[str, ...]) -> dict[str, bytes]:
        names = [f"stores/{store_id}.db{end}" for store_id in store_ids for end in ("", "-wal")]
        uploaded = sorted(one for one in (self.folder / "uploads").rglob("*") if one.is_file())
        files = [self.folder / name for name in names] + uploaded
        return {str(one.relative_to(self.folder)): one.read_bytes() for one in files if one.exists()}

    def _rows(self, tenant: str) -> dict[str, Any]:
        catalog = apsw.Connection(str(self.folder / "catalog.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            tables = [name for (name,) in catalog.execute("select name from sqlite_schema where type = 'table'")]
            columns = {name: [row[1] for row in catalog.execute(f"pragma table_info({name})")] for name in tables}
            return {
                name: sorted(map(repr, catalog.execute(f"select * from {name} where tenant = ?", (tenant,))))
                for name in tables
                if name not in USAGE and "tenant" in columns[name]
            }
        finally:
            catalog.close()


@asynccontextmanager
async def opened(folder: Path, embedder: MiniLM, **more: Any) -> AsyncIterator[World]:
    """As `serve` builds it, with a database between that can be asked what it was asked."""
    settings = Settings(
        data_dir=folder,
        toolsets="agent,conversation,curator",
        services_alias="on",
        authentication="on",
        metrics_by_tenant="on",
        metrics_key=METRICS_KEY,
        **more,
    )
    database = SqliteDatabase(folder)
    counting = Counting(database)
    host = hosted(settings, database, counting, embedder)
    built = served.wired(settings, lambda: settings, host, Leaving())
    async with built.router.lifespan_context(built):
        world = World(folder=folder, app=built, host=host, database=counting)
        yield world
        for client in world.clients:
            await client.http.aclose()


def hosted(settings: Settings, database: SqliteDatabase, counting: Counting, embedder: MiniLM) -> Host:
    """What is asked of tenants, and what is written of usage, is not counted: it goes on meanwhile."""
    directory = Directory(
        SqlTenants(database),
        settings.hosting,
        now=app.now,
        make_id=app.make_id,
        make_secret=lambda: secrets.token_urlsafe(32),
    )

    def make(held: Settings) -> Backend:
        return SqlBackend(counting, embedder, now=app.now, make_id=app.make_id, region=held.region)

    placement = Placement(settings, directory, make)
    counter = UsageCounter(SqlUsage(database), app.now)
    memory = MeteredMemory(routing(placement.backend_of, placement.close), app.now, counter)
    return Host(memory=memory, directory=directory, placement=placement)
