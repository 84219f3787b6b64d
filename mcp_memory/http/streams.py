"""Answers that go on for as long as the client listens: they end when the server does, and lose nothing then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.http.leaving import Leaving


class Standing:
    """Lets an answer to GET end as if the client had gone. To other methods there is something to be answered first."""

    def __init__(self, app: ASGIApp, leaving: Leaving) -> None:
        self._app, self._leaving = app, leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def until_leaving() -> Message:
            with self._leaving.interrupting():
                return await receive()
            return {"type": "http.disconnect"}

        if scope["method"] != "GET":
            return await self._app(scope, receive, send)
        if self._leaving.begun:
            return await PlainTextResponse("The server is about to end.", 503)(scope, receive, send)
        await self._app(scope, until_leaving, send)


class Completed:
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


class Sse:
    """The transport of two halves: requests are accepted in one place, and answered on a stream in another.

    So a stream ends only when whatever was accepted for it is answered.
    """

    def __init__(self, server: Server[Any], transport: SseServerTransport, leaving: Leaving) -> None:
        self._server, self._transport, self._leaving = server, transport, leaving
        self._sessions: set[_Session] = set()
        self._accepting = 0  # messages that are not yet with their session
        leaving.call(self._end_idle)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI app, not a handler: the transport answers by itself, so there is no response to return."""
        if scope["method"] != "GET":  # HEAD comes along with GET, and would leave a session open
            return await PlainTextResponse("GET this.", 405)(scope, receive, send)
        async with self._transport.connect_sse(scope, receive, send) as (reading, writing):
            session = _Session(reading, writing, self._end_idle)
            self._sessions.add(session)
            try:
                self._end_idle()
                options = self._server.create_initialization_options()
                await self._server.run(session.reading, session.writing, options)
            finally:
                self._sessions.discard(session)

    async def message(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._accepting += 1
        try:
            await self._transport.handle_post_message(scope, receive, send)
        finally:
            self._accepting -= 1
            self._end_idle()

    def _end_idle(self) -> None:
        if self._leaving.begun and not self._accepting:
            for session in self._sessions:
                if not session.unanswered:
                    session.reading.end()


class _Session:
    def __init__(self, reading: Any, writing: Any, answered: Callable[[], None]) -> None:
        self.unanswered: set[str | int | None] = set()
        self.reading = _Reading(reading, self.unanswered)
        self.writing = _Writing(writing, self.unanswered, answered)


class _Passing:
    """A stream of the SDK, with all it can do."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Any:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)


class _Reading(_Passing):
    def __init__(self, stream: Any, unanswered: set[str | int | None]) -> None:
        super().__init__(stream)
        self._unanswered, self._ended = unanswered, False
        self._wait: anyio.CancelScope | None = None

    def end(self) -> None:
        """There is nothing more to read."""
        self._ended = True
        if self._wait is not None:
            self._wait.cancel()

    def __aiter__(self) -> "_Reading":
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        if not self._ended:
            with self._waiting():
                item: SessionMessage | Exception = await self._stream.__anext__()
                self._note(item.message if isinstance(item, SessionMessage) else None)
                return item
        raise StopAsyncIteration

    def _note(self, message: object) -> None:
        """Requests are answered, unless the client took them back."""
        match message:
            case JSONRPCRequest():
                self._unanswered.add(message.id)
            case JSONRPCNotification(method="notifications/cancelled"):
                self._unanswered.discard((message.params or {}).get("requestId"))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        with anyio.CancelScope() as self._wait:
            yield
        self._wait = None


class _Writing(_Passing):
    def __init__(self, stream: Any, unanswered: set[str | int | None], answered: Callable[[], None]) -> None:
        super().__init__(stream)
        self._unanswered, self._answered = unanswered, answered

    async def send(self, message: SessionMessage) -> None:
        await self._stream.send(message)
        if isinstance(message.message, JSONRPCResponse | JSONRPCError):
            self._unanswered.discard(message.message.id)
            self._answered()
