"""The protocol against clients that are slow, silent or many. Time passes when a test says so."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from mcp_memory.http.slow import HEAD_SECONDS, READER_SECONDS, REST_SECONDS, BoundedProtocol

pytestmark = pytest.mark.anyio

KEEP = 75
LIMIT = 3
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
REQUEST = HEAD + b"\r\n"


class Later:
    def __init__(self, at: float, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.at, self._call, self._arguments, self.off = at, call, arguments, False

    def cancel(self) -> None:
        self.off = True

    def run(self) -> None:
        self.off = True
        self._call(*self._arguments)


class Clock:
    """The event loop, as far as a protocol uses it."""

    def __init__(self) -> None:
        self.now, self._later = 0.0, list[Later]()

    def call_later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> Later:
        self._later.append(Later(self.now + seconds, call, arguments))
        return self._later[-1]

    def create_task(self, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(coroutine, **options)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        for later in sorted(self._later, key=lambda one: one.at):
            if later.at <= self.now and not later.off:
                later.run()

    @property
    def running(self) -> int:
        return sum(not later.off for later in self._later)


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent, self.closed, self.aborted = b"", False, False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    @property
    def status(self) -> int:
        return int(self.sent.split(b" ")[1]) if self.sent else 0


class Server:
    """Connections of one server, whose app answers at once unless it is held."""

    def __init__(self) -> None:
        self.clock, self.state, self.hold = Clock(), ServerState(), anyio.Event()
        self.hold.set()
        self._config = uvicorn.Config(
            self._app,
            interface="asgi3",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            limit_concurrency=LIMIT + 1,
        )
        self._config.timeout_keep_alive = KEEP
        self._config.load()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.hold.wait()
        await PlainTextResponse("answer")(scope, receive, send)

    def connected(self) -> tuple[BoundedProtocol, Wire]:
        clock: Any = self.clock
        protocol, wire = BoundedProtocol(self._config, self.state, {}, clock), Wire()
        protocol.connection_made(wire)
        return protocol, wire

    async def answered(self) -> None:
        with anyio.fail_after(5):
            while self.state.tasks:
                await asyncio.wait(set(self.state.tasks))


@pytest.fixture
async def server() -> Server:
    return Server()


async def test_who_says_nothing_is_told_so_and_hung_up_on(server: Server) -> None:
    _, wire = server.connected()

    server.clock.passes(HEAD_SECONDS - 1)
    assert not wire.closed
    server.clock.passes(1)

    assert (wire.status, wire.closed) == (408, True)


async def test_a_head_that_comes_letter_by_letter_has_no_more_time(server: Server) -> None:
    protocol, wire = server.connected()

    for letter in HEAD[: int(HEAD_SECONDS)]:
        server.clock.passes(1)
        protocol.data_received(bytes([letter]))

    assert (wire.status, wire.closed) == (408, True)


async def test_a_head_in_time_is_answered_and_leaves_nothing_behind(server: Server) -> None:
    protocol, wire = server.connected()
    server.clock.passes(HEAD_SECONDS - 1)
    protocol.data_received(REQUEST)
    await server.answered()
    server.clock.passes(HEAD_SECONDS)

    assert (wire.status, wire.closed) == (200, False)
    protocol.connection_lost(None)
    assert server.clock.running == 0


async def test_work_that_takes_long_is_no_fault_of_the_client(server: Server) -> None:
    server.hold = anyio.Event()
    protocol, wire = server.connected()
    protocol.data_received(REQUEST)
    server.clock.passes(1_000)
    server.hold.set()
    await server.answered()

    assert (wire.status, wire.closed) == (200, False)


@pytest.mark.parametrize("begun", [b"", b"G", HEAD])
async def test_a_later_head_has_as_long_from_its_first_byte(server: Server, begun: bytes) -> None:
    protocol, wire = server.connected()
    protocol.data_received(REQUEST)
    await server.answered()
    wire.sent = b""
    server.clock.passes(KEEP - 1)
    assert not wire.closed

    if begun:
        protocol.data_received(begun)
        server.clock.passes(HEAD_SECONDS - 1)
        assert not wire.closed
        protocol.data_received(b"x")
    server.clock.passes(1)

    assert (wire.status, wire.closed) == (408 if begun else 0, True)


async def test_the_rest_of_a_body_that_was_answered_is_not_waited_for_long(server: Server) -> None:
    protocol, wire = server.connected()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
    await server.answered()
    assert (wire.status, wire.closed) == (200, False)

    for _ in range(int(REST_SECONDS)):
        server.clock.passes(1)
        protocol.data_received(b"x")

    assert wire.closed


async def test_a_connection_is_of_use_again_after_the_rest_and_not_kept_for_ever(server: Server) -> None:
    protocol, wire = server.connected()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
    await server.answered()
    protocol.data_received(b"rest")
    protocol.data_received(REQUEST)
    await server.answered()
    assert wire.sent.count(b"HTTP/1.1 200") == 2

    protocol.data_received(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
    await server.answered()
    protocol.data_received(b"rest")
    server.clock.passes(KEEP)

    assert wire.closed


async def test_who_does_not_take_an_answer_is_hung_up_on(server: Server) -> None:
    server.hold = anyio.Event()
    protocol, wire = server.connected()
    protocol.data_received(REQUEST)
    protocol.pause_writing()
    server.clock.passes(READER_SECONDS - 1)
    protocol.resume_writing()
    server.clock.passes(READER_SECONDS)
    assert not wire.aborted

    protocol.pause_writing()
    server.clock.passes(READER_SECONDS)

    assert wire.aborted
    protocol.connection_lost(None)
    server.hold.set()
    await server.answered()


@pytest.mark.parametrize("asked", [HEAD + b"Connection: close\r\n\r\n", b"nonsense\r\n\r\n", b""])
async def test_who_does_not_take_the_last_of_it_is_hung_up_on_too(server: Server, asked: bytes) -> None:
    """The wire is closed when all is sent: this one never is."""
    protocol, wire = server.connected()
    if asked:
        protocol.data_received(asked)
        await server.answered()
    else:
        server.clock.passes(HEAD_SECONDS)
    assert (wire.closed, wire.aborted) == (True, False)

    server.clock.passes(READER_SECONDS)

    assert wire.aborted


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"x" * 70000, 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (HEAD + b"Host: evil.example\r\n\r\n", 400),
    ],
)
async def test_a_head_that_is_none_is_refused(server: Server, sent: bytes, status: int) -> None:
    protocol, wire = server.connected()
    protocol.data_received(sent)

    assert (wire.status, wire.closed) == (status, True)


async def test_nonsense_behind_an_answer_is_no_failure_of_the_server(server: Server) -> None:
    protocol, wire = server.connected()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    await server.answered()
    protocol.data_received(b"nonsense\r\n")

    assert wire.sent.count(b"HTTP/1.1") == 1 and wire.closed


async def test_nonsense_in_the_midst_of_an_answer_is_refused_once(server: Server) -> None:
    server.hold = anyio.Event()
    protocol, wire = server.connected()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    protocol.data_received(b"nonsense\r\n")
    server.hold.set()
    await server.answered()

    assert (wire.status, wire.sent.count(b"HTTP/1.1"), wire.closed) == (400, 1, True)


async def test_an_upgrade_that_is_offered_is_passed_over(server: Server) -> None:
    protocol, wire = server.connected()
    protocol.data_received(HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
    await server.answered()

    assert wire.status == 200


async def test_more_than_there_is_room_for_are_told_so(server: Server) -> None:
    server.hold = anyio.Event()
    busy = [server.connected() for _ in range(LIMIT)]
    for protocol, _ in busy:
        protocol.data_received(REQUEST)
    protocol, wire = server.connected()
    protocol.data_received(REQUEST)
    server.hold.set()
    await server.answered()

    assert (wire.status, wire.closed) == (503, True)
    assert [kept.status for _, kept in busy] == [200] * LIMIT


async def test_one_who_is_there_takes_the_place_of_one_who_may_come_back(server: Server) -> None:
    idle = [server.connected() for _ in range(LIMIT)]
    for protocol, _ in idle:
        protocol.data_received(REQUEST)
    await server.answered()
    _, wire = server.connected()

    assert [one.closed for _, one in idle].count(True) == 1
    assert not wire.closed


async def test_a_crowd_is_hung_up_on(server: Server) -> None:
    wires = [server.connected()[1] for _ in range(3 * (LIMIT + 1))]

    assert [wire.aborted for wire in wires].count(True) == LIMIT + 1


async def test_the_end_of_the_server_ends_what_waits_and_lets_what_works_finish(server: Server) -> None:
    server.hold = anyio.Event()
    (working, answer), (silent, _), (closing, _) = server.connected(), server.connected(), server.connected()
    working.data_received(REQUEST)
    closing.data_received(b"nonsense\r\n\r\n")
    for protocol in (working, silent, closing):
        protocol.shutdown()
    server.hold.set()
    await server.answered()

    assert (answer.status, answer.closed) == (200, True)
    assert silent.transport.is_closing()
