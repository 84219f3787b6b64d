"""A quiet tenant of a server on which another one makes all the noise that it can."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from .asks import Access, Call
from .host import ON, ratio, times
from .lab import LIMITED, NOISY, QUIET, Lab
from .load import Plan
from .loading import Driver, Point, driving, wrong
from .report import Row
from .serving import Serving, serving

CALLS: tuple[Call, ...] = ("recall", "write")
CLIENTS = 64
LEAST = 5  # calls of the quiet tenant in a round: beside noise each may take seconds
SETTLE_SECONDS = 1.5  # until what may come at once has come, and the noise is what it stays


@dataclass(frozen=True, kw_only=True)
class Noise:
    """`patient`: who is refused waits as it is told to, and does not ask again at once."""

    name: str
    tenant: str | None = None
    patient: bool = True
    made: Point = field(default_factory=Point)
    quiet: dict[Call, Point] = field(default_factory=lambda: {call: Point() for call in CALLS})


async def neighbours(lab: Lab) -> list[Row]:
    """Alone, and beside a neighbour of 64 clients: without limits, and with limits that it heeds, or does not."""
    host = (await lab.host()).copied(lab.path("host-neighbours"))
    noises = [
        Noise(name="alone"),
        Noise(name="beside 64 clients without limits", tenant=NOISY),
        Noise(name="beside 64 clients with limits, who wait when told", tenant=LIMITED),
        Noise(name="beside 64 clients with limits, who ask again at once", tenant=LIMITED, patient=False),
    ]
    rounds, seconds = lab.choose(quick=1, ordinary=3, full=7), lab.choose(quick=2.0, ordinary=2.5, full=5.0)
    async with serving(host.folder, authentication=ON) as server, driving() as quiet, driving() as loud:
        for turn in range(rounds):
            for number, noise in enumerate(noises):
                async with _heard(loud, server, noise, host.accesses.get(noise.tenant or ""), turn):
                    for call in CALLS:
                        plan = Plan(
                            address=server.address,
                            transport="mcp",
                            calls=(call,),
                            accesses=(host.accesses[QUIET],),
                            seconds=seconds,
                            least=LEAST,
                            seed=1 + turn * len(noises) + number,
                        )
                        await quiet.run(plan, server, noise.quiet[call])
    return [_row(call, noise, noises[0]) for call in CALLS for noise in noises]


@asynccontextmanager
async def _heard(loud: Driver, server: Serving, noise: Noise, access: Access | None, turn: int) -> AsyncIterator[None]:
    """Through the Memory API, as of a job that writes and reads all it has."""
    if access is None:
        yield
        return
    plan = Plan(
        address=server.address,
        transport="api",
        calls=CALLS,
        accesses=(access,),
        clients=CLIENTS,
        patient=noise.patient,
        seed=500 + turn,
    )
    async with loud.meanwhile(plan, noise.made):
        await anyio.sleep(SETTLE_SECONDS)
        yield


def _row(call: Call, noise: Noise, alone: Noise) -> Row:
    point, beside = noise.quiet[call], alone.quiet[call]
    p50, p95 = ratio(point.calls.p50, beside.calls.p50), ratio(point.calls.p95, beside.calls.p95)
    made = (
        ""
        if noise.tenant is None
        else f"; the neighbour: {noise.made.rate:,.0f} answered/s, {noise.made.refused_rate:,.0f} refused/s"
    )
    compared = "" if noise is alone else f", {times(p50)} and {times(p95)} of alone"
    return Row(
        measure=f"host: a quiet tenant's {call}, {noise.name}",
        measured=f"p50 {point.calls.p50:.1f} ms, p95 {point.calls.p95:.1f} ms{compared}{made}"
        f"{wrong(point, noise.made)}",
        target="no errors",
        met=not (point.errors or noise.made.errors),
        numbers={"call": call, "neighbour": noise.name, "p50_ratio": p50, "p95_ratio": p95, **point.numbers()}
        | {f"neighbour_{what}": value for what, value in noise.made.numbers().items()},
    )
