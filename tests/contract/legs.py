"""The managed service as a leg of the contract, twice: its strict fake, and our own HTTP API in process.

Each leg has one tenant and one store that is there already; what the service lacks is said by `LACKS`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.embedding import Embedder
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.credentials import Credentials
from mcp_memory.http.api.route import Front
from mcp_memory.service import Memory
from tests.published.checked import Checked
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake

TENANT = "acme"


async def at_once(seconds: float) -> None:
    """Nothing here needs time to pass."""


def client(app: Any, now: Callable[[], datetime], key_id: str, key_secret: str) -> TwilioBackend:
    return TwilioBackend(
        "http://memory.test",
        key_id,
        key_secret,
        tenant=TENANT,
        store="default",
        create_store=True,
        region="US",
        timeout=30.0,
        now=now,
        transport=httpx2.ASGITransport(app),
        sleep=at_once,
    )


@asynccontextmanager
async def managed(folder: Path, embedder: Embedder, clock: Any, **options: Any) -> AsyncIterator[Backend]:
    """The strict fake; every request and answer is held against the published document on its way."""
    backend = client(Checked(Fake(now=clock)), clock, KEY_ID, KEY_SECRET)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def api(folder: Path, embedder: Embedder, clock: Any, **options: Any) -> AsyncIterator[Backend]:
    """Our own server, which remembers in SQLite."""
    sql = SqlBackend(SqliteDatabase(folder), embedder, now=clock, make_id=clock.make_id, region="US", **options)
    memory = Memory(sql, clock)
    front = Front(memory=memory, credentials=Credentials((), TENANT), now=clock, transparent=False)
    backend = client(build_api(front, services_alias=False), clock, "SK1", "secret")
    try:
        yield backend
    finally:
        await backend.close()
        await memory.close()
