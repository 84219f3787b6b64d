"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from socket import socket
from typing import TYPE_CHECKING, Any

from mcp.server.lowlevel import Server

from mcp_memory import ids, logs
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.changes import Changes
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Invalid
from mcp_memory.import_queue import ImportQueue
from mcp_memory.listing import PageQuery
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.settings import Settings, service_url, toolset_names
from mcp_memory.stdio import serve_stdio
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from fastapi import FastAPI


def now() -> datetime:
    return datetime.now(UTC)


def make_id(prefix: str) -> str:
    return ids.new_id(prefix, now(), os.urandom(10))


def build_memory(settings: Settings, *, background: bool = False) -> Memory:
    """Touches neither disk nor model before the first call. `background`: it is for a server, which has the time to
    put its stores in order meanwhile."""
    if settings.backend == "twilio":
        return Memory(_service(settings), now)
    backend: Backend = SqlBackend(
        SqliteDatabase(settings.data_dir),
        chosen(settings),
        now=now,
        make_id=make_id,
        region=settings.region,
        late_interaction=settings.late_interaction == "on" and settings.embedder == "bundled",  # others give no tokens
        background=background,
    )
    return Memory(backend, now)


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


def run_stdio(settings: Settings) -> None:
    """Until stdin ends, or a signal says so."""
    memory, caller = build_memory(settings, background=True), local_caller(settings)
    serve_stdio(_server(settings, memory, caller), memory.close)


def prepare_http(settings: Settings, *, authenticated: bool = False) -> Callable[[Callable[[str], None]], int]:
    """What serves until a signal says so, once it is called; it returns the exit code. It tells what it is given its
    address, when it is bound.

    Raises Invalid for an address that others can reach, unless it is `authenticated` and nobody can listen in.
    """
    from mcp_memory.http import safety, serving  # uvicorn and Starlette: not needed over stdio

    encrypted = serving.tls(settings.tls_certificate, settings.tls_key) is not None
    safety.check_exposure(
        settings.host,
        authenticated=authenticated,
        encrypted=encrypted,
        behind_proxy=settings.trusted_proxies is not None,
        plain=settings.plain_http == "on",
    )
    serve = _alone(settings) if settings.workers == 1 else _several(settings)

    def run(announce: Callable[[str], None]) -> int:
        with serving.listen(settings.host, settings.port) as bound:
            return serve(bound, lambda: announce(serving.address(bound, "https" if encrypted else "http")))

    return run


def _alone(settings: Settings) -> Callable[[socket, Callable[[], None]], int]:
    serve = _http(settings, alone=True)

    def run(bound: socket, announce: Callable[[], None]) -> int:
        announce()  # whoever connects from now on is served
        serve(bound, None)
        return 0

    return run


def _several(settings: Settings) -> Callable[[socket, Callable[[], None]], int]:
    from mcp_memory.http.workers import Workers

    if sys.platform == "win32":
        raise Invalid("workers must be 1 on Windows: processes can't share a socket there.")

    def run(bound: socket, announce: Callable[[], None]) -> int:
        return Workers(partial(work, settings), bound, settings.workers, settings.shutdown_seconds).run(announce)

    return run


def work(settings: Settings, bound: socket, supervisor: "Connection") -> None:
    """All that a worker process does."""
    logs.configure(settings.log_level)
    _http(settings, alone=False)(bound, supervisor)


def _http(settings: Settings, *, alone: bool) -> Callable[[socket, "Connection | None"], None]:
    """What serves on the socket that it is given, and for a supervisor. `alone`: no other process does."""
    from mcp_memory.http import app as http
    from mcp_memory.http import safety, serving
    from mcp_memory.http.leaving import Leaving

    memory, caller = build_memory(settings, background=True), local_caller(settings)
    queue = ImportQueue(memory, Uploads(settings.data_dir / "uploads"))
    leaving, changes = Leaving(), Changes(told=alone)
    leaving.call(changes.close)
    built = http.build_app(
        _server(settings, memory, caller, changes),
        _api(settings, memory, queue),
        memory.close,
        queue.run,
        safety=safety.safety(
            bound=settings.host,
            names=settings.allowed_hosts or (),
            origins=settings.allowed_origins or (),
            cors=settings.cors == "on",
            proxies=settings.trusted_proxies or (),
            public=settings.public_url,
        ),
        checks={"memory": lambda: _readable(memory, caller)},
        leaving=leaving,
        alone=alone,
    )
    limits = serving.Serving(
        max_connections=settings.max_connections,
        shutdown_seconds=settings.shutdown_seconds,
        tls=serving.tls(settings.tls_certificate, settings.tls_key),
    )
    return partial(serving.run, built, limits, leaving)


async def _readable(memory: Memory, caller: Caller) -> None:
    """Raises an Error where it is not. Makes nothing, not even the store."""
    for store_id in (await memory.list_stores(caller, PageQuery(limit=1))).items:
        await memory.list_profiles(replace(caller, store=store_id), PageQuery(limit=1))


def _api(settings: Settings, memory: Memory, queue: ImportQueue) -> "FastAPI":
    from mcp_memory.http.api.app import build_api
    from mcp_memory.http.api.credentials import ApiKey, Credentials
    from mcp_memory.http.api.route import Front

    keys = []
    if settings.api_key_id is not None and settings.api_key_secret is not None:
        digest = sha256(settings.api_key_secret.encode()).digest()
        keys.append(ApiKey(key_id=settings.api_key_id, secret_digest=digest, tenant=settings.tenant))
    front = Front(
        memory=memory,
        credentials=Credentials(tuple(keys), settings.tenant),
        now=now,
        transparent=settings.merged_profiles == "transparent",
        imports=queue,
    )
    return build_api(front, services_alias=settings.services_alias == "on")


def _server(settings: Settings, memory: Memory, caller: Caller, changes: Changes | None = None) -> Server[Any]:
    return build_server(memory, lambda ctx: caller, tools_of(toolset_names(settings)), changes)


def local_caller(settings: Settings) -> Caller:
    """Over stdio, and on loopback without authentication, whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
