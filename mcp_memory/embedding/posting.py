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

from mcp_memory.embedding.breaker import Breaker
from mcp_memory.embedding.replies import Failed, read
from mcp_memory.errors import Unavailable

if TYPE_CHECKING:
    import httpx2

ATTEMPTS: Final = 3
DEADLINE: Final = 2.0  # timeouts: how long attempts and the pauses between them may take together
FIRST_PAUSE: Final = 0.25  # seconds; doubled each time, and up to half of it left to chance
LEAST: Final = 0.05  # seconds for an attempt that began just before the deadline
REST: Final = 10.0  # seconds an endpoint is left alone after it failed
MAX_REPLY: Final = 64 * 1024 * 1024  # bytes; 64 vectors of 4,096 numbers are 6 MB
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Poster:
    """May be used by several threads at once. `clock` and `sleep` are the time, for whoever has none to lose."""

    def __init__(
        self,
        url: str,
        key: str | None,
        timeout: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url, self._key, self._timeout = url, key, timeout
        self._clock, self._sleep = clock, sleep
        self._breaker = Breaker(clock)
        self._making = threading.Lock()
        self._client: httpx2.Client | None = None

    def post(self, request: Mapping[str, Any], understood: Callable[[Any], Any]) -> Any:
        """What `understood` makes of the reply's JSON; it raises Failed if that is nothing. Raises Unavailable."""
        self._breaker.admit(trial=self._timeout * DEADLINE)
        try:
            found = understood(self._tried(json.dumps(request).encode()))
        except Failed as exc:
            if exc.lasts:
                self._breaker.open(str(exc), max(REST, exc.wait))
            else:
                self._breaker.close()
            raise Unavailable(str(exc)) from exc
        self._breaker.close()
        return found

    def close(self) -> None:
        with self._making:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _tried(self, body: bytes) -> Any:
        deadline = self._clock() + self._timeout * DEADLINE
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(body, min(self._timeout, max(deadline - self._clock(), LEAST)))
            except Failed as exc:
                pause = max(exc.wait, FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))
                if not exc.again or attempt == ATTEMPTS - 1 or self._clock() + pause >= deadline:
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
            raise _slow(self._timeout) from exc
        except (httpx2.TransportError, httpx2.InvalidURL) as exc:
            raise Failed(
                "The embedding endpoint can't be reached. Check embedding_url, and that it is running.", again=True
            ) from exc
        return read(response.status_code, response.headers, received, datetime.now(UTC))

    def _received(self, response: "httpx2.Response", deadline: float) -> bytes:
        """The client's timeout is for each piece of a reply; here is the one for all, and a bound on the size."""
        received = bytearray()
        for piece in response.iter_raw():  # not decoded: a small reply must not become a large one
            received += piece
            if len(received) > MAX_REPLY:
                raise Failed(f"The embedding endpoint's reply is longer than {MAX_REPLY // 2**20} MB.")
            if self._clock() > deadline:
                raise _slow(self._timeout)
        return bytes(received)

    def _connected(self) -> "httpx2.Client":
        with self._making:
            if self._client is None:
                try:
                    self._client = self._made()
                except (OSError, ValueError, ImportError) as exc:  # no such certificates, proxy, or kind of proxy
                    raise Failed(
                        "The environment's settings for proxies or certificates can't be used "
                        "(HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and the like)."
                    ) from exc
            return self._client

    def _made(self) -> "httpx2.Client":
        import httpx2  # 0.1 s: only for whoever uses an endpoint

        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        # A proxy is for what is elsewhere: it can't reach this machine's loopback.
        elsewhere = urlsplit(self._url).hostname not in LOOPBACK
        return httpx2.Client(headers=headers, follow_redirects=False, trust_env=elsewhere)


def _slow(timeout: float) -> Failed:
    return Failed(
        f"The embedding endpoint took longer than {timeout:g} s. Look whether it is overloaded, or raise "
        "embedding_timeout.",
        again=True,
    )
