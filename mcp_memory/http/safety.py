"""Who may knock: names the server is asked by, origins of the pages that call it, and the proxies it believes.

On every route and before anything else, authentication too. A page in a browser must not reach the server through a
name of its own, and nobody but a proxy says who is asking, or how.
"""

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory import hosts
from mcp_memory.errors import Invalid
from mcp_memory.hosts import Host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HEADERS = 100
MAX_HEAD = 32 * 1024  # bytes; tokens are a few thousand
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "Mcp-Session-Id",
    "WWW-Authenticate",
    "Retry-After",
    "ETag",
    "Location",
    "Operation-Id",
    "Idempotency-Replayed",
    "Canonical-Profile-Id",
    "X-Conflicting-Resource-Id",
)
FORWARDED = "mcp_memory.forwarded"  # in the scope: a proxy passed it on, whether it is believed or not
OURS = "memory-"  # how headers begin that only some answers have: those pages may read too
PREFLIGHT_SECONDS = 600  # a browser asks again after that


@dataclass(frozen=True, kw_only=True)
class Safety:
    """`names`: besides loopback ones. `public`: the origin that links begin with, whatever name the server is asked by;
    it is allowed with its name and as an origin. Without anything, only loopback is served."""

    names: tuple[Host, ...] = ()
    origins: frozenset[str] = frozenset()
    cors: bool = False
    proxies: tuple[Network, ...] = ()
    public: str | None = None

    def middleware(self) -> list[Middleware]:
        """In the order in which a request meets them."""
        checks = [Middleware(Heads), Middleware(Forwarded, self.proxies), Middleware(Named, self)]
        return [*checks, *([Middleware(Cors, self.origins)] if self.cors else [])]


def safety(
    *,
    bound: str,
    names: Sequence[str],
    origins: Sequence[str],
    cors: bool,
    proxies: Sequence[str],
    public: str | None,
) -> Safety:
    """Of what was checked already. `bound`: the address of the socket, a name of its own unless it stands for any."""
    asked_by = [*names, f"[{bound}]" if ":" in bound else bound, *([] if public is None else [urlsplit(public).netloc])]
    found = [named for text in asked_by if (named := hosts.host(text)) is not None]
    return Safety(
        names=tuple(one for one in found if one.name not in ("0.0.0.0", "[::]")),
        origins=frozenset(origins),
        cors=cors,
        proxies=tuple(ipaddress.ip_network(one) for one in proxies),
        public=public,
    )


def check_exposure(host: str, *, authenticated: bool, encrypted: bool, behind_proxy: bool, plain: bool) -> None:
    """Raises Invalid for an address that others can reach, unless they are asked who they are and nobody listens in."""
    if hosts.is_loopback(host):
        return
    if not authenticated:
        raise Invalid(
            f"host {host} is not a loopback address, and MCP asks for no key: whoever reached it could read "
            "everything. Use 127.0.0.1, behind a proxy that authenticates if others must connect."
        )
    if not (encrypted or behind_proxy or plain):
        raise Invalid(
            f"host {host} is not a loopback address, and without encryption whoever is on the way could read keys and "
            "memories. Set tls_certificate and tls_key; or trusted_proxies, where a proxy encrypts; or plain_http to "
            "on, where nobody else is in the network."
        )


class Heads:
    """Refuses what no client sends: a head that is too large, or asks for something other than a path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: list[tuple[bytes, bytes]] = scope["headers"]
            size = (
                len(scope["path"]) + len(scope["query_string"]) + sum(len(name) + len(value) for name, value in headers)
            )
            if len(headers) > MAX_HEADERS or size > MAX_HEAD:
                text = f"A request may have {MAX_HEADERS} headers, and {MAX_HEAD} bytes before its body."
                return await _refusal(text, 431)(scope, receive, send)
            if not scope["path"].startswith("/"):
                return await _refusal("What is asked for must be a path, not a whole address.", 400)(
                    scope, receive, send
                )
        await self._app(scope, receive, send)


class Forwarded:
    """Takes from a proxy's headers who asks, by which name and how, and those headers from everybody.

    Each proxy adds to the end of a list what it saw itself: the last word is that of the one who is connected.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = Headers(scope=scope)
            scope[FORWARDED] = any(_forwarding(name) for name, _ in scope["headers"])
            scope["headers"] = [(name, value) for name, value in scope["headers"] if not _forwarding(name)]
            client = scope.get("client")
            if client is not None and self._trusted(_address(client[0])):
                self._believe(scope, given)
        await self._app(scope, receive, send)

    def _trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)

    def _believe(self, scope: Scope, given: Headers) -> None:
        if (scheme := _last(given, "x-forwarded-proto")) in hosts.PORTS:
            scope["scheme"] = scheme
        if (host := _last(given, "x-forwarded-host")) is not None:
            _set_host(scope, host)
        for hop in reversed(_all(given, "x-forwarded-for")):
            address = _address(hop)
            if address is None:
                break  # whoever wrote that; the one before it is all that is known
            scope["client"] = (str(address), 0)
            if not self._trusted(address):
                break


class Named:
    """Refuses requests that name another host, or come from a page of another origin."""

    def __init__(self, app: ASGIApp, safety: Safety) -> None:
        self._app, self._safety = app, safety
        self._public = None if safety.public is None else urlsplit(safety.public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if (refused := self._refused(scope)) is not None:
                return await refused(scope, receive, send)
            if self._public is not None:
                scope["scheme"] = self._public.scheme
                _set_host(scope, self._public.netloc)
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        asked_by, origins = headers.getlist("host"), headers.getlist("origin")
        if len(asked_by) > 1 or len(origins) > 1:
            return _refusal("Host and Origin may be given once.", 400)
        named = hosts.host(asked_by[0]) if asked_by else None
        if named is None or not (
            named.name in hosts.LOOPBACK or hosts.listed(named, scope["scheme"], self._safety.names)
        ):
            return _refusal("This host is not served here: allowed_hosts must name it.", 421)
        if origins and not self._may_call(origins[0], named, scope["scheme"]):
            return _refusal("Pages of this origin may not call: allowed_origins must name it.", 403)
        return None

    def _may_call(self, text: str, named: Host, scheme: str) -> bool:
        """Pages of an allowed origin, of this server itself, and of whatever else runs on this machine."""
        origin = hosts.origin(text)
        if origin is None:
            return False
        if origin in self._safety.origins or origin in (self._safety.public, hosts.origin_of(scheme, named)):
            return True
        found = urlsplit(origin)
        page = hosts.host(found.netloc)
        return found.scheme in hosts.PORTS and page is not None and page.name in hosts.LOOPBACK


class Cors(CORSMiddleware):
    """Answers browsers that ask first, and lets pages of these origins read answers. They send no cookies."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=sorted(origins),
            allow_methods=METHODS,
            allow_headers=["*"],  # those that are asked for: who may ask is known
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
        )

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        async def exposing(passed: Message) -> None:
            if passed["type"] == "http.response.start":
                headers = MutableHeaders(scope=passed)
                if "access-control-allow-origin" in headers:
                    ours = [name.title() for name in headers if name.startswith(OURS)]
                    headers["Access-Control-Expose-Headers"] = ", ".join([*EXPOSED, *ours])
                elif "access-control-expose-headers" in headers:  # of a page that may call, and may not read
                    del headers["Access-Control-Expose-Headers"]
            await send(passed)

        await super().send(message, exposing, request_headers)


def _forwarding(name: bytes) -> bool:
    return name in (b"forwarded", b"x-real-ip") or name.startswith(b"x-forwarded-")


def _all(headers: Headers, name: str) -> list[str]:
    return [one.strip() for value in headers.getlist(name) for one in value.split(",")]


def _last(headers: Headers, name: str) -> str | None:
    return next(reversed(_all(headers, name)), None)


def _address(text: str) -> Address | None:
    """Some proxies write the port behind it, and IPv6 in brackets."""
    for one in _spellings(text):
        try:
            found = ipaddress.ip_address(one)
        except ValueError:
            continue
        return getattr(found, "ipv4_mapped", None) or found
    return None


def _spellings(text: str) -> Iterator[str]:
    yield text
    named = hosts.host(text)
    if named is not None:
        yield named.name.strip("[]")


def _set_host(scope: Scope, host: str) -> None:
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["headers"] = [(b"host", host.encode("latin-1")), *others]


def _refusal(text: str, status: int) -> Response:
    return PlainTextResponse(text, status)
