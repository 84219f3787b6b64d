"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mcp.server.lowlevel import Server

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Invalid
from mcp_memory.import_queue import ImportQueue
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.settings import Settings, service_url, toolset_names
from mcp_memory.stdio import serve_stdio
from mcp_memory.tools.toolsets import tools_of
from mcp_memory.uploads import Uploads

if TYPE_CHECKING:
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


def prepare_http(settings: Settings) -> Callable[[Callable[[str], None]], None]:
    """What serves until a signal says so, once it is called. It tells what it is given its address, when it is bound.

    Raises Invalid for an address that others can reach: there is no authentication that could stop them.
    """
    from mcp_memory.http import app as http  # uvicorn and Starlette: not needed over stdio

    if settings.host not in http.LOOPBACK:
        raise Invalid(
            f"host {settings.host} is not a loopback address, and MCP asks for no key: whoever reached it could read "
            "everything. Use 127.0.0.1, behind a proxy that authenticates if others must connect."
        )
    memory, caller = build_memory(settings, background=True), local_caller(settings)
    queue = ImportQueue(memory, Uploads(settings.data_dir / "uploads"))
    server, api = _server(settings, memory, caller), _api(settings, memory, queue)
    built = http.build_app(server, api, memory.close, queue.run)

    def run(announce: Callable[[str], None]) -> None:
        with http.listen(settings.host, settings.port) as bound:
            announce(http.address(bound))
            http.run(built, bound)

    return run


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


def _server(settings: Settings, memory: Memory, caller: Caller) -> Server[Any]:
    return build_server(memory, lambda ctx: caller, tools_of(toolset_names(settings)))


def local_caller(settings: Settings) -> Caller:
    """Over stdio, and on loopback without authentication, whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
