"""What happens around every call: who asks, what they sent, whether they sent it before, and what they are answered."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import anyio
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mcp_memory import metering
from mcp_memory.errors import Conflict, Error, Forbidden
from mcp_memory.http.api import bodies, problems
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.problems import CONFLICT, INTERNAL, INVALID, Refused
from mcp_memory.http.auth import challenges
from mcp_memory.http.auth.authenticator import Asker
from mcp_memory.http.door import asker_of
from mcp_memory.import_queue import ImportQueue
from mcp_memory.metering import Meter
from mcp_memory.model import Caller
from mcp_memory.operations import Reply
from mcp_memory.service import Memory
from mcp_memory.text import clean
from mcp_memory.wire.pages import MovedBody

log = logging.getLogger(__name__)

PREFIX, OF_CONVERSATIONS = "/v1", "/v2"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Done twice, they leave what they leave done once: what is added again is a duplicate. But a conversation that is begun
# again is another one, and so is what is said in it.
REPEATABLE = {("POST", PREFIX), ("PUT", PREFIX), ("PUT", OF_CONVERSATIONS)}
READS_BY_POST = ("/Lookup", "/Recall")
SEVERAL = ("status",)  # of all there is in a query, what may be given more than once
MAX_KEY = 255  # characters
REPLAYED = "Idempotency-Replayed"
CANONICAL = "Canonical-Profile-Id"
OUTCOMES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "limited"}

Call = Callable[[Request], Awaitable[Response]]


async def _everybody(tenant: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Front:
    """`active`: whether a tenant is served, asked for those who bring a file without a credential. `transparent`: a
    merged profile's old id is answered as if it were the new one, rather than redirected.
    `imports`: where files are brought to; without, none are."""

    memory: Memory
    now: Callable[[], datetime]
    active: Callable[[str], Awaitable[bool]] = _everybody
    transparent: bool = False
    imports: ImportQueue | None = None
    meter: Meter = field(default_factory=Meter)


class ApiRequest(Request):
    """`canonical`: the profile that the one asked for is part of, where it is answered all the same."""

    canonical: str | None = None
    asker: Asker
    _sent: bytes = b""
    _value: Any = None

    @property
    def caller(self) -> Caller:
        return self.asker.caller

    @property
    def front(self) -> Front:
        front: Front = self.app.state.front
        return front

    async def load(self) -> bytes:
        self._sent = await bodies.read(self)
        if self._sent:
            self._value = bodies.parsed(self._sent, self.headers.get("content-type"))
        return self._sent

    async def body(self) -> bytes:
        return self._sent

    async def json(self) -> Any:
        return self._value


class Moved(Exception):
    def __init__(self, profile_id: str, into_id: str) -> None:
        super().__init__(profile_id)
        self.profile_id, self.into_id = profile_id, into_id


class ApiRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        call, path, name = super().get_route_handler(), self.path_format, self.operation_id or self.path_format

        async def handle(given: Request) -> Response:
            request = ApiRequest(given.scope, given.receive)
            response = await answered(request, name, path, lambda: _asked(request, call))
            if request.canonical is not None:
                response.headers[CANONICAL] = request.canonical
            return response

        return handle


async def _asked(request: ApiRequest, call: Call) -> Response:
    request.asker = asker_of(request.scope)
    metering.asked_by(request.caller)
    _check_query(request)
    body = await request.load() if request.method in WRITES and request.method != "DELETE" else b""
    return await _once(request, body, call)


async def answered(request: Request, name: str, path: str, work: Callable[[], Awaitable[Response]]) -> Response:
    """The door, metered: whatever is raised behind it is an answer in the published shape."""
    front: Front = request.app.state.front
    given = request.headers.get(metering.HEADER)
    with front.meter.operation(name, request_id=given, carrier=request.headers) as operation:
        response = await _answered(request, path, work)
    response.headers[metering.HEADER] = operation.request_id
    return response


async def _answered(request: Request, path: str, work: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await work()
    except Refused as exc:
        metering.failed(OUTCOMES.get(exc.status, metering.INVALID))
        return problems.refusal(exc.status, exc.code, exc.message, exc.headers)
    except Moved as exc:
        return _moved(request, exc)
    except RequestValidationError as exc:
        metering.failed(metering.INVALID)
        return problems.of_validation(list(exc.errors()), path)
    except Forbidden as exc:
        return challenges.refused(exc, request.url.path, asker_of(request.scope).base_url)
    except Error as exc:
        metering.failed(exc.code)
        return problems.of_error(exc, request.method, path)
    except ClientDisconnect:
        metering.failed(metering.CANCELLED)
        return problems.refusal(400, INVALID, "The connection ended before the body did.")
    except Exception:
        metering.failed(metering.INTERNAL)
        log.exception("%s %s failed", request.method, path)
        return problems.refusal(500, INTERNAL, "It failed here, not with you: the log says why. Try again later.")


def _check_query(request: Request) -> None:
    """Raises Refused: of two values, one would count for nothing."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name in seen and name not in SEVERAL:
            raise Refused(400, INVALID, f"{clean(name)[:100]} is given twice in the query: give it once.")
        seen.add(name)


async def _once(request: ApiRequest, body: bytes, call: Call) -> Response:
    """With an Idempotency-Key, a write that succeeded is not made again, but answered again."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method not in WRITES or request.url.path.endswith(READS_BY_POST):
        return await call(request)
    if not (1 <= len(key) <= MAX_KEY and key.isprintable()):
        raise Refused(400, INVALID, f"Idempotency-Key must be 1 to {MAX_KEY} printable characters.")
    memory, caller = request.front.memory, request.caller
    try:
        repeatable = (request.method, request.url.path[: len(PREFIX)]) in REPEATABLE
        reply = await memory.begin_request(caller, key, _digest(request, body), repeatable)
    except Conflict as exc:
        raise Refused(409, CONFLICT, str(exc)) from exc
    if reply is not None:
        return Answer(reply.body, reply.status, {**dict(reply.headers), REPLAYED: "true"})
    done: Reply | None = None
    try:
        response = await call(request)
        if 200 <= response.status_code < 300:
            done = Reply(status=response.status_code, headers=_kept(response), body=bytes(response.body))
        return response
    finally:
        with anyio.CancelScope(shield=True):
            await memory.end_request(caller, key, done)


def _digest(request: Request, body: bytes) -> bytes:
    """Of what is asked, by whatever name the server is called."""
    asked = (request.method, request.url.path, request.url.query)
    return sha256(b"\0".join((*(part.encode("utf-8", "replace") for part in asked), body))).digest()


def _kept(response: Response) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in response.headers.items() if name != "content-length")


def _moved(request: Request, moved: Moved) -> Response:
    """To the same place under the profile that it is part of now."""
    url, base_url = request.url, asker_of(request.scope).base_url
    path = quote(request.scope["path"].replace(moved.profile_id, moved.into_id, 1), safe="/:")
    uri = f"{base_url}{path}" + (f"?{url.query}" if url.query else "")
    status = 301 if request.method == "GET" else 308
    return answer(MovedBody(uri=uri), status, {"Location": uri, CANONICAL: moved.into_id})
