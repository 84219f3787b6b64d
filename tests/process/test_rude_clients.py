"""Clients of the Memory API that are slow, vanish or flood, and a server that goes on serving the others."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx2
import pytest

from .servers import Http, http_server, make_home, until

STORES = "/v1/ControlPlane/Stores"
PROMPTLY = 5.0  # seconds for an answer while others are rude; alone it takes a few milliseconds


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    """One process for all of these tests: none of them may leave it worse than it was."""
    with http_server(make_home(tmp_path_factory.mktemp("rude") / "machine")) as http:
        yield http


@pytest.fixture(autouse=True)
def still_well(http: Http) -> Iterator[None]:
    yield
    assert httpx2.get(f"{http.address}{STORES}", timeout=PROMPTLY).status_code == 200
    assert "Traceback" not in http.stderr


def connected(http: Http) -> socket.socket:
    url = urlsplit(http.address)
    assert url.hostname is not None
    return socket.create_connection((url.hostname, url.port), timeout=PROMPTLY)


def head(http: Http, *more: str, path: str = STORES, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(http.address).netloc}", "Content-Type: application/json"]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def status(connection: socket.socket) -> int:
    """Of the answer; 0 where the connection ended without one."""
    first = connection.recv(65_536).partition(b"\r\n")[0].split(b" ")
    return int(first[1]) if len(first) > 1 else 0


def test_bodies_that_stop_in_the_middle_keep_nobody_waiting(http: Http) -> None:
    with ExitStack() as rude:
        for _ in range(100):
            connection = rude.enter_context(connected(http))
            connection.sendall(head(http, "Content-Length: 1000") + b'{"displayName": ')
        started = time.monotonic()
        answer = httpx2.post(f"{http.address}{STORES}", json={"displayName": "patient"}, timeout=PROMPTLY)

        assert answer.status_code == 202 and time.monotonic() - started < PROMPTLY


def test_a_body_that_comes_letter_by_letter_is_read(http: Http) -> None:
    body = json.dumps({"displayName": "by-letter"}).encode()
    with connected(http) as connection:
        connection.sendall(head(http, f"Content-Length: {len(body)}", "Connection: close"))
        for letter in body:
            connection.sendall(bytes([letter]))

        assert status(connection) == 202


def test_who_hangs_up_is_not_missed(http: Http) -> None:
    before = len(stores(http))
    for cut in (b"", b"POST", head(http, "Content-Length: 1000"), head(http, "Content-Length: 1000") + b'{"display'):
        for _ in range(20):
            with connected(http) as connection:
                connection.sendall(cut)
    for _ in range(20):
        with connected(http) as connection:  # a whole request, and nobody there for the answer
            connection.sendall(head(http, method="GET"))

    assert len(stores(http)) == before


def test_a_write_that_nobody_waited_for_is_made_and_told_again(http: Http) -> None:
    body = json.dumps({"displayName": "unheard"}).encode()
    with connected(http) as connection:
        connection.sendall(head(http, f"Content-Length: {len(body)}", "Idempotency-Key: unheard") + body)
    until(lambda: "unheard" in names(http))
    key = {"Idempotency-Key": "unheard", "Content-Type": "application/json"}
    again = httpx2.post(f"{http.address}{STORES}", content=body, headers=key, timeout=PROMPTLY)

    assert again.status_code == 202 and names(http).count("unheard") == 1


@pytest.mark.parametrize(
    "request_head",
    [
        [f"X-Flood-{at}: {'x' * 100}" for at in range(5_000)],
        ["X-Long: " + "x" * 1_000_000],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip"],
        ["Content-Length: -1"],
        ["X-Control: a\x00b"],
        ["Content-Length: 2", "Expect: nothing"],
    ],
    ids=["many", "long", "two-lengths", "length-and-chunks", "coding", "negative", "nul", "expect"],
)
def test_heads_that_are_none_are_refused(http: Http, request_head: list[str]) -> None:
    with connected(http) as connection:
        try:
            connection.sendall(head(http, *request_head) + b"{}")
            connection.shutdown(socket.SHUT_WR)
            found = status(connection)
        except OSError:
            found = 0  # it hung up on a client that would not stop

    assert found == 0 or 400 <= found < 500


@pytest.mark.parametrize(
    "chunks", [b'5\r\n{"a":\r\nZZ\r\n', b"-1\r\n", b"ffffffffffffffffff\r\n", b"0\r\nnot a header"]
)
def test_chunks_that_are_none_are_refused(http: Http, chunks: bytes) -> None:
    with connected(http) as connection:
        connection.sendall(head(http, "Transfer-Encoding: chunked") + chunks)
        connection.shutdown(socket.SHUT_WR)

        assert status(connection) in (0, 400)


def test_a_body_without_an_end_is_stopped(http: Http) -> None:
    sent = 0
    with connected(http) as connection:
        connection.sendall(head(http, "Transfer-Encoding: chunked"))
        try:
            for _ in range(40):
                connection.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
                sent += 1
            found = status(connection)
        except (ConnectionError, TimeoutError):
            found = 413

    assert found == 413


def stores(http: Http) -> list[str]:
    found: list[str] = httpx2.get(f"{http.address}{STORES}", timeout=PROMPTLY).json()["stores"]
    return found


def names(http: Http) -> list[str]:
    return [httpx2.get(f"{http.address}{STORES}/{id}", timeout=PROMPTLY).json()["displayName"] for id in stores(http)]
