"""One Starlette app: Streamable HTTP at /mcp, SSE at /sse, probes, and below all else the Memory API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.http.bodies import InTime
from mcp_memory.http.leaving import Leaving
from mcp_memory.http.probes import Check, Ready, health
from mcp_memory.http.safety import Safety
from mcp_memory.http.streams import Completed, Sse, Standing

UNCHECKED = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # Safety does it, for all routes alike
MAX_BODY = 4 * 1024 * 1024  # bytes; ten observations of the greatest length are 160 kB
MAX_SESSIONS = 10_000  # of the handshake era
IDLE_SECONDS = 30 * 60  # after which a session ends, and its client begins another
MESSAGES = "/messages/"


def build_app(
    server: Server[Any],
    api: ASGIApp,
    close: Callable[[], Awaitable[None]],
    work: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    *,
    safety: Safety | None = None,
    middleware: Sequence[Middleware] = (),
    checks: Mapping[str, Check] | None = None,
    others: Sequence[BaseRoute] = (),
    leaving: Leaving | None = None,
    alone: bool = True,
) -> Starlette:
    """Answers only to who knocks as `safety` has it; without, to loopback names.

    `work` is done meanwhile, and cancelled at the end. `middleware`: between the checks of `safety` and the routes.
    `checks`: what /ready looks at. `others`: what is served besides. `alone`: no other process answers on this port, so
    that one may remember its clients.
    """
    safety, leaving = safety or Safety(), leaving or Leaving()
    mcp = _streamable(server, leaving, alone)
    app = Starlette(
        routes=[
            Route("/mcp", mcp),
            Route("/mcp/", mcp),
            *(_sse(server, leaving) if alone else _no_sse()),
            Route("/health", health, methods=["GET"]),
            Route("/ready", Ready(checks or {}, leaving).answer, methods=["GET"]),
            *others,
        ],
        lifespan=lambda app: _open(server, work, close),
        middleware=[*safety.middleware(), Middleware(Completed), *middleware],
    )
    app.router.default = api  # no Mount: it passes over paths with a line end in them
    app.router.redirect_slashes = False  # a redirect would repeat the Host that was sent
    return app


@asynccontextmanager
async def _open(
    server: Server[Any],
    work: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    close: Callable[[], Awaitable[None]],
) -> AsyncIterator[None]:
    async with server.session_manager.run(), anyio.create_task_group() as tasks:
        for each in work:
            tasks.start_soon(each)
        yield
        tasks.cancel_scope.cancel()
    await close()


def called_as(public_url: str | None) -> Callable[[Scope], str]:
    """How clients reach us, without a slash at the end: as they are told to, or else as they called."""

    def base_url(scope: Scope) -> str:
        return public_url or f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"

    return base_url


def open_sessions(server: Server[Any], tenant: str) -> int:
    """Of Streamable HTTP, as those before 2026-07-28 have. The SDK counts them only all together."""
    owners = server.session_manager._session_owners
    return sum(owner["client_id"] == tenant for owner in owners.values())


def _streamable(server: Server[Any], leaving: Leaving, alone: bool) -> ASGIApp:
    streamable = server.streamable_http_app(
        max_request_body_size=MAX_BODY,
        transport_security=UNCHECKED,
        stateless_http=not alone,
        max_sessions=MAX_SESSIONS,
        session_idle_timeout=IDLE_SECONDS,
    )
    (mcp,) = (route.endpoint for route in streamable.routes if isinstance(route, Route))
    return InTime(Standing(mcp, leaving) if alone else _Sessionless(mcp))


def _sse(server: Server[Any], leaving: Leaving) -> list[BaseRoute]:
    transport = SseServerTransport(MESSAGES, security_settings=UNCHECKED, max_request_body_size=MAX_BODY)
    sse = Sse(server, transport, leaving)
    return [Route("/sse", InTime(sse.stream), methods=["GET"]), Mount(MESSAGES, app=InTime(sse.message))]


def _no_sse() -> list[BaseRoute]:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        text = "SSE needs one worker, and several answer here. Use Streamable HTTP at /mcp, or set workers to 1."
        await PlainTextResponse(text, 501)(scope, receive, send)

    refusing = InTime(refuse)  # a Route takes a mere function for a handler
    return [Route("/sse", refusing), Mount(MESSAGES, app=refusing)]


class _Sessionless:
    """Of several processes, none keeps sessions: there is none to listen to, and none to end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            return await PlainTextResponse("POST this.", 405, {"Allow": "POST"})(scope, receive, send)
        await self._app(scope, receive, send)
