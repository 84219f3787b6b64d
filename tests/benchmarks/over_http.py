"""The Memory API over HTTP, and in turns with it the same calls over MCP's Streamable HTTP, of one server process."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client

from . import machine
from .calls import Calls
from .lab import Lab
from .memories import Writer
from .report import Row, all_met, median, shown, within
from .serving import Serving, serving
from .stores import Filler

SIZE = 1_000  # observations in the profile
ROUND = 60  # calls of one kind: the clock of CPU time ticks every 10 ms
WARM_UP = 5  # calls: the first one loads the model
OTHER = "+13175550160"  # the profile that is written to
AT = "2026-05-01T10:00:00Z"

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Pair:
    """One call through both doors; `mcp` is None where there is none over MCP."""

    name: str
    http: Ask
    mcp: Ask | None
    timed: dict[str, Calls] = field(default_factory=lambda: {"http": Calls(), "mcp": Calls()})

    def doors(self) -> dict[str, Ask]:
        return {"http": self.http} | ({"mcp": self.mcp} if self.mcp else {})


async def over_http(lab: Lab) -> list[Row]:
    folder = lab.path("http")
    profile_id, store_id = await _filled(folder, lab)
    rounds, calls = lab.choose(quick=3, ordinary=7, full=15), 20 if lab.quick else ROUND
    async with serving(folder) as server, _asking(server, store_id) as (http, mcp):
        pairs = await _pairs(http, mcp, profile_id)
        for pair in pairs:
            for ask in pair.doors().values():
                await _round(server, ask, WARM_UP, None)
        for turn in range(rounds):
            for pair in pairs:
                doors = list(pair.doors().items())
                for door, ask in doors if turn % 2 else reversed(doors):
                    await _round(server, ask, calls, pair.timed[door])
    return [*(_row(pair) for pair in pairs), await _start(lab)]


async def _filled(folder: Path, lab: Lab) -> tuple[str, str]:
    filler = Filler(folder, lab.model)
    profile_id = await filler.profile(Writer(seed=21).sentences(SIZE))
    scope = await filler.scope()
    await filler.backend.close()
    return profile_id, scope.store_id


@asynccontextmanager
async def _asking(server: Serving, store_id: str) -> AsyncIterator[tuple[httpx2.AsyncClient, Client]]:
    """Both keep their connection."""
    base = f"{server.address}/v1/Stores/{store_id}/Profiles"
    async with httpx2.AsyncClient(base_url=base) as http, Client(f"{server.address}/mcp", cache=None) as mcp:
        yield http, mcp


async def _pairs(http: httpx2.AsyncClient, mcp: Client, profile_id: str) -> list[Pair]:
    writer = Writer(seed=22)
    questions = writer.questions()
    base = str(http.base_url).rstrip("/")

    async def post(path: str, body: dict[str, Any]) -> Any:
        return (await http.post(f"{base}{path}", json=body)).raise_for_status().json()

    async def get(path: str) -> Any:
        return (await http.get(f"{base}{path}")).raise_for_status().json()

    async def tool(name: str, **arguments: Any) -> Any:
        result = await mcp.call_tool(name, arguments)
        if result.is_error:
            raise RuntimeError(f"{name} failed: {result.content}")
        return result.structured_content

    other = (await post("", {"traits": {"Contact": {"phone": OTHER}}}))["id"]

    def new(size: int, time_name: str) -> list[dict[str, str]]:
        return [{"content": writer.sentence()[0], "source": "sms", time_name: AT} for _ in range(size)]

    def writes(size: int) -> Pair:
        return Pair(
            f"write {size} observation{'s' if size > 1 else ''}",
            lambda: post(f"/{other}/Observations", {"observations": new(size, "occurredAt")}),
            lambda: tool("add_observation", profile_id=other, observations=new(size, "occurred_at")),
        )

    limits = {"observations_limit": 20, "summaries_limit": 5}
    return [
        Pair(
            "lookup",
            lambda: post("/Lookup", {"idType": "phone", "value": OTHER}),
            lambda: tool("lookup_profile", value=OTHER),
        ),
        Pair(
            "fetch a profile",
            lambda: get(f"/{other}"),
            lambda: mcp.read_resource(f"memory://profiles/{other}"),
        ),
        Pair(
            f"recall by query, {SIZE:,} observations",
            lambda: post(f"/{profile_id}/Recall", {"query": next(questions)}),
            lambda: tool("recall", profile_id=profile_id, query=next(questions), **limits),
        ),
        Pair(
            f"recall the newest, {SIZE:,} observations",
            lambda: post(f"/{profile_id}/Recall", {}),
            lambda: tool("recall", profile_id=profile_id, **limits),
        ),
        writes(1),
        writes(10),
    ]


async def _round(server: Serving, ask: Ask, count: int, calls: Calls | None) -> None:
    walls, before = [], server.cpu_seconds
    for _ in range(count):
        started = time.perf_counter()
        await ask()
        walls.append((time.perf_counter() - started) * 1000)
    spent = machine.since(before, server.cpu_seconds)
    if calls is not None:
        calls.walls.append(walls)
        calls.cpus.append(None if spent is None else spent * 1000 / count)


def _row(pair: Pair) -> Row:
    http, mcp = pair.timed["http"], pair.timed["mcp"]
    return Row(
        measure=f"Memory API over HTTP: {pair.name}",
        measured=f"{http.shown()}; over MCP {mcp.shown()}",
        target="CPU as over MCP, +20 %",
        met=None if mcp.cpu is None else within(http.cpu, 1.2 * mcp.cpu),
        numbers={"call": pair.name} | http.numbers("http_") | mcp.numbers("mcp_"),
    )


async def _start(lab: Lab) -> Row:
    """From the command to the first answer, and what the process weighs then."""
    seconds, cpus, resident = [], [], []
    for turn in range(lab.choose(quick=3, ordinary=7, full=15)):
        started = time.perf_counter()
        async with serving(lab.path(f"serve-{turn}")) as server, httpx2.AsyncClient() as http:
            (await http.get(f"{server.address}/v1/ControlPlane/Stores")).raise_for_status()
            seconds.append(time.perf_counter() - started)
            cpus.append(server.cpu_seconds)
            resident.append(server.resident_mb)
    wall = median(seconds)
    return Row(
        measure="serve: start to the first answer, RSS idle",
        measured=f"{shown(wall, 's', 2)}, {shown(median(cpus), 'CPU-s', 2)}; {shown(median(resident), 'MB')}",
        target="<= 1.2 CPU-s, <= 100 MB",
        met=all_met(within(median(cpus), 1.2), within(median(resident), 100)),
        numbers={"seconds": wall, "cpu_seconds": median(cpus), "idle_mb": median(resident)},
    )
