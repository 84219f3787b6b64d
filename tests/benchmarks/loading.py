"""Processes of clients, driven: what they measured, and what the server spent on it meanwhile."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp.client.stdio import get_default_environment

from . import machine
from .calls import Calls
from .load import Plan
from .report import median, shown
from .results import ROOT
from .serving import Serving

LONGEST_LINE = 16_000_000
ANSWER_SECONDS = 120


@dataclass
class Point:
    """One kind of calls by so many clients, in rounds, as `Calls` has them."""

    calls: Calls = field(default_factory=Calls)
    rates: list[float] = field(default_factory=list)
    """Answers a second, of each round."""
    client_cpus: list[float] = field(default_factory=list)
    """Milliseconds per call."""
    refused_rates: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return median(self.rates) or 0.0

    @property
    def refused_rate(self) -> float:
        return median(self.refused_rates) or 0.0

    def add(self, told: dict[str, Any], spent: float | None) -> None:
        """A round in which nothing was answered counts as a rate alone."""
        walls = told["walls"]
        self.errors.update(told["errors"])
        self.rates.append(len(walls) / told["seconds"])
        self.refused_rates.append(told["refused"] / told["seconds"])
        if walls:
            self.calls.walls.append(walls)
            self.calls.cpus.append(None if spent is None else spent * 1000 / len(walls))
            self.client_cpus.append(told["client_cpu"] * 1000 / len(walls))

    def shown(self) -> str:
        return f"{self.rate:,.0f}/s, p50 {self.calls.p50:.1f} ms, p95 {self.calls.p95:.1f} ms"

    def numbers(self) -> dict[str, Any]:
        counts = {"refused_per_second": self.refused_rate, "errors": self.errors.total()}
        return {"per_second": self.rate, **self.calls.numbers(), "client_cpu": median(self.client_cpus), **counts}


def wrong(*points: Point) -> str:
    """To be appended to what is shown; empty where nothing went wrong. The first of it in its own words."""
    errors = sum((point.errors for point in points), Counter[str]())
    return f"; {errors.total()} ERRORS, such as {errors.most_common(1)[0][0][:120]}" if errors else ""


def cpu_shown(point: Point) -> str:
    return shown(point.calls.cpu, "CPU-ms")


class Driver:
    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the clients were started without pipes")
        self._stdin, self._lines = process.stdin, BufferedByteReceiveStream(process.stdout)

    async def run(self, plan: Plan, server: Serving, point: Point) -> None:
        """One round."""
        await self._prepare(plan)
        before = server.cpu_seconds
        await self._say("go")
        told = await self._hear()
        point.add(told, machine.since(before, server.cpu_seconds))

    @asynccontextmanager
    async def meanwhile(self, plan: Plan, point: Point) -> AsyncIterator[None]:
        """A plan without an end goes on for as long as the block. What the server spends is then not of it alone."""
        await self._prepare(plan)
        await self._say("go")
        yield
        await self._say("stop")
        point.add(await self._hear(), None)

    async def _prepare(self, plan: Plan) -> None:
        await self._say(asdict(plan))
        if await self._hear() != "ready":
            raise RuntimeError("the clients did not get ready")

    async def _say(self, what: object) -> None:
        await self._stdin.send(json.dumps(what).encode() + b"\n")

    async def _hear(self) -> Any:
        with anyio.fail_after(ANSWER_SECONDS):
            return json.loads(await self._lines.receive_until(b"\n", LONGEST_LINE))


@asynccontextmanager
async def driving() -> AsyncIterator[Driver]:
    """Clients in a process of their own, which ends with the block."""
    command = [sys.executable, "-m", "tests.benchmarks.load"]
    async with await anyio.open_process(command, stderr=None, cwd=ROOT, env=get_default_environment()) as process:
        try:
            yield Driver(process)
        finally:
            process.kill()
