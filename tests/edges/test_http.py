"""The HTTP app in process: who may knock."""

import socket
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PaginatedRequestParams
from mcp.types.version import LATEST_PROTOCOL_VERSION
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.app import build_app
from mcp_memory.http.bodies import InTime
from mcp_memory.http.serving import listen
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from tests.doors import anybody, guarded

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/health", "/mcp", "/mcp/", "/sse", "/messages/", "/messages", "/nowhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1:evil"}, 421),
        ({"host": "localhost:80@evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost.evil.example"}, 403),
    ],
)
async def test_another_host_or_origin_is_refused_on_every_route(
    memory: Memory, path: str, headers: dict[str, str], status: int
) -> None:
    app = build_app(build_server(memory, lambda ctx: Caller(tenant="acme")), Starlette(), memory.close)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8765") as client:
        response = await client.get(path, headers=headers)

    assert response.status_code == status and "location" not in response.headers


@pytest.mark.parametrize("host", ["localhost:8765", "LOCALHOST", "127.0.0.1:1", "[::1]:8765"])
async def test_loopback_names_are_served(memory: Memory, host: str) -> None:
    app = build_app(build_server(memory, lambda ctx: Caller(tenant="acme")), Starlette(), memory.close)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = {"host": host, "origin": f"http://{host}"}
        response = await client.get("/health", headers=headers)
        nowhere = await client.get("/nowhere", headers=headers)

    assert response.json()["status"] == "ok"
    assert nowhere.status_code == 404


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/Stores/a%0Ab/Profiles/x", "/%0A", "/"])
async def test_the_api_answers_for_every_path_that_nobody_else_has(memory: Memory, path: str) -> None:
    api = guarded(build_api(Front(memory=memory, now=memory.now)), anybody("acme"))
    app = build_app(build_server(memory, lambda ctx: Caller(tenant="acme")), api, memory.close)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get(path)

    assert answer.json()["status"] == answer.status_code in (400, 404)


async def test_a_call_does_not_list_the_tools_to_check_its_headers(memory: Memory) -> None:
    """The SDK would, at each one, when nobody tells it a tool's schema."""
    server = build_server(memory, lambda ctx: Caller(tenant="acme"))
    lists = server.get_request_handler("tools/list")
    assert lists is not None
    listed: list[object] = []

    async def list_tools(ctx: Any, params: Any) -> Any:
        listed.append(ctx)
        return await lists.handler(ctx, params)

    server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    app = build_app(server, Starlette(), memory.close)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")
    async with server.session_manager.run(), http:
        target = streamable_http_client("http://localhost/mcp", http_client=http)
        async with Client(target, mode=LATEST_PROTOCOL_VERSION) as client:
            called = await client.call_tool("lookup_profile", {"value": "nobody@example.com"})

    assert not called.is_error
    assert server.get_tool_input_schema is not None and server.get_tool_input_schema("lookup_profile")
    assert len(listed) == 1  # by the client


def test_answers_wait_for_no_acknowledgement() -> None:
    """Each is two writes: held back, the second would come 40 ms later."""
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()), bound.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class Door:
    """Authentication that lets nobody in."""

    def __init__(self, app: ASGIApp) -> None:
        pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("Who are you?", 401)(scope, receive, send)


@pytest.mark.parametrize("path", ["/health", "/ready", "/mcp", "/sse", "/messages/", "/v1/ControlPlane/Stores"])
async def test_who_knocks_is_asked_for_a_key_only_by_a_name_that_is_served(memory: Memory, path: str) -> None:
    server = build_server(memory, lambda ctx: Caller(tenant="acme"))
    app = build_app(server, Starlette(), memory.close, middleware=[Middleware(Door)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        asked, elsewhere = await client.get(path), await client.get(path, headers={"host": "evil.example"})

    assert (asked.status_code, elsewhere.status_code) == (401, 421)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sse", 501),
        ("POST", "/sse", 501),
        ("POST", "/messages/?session_id=0", 501),
        ("GET", "/mcp", 405),
        ("DELETE", "/mcp/", 405),
        ("GET", "/health", 200),
    ],
)
async def test_of_several_processes_none_remembers_a_client(
    memory: Memory, method: str, path: str, status: int
) -> None:
    server = build_server(memory, lambda ctx: Caller(tenant="acme"))
    app = build_app(server, Starlette(), memory.close, alone=False)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.request(method, path, headers={"accept": "text/event-stream"})

    assert answer.status_code == status
    assert status != 501 or "set workers to 1" in answer.text


async def test_a_body_of_mcp_that_does_not_come_is_not_waited_for() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("read")(scope, receive, send)

    async def ask(*parts: bytes) -> int:
        """All but the last of them say that more is to come."""
        coming, status = list(parts), 0

        async def receive() -> Message:
            if not coming:
                await anyio.sleep_forever()
            return {"type": "http.request", "body": coming.pop(0), "more_body": bool(coming) or parts[-1:] != (b"",)}

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await InTime(reads, seconds=0.05)({"type": "http", "method": "POST", "headers": []}, receive, send)
        return status

    with anyio.fail_after(5):
        assert await ask(b"half of", b" it", b"") == 200
        assert await ask(b"half of") == 408
        assert await ask() == 408
