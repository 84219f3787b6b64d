"""Who is limited, and tries to be counted as somebody or something else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from mcp_memory.tenancy.tenants import Limits
from tests.doors import credentials, guarded
from tests.tenancy.test_door import BASE, World, inside

pytestmark = pytest.mark.anyio

MODERN = {"MCP-Protocol-Version": "2026-07-28"}
LISTEN = {**MODERN, "Mcp-Method": "subscriptions/listen"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    found.catalog.tenants["acme"] = replace(found.catalog.tenants["acme"], limits=Limits(sessions=1))
    yield found


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/mcp", {}),
        ("GET", "/mcp/", {}),
        ("GET", "/mcp%0A", {}),
        ("GET", "/sse%0A", {}),
        ("POST", "/mcp", LISTEN),
    ],
)
async def test_whatever_stays_open_is_a_stream(world: World, method: str, path: str, headers: dict[str, str]) -> None:
    begun = anyio.Event()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        if begun.is_set():
            return await JSONResponse({})(scope, receive, send)
        begun.set()
        await anyio.sleep_forever()

    door = guarded(stream, credentials(world.directory))
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=world.bearer()) as client:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.request, "GET", "/mcp")
                await begun.wait()
                second = await client.request(method, path, headers=headers)
                tasks.cancel_scope.cancel()

    assert second.status_code == 429


async def test_who_needs_no_session_is_not_counted_as_one(world: World) -> None:
    """Each request of 2026-07-28 stands alone: those who have sessions open do not keep it out."""
    door = guarded(inside, credentials(world.directory))
    door._entrance.policy = replace(door._entrance.policy, sessions=lambda tenant: 1)
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=world.bearer()) as client:
        alone = await client.post("/mcp", headers={**MODERN, "Mcp-Method": "tools/list"}, json={})
        opening = await client.post("/mcp", json={})
        earlier = await client.post("/mcp", headers={"MCP-Protocol-Version": "2025-11-25"}, json={})

    assert (alone.status_code, opening.status_code, earlier.status_code) == (200, 429, 429)
