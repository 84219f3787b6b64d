"""The door before every route: who asks, whether they may, and how much. What is behind it is told by `asker_of`.

A path that is not listed as open is closed. A stream that stays open is looked at again and again: when its credential
holds no longer, it ends.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.errors import Error, Forbidden, Limited, Unauthorized
from mcp_memory.http.auth import challenges
from mcp_memory.http.auth.authenticator import MISSING, Asker, Authenticator
from mcp_memory.http.auth.tokens import WRONG
from mcp_memory.rights import READ
from mcp_memory.tenancy.admission import Admission

ASKER = "mcp_memory.asker"  # in the scope's state
OPEN = ("/health", "/ready", "/metrics", "/openapi.json")
UPLOADS = "/uploads/"  # an address of an upload is a credential itself
LOOK_SECONDS = 1.0  # between two looks at the credentials of open streams
MAX_PEEK = 4 * 1024 * 1024  # bytes, as much as MCP takes
SESSION = "mcp-session-id"


def asker_of(scope: Scope) -> Asker:
    """Raises Unauthorized where nobody came through the door, Limited where they ask too much."""
    asker = scope.get("state", {}).get(ASKER)
    if not isinstance(asker, Asker):
        raise Unauthorized(MISSING)
    if asker.limited is not None:
        raise asker.limited
    return asker


def _no_sessions(tenant: str) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`rights`: of each tool, by name. `base_url`: how clients reach us, without a slash at the end. `issuers`: whose
    tokens are taken. `sessions`: how many MCP sessions a tenant has open."""

    rights: Mapping[str, str]
    base_url: Callable[[Scope], str]
    issuers: Callable[[], list[str]] = list
    sessions: Callable[[str], int] = _no_sessions


@dataclass(eq=False)
class _Stream:
    asker: Asker
    authorization: str | None
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Entrance:
    """What all doors of a server share. `watch` is to run meanwhile."""

    def __init__(self, *, authenticator: Authenticator, admission: Admission, policy: Policy) -> None:
        self.authenticator, self.admission, self.policy = authenticator, admission, policy
        self.streams: set[_Stream] = set()

    async def watch(self) -> None:
        """Until it is cancelled: ends the streams of those who may no longer listen."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            for stream in list(self.streams):
                if not await self._still(stream):
                    stream.cancel.cancel()

    async def _still(self, stream: _Stream) -> bool:
        try:
            now = await self.authenticator.asker(stream.authorization)
        except Unauthorized:
            return False
        except Error:  # nobody can say just now
            return True
        return now.session == stream.asker.session and now.caller.rights >= stream.asker.caller.rights


class Door:
    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._app, self._entrance = app, entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path in OPEN or path.startswith(UPLOADS):
            return await self._app(scope, receive, send)
        base_url = self._entrance.policy.base_url(scope)
        if path.startswith(challenges.METADATA):
            return await challenges.metadata(base_url, self._entrance.policy.issuers())(scope, receive, send)
        with ExitStack() as counted:
            try:
                asker = replace(await self._entrance.authenticator.asker(_authorization(scope)), base_url=base_url)
                asker = self._counted(asker, scope, counted)
                receive = await self._checked(asker, scope, receive)
            except Error as exc:
                return await challenges.refused(exc, path, base_url)(scope, receive, send)
            await self._through(asker, scope, receive, send)

    def _counted(self, asker: Asker, scope: Scope, counted: ExitStack) -> Asker:
        tenant, limits = asker.caller.tenant, asker.limits
        try:
            self._entrance.admission.spend(tenant, limits)
            if _opens_session(scope) and limits.sessions is not None:
                self._entrance.admission.check_sessions(self._entrance.policy.sessions(tenant), limits)
            admission = self._entrance.admission
            count = admission.streaming if _stays_open(scope) else admission.running
            counted.enter_context(count(tenant, limits))
        except Limited as exc:
            return replace(asker, limited=exc)
        return asker

    async def _checked(self, asker: Asker, scope: Scope, receive: Receive) -> Receive:
        """What a model asks for too often it is told as the result of its tool: hosts show it nothing else."""
        rights = asker.caller.rights
        if READ not in rights:
            raise Forbidden(f"This credential has no scope that is known here: it takes {READ}.", READ)
        is_message = _is_mcp(scope) and scope["method"] == "POST"
        called: list[str] = []
        if is_message and (asker.limited or not rights.issuperset(self._entrance.policy.rights.values())):
            body, receive = await _peeked(receive)
            called = _tools_called(body)
        for name in called:
            if (right := self._entrance.policy.rights.get(name, READ)) not in rights:
                raise Forbidden(f"This credential may not do that: it takes the scope {right}.", right)
        if asker.limited and not called:
            raise asker.limited
        return receive

    async def _through(self, asker: Asker, scope: Scope, receive: Receive, send: Send) -> None:
        stream = _Stream(asker, _authorization(scope))
        state = {**scope.get("state", {}), ASKER: asker}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_stream(message):
                self._entrance.streams.add(stream)
            await send(message)

        try:
            with stream.cancel:
                await self._app({**scope, "state": state, "user": _user(asker)}, receive, watch)
        finally:
            self._entrance.streams.discard(stream)


def _authorization(scope: Scope) -> str | None:
    """Of two, nobody could say which counts."""
    given = Headers(scope=scope).getlist("authorization")
    if len(given) > 1:
        raise Unauthorized(WRONG)
    return given[0] if given else None


def _user(asker: Asker) -> AuthenticatedUser:
    """What the SDK binds sessions to."""
    token = AccessToken(
        token="", client_id=asker.caller.tenant, scopes=sorted(asker.caller.rights), subject=asker.session
    )
    return AuthenticatedUser(token)


def _is_mcp(scope: Scope) -> bool:
    path: str = scope["path"]
    return path in ("/mcp", "/mcp/", "/sse") or path.startswith("/messages")


def _opens_session(scope: Scope) -> bool:
    """As those before 2026-07-28 do, with a first message that names none. Later ones have no sessions."""
    is_new = scope["method"] == "POST" and SESSION not in Headers(scope=scope)
    return is_new and scope["path"].startswith("/mcp") and not _is_modern(scope)


def _stays_open(scope: Scope) -> bool:
    """What only listens takes nobody's turn. Since 2026-07-28 it is a POST, whose header and body say the same, or it
    is refused behind us."""
    if scope["method"] == "POST":
        listens = Headers(scope=scope).get(MCP_METHOD_HEADER) == "subscriptions/listen"
        return listens and scope["path"].startswith("/mcp") and _is_modern(scope)
    return _is_mcp(scope) and bool(scope["method"] == "GET")


def _is_modern(scope: Scope) -> bool:
    """By what the SDK tells them apart by."""
    return Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER) in MODERN_PROTOCOL_VERSIONS


def _is_stream(start: Message) -> bool:
    headers = Headers(raw=list(start.get("headers", [])))
    return headers.get("content-type", "").startswith("text/event-stream")


async def _peeked(receive: Receive) -> tuple[bytes, Receive]:
    """The body, and what gives it again to whoever is behind us. Of one that is too long, the beginning: it is refused
    there."""
    messages: list[Message] = []
    size, more = 0, True
    while more and size <= MAX_PEEK:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    left = iter(messages)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return b"".join(message.get("body", b"") for message in messages), again


def _tools_called(body: bytes) -> list[str]:
    """What is no message is refused behind us."""
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError):
        return []
    messages = sent if isinstance(sent, list) else [sent]
    calls = [one for one in messages if isinstance(one, dict) and one.get("method") == "tools/call"]
    params = [one.get("params") for one in calls]
    return [str(one.get("name", "")) if isinstance(one, dict) else "" for one in params]
