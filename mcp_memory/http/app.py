"""One Starlette app: Streamable HTTP at /mcp, SSE at /sse, /health, and below all else the Memory API."""

import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory import __version__
from mcp_memory.errors import Unavailable

_NAMES = r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?"
_HOST = re.compile(_NAMES, re.IGNORECASE)
_ORIGIN = re.compile(f"http://{_NAMES}", re.IGNORECASE)
UNCHECKED = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # _LocalOnly does it, for all routes alike
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_BODY = 4 * 1024 * 1024  # bytes; ten observations of the greatest length are 160 kB
MESSAGES = "/messages/"
GRACE_SECONDS = 1  # for what is under way; streams that stay open are cut then


def build_app(
    server: Server[Any],
    api: ASGIApp,
    close: Callable[[], Awaitable[None]],
    work: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """Answers only to loopback names, so that a page in a browser cannot reach it through a name of its own.

    `work` is done meanwhile, and cancelled at the end.
    """
    streamable = server.streamable_http_app(max_request_body_size=MAX_BODY, transport_security=UNCHECKED)
    sse = SseServerTransport(MESSAGES, security_settings=UNCHECKED, max_request_body_size=MAX_BODY)
    (mcp,) = (route for route in streamable.routes if isinstance(route, Route))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run(), anyio.create_task_group() as tasks:
            for each in work:
                tasks.start_soon(each)
            yield
            tasks.cancel_scope.cancel()
        await close()

    app = Starlette(
        routes=[
            mcp,
            Route("/mcp/", mcp.endpoint),
            Route("/sse", _Sse(server, sse), methods=["GET"]),
            Mount(MESSAGES, app=sse.handle_post_message),
            Route("/health", health, methods=["GET"]),
        ],
        lifespan=lifespan,
        middleware=[Middleware(_LocalOnly), Middleware(_Completed), *middleware],
    )
    app.router.default = api  # no Mount: it passes over paths with a line end in them
    app.router.redirect_slashes = False  # a redirect would repeat the Host that was sent
    return app


def called_as(public_url: str | None) -> Callable[[Scope], str]:
    """How clients reach us, without a slash at the end: as they are told to, or else as they called."""

    def base_url(scope: Scope) -> str:
        return public_url or f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"

    return base_url


def open_sessions(server: Server[Any], tenant: str) -> int:
    """Of Streamable HTTP, as those before 2026-07-28 have. The SDK counts them only all together."""
    owners = server.session_manager._session_owners
    return sum(owner["client_id"] == tenant for owner in owners.values())


class _LocalOnly:
    """Refuses requests that name another host, or come from a page of one: on every route, before anything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if not _HOST.fullmatch(headers.get("host", "")):
                return await PlainTextResponse("This host is not served here.", 421)(scope, receive, send)
            if origin is not None and not _ORIGIN.fullmatch(origin):
                return await PlainTextResponse("Pages of this origin may not call.", 403)(scope, receive, send)
        await self._app(scope, receive, send)


class _Sse:
    """An ASGI app, not a handler: the transport answers by itself, so there is no response to return."""

    def __init__(self, server: Server[Any], transport: SseServerTransport) -> None:
        self._server, self._transport = server, transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":  # HEAD comes along with GET, and would leave a session open
            return await PlainTextResponse("GET this.", 405)(scope, receive, send)
        async with self._transport.connect_sse(scope, receive, send) as (reading, writing):
            await self._server.run(reading, writing, self._server.create_initialization_options())


class _Completed:
    """Ends every response that was begun: at shutdown the SDK leaves open streams without their last part."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        last: Message = {}

        async def remember(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        await self._app(scope, receive, remember)
        if last.get("type") == "http.response.start" or last.get("more_body"):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that its port is known before the first request. Raises Unavailable, saying why."""
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        raise Unavailable(f"Port {port} on {host} can't be used ({exc.strerror}): choose another with --port.") from exc
    # asyncio does this only for sockets that name their protocol, and this one has none. Without it the second half of
    # every answer waits for the client's delayed acknowledgement of the first: 40 ms.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"http://{host}:{port}"


def run(app: Starlette, bound: socket.socket) -> None:
    """Until SIGINT or SIGTERM. h11, because httptools keeps blanks in header values that MCP compares."""
    config = uvicorn.Config(
        app, http="h11", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        """For a signal before uvicorn listens, and the one it raises again at its end for us to die of."""
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server.run(sockets=[bound])
