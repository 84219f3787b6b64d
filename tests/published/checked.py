"""Holds every exchange that passes through against the published document: around an ASGI app, or around a transport.

What is under neither /v1/ nor /v2/ passes unseen.
"""

from typing import Any

import httpx2
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .document import Document, document_of
from .rules import Request, Response, check_request, check_response
from .streams import decoded

SEEN = ("/v1/", "/v2/")


class Checked:
    """An ASGI app around another. Raises AssertionError towards whoever called it, and keeps what it raised.

    `requests=False` is for tests that ask wrongly on purpose; answers are held to the document all the same.
    `also`: statuses of failures that are answered though the document does not list them. `ours`: ends of paths that it
    does not have, on purpose, and that pass unseen.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        requests: bool = True,
        also: frozenset[int] = frozenset(),
        ours: tuple[str, ...] = (),
        document: Document | None = None,
    ) -> None:
        self._app, self._requests, self._also, self._ours = app, requests, also, ours
        self._document = document
        self.complaints: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(SEEN) or path.endswith(self._ours):
            await self._app(scope, receive, send)
            return
        body, again = await _read(receive)
        document = self._document or document_of(scope["path"])
        if self._requests:
            self._keep(check_request, document, _request(scope, body))
        sent: list[Message] = []
        try:
            await self._app(scope, again, _keeping(sent))
        except BaseException:
            await _pass_on(sent, send)  # half an answer, and then nothing: what a lost connection looks like
            raise
        self._keep(check_response, document, scope["method"], _path(scope), _response(sent), self._also)
        await _pass_on(sent, send)

    def _keep(self, check: Any, *arguments: Any) -> None:
        try:
            check(*arguments)
        except AssertionError as wrong:
            self.complaints.append(str(wrong))
            raise


class CheckedTransport(httpx2.AsyncBaseTransport):
    """A transport around another, for a server in another process."""

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        *,
        requests: bool = True,
        also: frozenset[int] = frozenset(),
        document: Document | None = None,
    ) -> None:
        self._transport, self._requests, self._also = transport, requests, also
        self._document = document

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        if not path.startswith(SEEN):
            return await self._transport.handle_async_request(request)
        await request.aread()
        document = self._document or document_of(path)
        if self._requests:
            body = decoded(request.content, request.headers.get("content-encoding"))
            check_request(document, Request(request.method, path, query, _lower(request.headers), body))
        response = await self._transport.handle_async_request(request)
        await response.aread()
        seen = Response(response.status_code, _lower(response.headers), response.content)
        check_response(document, request.method, path, seen, self._also)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


def _lower(headers: httpx2.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a `receive` that tells it once more."""
    body, more, messages = b"", True, []
    while more:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, again


def _keeping(sent: list[Message]) -> Send:
    async def send(message: Message) -> None:
        sent.append(message)

    return send


async def _pass_on(sent: list[Message], send: Send) -> None:
    for message in sent:
        await send(message)


def _path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("ascii").partition("?")[0]


def _headers(raw: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def _request(scope: Scope, body: bytes) -> Request:
    headers = _headers(scope["headers"])
    plain = decoded(body, headers.get("content-encoding"))
    return Request(scope["method"], _path(scope), scope["query_string"].decode("ascii"), headers, plain)


def _response(sent: list[Message]) -> Response:
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    headers = _headers(start["headers"])
    return Response(start["status"], headers, decoded(body, headers.get("content-encoding")))
