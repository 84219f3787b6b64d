"""The composition root of a server over HTTP, beside `app.py`: what stands in front of the memory, and how it ends.

With uvicorn, Starlette and FastAPI half a second that nobody waits for over stdio.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import FastAPI
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.middleware import Middleware

from mcp_memory import logs
from mcp_memory.app import Host, build_host, has_catalog, make_request_id, now
from mcp_memory.changes import Changes
from mcp_memory.errors import Invalid
from mcp_memory.http import serving
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.app import build_app, called_as, open_sessions
from mcp_memory.http.auth.authenticator import Credentials, Unasked
from mcp_memory.http.auth.jwks import KeySets
from mcp_memory.http.auth.tokens import Tokens
from mcp_memory.http.door import Door, Entrance, Policy, asker_of
from mcp_memory.http.leaving import Leaving
from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics, forget
from mcp_memory.http.safety import Safety, check_exposure, safety
from mcp_memory.http.workers import Workers
from mcp_memory.import_queue import ImportQueue
from mcp_memory.metering import Meter
from mcp_memory.model import Caller
from mcp_memory.reloading import Reloading
from mcp_memory.server import Context, build_server
from mcp_memory.settings import Settings, located, toolset_names
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tenancy.hosting import Contradiction
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Again = Callable[[], Settings]
"""Reads the settings as they are now."""
Serve = Callable[[socket, Callable[[], None]], int]
"""On a socket; it calls back when whoever connects is served, and returns the exit code."""


def prepare_http(settings: Settings, again: Again) -> Callable[[Callable[[str, bool], None]], int]:
    """What serves until a signal says so, once it is called; it returns the exit code. It tells what it is given its
    address, when it is bound, and whether credentials are asked for. `again`: reads the settings as they are now.

    Raises Invalid for an address that others can reach, unless credentials are asked for and nobody can listen in.
    """
    try:
        asks = anyio.run(_asks, settings)
    except Contradiction as exc:
        raise located(settings, exc) from exc
    if asks:  # whatever is removed later: what was closed does not open by itself
        settings = replace(settings, authentication="on")
    encrypted = serving.tls(settings.tls_certificate, settings.tls_key) is not None
    check_exposure(
        settings.host,
        authenticated=asks,
        encrypted=encrypted,
        behind_proxy=settings.trusted_proxies is not None,
        plain=settings.plain_http == "on",
    )
    serve = _alone(settings, again) if settings.workers == 1 else _several(settings, again)

    def run(announce: Callable[[str, bool], None]) -> int:
        with serving.listen(settings.host, settings.port) as bound:
            return serve(bound, lambda: announce(serving.address(bound, "https" if encrypted else "http"), asks))

    return run


async def _asks(settings: Settings) -> bool:
    """Whether credentials are asked for; and that what is configured does not contradict what is managed."""
    if settings.authentication != "on" and settings.hosting.is_empty() and not has_catalog(settings):
        return False
    host = build_host(settings)
    try:
        await host.directory.check()
        nobody = await host.directory.is_empty()
    finally:
        await host.close()
    if settings.authentication == "off" and not nobody:
        raise Invalid("authentication is off, but there are tenants, keys or issuers: turn it on, or remove them.")
    return settings.authentication == "on" or not nobody


def _alone(settings: Settings, again: Again) -> Serve:
    serve = _http(settings, again, alone=True)

    def run(bound: socket, announce: Callable[[], None]) -> int:
        announce()  # whoever connects from now on is served
        serve(bound, None)
        return 0

    return run


def _several(settings: Settings, again: Again) -> Serve:
    if sys.platform == "win32":
        raise Invalid("workers must be 1 on Windows: processes can't share a socket there.")
    target = partial(work, settings, again)

    def run(bound: socket, announce: Callable[[], None]) -> int:
        return Workers(target, bound, settings.workers, settings.shutdown_seconds, forget).run(announce)

    return run


def work(settings: Settings, again: Again, bound: socket, supervisor: "Connection") -> None:
    """All that a worker process does."""
    logs.configure(settings.log_level, settings.log_format)
    _http(settings, again, alone=False)(bound, supervisor)


def _http(settings: Settings, again: Again, *, alone: bool) -> Callable[[socket, "Connection | None"], None]:
    """What serves on the socket that it is given, and for a supervisor."""
    host, leaving = build_host(settings, background=True), Leaving()
    built = wired(settings, again, host, leaving, alone=alone)
    return partial(serving.run, built, _limits(settings), leaving)


def wired(settings: Settings, again: Again, host: Host, leaving: Leaving, *, alone: bool = True) -> Starlette:
    """All that is served, before it is. `alone`: no other process answers on this port."""
    changes = Changes(told=alone)
    leaving.call(changes.close)
    metrics = PrometheusMetrics(by_tenant=settings.metrics_by_tenant == "on")
    meter = Meter(make_id=make_request_id, metrics=metrics, usage=host.memory.usage)
    server = build_server(host.memory, _who, tools_of(toolset_names(settings)), changes, meter)
    queue, sets = _queue(settings, host), KeySets(now=now)
    entrance = _entrance(settings, host, sets, server, meter)

    async def close() -> None:
        await sets.close()
        await host.close()

    return build_app(
        server,
        _api(settings, host, queue, meter),
        close,
        (queue.run, Reloading(settings.config, again, host.configure).run, entrance.watch, host.memory.usage.run),
        safety=_safety(settings),
        middleware=[Middleware(Door, entrance=entrance)],
        checks={"memory": host.check},
        others=[MetricsPage(metrics, settings.metrics_key).route],
        leaving=leaving,
        alone=alone,
    )


def _queue(settings: Settings, host: Host) -> ImportQueue:
    return ImportQueue(host.memory, Uploads(settings.data_dir / "uploads"), host.directory.quota)


def _who(ctx: Context) -> Caller:
    return asker_of(ctx.request.scope if ctx.request else {}).caller


def _limits(settings: Settings) -> serving.Serving:
    return serving.Serving(
        max_connections=settings.max_connections,
        shutdown_seconds=settings.shutdown_seconds,
        tls=serving.tls(settings.tls_certificate, settings.tls_key),
    )


def _safety(settings: Settings) -> Safety:
    return safety(
        bound=settings.host,
        names=settings.allowed_hosts or (),
        origins=settings.allowed_origins or (),
        cors=settings.cors == "on",
        proxies=settings.trusted_proxies or (),
        public=settings.public_url,
    )


def _entrance(settings: Settings, host: Host, sets: KeySets, server: Server[Any], meter: Meter) -> Entrance:
    directory = host.directory
    credentials = Credentials(
        directory, lambda: Tokens(directory.hosting.issuers, sets.key, now=now), host.placement.remember
    )
    return Entrance(
        authenticator=credentials if settings.authentication == "on" else Unasked(directory, credentials),
        admission=Admission(time.monotonic, settings.workers, settings.max_connections),
        policy=Policy(
            rights={tool.name: tool.right for tool in tools_of(toolset_names(settings))},
            base_url=called_as(settings.public_url),
            issuers=lambda: [one.url for one in directory.hosting.issuers],
            sessions=lambda tenant: open_sessions(server, tenant),
        ),
        meter=meter,
    )


def _api(settings: Settings, host: Host, queue: ImportQueue, meter: Meter) -> FastAPI:
    front = Front(
        memory=host.memory,
        now=now,
        active=host.directory.takes_files,
        transparent=settings.merged_profiles == "transparent",
        imports=queue,
        meter=meter,
    )
    return build_api(front, services_alias=settings.services_alias == "on")
