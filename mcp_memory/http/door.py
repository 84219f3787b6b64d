"""The door before every route: who asks, whether they may, and how much. What is behind it is told by `asker_of`.

A path that is not listed as open is closed. A stream that stays open is looked at again and again: when its credential
holds no longer, it ends.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory import metering
from mcp_memory.errors import Error, Forbidden, Limited, Unauthorized
from mcp_memory.http.auth import challenges
from mcp_memory.http.auth.authenticator import MISSING, Asker, Authenticator
from mcp_memory.http.auth.tokens import WRONG
from mcp_memory.metering import Meter
from mcp_memory.model import Caller
from mcp_memory.recent import Recent
from mcp_memory.rights import READ
from mcp_memory.tenancy.admission import Admission

ASKER = "mcp_memory.asker"  # in the scope's state
OPEN = ("/health", "/ready", "/metrics", "/openapi.json")
UPLOADS = "/uploads/"  # an address of an upload is a credential itself
PATIENCE = 10  # refusals, less what was let in, after which who asks is not found out anew each time
MOST_COUNTED = 3 * PATIENCE
HOLD_SECONDS = 1.0  # that such a one waits for each refusal: who asks again at once would cost others a processor
MAX_HELD = 200  # of one tenant at once, a fifth of the connections there are by default; others are refused at once
LOOK_SECONDS = 1.0  # between two looks at the credentials of open streams
MAX_PEEK = 4 * 1024 * 1024  # bytes, as much as MCP takes
MAX_LIMITED = 256 * 1024  # of those who ask too much; ten observations of the greatest length are 160 kB
AT_HAND, AT_HAND_SECONDS = 64 * 1024, 0.05  # bytes, and how long they are waited for
PEEK_SECONDS = 30.0  # for all of it, as behind the door
SESSION = "mcp-session-id"
REFUSED = "refused"  # what is turned away here, whatever it asked for
LISTEN = "subscriptions/listen"
SLOW = PlainTextResponse(
    f"The body did not arrive within {PEEK_SECONDS:g} seconds: send it again, faster.", 408, {"Connection": "close"}
)


def asker_of(scope: Scope) -> Asker:
    """Raises Unauthorized where nobody came through the door, Limited where they ask too much."""
    asker = scope.get("state", {}).get(ASKER)
    if not isinstance(asker, Asker):
        raise Unauthorized(MISSING)
    if asker.limited is not None:
        metering.asked_by(asker.caller)
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

    def __init__(
        self, *, authenticator: Authenticator, admission: Admission, policy: Policy, meter: Meter | None = None
    ) -> None:
        self.authenticator, self.admission, self.policy = authenticator, admission, policy
        self.meter = meter or Meter()
        self.streams: set[_Stream] = set()
        self._lately: Recent[bytes, tuple[Asker, float, int]] = Recent()
        self._held: Counter[str] = Counter()

    async def asker(self, authorization: str | None) -> Asker:
        """Found out anew each time, but for who asks on and on though it is too much: they are told so a little later,
        and by what was found out a moment ago, so that it costs others nothing. Nobody is let in by it."""
        shown = sha256((authorization or "").encode("utf-8", "replace")).digest()
        known, at, times = self._lately.get(shown) or (None, 0.0, 0)
        refused = None if known is None else self.admission.refusal(known.caller.tenant, known.limits)
        times = max(0, times - 1) if refused is None else min(times + 1, MOST_COUNTED)
        if known is not None and refused is not None and times > PATIENCE:
            self._lately.put(shown, (known, at, times))
            await self._hold(known.caller.tenant)
            refused = self.admission.refusal(known.caller.tenant, known.limits)
            if refused is not None and self.admission.clock() - at < 2 * HOLD_SECONDS + LOOK_SECONDS:
                return replace(known, limited=refused)
        asker = await self.authenticator.asker(authorization)
        self._lately.put(shown, (asker, self.admission.clock(), times))
        return asker

    async def _hold(self, tenant: str) -> None:
        if self._held[tenant] >= MAX_HELD:
            return
        self._held[tenant] += 1
        place = self._held[tenant] / MAX_HELD  # so that those who came together do not come back together
        try:
            await anyio.sleep(HOLD_SECONDS * (1 + place))
        finally:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]

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
        caller: Caller | None = None
        receive = await _at_hand(scope, receive)
        with ExitStack() as counted:
            try:
                asker = replace(await self._entrance.asker(_authorization(scope)), base_url=base_url)
                caller = asker.caller
                asker = self._counted(asker, scope, counted)
                receive = await self._checked(asker, scope, receive)
            except Error as exc:
                return await self._refused(exc, caller, scope, base_url)(scope, receive, send)
            except TimeoutError:
                return await SLOW(scope, receive, send)
            await self._through(asker, scope, receive, send)

    def _refused(self, error: Error, caller: Caller | None, scope: Scope, base_url: str) -> Response:
        """Metered here, since it comes to no operation."""
        given = Headers(scope=scope).get(metering.HEADER)
        with self._entrance.meter.operation(REFUSED, caller, given) as operation:
            metering.failed(error.code)
            response = challenges.refused(error, scope["path"], base_url)
        response.headers[metering.HEADER] = operation.request_id
        return response

    def _counted(self, asker: Asker, scope: Scope, counted: ExitStack) -> Asker:
        tenant, limits = asker.caller.tenant, asker.limits
        if asker.limited is not None:
            return asker
        try:
            self._entrance.admission.spend(tenant, limits)
            if _opens_session(scope) and limits.sessions is not None:
                self._entrance.admission.check_sessions(self._entrance.policy.sessions(tenant), limits)
            admission = self._entrance.admission
            count = admission.streaming if _stays_open(scope) else admission.running  # who listens takes no turn
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
            body, receive = await _peeked(receive, MAX_LIMITED if asker.limited else MAX_PEEK)
            called = _tools_called(body)
        told = scope["path"].startswith("/mcp")  # over SSE clients wait for a message, and pass over a status
        for name in called if told else ():
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
    """And what is spelled a little otherwise: routes are found with a line end behind them too."""
    path: str = scope["path"]
    return path.startswith(("/mcp", "/sse", "/messages"))


def _stays_open(scope: Scope) -> bool:
    listens = _stands_alone(scope) and Headers(scope=scope).get(MCP_METHOD_HEADER) == LISTEN
    return _is_mcp(scope) and (scope["method"] == "GET" or listens)


def _opens_session(scope: Scope) -> bool:
    """As those before 2026-07-28 do, with a first message that names none."""
    opening = scope["path"].startswith("/mcp") and SESSION not in Headers(scope=scope)
    return opening and scope["method"] == "POST" and not _stands_alone(scope)


def _stands_alone(scope: Scope) -> bool:
    """As requests since 2026-07-28 do. The SDK refuses those whose headers say otherwise than their body."""
    version = Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER)
    return version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS


def _is_stream(start: Message) -> bool:
    headers = Headers(raw=list(start.get("headers", [])))
    return headers.get("content-type", "").startswith("text/event-stream")


async def _at_hand(scope: Scope, receive: Receive) -> Receive:
    """With what came along with the head, if it is little: of a client that has gone since nobody could read it later,
    and what it sent is to be done."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal() and 0 < int(length[:9]) <= AT_HAND) or "expect" in headers:
        return receive
    came: list[Message] = []
    with anyio.move_on_after(AT_HAND_SECONDS):
        came.append(await receive())

    async def given() -> Message:
        return came.pop() if came else await receive()

    return given


async def _peeked(receive: Receive, most: int) -> tuple[bytes, Receive]:
    """The body, and what gives it again to whoever is behind us. Of one that is longer than `most`, the beginning.
    Raises TimeoutError for one that does not come to its end."""
    read, more, gone = bytearray(), True, None
    with anyio.fail_after(PEEK_SECONDS):
        while more and len(read) <= most:
            message = await receive()
            if message["type"] != "http.request":
                gone, more = message, False
                break
            read += message.get("body", b"")
            more = message.get("more_body", False)
    body = bytes(read)  # in one piece: a client that sends a byte at a time is not to fill the memory with messages
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": more}]
    left = iter([gone] if gone is not None else first)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return body, again


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
