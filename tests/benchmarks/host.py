"""A server that asks for credentials, as an agent host runs it: how much it answers, and what it costs to ask who asks.

Clients are processes of their own, of several tenants; CPU is the server's, its workers' included.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import issuers

from .asks import TITLES, Access, Call, Transport
from .hosts import Host, sole
from .lab import HOSTED, Lab
from .load import Plan
from .loading import Driver, Point, cpu_shown, driving, wrong
from .report import Row
from .serving import Serving, serving

ON, OFF = "on", "off"
CALLS: Sequence[Call] = ("recall", "write", "lookup")
CLIENTS = (1, 16, 64)
CROWDS = (16, 64)
TOKEN_HOURS = 1


async def throughput(lab: Lab) -> list[Row]:
    """Every kind of call by one client, by some and by many."""
    host = (await lab.host()).copied(lab.path("host-throughput"))
    accesses = tuple(host.accesses[name] for name in HOSTED)
    kinds: list[tuple[Transport, Call]] = [(transport, call) for call in CALLS for transport in TITLES]
    points = {(kind, clients): Point() for kind in kinds for clients in CLIENTS}
    rounds, seconds = lab.choose(quick=1, ordinary=3, full=7), lab.choose(quick=0.8, ordinary=1.0, full=3.0)
    async with serving(host.folder, authentication=ON) as server, driving() as driver:
        for turn in range(rounds):
            for number, ((kind, clients), point) in enumerate(points.items()):
                transport, call = kind
                plan = Plan(
                    address=server.address,
                    transport=transport,
                    calls=(call,),
                    accesses=accesses,
                    clients=clients,
                    seconds=seconds,
                    seed=1 + turn * len(points) + number,
                )
                await driver.run(plan, server, point)
    return [_answered(host, kind, {clients: points[kind, clients] for clients in CLIENTS}) for kind in kinds]


def _answered(host: Host, kind: tuple[Transport, Call], by: dict[int, Point]) -> Row:
    transport, call = kind
    each = "; ".join(f"{clients}: {point.shown()}, {cpu_shown(point)}" for clients, point in by.items())
    return Row(
        measure=f"host: {call} over {TITLES[transport]}, by number of clients",
        measured=each + wrong(*by.values()),
        target="no errors",
        met=not any(point.errors for point in by.values()),
        numbers={
            "transport": transport,
            "call": call,
            "observations": host.observations,
            "tenants": len(HOSTED),
            "points": [{"clients": clients, **point.numbers()} for clients, point in by.items()],
        },
    )


# What it costs to ask who asks


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One call, with every way to show who asks."""

    transport: Transport
    call: Call
    points: dict[str, Point] = field(default_factory=lambda: {name: Point() for name in ("off", "key", "token")})


async def credentials(lab: Lab) -> list[Row]:
    """The same calls in turns of two servers: of one that asks for nothing, and of one that is shown a key or a JWT."""
    asked = [
        _Asked(transport="mcp", call="lookup"),
        _Asked(transport="api", call="lookup"),
        _Asked(transport="mcp", call="recall"),
    ]
    rounds, seconds = lab.choose(quick=2, ordinary=5, full=9), lab.choose(quick=0.8, ordinary=1.0, full=2.0)
    async with _two(lab) as (servers, accesses), driving() as driver:
        for turn in range(rounds):
            for number, one in enumerate(asked):
                ways = list(one.points.items())
                for way, point in ways if turn % 2 else reversed(ways):
                    plan = Plan(
                        address=servers[way].address,
                        transport=one.transport,
                        calls=(one.call,),
                        accesses=(accesses[way],),
                        seconds=seconds,
                        warm_ups=5,
                        seed=turn * len(asked) + number,
                    )
                    await driver.run(plan, servers[way], point)
    return [_costs(one) for one in asked]


@asynccontextmanager
async def _two(lab: Lab) -> AsyncIterator[tuple[dict[str, Serving], dict[str, Access]]]:
    """Servers and accesses, by how it is said who asks."""
    host = (await lab.host()).copied(lab.path("host-credentials"))
    open_to_all = sole(lab.path("host-open"), "local", await lab.template(host.observations), host.observations)
    name = HOSTED[0]
    async with AsyncExitStack() as stack:
        issuer = stack.enter_context(issuers.serving())
        config = lab.path("host-issuer.toml")
        config.write_text(
            f'[[issuers]]\nurl = "{issuer.url}"\naudiences = ["{issuers.AUDIENCE}"]\ntenant_claim = "tenant"\n',
            encoding="utf-8",
        )
        until = int((datetime.now(UTC) + timedelta(hours=TOKEN_HOURS)).timestamp())
        token = issuer.token(tenant=name, scope="memory:read memory:write", exp=until)
        on = await stack.enter_async_context(serving(host.folder, authentication=ON, config=str(config)))
        off = await stack.enter_async_context(serving(open_to_all.folder, authentication=OFF))
        key = host.accesses[name]
        accesses = {"off": open_to_all.accesses["local"], "key": key, "token": replace(key, token=token)}
        yield {"off": off, "key": on, "token": on}, accesses


def _costs(one: _Asked) -> Row:
    off, key, token = (one.points[name] for name in ("off", "key", "token"))
    numbers: dict[str, Any] = {"transport": one.transport, "call": one.call}
    shown = [f"off {off.shown()}, {cpu_shown(off)}"]
    for name, point in (("API key", key), ("JWT", token)):
        cpu, p50 = ratio(point.calls.cpu, off.calls.cpu), ratio(point.calls.p50, off.calls.p50)
        shown.append(f"{name} {times(cpu)} CPU, {times(p50)} p50")
        numbers |= {
            f"{name.replace(' ', '_').lower()}_cpu_ratio": cpu,
            f"{name.replace(' ', '_').lower()}_p50_ratio": p50,
        }
    numbers |= {f"{way}_{what}": value for way, point in one.points.items() for what, value in point.numbers().items()}
    return Row(
        measure=f"host: what authentication adds to {one.call} over {TITLES[one.transport]}",
        measured="; ".join(shown) + wrong(off, key, token),
        target="no errors",
        met=not (off.errors or key.errors or token.errors),
        numbers=numbers,
    )


# Several processes on one port


async def workers(lab: Lab) -> list[Row]:
    """Two servers on copies of one folder, asked in turns."""
    host = await lab.host()
    kinds: list[tuple[Transport, Call]] = [("mcp", "recall"), ("mcp", "write"), ("api", "lookup")]
    points = {(kind, clients, number): Point() for kind in kinds for clients in CROWDS for number in (1, 2)}
    rounds, seconds = lab.choose(quick=1, ordinary=3, full=7), lab.choose(quick=0.8, ordinary=1.0, full=3.0)
    async with AsyncExitStack() as stack:
        servers = {}
        for number in (1, 2):
            folder = host.copied(lab.path(f"host-workers-{number}")).folder
            servers[number] = await stack.enter_async_context(serving(folder, authentication=ON, workers=str(number)))
        driver = await stack.enter_async_context(driving())
        for server in servers.values():
            await _warm(driver, server, host)
        for turn in range(rounds):
            for (kind, clients, number), point in points.items():
                plan = Plan(
                    address=servers[number].address,
                    transport=kind[0],
                    calls=(kind[1],),
                    accesses=tuple(host.accesses[name] for name in HOSTED),
                    clients=clients,
                    seconds=seconds,
                    seed=turn * 1_000 + clients,
                )
                await driver.run(plan, servers[number], point)
    return [
        _compared(kind, clients, points[kind, clients, 1], points[kind, clients, 2])
        for kind in kinds
        for clients in CROWDS
    ]


async def _warm(driver: Driver, server: Serving, host: Host) -> None:
    """Every worker has loaded its model, and opened its stores."""
    accesses = tuple(host.accesses[name] for name in HOSTED)
    plan = Plan(address=server.address, transport="mcp", calls=("recall",), accesses=accesses, clients=32, total=32)
    await driver.run(plan, server, Point())


def _compared(kind: tuple[Transport, Call], clients: int, one: Point, two: Point) -> Row:
    rate, cpu = ratio(two.rate, one.rate), ratio(two.calls.cpu, one.calls.cpu)
    return Row(
        measure=f"host: 2 workers against 1, {kind[1]} over {TITLES[kind[0]]}, {clients} clients",
        measured=f"1: {one.shown()}; 2: {two.shown()}; {times(rate)} requests, {times(cpu)} CPU each{wrong(one, two)}",
        target="no errors",
        met=not (one.errors or two.errors),
        numbers={"transport": kind[0], "call": kind[1], "clients": clients, "rate_ratio": rate, "cpu_ratio": cpu}
        | {
            f"workers_{at}_{what}": value
            for at, point in ((1, one), (2, two))
            for what, value in point.numbers().items()
        },
    )


def ratio(measured: float | None, beside: float | None) -> float | None:
    return measured / beside if measured and beside else None


def times(ratio: float | None) -> str:
    return "n/a" if ratio is None else f"{ratio:.2f}x"
