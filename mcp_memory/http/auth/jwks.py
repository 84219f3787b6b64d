"""The keys of issuers, fetched when a token first asks for them, and held.

The law of this file: no token makes more than one fetch every ten seconds, whatever it says and however many there are.
No log holds what an issuer answered, but for where its keys are.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from mcp_memory.errors import Closing, Invalid, Unavailable
from mcp_memory.http.auth.key_set import Key, PublicKey, Unusable, chosen_key, usable_keys
from mcp_memory.tenancy.issuers import Issuer, checked_url, is_loopback

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

FRESH: Final = timedelta(minutes=10)
KEPT: Final = timedelta(hours=24)  # while the issuer is down: longer, and a key that was withdrawn would still do
PAUSE: Final = timedelta(seconds=10)  # between two fetches from one issuer, whatever came of the first
TIMEOUT: Final = 5.0  # seconds, for all of a fetch: whoever sent the token waits for it
MAX_BODY: Final = 256 * 1024  # bytes; a key is 400 to 3,000
DISCOVERY: Final = "/.well-known/openid-configuration"


class _Held:
    """What is known of one issuer. Times of the wall clock: set back, it only makes for one more fetch."""

    def __init__(self) -> None:
        self.keys: tuple[Key, ...] = ()
        self.fetched_at: datetime | None = None
        self.tried_at: datetime | None = None
        self.fetching = anyio.Lock()

    def fresh(self, now: datetime) -> bool:
        return self.fetched_at is not None and timedelta(0) <= now - self.fetched_at < FRESH

    def kept(self, now: datetime) -> bool:
        return self.fetched_at is not None and now - self.fetched_at < KEPT

    def resting(self, now: datetime) -> bool:
        return self.tried_at is not None and timedelta(0) <= now - self.tried_at < PAUSE


class KeySets:
    """Of all issuers. `transport` and `now` are the world, for whoever has none."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        timeout: float = TIMEOUT,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._now, self._timeout, self._transport = now, timeout, transport
        self._held: dict[Issuer, _Held] = {}
        self._clients: dict[bool, httpx2.AsyncClient] = {}
        self._making = anyio.Lock()
        self._fetches: set[anyio.CancelScope] = set()
        self._closed = False

    async def key(self, issuer: Issuer, algorithm: str, kid: str | None) -> PublicKey | None:
        """The one that a token of this issuer is to be checked with; None where there is none, or more than one.

        Raises Unavailable where the issuer's keys can't be fetched and none are held.
        """
        self._check_open()
        held = self._held.setdefault(issuer, _Held())
        found = self._found(held, algorithm, kid)
        # With a key in hand that is no longer fresh, one asks whether it still is; nobody else waits for the answer.
        if found is None or not (held.fresh(self._now()) or held.fetching.locked()):
            async with held.fetching:
                self._check_open()
                found = self._found(held, algorithm, kid)
                if (found is None or not held.fresh(self._now())) and not held.resting(self._now()):
                    await self._fetch(issuer, held)
                    found = self._found(held, algorithm, kid)
        if not held.kept(self._now()):
            raise Unavailable("The keys of the token's issuer can't be fetched now. Try again later.")
        return found

    async def close(self) -> None:
        self._closed = True
        for fetch in self._fetches:
            fetch.cancel()
        with anyio.CancelScope(shield=True):
            for held in self._held.values():
                async with held.fetching:
                    pass
            async with self._making:
                clients, self._clients = list(self._clients.values()), {}
                for client in clients:
                    await client.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise Closing("The memory is closing.")

    def _found(self, held: _Held, algorithm: str, kid: str | None) -> PublicKey | None:
        return chosen_key(held.keys, algorithm, kid) if held.kept(self._now()) else None

    async def _fetch(self, issuer: Issuer, held: _Held) -> None:
        """Whoever waits for it may go away meanwhile: others wait for it too."""
        held.tried_at = self._now()
        why = f"it took longer than {self._timeout:g} s"
        with anyio.move_on_after(self._timeout, shield=True) as fetch:
            self._fetches.add(fetch)
            try:
                held.keys = usable_keys(await self._document(await self._address(issuer)), issuer.algorithms)
                held.fetched_at, why = self._now(), "" if held.keys else "it publishes none that can be used"
            except Unusable as exc:
                why = str(exc)
            finally:
                self._fetches.discard(fetch)
        self._check_open()
        if why:
            log.warning("No keys from the issuer %s: %s.", issuer.url, why)

    async def _address(self, issuer: Issuer) -> str:
        if issuer.jwks_url is not None:
            return issuer.jwks_url
        document = await self._document(issuer.url.removesuffix("/") + DISCOVERY)
        if not isinstance(document, dict) or document.get("issuer") != issuer.url:
            raise Unusable("its openid-configuration is of another issuer, or none")
        try:
            found = checked_url(document.get("jwks_uri"), "jwks_uri", query=True)
        except Invalid as exc:
            raise Unusable("its openid-configuration has no jwks_uri that begins with https://") from exc
        if is_loopback(found) and not is_loopback(issuer.url):
            raise Unusable("its openid-configuration leads to this machine")
        return found

    async def _document(self, url: str) -> Any:
        import httpx2

        client = await self._connected(is_loopback(url))
        try:
            response = await client.send(client.build_request("GET", url), stream=True)
            body = await _received(response)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise Unusable(f"{url} can't be reached") from exc
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise Unusable(f"{url} did not answer in JSON") from exc

    async def _connected(self, loopback: bool) -> "httpx2.AsyncClient":
        async with self._making:
            if loopback not in self._clients:
                try:
                    self._clients[loopback] = await anyio.to_thread.run_sync(self._made, loopback)  # certificates
                except (OSError, ValueError, ImportError) as exc:
                    raise Unusable("the environment's settings for proxies or certificates can't be used") from exc
            return self._clients[loopback]

    def _made(self, loopback: bool) -> "httpx2.AsyncClient":
        import httpx2

        return httpx2.AsyncClient(
            headers={
                "Accept": "application/json, application/jwk-set+json",
                "Accept-Encoding": "identity",
                "User-Agent": "mcp-memory",
            },
            follow_redirects=False,
            timeout=self._timeout,
            trust_env=not loopback,  # a proxy is for what is elsewhere: it can't reach this machine's loopback
            transport=self._transport,
        )


async def _received(response: "httpx2.Response") -> bytes:
    """The body of an answer of success. Raises Unusable."""
    received = bytearray()
    try:
        if response.status_code != 200:
            raise Unusable(f"{response.url} answered with HTTP {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Unusable(f"{response.url} compressed its answer")  # a small one must not become a large one
        async for piece in response.aiter_raw():
            received += piece
            if len(received) > MAX_BODY:
                raise Unusable(f"{response.url} answered with more than {MAX_BODY // 1024} kB")
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
    return bytes(received)
