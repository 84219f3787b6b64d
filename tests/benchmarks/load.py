"""A process of clients: each has a connection of its own, and asks again as soon as it is answered.

`loading.py` drives it with lines of JSON: a plan comes; `ready` goes out when all are connected and have been answered;
`go` comes; the result goes out when the plan's time or calls are over, or `stop` has come. It is not the SDK's client,
which takes more of the processor than the server it asks.
"""

import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import h11
from anyio.abc import SocketStream, TaskGroup

from . import asks
from .asks import Access, Call, Request, Script, Transport
from .memories import Writer

LARGEST = 65_536  # bytes that are read at a time
ERROR_PAUSE = 0.05  # seconds after a connection broke, so that a server that is down is not all there is to see
BROKEN = (OSError, anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError, h11.ProtocolError)
LIMITED = 429


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`calls` are made in turn. `seconds` or `total` calls end it, whichever comes first; without both, `stop`.
    `least`: so many calls of each client are made, however long they take. `warm_ups`: calls of one client of each
    access, before it begins. `roam`: each call is of the next access, not each client of its own. `patient`: who is
    refused waits as told."""

    address: str
    transport: Transport
    calls: tuple[Call, ...]
    accesses: tuple[Access, ...]
    clients: int = 1
    seconds: float | None = None
    total: int | None = None
    least: int = 0
    warm_ups: int = 1
    roam: bool = False
    patient: bool = True
    seed: int = 0


@dataclass
class Tally:
    walls: list[float] = field(default_factory=list)
    """Milliseconds, of what was answered."""
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Connection:
    def __init__(self, stream: SocketStream, host: str) -> None:
        self._stream, self._host, self._http = stream, host, h11.Connection(h11.CLIENT)

    async def ask(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        headers = {"Host": self._host, "Content-Length": str(len(request.body)), **request.headers}
        head = h11.Request(method="POST", target=request.path, headers=list(headers.items()))
        sent = [self._http.send(one) or b"" for one in (head, h11.Data(data=request.body), h11.EndOfMessage())]
        await self._stream.send(b"".join(sent))
        status, found, parts = 0, dict[str, str](), []
        while not isinstance(event := self._http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._stream.receive(LARGEST))
            elif isinstance(event, h11.Response):
                status = event.status_code
                found = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
        self._http.start_next_cycle()
        return status, found, b"".join(parts)


class Crowd:
    def __init__(self, plan: Plan) -> None:
        self._plan, self.tally = plan, Tally()
        self._host = urlsplit(plan.address).netloc
        self._roaming, self._left = itertools.cycle(plan.accesses), iter(range(plan.total or sys.maxsize))
        self._ready, self.go, self._waiting = anyio.Event(), anyio.Event(), plan.clients
        self._until = float("inf")

    async def ready(self, tasks: TaskGroup) -> None:
        for number in range(self._plan.clients):
            tasks.start_soon(self._client, number)
        await self._ready.wait()

    def start(self) -> None:
        if self._plan.seconds is not None:
            self._until = time.perf_counter() + self._plan.seconds
        self.go.set()

    def stop(self) -> None:
        self._until = 0.0

    async def _client(self, number: int) -> None:
        plan, own = self._plan, self._plan.accesses[number % len(self._plan.accesses)]
        writer = Writer(plan.seed * 1_000 + number)
        warm_ups, left = plan.warm_ups if number < len(plan.accesses) else 0, plan.least
        while True:
            with suppress(*BROKEN):
                async with self._connected(own) as (connection, session):
                    requests = _scripted(plan, writer, session)
                    for _ in range(warm_ups):
                        await self._once(connection, next(requests)(own), Tally())
                    warm_ups = 0
                    await self._started()
                    while (time.perf_counter() < self._until or left > 0) and next(self._left, None) is not None:
                        left -= 1
                        access = next(self._roaming) if plan.roam else own
                        await self._once(connection, next(requests)(access), self.tally)
                    return
            self.tally.errors["the connection broke"] += 1
            await anyio.sleep(ERROR_PAUSE)

    async def _started(self) -> None:
        """All wait for the last of them, and then for the word."""
        if not self._ready.is_set():
            self._waiting -= 1
            if self._waiting <= 0:
                self._ready.set()
        await self.go.wait()

    async def _once(self, connection: Connection, request: Request, tally: Tally) -> None:
        started = time.perf_counter()
        status, headers, body = await connection.ask(request)
        wall = (time.perf_counter() - started) * 1000
        if status == LIMITED:
            tally.refused += 1
            if self._plan.patient:
                await anyio.sleep(float(headers.get("retry-after", "1")))
        elif (trouble := asks.trouble(self._plan.transport, status, body)) is not None:
            tally.errors[trouble] += 1
        else:
            tally.walls.append(round(wall, 3))

    @asynccontextmanager
    async def _connected(self, access: Access) -> AsyncIterator[tuple[Connection, dict[str, str]]]:
        url = urlsplit(self._plan.address)
        async with await anyio.connect_tcp(url.hostname or "", url.port or 80) as stream:
            connection, session = Connection(stream, self._host), dict[str, str]()
            if self._plan.transport == "handshake":
                _, headers, _ = await connection.ask(asks.handshake(access))
                session = dict(asks.of_session(headers[asks.SESSION.lower()]))
                await connection.ask(asks.initialized(access, session))
            yield connection, session


def _scripted(plan: Plan, writer: Writer, session: dict[str, str]) -> Iterator[Callable[[Access], Request]]:
    script = Script(transport=plan.transport, writer=writer, session=session)
    questions = writer.questions()
    return itertools.cycle([script.requests(call, questions) for call in plan.calls])


async def _played(plan: Plan) -> dict[str, Any]:
    crowd = Crowd(plan)
    async with anyio.create_task_group() as tasks:
        await crowd.ready(tasks)
        _say("ready")
        await _line()
        cpu, started = time.process_time(), time.perf_counter()
        crowd.start()
        if plan.seconds is None and plan.total is None:
            await _line()
            crowd.stop()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    told = {"walls": crowd.tally.walls, "refused": crowd.tally.refused, "errors": dict(crowd.tally.errors)}
    return {**told, "seconds": seconds, "client_cpu": cpu}


def read(line: str) -> Plan:
    given = json.loads(line)
    accesses = tuple(Access(**one) for one in given.pop("accesses"))
    return Plan(accesses=accesses, calls=tuple(given.pop("calls")), **given)


async def main() -> None:
    """One plan after the other, until stdin ends."""
    while line := await _line():
        _say(await _played(read(line)))


async def _line() -> str:
    return await anyio.to_thread.run_sync(sys.stdin.readline)


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    anyio.run(main)
