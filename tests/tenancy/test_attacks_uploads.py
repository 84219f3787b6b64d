"""Addresses of uploads, which need no credential: they reach nobody who is not served here."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx2
import pytest

from mcp_memory.backend import Backend
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.service import Memory
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.tenants import Tenant
from tests.doors import Catalog, anybody, directory, guarded
from tests.http_api.uploads_server import BASE, GOOD, Server, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Server]:
    async with serving(tmp_path / "data", embedder) as server:
        yield server


async def test_a_forged_address_asks_no_managed_service() -> None:
    """It would be asked with the tenant's own key, as often as anybody likes."""
    hosting = Hosting(tenants={"acme": Tenant(name="acme", backend="service"), "here": Tenant(name="here")})
    known = directory(Catalog(), replace(hosting, accounts={"service": "https://memory.example.com SK1"}))

    assert not await known.takes_files("acme") and await known.takes_files("here")
    assert not await known.takes_files("nobody")


async def nobody(tenant: str) -> bool:
    return False


async def brought(front: Front, url: str, content: bytes | AsyncIterator[bytes]) -> int:
    app = guarded(build_api(front), anybody())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as client:
        return (await client.put(url, content=content)).status_code


async def test_whoever_is_not_served_is_not_looked_for(server: Server) -> None:
    """Here there is no memory that could be asked."""
    inside = json.dumps(["acme", "mem_store_0" + "1" * 25, "mem_import_0" + "1" * 25, "secret"]).encode()
    forged = base64.urlsafe_b64encode(inside).decode().rstrip("=")
    memory = Memory(cast(Backend, None), server.clock)
    front = Front(memory=memory, now=server.clock, imports=server.queue, active=nobody)

    assert await brought(front, f"/uploads/{forged}", b"x") == 403


async def test_a_tenant_that_is_suspended_while_it_brings_a_file_has_brought_none(server: Server) -> None:
    served = True

    async def active(tenant: str) -> bool:
        return served

    async def slow() -> AsyncIterator[bytes]:
        nonlocal served
        yield GOOD[:5]
        served = False
        yield GOOD[5:]

    import_id, url = await server.created(GOOD)
    front = Front(memory=server.memory, now=server.clock, imports=server.queue, active=active)
    status = await brought(front, url, slow())
    await server.queue.sweep()

    assert status == 403 and (await server.shown(import_id))["status"] == "PENDING"
    assert server.left() == []
