"""Who may knock: checks around any app, asked as a server asks them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.http.safety import MAX_HEAD, MAX_HEADERS, Safety, safety

pytestmark = pytest.mark.anyio

Headers = Sequence[tuple[str, str]]
HOST = ("host", "mem.example.com")


def public(**changes: Any) -> Safety:
    """A server that others reach, as mem.example.com, and pages of app.example.com."""
    given: dict[str, Any] = {
        "bound": "0.0.0.0",
        "names": ["mem.example.com"],
        "origins": ["https://app.example.com"],
        "cors": False,
        "proxies": [],
        "public": None,
    }
    return safety(**{**given, **changes})


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seen: Scope | None = None
    """What the app inside was asked, if it was."""

    def header(self, name: str) -> list[str]:
        assert self.seen is not None
        return [value.decode() for one, value in self.seen["headers"] if one == name.encode()]


async def ask(
    checks: Safety,
    headers: Headers,
    *,
    method: str = "GET",
    path: str = "/v1/x",
    client: str = "192.0.2.1",
    scheme: str = "http",
    more: Sequence[Middleware] = (),
) -> Answer:
    found = Answer()

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        found.seen = scope
        sent = [(b"mcp-session-id", b"s"), (b"memory-refused", b"1"), (b"x-other", b"o")]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": b"inside"})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            found.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            found.body += message.get("body", b"").decode()

    app: ASGIApp = inside
    for middleware in reversed([*checks.middleware(), *more]):
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": (client, 40_000),
        "server": ("127.0.0.1", 8765),
        "scheme": scheme,
    }
    await app(scope, receive, send)
    return found


@pytest.mark.parametrize(
    "host",
    [
        "mem.example.com",
        "MEM.EXAMPLE.COM",
        "mem.example.com.",
        "mem.example.com:8443",
        "localhost",
        "127.0.0.1:1",
        "[::1]:8765",
        "[0:0::1]",
        "LOCALHOST.:80",
    ],
)
async def test_names_that_are_listed_are_served_and_loopback_always(host: str) -> None:
    assert (await ask(public(), [("host", host)])).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "mem.example.com.evil.example",
        "evilmem.example.com",
        "mem.example.com@evil.example",
        "0.0.0.0",
        "user@mem.example.com",
        "mem.example.com:443@evil.example",
        "mem.example.com:port",
        "mem.example.com..",
        "",
        "mem.example.com, evil.example",
        "mem.example.com/",
        "[::2]",
        "127.1",
        "2130706433",
        "localhost.evil.example",
    ],
)
async def test_other_names_are_not(host: str) -> None:
    answer = await ask(public(), [("host", host)])

    assert (answer.status, answer.seen) == (421, None)
    assert "allowed_hosts" in answer.body and "evil" not in answer.body


async def test_nothing_but_loopback_is_served_where_nothing_is_listed() -> None:
    assert (await ask(Safety(), [HOST])).status == 421
    assert (await ask(Safety(), [("host", "localhost")])).status == 200


@pytest.mark.parametrize("headers", [[], [("accept", "*/*")]])
async def test_a_request_without_a_host_is_refused(headers: Headers) -> None:
    assert (await ask(public(), headers)).status == 421


@pytest.mark.parametrize("second", ["evil.example", "mem.example.com"])
async def test_a_host_or_an_origin_that_is_given_twice_is_refused(second: str) -> None:
    origin = ("origin", "https://app.example.com")

    assert (await ask(public(), [HOST, ("host", second)])).status == 400
    assert (await ask(public(), [HOST, origin, ("origin", f"https://{second}")])).status == 400


@pytest.mark.parametrize("target", ["http://evil.example/v1/x", "http://mem.example.com/v1/x", "*", "evil.example:443"])
async def test_what_is_asked_for_is_a_path_and_nothing_else(target: str) -> None:
    answer = await ask(public(), [HOST], path=target)

    assert (answer.status, answer.seen) == (400, None)


async def test_the_address_of_the_socket_is_a_name_unless_it_is_any() -> None:
    assert (await ask(public(bound="10.0.0.5"), [("host", "10.0.0.5:8765")])).status == 200
    assert (await ask(public(bound="fd00::5"), [("host", "[fd00::5]")])).status == 200
    for anything in ("0.0.0.0", "::"):
        assert (await ask(public(bound=anything), [("host", "[::]" if ":" in anything else anything)])).status == 421


async def test_a_port_that_is_listed_is_the_only_one() -> None:
    checks = public(names=["mem.example.com:8443"])

    assert (await ask(checks, [("host", "mem.example.com:8443")])).status == 200
    assert (await ask(checks, [("host", "mem.example.com:8444")])).status == 421
    assert (await ask(checks, [("host", "mem.example.com")])).status == 421


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "HTTPS://APP.EXAMPLE.COM:443",
        "http://localhost:6274",
        "https://127.0.0.1",
        "http://[::1]",
        "http://mem.example.com",
    ],  # its own
)
async def test_pages_of_listed_origins_of_this_machine_and_its_own_may_call(origin: str) -> None:
    assert (await ask(public(), [HOST, ("origin", origin)])).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil",
        "https://app.example.com@evil.example",
        "null",
        "",
        "*",
        "https://app.example.com/",
        "http://localhost.evil",
        "https://mem.example.com",
        "http://mem.example.com:8080",
        "app://localhost",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_pages_of_others_may_not(origin: str, method: str) -> None:
    answer = await ask(public(), [HOST, ("origin", origin)], method=method)

    assert (answer.status, answer.seen) == (403, None)
    assert "access-control-allow-origin" not in answer.headers


async def test_a_head_of_too_many_headers_or_bytes_is_refused() -> None:
    many = [HOST, *((f"x-{at}", "y") for at in range(MAX_HEADERS))]

    assert (await ask(public(), many)).status == 431
    assert (await ask(public(), [HOST, ("x-long", "y" * MAX_HEAD)])).status == 431
    assert (await ask(public(), [HOST], path="/" + "y" * MAX_HEAD)).status == 431
    assert (await ask(public(), many[:MAX_HEADERS])).status == 200


# CORS

APP = ("origin", "https://app.example.com")
PREFLIGHT = [
    HOST,
    APP,
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "authorization,content-type,mcp-protocol-version"),
]


class Door:
    """Authentication that lets nobody in."""

    def __init__(self, app: ASGIApp) -> None:
        pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
        await send({"type": "http.response.body", "body": b""})


async def test_browsers_that_ask_first_are_answered_before_authentication() -> None:
    answer = await ask(public(cors=True), PREFLIGHT, method="OPTIONS", more=[Middleware(Door)])

    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "mcp-protocol-version" in answer.headers["access-control-allow-headers"]
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_may_read_what_authentication_asks_for() -> None:
    answer = await ask(public(cors=True), [HOST, APP], more=[Middleware(Door)])

    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


async def test_a_page_may_read_the_headers_of_the_protocol_and_ours() -> None:
    answer = await ask(public(cors=True), [HOST, APP])
    exposed = answer.headers["access-control-expose-headers"].split(", ")

    assert {"Mcp-Session-Id", "WWW-Authenticate", "Retry-After", "ETag", "Memory-Refused"} <= set(exposed)
    assert "*" not in exposed and "X-Other" not in exposed
    assert "Origin" in answer.headers["vary"]


async def test_a_page_of_this_machine_may_call_and_not_read() -> None:
    answer = await ask(public(cors=True), [HOST, ("origin", "http://localhost:3000")])
    preflight = await ask(
        public(cors=True), [*PREFLIGHT[:1], ("origin", "http://localhost:3000"), *PREFLIGHT[2:]], method="OPTIONS"
    )

    assert answer.status == 200 and not [name for name in answer.headers if name.startswith("access-control")]
    assert preflight.status == 400 and "access-control-allow-origin" not in preflight.headers


async def test_without_cors_no_answer_is_for_pages() -> None:
    answer = await ask(public(), [HOST, APP])
    preflight = await ask(public(), PREFLIGHT, method="OPTIONS")

    assert not [name for name in (*answer.headers, *preflight.headers) if name.startswith("access-control")]


# Proxies

SAID = [
    ("x-forwarded-for", "198.51.100.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "mem.example.com"),
    ("forwarded", "for=198.51.100.7;host=evil.example"),
    ("x-forwarded-port", "1"),
    ("x-real-ip", "198.51.100.7"),
]
BEHIND = public(proxies=["10.0.0.0/8", "fd00::/8"])


async def test_a_proxy_is_believed() -> None:
    answer = await ask(BEHIND, [("host", "internal:8765"), *SAID], client="10.1.2.3")

    assert answer.seen is not None and answer.status == 200
    assert (answer.seen["client"], answer.seen["scheme"]) == (("198.51.100.7", 0), "https")
    assert answer.header("host") == ["mem.example.com"]


@pytest.mark.parametrize(
    ("checks", "client"), [(BEHIND, "192.0.2.1"), (BEHIND, "11.0.0.1"), (public(), "10.1.2.3"), (public(), "127.0.0.1")]
)
async def test_nobody_else_is(checks: Safety, client: str) -> None:
    answer = await ask(checks, [("host", "localhost"), *SAID], client=client)

    assert answer.seen is not None
    assert (answer.seen["client"], answer.seen["scheme"]) == ((client, 40_000), "http")
    assert answer.header("host") == ["localhost"]


@pytest.mark.parametrize("client", ["10.1.2.3", "192.0.2.1"])
async def test_what_proxies_say_is_not_passed_on(client: str) -> None:
    answer = await ask(BEHIND, [HOST, *SAID, ("x-mine", "kept")], client=client)

    assert answer.seen is not None
    assert [name for name, _ in answer.seen["headers"] if b"forwarded" in name or b"real" in name] == []
    assert answer.header("x-mine") == ["kept"]


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # the first is what the client said of itself
        (["198.51.100.7, 10.9.9.9"], "198.51.100.7"),  # through two proxies
        (["198.51.100.7", "10.9.9.9"], "198.51.100.7"),
        (["10.8.8.8, 10.9.9.9"], "10.8.8.8"),  # a client among the proxies
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, unknown"], "10.1.2.3"),  # nothing in front of what can't be read
        (["_hidden"], "10.1.2.3"),
        ([""], "10.1.2.3"),
    ],
)
async def test_the_client_is_the_last_that_no_proxy_is(chain: list[str], client: str) -> None:
    headers = [HOST, *(("x-forwarded-for", one) for one in chain)]
    answer = await ask(BEHIND, headers, client="10.1.2.3")

    assert answer.seen is not None
    assert answer.seen["client"][0] == client


async def test_a_proxy_that_connects_over_ipv6_with_an_ipv4_address_is_one() -> None:
    answer = await ask(BEHIND, [HOST, *SAID], client="::ffff:10.1.2.3")

    assert answer.seen is not None and answer.seen["client"][0] == "198.51.100.7"


async def test_of_several_words_the_last_is_the_proxys_own() -> None:
    said = [("x-forwarded-proto", "https, http"), ("x-forwarded-host", "evil.example, mem.example.com")]
    answer = await ask(BEHIND, [("host", "internal"), *said], client="10.1.2.3")

    assert answer.seen is not None and answer.seen["scheme"] == "http"
    assert answer.header("host") == ["mem.example.com"]


async def test_a_host_that_a_proxy_passes_on_is_checked_as_any() -> None:
    evil = [("host", "mem.example.com"), ("x-forwarded-host", "evil.example")]

    assert (await ask(BEHIND, evil, client="10.1.2.3")).status == 421
    assert (await ask(BEHIND, evil, client="192.0.2.1")).status == 200  # not believed, and the other name is fine


async def test_a_scheme_that_is_none_is_not_taken() -> None:
    answer = await ask(BEHIND, [HOST, ("x-forwarded-proto", "javascript")], client="10.1.2.3")

    assert answer.seen is not None and answer.seen["scheme"] == "http"


async def test_links_begin_with_the_public_url_whatever_name_was_used() -> None:
    answer = await ask(public(names=[], public="https://mem.example.com"), [("host", "localhost:8765")])
    by_name = await ask(public(names=[], public="https://mem.example.com:8443"), [("host", "mem.example.com:8443")])
    page = [("host", "localhost"), ("origin", "https://mem.example.com")]

    assert answer.seen is not None and by_name.status == 200
    assert (answer.seen["scheme"], answer.header("host")) == ("https", ["mem.example.com"])
    assert (await ask(public(public="https://mem.example.com"), page)).status == 200
