"""What a server over HTTP serves, put together: the memory of `app.py`, and all that stands in front of it."""

import time
from typing import Any

from fastapi import FastAPI
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.middleware import Middleware

from mcp_memory.app import Host, make_request_id, now
from mcp_memory.changes import Changes
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.app import build_app, called_as, open_sessions
from mcp_memory.http.auth.authenticator import Credentials, Unasked
from mcp_memory.http.auth.jwks import KeySets
from mcp_memory.http.auth.tokens import Tokens
from mcp_memory.http.door import Door, Entrance, Policy, asker_of
from mcp_memory.http.leaving import Leaving
from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics
from mcp_memory.http.safety import Safety, safety
from mcp_memory.import_queue import ImportQueue
from mcp_memory.metering import Meter
from mcp_memory.model import Caller
from mcp_memory.reloading import Again, Reloading
from mcp_memory.server import Context, build_server
from mcp_memory.settings import Settings, toolset_names
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads


def wired(
    settings: Settings,
    again: Again,
    host: Host,
    leaving: Leaving,
    changes: Changes | None = None,
    *,
    alone: bool = True,
) -> Starlette:
    """All that is served, before it is. `changes`: what the host tells what it learned. `alone`: no other process
    answers on this port."""
    changes = changes or Changes(told=alone)
    leaving.call(changes.close)
    metrics = PrometheusMetrics(by_tenant=settings.metrics_by_tenant == "on")
    meter = Meter(make_id=make_request_id, metrics=metrics, usage=host.memory.usage)
    server = build_server(host.memory, who, tools_of(toolset_names(settings)), changes, meter)
    queue, sets = queue_of(settings, host), KeySets(now=now)
    reloading = Reloading(settings.config, again, host.configure)
    entrance = _entrance(settings, host, sets, server, meter)

    async def close() -> None:
        await sets.close()
        await host.close()

    return build_app(
        server,
        _api(settings, host, queue, meter),
        close,
        (queue.run, reloading.run, entrance.watch, host.memory.usage.run, changes.run, host.look_after_stores),
        safety=_safety(settings),
        middleware=[Middleware(Door, entrance=entrance)],
        checks={"memory": host.check},
        others=[MetricsPage(metrics, settings.metrics_key).route],
        leaving=leaving,
        alone=alone,
    )


def queue_of(settings: Settings, host: Host) -> ImportQueue:
    return ImportQueue(host.memory, Uploads(settings.data_dir / "uploads"), host.directory.quota)


def who(ctx: Context) -> Caller:
    return asker_of(ctx.request.scope if ctx.request else {}).caller


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
