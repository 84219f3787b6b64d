"""Clients on real sockets that are slow, many or gone, and a server that goes on serving the others."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx2
import pytest

from .raw import answer, connected, request, status
from .servers import ANSWER_SECONDS, Home, Http, http_server, make_home, until

FEW = 10
STORES = "/v1/ControlPlane/Stores"
PATIENT = 60.0  # seconds; a body may take thirty


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with http_server(make_home(tmp_path_factory.mktemp("limits") / "machine")) as http:
        yield http


def unfinished(http: Http) -> bytes:
    """A request whose body is on its way."""
    return request(http, "POST", "/mcp", {"a": 1}, Accept="application/json, text/event-stream")[:-3]


def test_whoever_is_slow_is_told_so_and_hung_up_on(http: Http) -> None:
    """At once, since each takes its time: silent, in the midst of a head, of a later head, of bodies."""
    health = request(http, "GET", "/health")
    slow = {
        "silent": b"",
        "head": health[:-10],
        "later head": health + health[:-10],
        "body of mcp": unfinished(http),
        "body of the api": request(http, "POST", STORES, {"displayName": "slow"}, Connection="close")[:-3],
    }
    with ExitStack() as open_ones:
        connections = {name: open_ones.enter_context(connected(http)) for name in slow}
        for name, sent in slow.items():
            connections[name].settimeout(PATIENT)
            connections[name].sendall(sent)
        found = {name: answer(one) for name, one in connections.items()}

    assert {name: status(b"HTTP/1.1" + one.rpartition(b"HTTP/1.1")[2]) for name, one in found.items()} == {
        name: 408 for name in slow
    }
    assert found["later head"].count(b"HTTP/1.1 200") == 1
    assert "Traceback" not in http.stderr


@pytest.mark.parametrize("target", ["http://evil.example/health", "*", "http://127.0.0.1/health"])
def test_a_target_that_is_no_path_is_refused(http: Http, target: str) -> None:
    with connected(http) as connection:
        connection.sendall(request(http, "GET", target, Connection="close"))

        assert status(answer(connection)) == 400


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /health HTTP/1.0\r\n\r\n", 421),
        (b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost, evil.example\r\nConnection: close\r\n\r\n", 421),
        (b"GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 421),
        (b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n continued\r\nConnection: close\r\n\r\n", 421),
    ],
)
def test_a_request_has_one_host_that_is_served(http: Http, head: bytes, expected: int) -> None:
    with connected(http) as connection:
        connection.sendall(head)

        assert status(answer(connection)) == expected


def test_a_client_that_has_said_all_it_has_to_say_upsets_nobody(http: Http) -> None:
    for sent in (b"", b"GET", request(http, "GET", "/health"), unfinished(http), request(http, "GET", "/sse")):
        with connected(http) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                answer(connection)

    assert httpx2.get(f"{http.address}/health").status_code == 200
    assert "Traceback" not in http.stderr


def test_of_too_many_connections_the_last_are_told_so_and_room_is_made_again(home: Home) -> None:
    with http_server(home, {"MCP_MEMORY_MAX_CONNECTIONS": str(FEW)}) as http:
        with ExitStack() as open_ones:
            for _ in range(FEW):
                waiting = open_ones.enter_context(connected(http))
                waiting.sendall(unfinished(http))  # busy: a body is on its way
            over = open_ones.enter_context(connected(http))
            over.sendall(request(http, "GET", "/health"))
            assert status(answer(over)) == 503

            for _ in range(5 * FEW):
                open_ones.enter_context(connected(http))  # a crowd

        until(lambda: httpx2.get(f"{http.address}/health", timeout=ANSWER_SECONDS).status_code == 200)
        assert "Traceback" not in http.stderr


def test_connections_that_are_kept_for_later_keep_nobody_out(home: Home) -> None:
    with http_server(home, {"MCP_MEMORY_MAX_CONNECTIONS": str(FEW)}) as http, ExitStack() as open_ones:
        for _ in range(3 * FEW):
            kept = open_ones.enter_context(connected(http))
            kept.sendall(request(http, "GET", "/health"))

            assert status(kept.recv(65_536)) == 200
