"""JSON to an HTTP endpoint and back: tried a few times, within a deadline, and not asked while it is down.

The law of this file: no message, log or repr holds the key, the address, a text, or anything the endpoint said.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcp_memory.endpoints.breaker import Breaker
from mcp_memory.endpoints.replies import Called, Failed, read
from mcp_memory.errors import Unavailable

if TYPE_CHECKING:
    import httpx2

ATTEMPTS: Final = 3
DEADLINE: Final = 2.0  # timeouts: how long attempts and the pauses between them may take together
FIRST_PAUSE: Final = 0.25  # seconds; doubled each time, and up to half of it left to chance
LEAST: Final = 0.05  # seconds for an attempt that began just before the deadline
REST: Final = 10.0  # seconds an endpoint is left alone after it failed
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def bearer(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


class Poster:
    """May be used by several threads at once. `clock` and `sleep` are the time, for whoever has none to lose."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        called: Called,
        *,
        keeps: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url`: without the path. `headers`: those with the key. `keeps`: connections, until it is closed; without,
        each call opens its own."""
        self._url, self._headers, self._timeout = f"{url.rstrip('/')}{called.path}", dict(headers), timeout
        self._called, self._keeps, self._clock, self._sleep = called, keeps, clock, sleep
        self._breaker = Breaker(clock)
        self._making = threading.Lock()
        self._client: httpx2.Client | None = None

    def post(self, request: Mapping[str, Any], understood: Callable[[Any], Any]) -> Any:
        """What `understood` makes of the reply's JSON; it raises Failed if that is nothing. Raises Unavailable."""
        try:
            return self.ask(request, understood, seconds=self._timeout * DEADLINE)
        except Failed as exc:
            raise Unavailable(str(exc)) from exc

    def ask(
        self,
        request: Mapping[str, Any],
        understood: Callable[[Any], Any],
        *,
        seconds: float,
        attempts: int = ATTEMPTS,
    ) -> Any:
        """As `post`, within so many seconds in all. Raises Failed, and Unavailable while the endpoint is left alone."""
        self._breaker.admit(trial=seconds)
        try:
            found = understood(self._tried(json.dumps(request).encode(), self._clock() + seconds, attempts))
        except Failed as exc:
            if exc.lasts:
                self._breaker.open(str(exc), max(REST, exc.wait))
            else:
                self._breaker.close()
            raise
        self._breaker.close()
        return found

    def close(self) -> None:
        with self._making:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _tried(self, body: bytes, deadline: float, attempts: int) -> Any:
        for attempt in range(attempts):
            try:
                return self._attempt(body, min(self._timeout, max(deadline - self._clock(), LEAST)))
            except Failed as exc:
                pause = max(exc.wait, FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))
                if not exc.again or attempt == attempts - 1 or self._clock() + pause >= deadline:
                    raise
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, body: bytes, seconds: float) -> Any:
        client, deadline = self._connected(), self._clock() + seconds
        import httpx2

        try:
            with client.stream("POST", self._url, content=body, timeout=seconds) as response:
                received = self._received(response, deadline)
        except httpx2.TimeoutException as exc:
            raise self._slow() from exc
        except (httpx2.TransportError, httpx2.InvalidURL) as exc:
            advice = f"Check {self._called.settings}url, and that it is running."
            raise Failed(f"{self._called.what} can't be reached. {advice}", again=True) from exc
        finally:
            if not self._keeps:
                client.close()
        return read(response.status_code, response.headers, received, datetime.now(UTC), self._called)

    def _received(self, response: "httpx2.Response", deadline: float) -> bytes:
        """The client's timeout is for each piece of a reply; here is the one for all, and a bound on the size."""
        received = bytearray()
        for piece in response.iter_raw():  # not decoded: a small reply must not become a large one
            received += piece
            if len(received) > self._called.longest:
                raise Failed(f"{self._called.what}'s reply is longer than {self._called.longest // 2**20} MB.")
            if self._clock() > deadline:
                raise self._slow()
        return bytes(received)

    def _slow(self) -> Failed:
        return Failed(
            f"{self._called.what} took longer than {self._timeout:g} s. Look whether it is overloaded, or raise "
            f"{self._called.settings}timeout.",
            again=True,
        )

    def _connected(self) -> "httpx2.Client":
        with self._making:
            if self._client is not None:
                return self._client
            try:
                made = self._made()
            except (OSError, ValueError, ImportError) as exc:  # no such certificates, proxy, or kind of proxy
                raise Failed(
                    "The environment's settings for proxies or certificates can't be used "
                    "(HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like)."
                ) from exc
            self._client = made if self._keeps else None
            return made

    def _made(self) -> "httpx2.Client":
        import httpx2  # 0.1 s: only for whoever uses an endpoint

        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        # A proxy is for what is elsewhere: it can't reach this machine's loopback.
        elsewhere = urlsplit(self._url).hostname not in LOOPBACK
        return httpx2.Client(headers={**headers, **self._headers}, follow_redirects=False, trust_env=elsewhere)
