"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Invalid
from mcp_memory.import_queue import ImportQueue
from mcp_memory.metered import MeteredMemory
from mcp_memory.metering import Meter
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.settings import Settings, service_url, toolset_names
from mcp_memory.stdio import serve_stdio
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads
from mcp_memory.usage import UsageBook
from mcp_memory.usage_counter import UsageCounter

if TYPE_CHECKING:
    from fastapi import FastAPI


def now() -> datetime:
    return datetime.now(UTC)


def make_id(prefix: str) -> str:
    return ids.new_id(prefix, now(), os.urandom(10))


def make_request_id() -> str:
    return os.urandom(16).hex()


def build_memory(settings: Settings, *, background: bool = False) -> MeteredMemory:
    """Touches neither disk nor model before the first call. `background`: it is for a server, which has the time to
    put its stores in order meanwhile."""
    database = SqliteDatabase(settings.data_dir)
    if settings.backend == "twilio":
        return MeteredMemory(_service(settings), now, UsageCounter(SqlUsage(database), now, close=database.close))
    backend: Backend = SqlBackend(
        database,
        chosen(settings),
        now=now,
        make_id=make_id,
        region=settings.region,
        late_interaction=settings.late_interaction == "on" and settings.embedder == "bundled",  # others give no tokens
        background=background,
    )
    return MeteredMemory(backend, now, UsageCounter(SqlUsage(database), now))


@contextmanager
def open_usage(settings: Settings) -> Iterator[UsageBook]:
    """What was counted, by whatever process. Blocks."""
    database = SqliteDatabase(settings.data_dir)
    try:
        yield SqlUsage(database)
    finally:
        database.close()


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
    meter = Meter(make_id=make_request_id, usage=memory.usage)
    serve_stdio(_server(settings, memory, caller, meter), memory.close, memory.usage.run)


def prepare_http(settings: Settings) -> Callable[[Callable[[str], None]], None]:
    """What serves until a signal says so, once it is called. It tells what it is given its address, when it is bound.

    Raises Invalid for an address that others can reach: there is no authentication that could stop them.
    """
    from mcp_memory.http import app as http  # uvicorn and Starlette: not needed over stdio
    from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics

    if settings.host not in http.LOOPBACK:
        raise Invalid(
            f"host {settings.host} is not a loopback address, and MCP asks for no key: whoever reached it could read "
            "everything. Use 127.0.0.1, behind a proxy that authenticates if others must connect."
        )
    memory, caller = build_memory(settings, background=True), local_caller(settings)
    queue = ImportQueue(memory, Uploads(settings.data_dir / "uploads"))
    metrics = PrometheusMetrics(by_tenant=settings.metrics_by_tenant == "on")
    meter = Meter(make_id=make_request_id, metrics=metrics, usage=memory.usage)
    server, api = _server(settings, memory, caller, meter), _api(settings, memory, queue, meter)
    page = MetricsPage(metrics, settings.metrics_key)
    built = http.build_app(server, api, memory.close, lambda: _all(queue.run, memory.usage.run), [page.route])

    def run(announce: Callable[[str], None]) -> None:
        with http.listen(settings.host, settings.port) as bound:
            announce(http.address(bound))
            http.run(built, bound)

    return run


async def _all(*works: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as tasks:
        for work in works:
            tasks.start_soon(work)


def _api(settings: Settings, memory: Memory, queue: ImportQueue, meter: Meter) -> "FastAPI":
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
        meter=meter,
    )
    return build_api(front, services_alias=settings.services_alias == "on")


def _server(settings: Settings, memory: Memory, caller: Caller, meter: Meter) -> Server[Any]:
    return build_server(memory, lambda ctx: caller, tools_of(toolset_names(settings)), meter)


def local_caller(settings: Settings) -> Caller:
    """Over stdio, and on loopback without authentication, whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
