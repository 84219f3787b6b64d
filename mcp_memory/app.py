"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.placement import Placement
from mcp_memory.backends.routing import routed
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.tenants import SqlTenants
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Invalid
from mcp_memory.import_queue import ImportQueue
from mcp_memory.model import Caller
from mcp_memory.reloading import Reloading
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.settings import Settings, service_url, toolset_names
from mcp_memory.stdio import serve_stdio
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.applications import Starlette

    from mcp_memory.http.auth.jwks import KeySets
    from mcp_memory.http.door import Entrance


def now() -> datetime:
    return datetime.now(UTC)


def make_id(prefix: str) -> str:
    return ids.new_id(prefix, now(), os.urandom(10))


def build_memory(settings: Settings, *, background: bool = False) -> Memory:
    """Of one tenant. Touches neither disk nor model before the first call. `background`: it is for a server, which has
    the time to put its stores in order meanwhile."""
    return Memory(_backend(settings, SqliteDatabase(settings.data_dir), background=background), now)


def _backend(settings: Settings, database: SqliteDatabase, *, background: bool) -> Backend:
    if settings.backend == "twilio":
        return _service(settings)
    return SqlBackend(
        database,
        chosen(settings),
        now=now,
        make_id=make_id,
        region=settings.region,
        late_interaction=settings.late_interaction == "on" and settings.embedder == "bundled",  # others give no tokens
        background=background,
    )


def _service(settings: Settings) -> Backend:
    from mcp_memory.backends.twilio.backend import TwilioBackend  # only who uses it waits for it

    return TwilioBackend(
        service_url(settings),
        settings.twilio_key_id or "",
        settings.twilio_key_secret or "",
        tenant=settings.tenant,
        store=settings.twilio_store or "",
        create_store=settings.twilio_create_store == "on",
        region=settings.region,
        timeout=settings.twilio_timeout,
        now=now,
    )


@dataclass(frozen=True, kw_only=True)
class Host:
    """The memory of many tenants, and who they are."""

    memory: Memory
    directory: Directory
    placement: Placement

    async def close(self) -> None:
        await self.memory.close()


def build_host(settings: Settings, *, background: bool = False) -> Host:
    """As `build_memory`."""
    catalog = SqliteDatabase(settings.data_dir)
    directory = Directory(
        SqlTenants(catalog), settings.hosting, now=now, make_id=make_id, make_secret=lambda: secrets.token_urlsafe(32)
    )

    def make(held: Settings) -> Backend:
        here = held.data_dir == settings.data_dir
        return _backend(held, catalog if here else SqliteDatabase(held.data_dir), background=background)

    placement = Placement(settings, directory, make)

    async def close() -> None:
        await placement.close()
        await anyio.to_thread.run_sync(catalog.close)

    return Host(memory=Memory(routed(placement.backend_of, close), now), directory=directory, placement=placement)


def run_stdio(settings: Settings) -> None:
    """Until stdin ends, or a signal says so."""
    memory, caller = build_memory(settings, background=True), local_caller(settings)
    serve_stdio(build_server(memory, lambda ctx: caller, tools_of(toolset_names(settings))), memory.close)


def prepare_http(settings: Settings, again: Callable[[], Settings]) -> Callable[[Callable[[str, bool], None]], None]:
    """What serves until a signal says so, once it is called. It tells what it is given its address, when it is bound,
    and whether credentials are asked for. `again`: the settings as they are to be read now.

    Raises Invalid for an address that others can reach where nobody is asked for a credential.
    """
    from mcp_memory.http import app as http  # uvicorn and Starlette: not needed over stdio

    asks = anyio.run(_asks, settings)
    if settings.host not in http.LOOPBACK and not asks:
        raise Invalid(
            f"host {settings.host} is not a loopback address, and nobody is asked for a credential: whoever reached it "
            "could read everything. Add a tenant (`mcp-memory tenants add`) or use 127.0.0.1."
        )
    built = _served(settings, again)

    def run(announce: Callable[[str, bool], None]) -> None:
        with http.listen(settings.host, settings.port) as bound:
            announce(http.address(bound), asks)
            http.run(built, bound)

    return run


async def _asks(settings: Settings) -> bool:
    """Whether credentials are asked for; and that what is configured does not contradict what is managed."""
    host = build_host(settings)
    try:
        await host.directory.check()
        nobody = await host.directory.is_empty()
    finally:
        await host.close()
    if settings.authentication == "off" and not nobody:
        raise Invalid("authentication is off, but there are tenants, keys or issuers: turn it on, or remove them.")
    return settings.authentication == "on" or not nobody


def _served(settings: Settings, again: Callable[[], Settings]) -> "Starlette":
    from starlette.middleware import Middleware

    from mcp_memory.http import app as http
    from mcp_memory.http.auth.jwks import KeySets
    from mcp_memory.http.door import Door, asker_of

    host, tools = build_host(settings, background=True), tools_of(toolset_names(settings))
    server = build_server(host.memory, lambda ctx: asker_of(ctx.request.scope if ctx.request else {}).caller, tools)
    queue = ImportQueue(host.memory, Uploads(settings.data_dir / "uploads"))
    sets = KeySets(now=now)
    entrance = _entrance(settings, host, sets, {tool.name: tool.right for tool in tools}, server)

    async def apply(changed: Settings) -> None:
        await host.directory.check(changed.hosting)
        host.directory.hosting = changed.hosting
        await host.placement.configure(changed)

    async def close() -> None:
        await sets.close()
        await host.memory.close()

    reloading = Reloading(settings.config, again, apply)
    return http.build_app(
        server,
        _api(settings, host, queue),
        close,
        work=(queue.run, reloading.run, entrance.watch),
        middleware=[Middleware(Door, entrance=entrance)],
    )


def _entrance(
    settings: Settings, host: Host, sets: "KeySets", rights: dict[str, str], server: Server[Any]
) -> "Entrance":
    from mcp_memory.http.app import called_as, open_sessions
    from mcp_memory.http.auth.authenticator import Credentials, Unasked
    from mcp_memory.http.auth.tokens import Tokens
    from mcp_memory.http.door import Entrance, Policy
    from mcp_memory.tenancy.admission import Admission

    directory = host.directory
    credentials = Credentials(
        directory, lambda: Tokens(directory.hosting.issuers, sets.key, now=now), host.placement.remember
    )
    return Entrance(
        authenticator=credentials if settings.authentication == "on" else Unasked(directory, credentials),
        admission=Admission(time.monotonic),
        policy=Policy(
            rights=rights,
            base_url=called_as(None),
            issuers=lambda: [one.url for one in directory.hosting.issuers],
            sessions=lambda tenant: open_sessions(server, tenant),
        ),
    )


def _api(settings: Settings, host: Host, queue: ImportQueue) -> "FastAPI":
    from mcp_memory.http.api.app import build_api
    from mcp_memory.http.api.route import Front

    async def active(name: str) -> bool:
        tenant = await host.directory.tenant(name)
        return tenant is not None and not tenant.suspended

    front = Front(
        memory=host.memory,
        now=now,
        active=active,
        transparent=settings.merged_profiles == "transparent",
        imports=queue,
    )
    return build_api(front, services_alias=settings.services_alias == "on")


def local_caller(settings: Settings) -> Caller:
    """Over stdio whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
