"""How long recall takes by the size of the profile: in process and through a server, warm and cold."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import calls, pages, wiring
from .calls import Calls
from .client import running
from .lab import Lab, SizedStore
from .memories import Writer
from .report import Row, all_met, median, percentile, within

WARM_UP = 5  # calls: the first one loads the model
ROUND = 30  # calls
TARGET_SIZE = 1_000


@dataclass
class Timed:
    warm: Calls = field(default_factory=Calls)
    cold: list[float] = field(default_factory=list)
    resident_mb: float | None = None

    def shown(self) -> str:
        resident = "" if self.resident_mb is None else f"; RSS {self.resident_mb:.0f} MB"
        return f"warm {self.warm.shown()}; cold {self._cold_shown()}{resident}"

    def numbers(self, door: str, size: int) -> dict[str, object]:
        cold = Calls([self.cold]).numbers("cold_") if self.cold else {}
        rss = {"rss_mb": self.resident_mb}
        return {"door": door, "size": size} | self.warm.numbers("warm_") | cold | rss

    def _cold_shown(self) -> str:
        if not self.cold:
            return "n/a: this system can't drop pages"
        return f"p50 {percentile(self.cold, 0.5):.1f} ms, p95 {percentile(self.cold, 0.95):.1f} ms"


async def in_process(lab: Lab) -> list[Row]:
    store, questions = await lab.sized(), Writer(seed=8).questions()
    timed = {size: Timed() for size in store.profiles}
    async with wiring.opened(store.folder, lab.model) as (memory, caller):
        for profile_id in store.profiles.values():
            await calls.in_process(memory, caller, profile_id, questions, WARM_UP)
        for _ in range(lab.choose(quick=3, ordinary=5, full=9)):
            for size, profile_id in store.profiles.items():
                await calls.in_process(memory, caller, profile_id, questions, ROUND, timed[size].warm)
    if pages.droppable():
        for _ in range(lab.choose(quick=5, ordinary=15, full=30)):
            for size, profile_id in store.profiles.items():
                await calls.cold(store.folder, lab.model, profile_id, next(questions), timed[size].cold)
    rows = [_in_process_row(size, one) for size, one in timed.items()]
    return [*rows, _weight_row(store)]


def _in_process_row(size: int, one: Timed) -> Row:
    return Row(
        measure=f"recall in process, {size:,} observations",
        measured=one.shown(),
        target="warm p50 <= 6 ms" if size == TARGET_SIZE else "-",
        met=within(one.warm.p50, 6) if size == TARGET_SIZE else None,
        numbers=one.numbers("process", size),
    )


def _weight_row(store: SizedStore) -> Row:
    each = store.bytes / store.observations
    return Row(
        measure="bytes per observation in the files",
        measured=f"{each:,.0f} in a store of {store.observations:,}, all indexes included",
        numbers={"bytes": each, "store": store.observations},
    )


async def through_mcp(lab: Lab) -> list[Row]:
    store, questions = await lab.sized(), Writer(seed=7).questions()
    timed = {size: Timed() for size in store.profiles}
    async with running(store.folder) as server:
        for size, profile_id in store.profiles.items():
            await calls.through_server(server, profile_id, questions, WARM_UP)
            timed[size].resident_mb = server.resident_mb
        for _ in range(lab.choose(quick=3, ordinary=5, full=9)):
            for size, profile_id in store.profiles.items():
                await calls.through_server(server, profile_id, questions, ROUND, timed[size].warm)
    first: list[float] = []
    if pages.droppable():
        for _ in range(lab.choose(quick=3, ordinary=7, full=15)):
            await _cold(store, questions, first, timed)
    rows = [_mcp_row(size, one) for size, one in timed.items()]
    measured = "n/a: this system can't drop pages" if not first else f"{median(first):.0f} ms, pages cold"
    title = "first recall of a new server, which loads the model"
    return [*rows, Row(measure=title, measured=measured, numbers={"first_ms": median(first)})]


async def _cold(store: SizedStore, questions: Iterator[str], first: list[float], timed: dict[int, Timed]) -> None:
    """A new process, asked about each profile once, the files out of memory every time. `first` loads the model."""
    async with running(store.folder) as server:
        await server.client.list_tools()
        asked = [(store.bystander, first), *((store.profiles[size], one.cold) for size, one in timed.items())]
        for profile_id, walls in asked:
            pages.drop(store.folder)
            started = time.perf_counter()
            await server.call("recall", profile_id=profile_id, query=next(questions))
            walls.append((time.perf_counter() - started) * 1000)


def _mcp_row(size: int, one: Timed) -> Row:
    met = all_met(within(one.warm.p50, 15), within(one.warm.cpu, 20))
    return Row(
        measure=f"recall through MCP, {size:,} observations",
        measured=one.shown(),
        target="warm p50 <= 15 ms, <= 20 CPU-ms" if size == TARGET_SIZE else "-",
        met=met if size == TARGET_SIZE else None,
        numbers=one.numbers("mcp", size),
    )
