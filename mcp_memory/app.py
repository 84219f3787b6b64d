"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server

from mcp_memory import ids, logs
from mcp_memory.backend import Backend
from mcp_memory.backends.placement import Placement
from mcp_memory.backends.routing import routed
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.tenants import SqlTenants
from mcp_memory.changes import Changes
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Invalid
from mcp_memory.import_queue import ImportQueue
from mcp_memory.listing import PageQuery
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
    from multiprocessing.connection import Connection

    from fastapi import FastAPI

    from mcp_memory.http.auth.jwks import KeySets
    from mcp_memory.http.door import Entrance
    from mcp_memory.http.safety import Safety


Again = Callable[[], Settings]
"""Reads the settings as they are now."""


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

    async def configure(self, settings: Settings) -> None:
        """What these say of tenants, keys, issuers and backends holds from now on."""
        await self.directory.check(settings.hosting)
        self.directory.hosting = settings.hosting
        await self.placement.configure(settings)

    async def check(self) -> None:
        """Raises an Error where the memory can't be read. Makes nothing, not even a store."""
        sole = self.directory.hosting.sole
        if await self.directory.is_empty() and sole is not None:
            caller = Caller(tenant=sole)
            for store_id in (await self.memory.list_stores(caller, PageQuery(limit=1))).items:
                await self.memory.list_profiles(replace(caller, store=store_id), PageQuery(limit=1))

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


def local_caller(settings: Settings) -> Caller:
    """Over stdio whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)


# HTTP


def prepare_http(settings: Settings, again: Again) -> Callable[[Callable[[str, bool], None]], int]:
    """What serves until a signal says so, once it is called; it returns the exit code. It tells what it is given its
    address, when it is bound, and whether credentials are asked for. `again`: reads the settings as they are now.

    Raises Invalid for an address that others can reach, unless credentials are asked for and nobody can listen in.
    """
    from mcp_memory.http import safety, serving  # uvicorn and Starlette: not needed over stdio

    asks = anyio.run(_asks, settings)
    encrypted = serving.tls(settings.tls_certificate, settings.tls_key) is not None
    safety.check_exposure(
        settings.host,
        authenticated=asks,
        encrypted=encrypted,
        behind_proxy=settings.trusted_proxies is not None,
        plain=settings.plain_http == "on",
    )
    serve = _alone(settings, again) if settings.workers == 1 else _several(settings, again)

    def run(announce: Callable[[str, bool], None]) -> int:
        with serving.listen(settings.host, settings.port) as bound:
            announce(serving.address(bound, "https" if encrypted else "http"), asks)
            return serve(bound)

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


def _alone(settings: Settings, again: Again) -> Callable[[socket], int]:
    serve = _http(settings, again, alone=True)

    def run(bound: socket) -> int:
        serve(bound, None)
        return 0

    return run


def _several(settings: Settings, again: Again) -> Callable[[socket], int]:
    from mcp_memory.http.workers import Workers

    if sys.platform == "win32":
        raise Invalid("workers must be 1 on Windows: processes can't share a socket there.")
    target = partial(work, settings, again)
    return lambda bound: Workers(target, bound, settings.workers, settings.shutdown_seconds).run()


def work(settings: Settings, again: Again, bound: socket, supervisor: "Connection") -> None:
    """All that a worker process does."""
    logs.configure(settings.log_level)
    _http(settings, again, alone=False)(bound, supervisor)


def _http(settings: Settings, again: Again, *, alone: bool) -> Callable[[socket, "Connection | None"], None]:
    """What serves on the socket that it is given, and for a supervisor. `alone`: no other process does."""
    from starlette.middleware import Middleware

    from mcp_memory.http import app as http
    from mcp_memory.http import serving
    from mcp_memory.http.auth.jwks import KeySets
    from mcp_memory.http.door import Door, asker_of
    from mcp_memory.http.leaving import Leaving

    host, tools = build_host(settings, background=True), tools_of(toolset_names(settings))
    leaving, changes = Leaving(), Changes(told=alone)
    leaving.call(changes.close)
    server = build_server(
        host.memory, lambda ctx: asker_of(ctx.request.scope if ctx.request else {}).caller, tools, changes
    )
    queue, sets = ImportQueue(host.memory, Uploads(settings.data_dir / "uploads")), KeySets(now=now)
    entrance = _entrance(settings, host, sets, server)

    async def close() -> None:
        await sets.close()
        await host.close()

    built = http.build_app(
        server,
        _api(settings, host, queue),
        close,
        (queue.run, Reloading(settings.config, again, host.configure).run, entrance.watch),
        safety=_safety(settings),
        middleware=[Middleware(Door, entrance=entrance)],
        checks={"memory": host.check},
        leaving=leaving,
        alone=alone,
    )
    limits = serving.Serving(
        max_connections=settings.max_connections,
        shutdown_seconds=settings.shutdown_seconds,
        tls=serving.tls(settings.tls_certificate, settings.tls_key),
    )
    return partial(serving.run, built, limits, leaving)


def _safety(settings: Settings) -> "Safety":
    from mcp_memory.http.safety import safety

    return safety(
        bound=settings.host,
        names=settings.allowed_hosts or (),
        origins=settings.allowed_origins or (),
        cors=settings.cors == "on",
        proxies=settings.trusted_proxies or (),
        public=settings.public_url,
    )


def _entrance(settings: Settings, host: Host, sets: "KeySets", server: Server[Any]) -> "Entrance":
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
        admission=Admission(time.monotonic, settings.workers),
        policy=Policy(
            rights={tool.name: tool.right for tool in tools_of(toolset_names(settings))},
            base_url=called_as(settings.public_url),
            issuers=lambda: [one.url for one in directory.hosting.issuers],
            sessions=lambda tenant: open_sessions(server, tenant),
        ),
    )


def _api(settings: Settings, host: Host, queue: ImportQueue) -> "FastAPI":
    from mcp_memory.http.api.app import build_api
    from mcp_memory.http.api.route import Front

    front = Front(
        memory=host.memory,
        now=now,
        active=host.directory.is_served,
        transparent=settings.merged_profiles == "transparent",
        imports=queue,
    )
    return build_api(front, services_alias=settings.services_alias == "on")
