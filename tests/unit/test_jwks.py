"""How the keys of issuers are fetched and held."""

import gzip
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import httpx2
import pytest

from mcp_memory.errors import Closing, Unauthorized, Unavailable
from mcp_memory.http.auth.jwks import MAX_BODY, KeySets
from mcp_memory.http.auth.tokens import Tokens
from mcp_memory.tenancy.issuers import Issuer
from tests.issuers import (
    AUDIENCE,
    DISCOVERY,
    KEYS,
    URL,
    Clock,
    SigningKey,
    TokenIssuer,
    serving,
    signing_key,
    transport,
)

RSA, NEXT, EC = signing_key("rsa-1"), signing_key("rsa-2"), signing_key("ec-1", "ES256")
ISSUER = Issuer(url=URL, audiences=(AUDIENCE,), tenant="acme")
STRAIGHT = replace(ISSUER, jwks_url=URL + KEYS)
ONCE = [DISCOVERY, KEYS]
MINUTE, HOUR = 60, 3600

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(clock: Clock) -> TokenIssuer:
    return TokenIssuer(keys=[RSA, EC], now=clock)


@pytest.fixture
async def sets(own: TokenIssuer, clock: Clock) -> AsyncIterator[KeySets]:
    sets = KeySets(now=clock, transport=own.transport())
    yield sets
    await sets.close()


async def has(sets: KeySets, key: SigningKey, issuer: Issuer = ISSUER) -> bool:
    return await sets.key(issuer, key.algorithm, key.kid) == key.private.public_key()


class Gate:
    """Holds answers back until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = anyio.Event(), anyio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


# ---- When they are fetched


async def test_keys_are_fetched_when_they_are_first_asked_for(sets: KeySets, own: TokenIssuer) -> None:
    assert own.fetches == []
    assert await has(sets, RSA)
    assert await has(sets, EC)
    assert own.fetches == ONCE


async def test_keys_are_held_for_ten_minutes(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    for _ in range(10):
        clock.forward(59.9)
        assert await has(sets, RSA)
    assert own.fetches == ONCE

    clock.forward(1)
    assert await has(sets, RSA)
    assert await has(sets, RSA)
    assert own.fetches == ONCE * 2


async def test_where_the_keys_are_configured_nothing_is_discovered(sets: KeySets, own: TokenIssuer) -> None:
    assert await has(sets, RSA, STRAIGHT)
    assert own.fetches == [KEYS]


@pytest.mark.parametrize(
    ("path", "asked"), [("/", DISCOVERY), ("/realms/main", f"/realms/main{DISCOVERY}"), ("/main/", f"/main{DISCOVERY}")]
)
async def test_what_an_issuer_says_of_itself_is_below_its_url(
    sets: KeySets, own: TokenIssuer, path: str, asked: str
) -> None:
    own.url = URL + path

    assert await has(sets, RSA, replace(ISSUER, url=own.url))
    assert own.fetches[0] == asked


async def test_the_keys_may_be_on_another_host(sets: KeySets, own: TokenIssuer) -> None:
    own.answers[DISCOVERY] = httpx2.Response(200, json=own.configuration(jwks_uri="https://keys.test/keys?of=main"))

    assert await has(sets, RSA)
    assert own.fetches == ONCE


async def test_each_issuer_has_keys_of_its_own(own: TokenIssuer, clock: Clock) -> None:
    second = TokenIssuer(url="https://second.test", keys=[replace(NEXT, kid="rsa-1")], now=clock)
    sets = KeySets(now=clock, transport=transport(own, second))
    theirs = replace(ISSUER, url=second.url)

    assert await has(sets, RSA)
    assert await has(sets, second.keys[0], theirs)
    second.down = True
    clock.forward(25 * HOUR)
    assert await has(sets, RSA)
    with pytest.raises(Unavailable):
        await has(sets, second.keys[0], theirs)


async def test_algorithms_that_are_not_allowed_have_no_key(sets: KeySets) -> None:
    assert not await has(sets, EC, replace(ISSUER, algorithms=("RS256",)))


# ---- Rotation


async def test_a_new_key_is_found_as_soon_as_a_token_names_it(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    own.keys = [NEXT, RSA]
    clock.forward(10)

    assert await has(sets, NEXT)
    assert await has(sets, RSA)
    assert own.fetches == ONCE * 2


async def test_a_key_that_is_gone_checks_nothing_more(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    own.keys = [NEXT]
    clock.forward(10)

    assert await has(sets, NEXT)
    assert not await has(sets, RSA)


async def test_a_key_is_withdrawn_by_publishing_none(
    sets: KeySets, own: TokenIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await has(sets, RSA)
    own.keys = []
    clock.forward(10 * MINUTE)

    assert not await has(sets, RSA)
    assert "it publishes none that can be used" in caplog.text
    own.keys = [RSA]
    clock.forward(10)
    assert await has(sets, RSA)


async def test_a_flood_of_unknown_kids_is_one_fetch_every_ten_seconds(
    sets: KeySets, own: TokenIssuer, clock: Clock
) -> None:
    for number in range(300):
        assert await sets.key(ISSUER, "RS256", f"unknown-{number}") is None
        assert await has(sets, RSA)
        clock.forward(0.1)

    assert own.fetches == ONCE * 3


async def test_a_flood_of_unknown_kids_at_once_is_one_fetch(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    clock.forward(10)
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(sets.key, ISSUER, "RS256", f"unknown-{number}")

    assert own.fetches == ONCE * 2


# ---- Many at once


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_whoever_comes_while_keys_are_fetched_waits_for_that_fetch(sets: KeySets, own: TokenIssuer) -> None:
    own.before = gate = Gate()
    found: list[bool] = []

    async def ask(key: SigningKey) -> None:
        found.append(await has(sets, key))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(25):
                tasks.start_soon(ask, RSA)
                tasks.start_soon(ask, EC)
            await gate.reached.wait()
            await anyio.wait_all_tasks_blocked()
            assert found == []
            gate.opened.set()

    assert found == [True] * 50
    assert own.fetches == ONCE


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_fetch_goes_on_though_whoever_began_it_is_gone(sets: KeySets, own: TokenIssuer) -> None:
    own.before = gate = Gate()
    found: list[bool] = []

    async def begin(gone: anyio.CancelScope) -> None:
        with gone:
            await has(sets, RSA)

    async def wait() -> None:
        found.append(await has(sets, RSA))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            gone = anyio.CancelScope()
            tasks.start_soon(begin, gone)
            await gate.reached.wait()
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            gone.cancel()
            await anyio.wait_all_tasks_blocked()
            gate.opened.set()

    assert found == [True]
    assert own.fetches == ONCE


async def test_nobody_waits_for_keys_that_are_only_looked_at_again(
    sets: KeySets, own: TokenIssuer, clock: Clock
) -> None:
    await has(sets, RSA)
    own.before = gate = Gate()
    clock.forward(10 * MINUTE)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(has, sets, RSA)
            await gate.reached.wait()
            assert await has(sets, RSA)
            assert await has(sets, EC)
            gate.opened.set()
    assert own.fetches == ONCE * 2


async def test_whoever_comes_when_keys_are_too_old_waits_for_new_ones(
    sets: KeySets, own: TokenIssuer, clock: Clock
) -> None:
    await has(sets, RSA)
    clock.forward(24 * HOUR)
    own.before = gate = Gate()
    found: list[bool] = []

    async def ask() -> None:
        found.append(await has(sets, RSA))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await gate.reached.wait()
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            gate.opened.set()
    assert found == [True, True]


# ---- An issuer that is down


async def test_without_keys_it_is_said_that_nobody_can_say(
    sets: KeySets, own: TokenIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    own.down = True
    for _ in range(5):
        with pytest.raises(Unavailable) as caught:
            await has(sets, RSA)
        assert "issuer.test" not in str(caught.value)
    assert own.fetches == [DISCOVERY]
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1

    own.down = False
    clock.forward(9.9)
    with pytest.raises(Unavailable):
        await has(sets, RSA)
    clock.forward(0.1)
    assert await has(sets, RSA)


async def test_many_who_come_while_it_is_down_are_one_fetch(sets: KeySets, own: TokenIssuer) -> None:
    own.down = True
    refused: list[Unavailable] = []

    async def ask() -> None:
        with pytest.raises(Unavailable) as caught:
            await has(sets, RSA)
        refused.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)

    assert len(refused) == 50
    assert own.fetches == [DISCOVERY]


async def test_keys_that_are_held_do_for_a_day_while_it_is_down(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    own.down = True
    for _ in range(23):
        clock.forward(HOUR)
        assert await has(sets, RSA)
        assert not await has(sets, NEXT)
    clock.forward(HOUR - 1)
    assert await has(sets, RSA)

    clock.forward(1)
    with pytest.raises(Unavailable):
        await has(sets, RSA)
    own.down = False
    clock.forward(10)
    assert await has(sets, RSA)


async def test_while_it_is_down_it_is_asked_every_ten_seconds(sets: KeySets, own: TokenIssuer, clock: Clock) -> None:
    await has(sets, RSA)
    own.fetches.clear()
    own.down = True
    clock.forward(10 * MINUTE)
    for _ in range(100):
        assert await has(sets, RSA)
        clock.forward(1)

    assert own.fetches == [DISCOVERY] * 10


async def test_a_clock_that_is_set_back_keeps_nobody_out_and_no_key_in(
    sets: KeySets, own: TokenIssuer, clock: Clock
) -> None:
    await has(sets, RSA)
    clock.forward(-30 * 24 * HOUR)
    own.keys = [NEXT]

    assert not await has(sets, RSA)
    assert await has(sets, NEXT)


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        httpx2.ReadTimeout("slow"),
        httpx2.PoolTimeout("slow"),
        httpx2.RemoteProtocolError("junk"),
        httpx2.ProxyError("403"),
        httpx2.ReadError("reset"),
        httpx2.UnsupportedProtocol("what"),
        httpx2.InvalidURL("what"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_however_a_connection_fails_the_keys_that_are_held_do(clock: Clock, failure: Exception) -> None:
    own = TokenIssuer(keys=[RSA], now=clock)
    failing = False

    async def answered(request: httpx2.Request) -> httpx2.Response:
        if failing:
            raise failure
        return await own.answered(request)

    sets = KeySets(now=clock, transport=httpx2.MockTransport(answered))
    await has(sets, RSA)
    failing = True
    clock.forward(10 * MINUTE)

    assert await has(sets, RSA)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_an_issuer_that_never_answers_is_given_up(
    own: TokenIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    own.before = Gate()
    sets = KeySets(now=clock, timeout=0.05, transport=own.transport())

    with anyio.fail_after(30), pytest.raises(Unavailable):
        await has(sets, RSA)
    assert "it took longer than 0.05 s" in caplog.text


async def test_an_issuer_that_stops_in_the_middle_of_its_answer_is_given_up(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'{"keys": ['
        await anyio.sleep_forever()

    def answered(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=half())

    sets = KeySets(now=clock, timeout=0.05, transport=httpx2.MockTransport(answered))
    with anyio.fail_after(30), pytest.raises(Unavailable):
        await has(sets, RSA)
    assert "it took longer than 0.05 s" in caplog.text


# ---- Answers that are none


def answer_of(body: bytes, status: int = 200, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=body, headers=named)


def in_json(document: Any) -> httpx2.Response:
    return answer_of(json.dumps(document).encode())


def with_status(status: int, good: dict[str, Any]) -> httpx2.Response:
    return answer_of(json.dumps(good).encode(), status, location="/unlikely-words")


ANSWERS: dict[str, tuple[str, Callable[[dict[str, Any]], httpx2.Response]]] = {
    "nothing": ("did not answer in JSON", lambda good: answer_of(b"")),
    "prose": ("did not answer in JSON", lambda good: answer_of(b"<html>unlikely-words</html>")),
    "half of it": ("did not answer in JSON", lambda good: answer_of(json.dumps(good).encode()[:-1])),
    "no text": ("did not answer in JSON", lambda good: answer_of(b"\xff\xfe\x00\xd8unlikely-words")),
    "nested without end": ("did not answer in JSON", lambda good: answer_of(b"[" * 200_000)),
    "an endless number": ("did not answer in JSON", lambda good: answer_of(b'{"keys": ' + b"9" * 5000 + b"}")),
    "too much": ("answered with more than 256 kB", lambda good: in_json({**good, "more": "x" * MAX_BODY})),
    "blanks without end": ("answered with more than 256 kB", lambda good: answer_of(b" " * 5_000_000)),
    "compressed": (
        "compressed its answer",
        lambda good: answer_of(gzip.compress(json.dumps(good).encode()), content_encoding="gzip"),
    ),
    **{
        f"HTTP {status}": (f"answered with HTTP {status}", partial(with_status, status))
        for status in (201, 204, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503)
    },
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
async def test_what_is_no_answer_is_not_taken_and_the_keys_that_are_held_do(
    sets: KeySets, own: TokenIssuer, clock: Clock, caplog: pytest.LogCaptureFixture, path: str, name: str
) -> None:
    why, answer = ANSWERS[name]
    good = own.answer(path).json()
    await has(sets, RSA)
    own.fetches.clear()
    own.answers[path] = answer(good)
    clock.forward(10 * MINUTE)

    assert await has(sets, RSA)
    assert own.fetches == ONCE[: ONCE.index(path) + 1]  # led nowhere else
    assert f"No keys from the issuer {URL}: {URL}{path} {why}" in caplog.text
    assert "unlikely-words" not in caplog.text
    clock.forward(24 * HOUR)
    with pytest.raises(Unavailable):
        await has(sets, RSA)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        7,
        {},
        {"issuer": "https://evil.test"},
        {"issuer": URL + "/"},
        {"issuer": URL.upper()},
        {"issuer": [URL]},
        {"issuer": None},
    ],
    ids=repr,
)
async def test_what_another_issuer_says_of_itself_is_not_taken(
    sets: KeySets, own: TokenIssuer, caplog: pytest.LogCaptureFixture, document: Any
) -> None:
    told = {**own.configuration(), **document} if document and isinstance(document, dict) else document
    own.answers[DISCOVERY] = in_json(told)

    with pytest.raises(Unavailable):
        await has(sets, RSA)
    assert "its openid-configuration is of another issuer, or none" in caplog.text
    assert own.fetches == [DISCOVERY]


@pytest.mark.parametrize(
    "uri",
    [
        *(None, "", 7, [], {}, [URL + KEYS], "keys", "/keys", "//issuer.test/keys"),
        *("http://issuer.test/keys", "ftp://issuer.test/keys", "file:///etc/passwd", "data:,{}", "HTTPS://issuer.test"),
        *("https://ann:secret@issuer.test/keys", "https://issuer.test/ke ys", "https://issuer.test/\nkeys"),
        *("https://issuer.test:99999/keys", "https://" + "a" * 600, "https://issuer.test/#keys"),
        *("http://169.254.169.254/latest/meta-data", "http://127.0.0.1/keys", "https://127.0.0.1/keys"),
        *("https://localhost:8443/keys", "http://[::1]/keys"),
    ],
    ids=lambda uri: repr(uri)[:40],
)
async def test_keys_are_fetched_only_from_where_nobody_can_change_them(
    sets: KeySets, own: TokenIssuer, caplog: pytest.LogCaptureFixture, uri: object
) -> None:
    own.answers[DISCOVERY] = in_json(own.configuration(jwks_uri=uri))

    with pytest.raises(Unavailable):
        await has(sets, RSA)
    assert own.fetches == [DISCOVERY]
    assert "its openid-configuration" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("host", ["[:::]", "999.1.1.1"])
async def test_an_address_that_is_none_is_one_that_is_not_reached(
    sets: KeySets, own: TokenIssuer, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    own.answers[DISCOVERY] = in_json(own.configuration(jwks_uri=f"https://{host}/keys"))

    with pytest.raises(Unavailable):
        await has(sets, RSA)
    assert f"https://{host}/keys can't be reached" in caplog.text


async def test_private_keys_that_are_published_check_nothing(sets: KeySets, own: TokenIssuer) -> None:
    own.answers[KEYS] = in_json({"keys": [RSA.private_jwk(), EC.jwk()]})

    assert not await has(sets, RSA)
    assert await has(sets, EC)


# ---- The end


async def test_after_the_end_nothing_is_fetched(sets: KeySets, own: TokenIssuer) -> None:
    await has(sets, RSA)
    await sets.close()
    await sets.close()

    with pytest.raises(Closing):
        await has(sets, RSA)
    assert own.fetches == ONCE


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_end_waits_for_no_issuer(own: TokenIssuer, clock: Clock) -> None:
    sets = KeySets(now=clock, timeout=60, transport=own.transport())
    own.before = gate = Gate()
    ended: list[Unavailable] = []

    async def ask() -> None:
        with pytest.raises(Closing) as caught:
            await has(sets, RSA)
        ended.append(caught.value)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            await gate.reached.wait()
            await anyio.wait_all_tasks_blocked()
            await sets.close()

    assert len(ended) == 3
    assert own.fetches == [DISCOVERY]


async def test_what_was_never_used_ends_too() -> None:
    await KeySets(now=Clock()).close()


# ---- Over a real connection


def now() -> datetime:
    return datetime.now(UTC)


def tokens_of(issuer: TokenIssuer, sets: KeySets) -> Tokens:
    return Tokens([Issuer(url=issuer.url, audiences=(AUDIENCE,), tenant="acme")], sets.key, now=now)


async def test_a_token_holds_over_a_real_connection() -> None:
    with serving([RSA]) as issuer:
        sets = KeySets(now=now)
        tokens = tokens_of(issuer, sets)

        assert (await tokens.verify(issuer.token())).subject == "ann"
        assert (await tokens.verify(issuer.token(sub="bob"))).subject == "bob"
        with pytest.raises(Unauthorized):
            await tokens.verify(issuer.token(NEXT))
        await sets.close()
    assert issuer.fetches == ONCE


async def test_keys_rotate_and_an_issuer_fails_over_a_real_connection() -> None:
    clock = Clock(now())
    with serving([RSA]) as issuer:
        issuer.now = clock
        sets = KeySets(now=clock)
        tokens = Tokens([Issuer(url=issuer.url, audiences=(AUDIENCE,), tenant="acme")], sets.key, now=clock)
        await tokens.verify(issuer.token())

        issuer.keys = [NEXT]
        clock.forward(10)
        await tokens.verify(issuer.token(NEXT))
        with pytest.raises(Unauthorized):
            await tokens.verify(issuer.token(RSA))

        issuer.down = True
        clock.forward(10 * MINUTE)
        await tokens.verify(issuer.token(NEXT))
        clock.forward(24 * HOUR)
        with pytest.raises(Unavailable):
            await tokens.verify(issuer.token(NEXT))

        issuer.down = False
        issuer.answers[KEYS] = httpx2.Response(302, headers={"Location": f"{issuer.url}/keys-elsewhere"})
        issuer.answers["/keys-elsewhere"] = httpx2.Response(200, json=issuer.key_set())
        clock.forward(10)
        with pytest.raises(Unavailable):
            await tokens.verify(issuer.token(NEXT))
        assert "/keys-elsewhere" not in issuer.fetches
        await sets.close()


async def test_nobody_at_the_port_is_an_issuer_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    issuer = TokenIssuer(url=f"http://127.0.0.1:{port}", keys=[RSA])
    sets = KeySets(now=now)

    with pytest.raises(Unavailable):
        await tokens_of(issuer, sets).verify(issuer.token())
    await sets.close()


@contextmanager
def saying(words: bytes) -> Any:
    """A server that says that to one caller, whatever is asked, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            caller, _ = server.accept()
            with caller:
                caller.recv(65_536)
                caller.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(timeout=30)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\x16\x03\x01\x02\x00",
        b"220 mail.test ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-More: more\r\n" * 20_000 + b"\r\n",
    ],
    ids=["nothing", "TLS", "mail", "a part", "broken chunks", "headers without end"],
)
async def test_whatever_a_server_says_it_is_an_issuer_that_is_down(words: bytes) -> None:
    with saying(words) as url:
        issuer = TokenIssuer(url=url, keys=[RSA])
        sets = KeySets(now=now)
        with anyio.fail_after(30), pytest.raises(Unavailable):
            await tokens_of(issuer, sets).verify(issuer.token())
        await sets.close()
