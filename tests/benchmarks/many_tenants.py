"""What a server holds and how long it takes as its tenants become more, each with a store of its own."""

from dataclasses import dataclass

from . import machine
from .asks import Access
from .host import ON, ratio, times
from .hosts import many
from .lab import Lab
from .load import Plan
from .loading import Driver, Point, cpu_shown, driving, wrong
from .report import Row, shown
from .serving import Serving, serving

COUNTS = (1, 100, 1_000)
OBSERVATIONS = 20  # in each store
BYSTANDER = "bystander"  # asked before, so that the server has imported what it needs
LEAST = 200  # calls of a round


@dataclass(frozen=True, kw_only=True)
class Held:
    """By the server."""

    files: int | None
    megabytes: float | None

    @classmethod
    def by(cls, server: Serving) -> "Held":
        return cls(files=server.open_files, megabytes=server.resident_mb)


@dataclass(frozen=True, kw_only=True)
class Measured:
    first: Point
    """Each tenant's first request."""
    later: Point
    before: Held
    after: Held


async def many_tenants(lab: Lab) -> list[Row]:
    measured = {count: await _measured(lab, count) for count in COUNTS}
    return [_row(count, one, measured[COUNTS[0]]) for count, one in measured.items()]


async def _measured(lab: Lab, count: int) -> Measured:
    """One client, who asks for one tenant after the other."""
    of = await lab.template(OBSERVATIONS)
    host = many(
        lab.path(f"host-{count}"), [BYSTANDER, *(f"tenant-{number}" for number in range(count))], of, OBSERVATIONS
    )
    accesses = tuple(access for name, access in host.accesses.items() if name != BYSTANDER)
    first, later, rounds = Point(), Point(), lab.choose(quick=1, ordinary=3, full=5)
    async with serving(host.folder, authentication=ON) as server, driving() as driver:
        await _round(driver, server, (host.accesses[BYSTANDER],), 10, Point())
        before = Held.by(server)
        await _round(driver, server, accesses, count, first)
        for _ in range(rounds):
            await _round(driver, server, accesses, max(count, LEAST), later)
        return Measured(first=first, later=later, before=before, after=Held.by(server))


async def _round(driver: Driver, server: Serving, accesses: tuple[Access, ...], total: int, point: Point) -> None:
    plan = Plan(
        address=server.address,
        transport="mcp",
        calls=("lookup",),
        accesses=accesses,
        total=total,
        roam=True,
        warm_ups=0,
    )
    await driver.run(plan, server, point)


def _row(count: int, one: Measured, alone: Measured) -> Row:
    compared = "" if one is alone else f", {times(ratio(one.later.calls.p50, alone.later.calls.p50))} of one tenant's"
    files = "n/a" if one.after.files is None else f"{one.after.files:,}"
    return Row(
        measure=f"host: a lookup of {count:,} tenant{'s' if count > 1 else ''} in turn, a store each",
        measured=f"p50 {one.later.calls.p50:.1f} ms{compared}, p95 {one.later.calls.p95:.1f} ms, "
        f"{cpu_shown(one.later)}; the first of each p50 {one.first.calls.p50:.1f} ms; {files} files open, "
        f"RSS {shown(one.after.megabytes, 'MB')}, before {shown(one.before.megabytes, 'MB')}"
        f"{wrong(one.first, one.later)}",
        target="no errors",
        met=not (one.first.errors or one.later.errors),
        numbers={
            "tenants": count,
            "observations": OBSERVATIONS,
            "files_before": one.before.files,
            "files": one.after.files,
            "files_allowed": machine.files_allowed(),
            "mb_before": one.before.megabytes,
            "mb": one.after.megabytes,
            **{f"first_{what}": value for what, value in one.first.numbers().items()},
            **one.later.numbers(),
        },
    )
