"""The memory service over HTTP: one pool of connections, asked a few times, and never led elsewhere.

The law of this file: no message, log or repr holds the key, a header, or what was sent.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

import anyio
import anyio.to_thread

from mcp_memory.backends.twilio.calls import Call
from mcp_memory.backends.twilio.replies import PASSING, PROFILE_ID, Reply, unpublished
from mcp_memory.errors import Closing, Error, NotFound, Unavailable

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

ATTEMPTS: Final = 3
FIRST_PAUSE: Final = 0.5  # seconds, at most; doubled each time, and all of it left to chance
CONNECT: Final = 5.0  # seconds: whoever does not open the door by then is not there
LONGEST_WAIT: Final = 10.0  # seconds, if Retry-After says so: whoever called a tool waits for it
MAX_REPLY: Final = 32 * 1024 * 1024  # bytes
MAX_HOPS: Final = 3
CONNECTIONS: Final = 20
KEPT_ALIVE: Final = 60.0  # seconds
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class _Failed(Exception):
    """An attempt that came to nothing, and another one may not. `undone`: it is certain that nothing was done by it.
    `wait`: seconds that the service asks for."""

    def __init__(self, error: Error, *, undone: bool = False, wait: float | None = None) -> None:
        super().__init__()
        self.error, self.undone, self.wait = error, undone, wait


class Client:
    """`transport`, `now`, `sleep` and `chance` are the world, for whoever has none."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        key_secret: str,
        *,
        timeout: float,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key_id, key_secret
        self._timeout = timeout
        self.now, self.sleep, self._chance = now, sleep, chance
        self._transport = transport
        self._making = anyio.Lock()
        self._http: httpx2.AsyncClient | None = None
        self._closed = False

    async def send(
        self,
        call: Call,
        *at: str,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
        if_match: str | None = None,
    ) -> Reply:
        """The reply of success; `at`: what stands for each {} of the call. Raises what the service refused it with, or
        Unavailable. Where a profile is part of another, that one answers."""
        headers = {} if if_match is None else {"If-Match": if_match}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        path = call.path(at)
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        for _ in range(MAX_HOPS + 1):
            reply = await self._tried(call, path, given, content, headers)
            if reply.status < 300:
                return reply
            path, given = self._moved(call, reply, given)
        raise unpublished(call.name, reply.status)

    async def close(self) -> None:
        self._closed = True
        with anyio.CancelScope(shield=True):
            async with self._making:
                http, self._http = self._http, None
                if http is not None:
                    await http.aclose()

    async def _tried(
        self, call: Call, path: str, query: Mapping[str, str], content: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        repeats = call.repeats and "If-Match" not in headers  # once done, the version is another
        lost = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(call, path, query, content, headers)
            except NotFound:
                if lost and call.method == "DELETE":  # an attempt before this one did it
                    return Reply(name=call.name, status=202, headers={}, body=b"{}", path=path)
                raise
            except _Failed as failed:
                lost = lost or not failed.undone
                if lost and not repeats:
                    raise Unavailable(
                        f"{failed.error} It is not known whether anything was done. {call.lost}"
                    ) from failed
                chance = FIRST_PAUSE * 2 ** (attempt - 1) * self._chance()
                pause = chance if failed.wait is None else failed.wait
                if attempt == ATTEMPTS or pause > LONGEST_WAIT:
                    raise failed.error from failed
            log.info("%s: attempt %d failed, trying again", call.name, attempt)
            await self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, call: Call, path: str, query: Mapping[str, str], content: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        http = await self._connected()
        import httpx2

        request = http.build_request(
            call.method, self._base_url + path, params=query or None, content=content, headers=dict(headers)
        )
        try:
            with anyio.fail_after(self._timeout):  # the client's timeout is for each piece; here is the one for all
                response = await http.send(request, stream=True)
                received = await _received(call, response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as exc:
            error = Unavailable("The memory service can't be reached. Check the network, and twilio_base_url if set.")
            raise _Failed(error, undone=True) from exc
        except (httpx2.TimeoutException, TimeoutError) as exc:
            slow = f"The memory service took longer than {self._timeout:g} s (twilio_timeout)."
            raise _Failed(Unavailable(slow)) from exc
        except (httpx2.TransportError, httpx2.InvalidURL) as exc:
            raise _Failed(Unavailable("The connection to the memory service broke.")) from exc
        known = {name.lower(): value for name, value in response.headers.items()}
        reply = Reply(name=call.name, status=response.status_code, headers=known, body=received, path=path)
        return self._judged(call, reply)

    def _judged(self, call: Call, reply: Reply) -> Reply:
        """Raises _Failed where another attempt may do, and Error where none will."""
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise reply.unpublished()  # nobody asked for it: a small reply must not become a large one
        moved = reply.status == 308 or (reply.status == 301 and call.method == "GET")
        if 200 <= reply.status < 300 or moved:
            return reply
        if 300 <= reply.status < 400:
            raise reply.unpublished()
        now = self.now()
        error = reply.refusal(now, self.secrets())
        if reply.status not in PASSING:
            raise error
        wait = reply.wait(now)
        raise _Failed(error, undone=reply.status == 429, wait=wait)

    def _moved(self, call: Call, reply: Reply, query: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Where to: only to another profile of the same store, and what was asked of it. The key goes nowhere else."""
        try:
            here = urlsplit(self._base_url + reply.path)
            there = urlsplit(urljoin(self._base_url + reply.path, reply.headers.get("location", "")))
            same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
        except ValueError:
            raise reply.unpublished() from None
        alike = PROFILE_ID.sub("{}", here.path) == PROFILE_ID.sub("{}", there.path)
        if not same or "@" in there.netloc or not alike or here.path == there.path:
            raise unpublished(call.name, reply.status)
        prefix = urlsplit(self._base_url).path
        return there.path.removeprefix(prefix), dict(parse_qsl(there.query)) or dict(query)

    def secrets(self) -> tuple[str, ...]:
        """What no message may repeat, whoever says it."""
        return self._key[1], b64encode(":".join(self._key).encode()).decode()

    async def _connected(self) -> "httpx2.AsyncClient":
        if self._http is not None:
            return self._http
        async with self._making:
            if self._closed:
                raise Closing("The memory is closing.")
            if self._http is None:
                try:
                    self._http = await anyio.to_thread.run_sync(self._made)  # it reads certificates
                except (OSError, ValueError, ImportError) as exc:
                    raise Unavailable(
                        "The environment's settings for proxies or certificates can't be used "
                        "(HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like)."
                    ) from exc
            return self._http

    def _made(self) -> "httpx2.AsyncClient":
        import httpx2  # 0.1 s: only for whoever uses the service

        return httpx2.AsyncClient(
            auth=httpx2.BasicAuth(*self._key),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mcp-memory"},
            follow_redirects=False,
            timeout=httpx2.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            limits=httpx2.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEPT_ALIVE
            ),
            # A proxy is for what is elsewhere: it can't reach this machine's loopback.
            trust_env=urlsplit(self._base_url).hostname not in LOOPBACK,
            transport=self._transport,
        )


async def _received(call: Call, response: "httpx2.Response") -> bytes:
    received = bytearray()
    try:
        async for piece in response.aiter_raw():
            received += piece
            if len(received) > MAX_REPLY:
                raise unpublished(call.name, response.status_code)
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
    return bytes(received)
