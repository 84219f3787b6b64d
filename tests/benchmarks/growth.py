"""Whether recall stays as fast as the store grows, in a profile that itself stays the same."""

import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread

from . import calls, clones, pages, wiring
from .calls import Calls
from .lab import SEED, Lab
from .machine import MEGA
from .memories import Writer
from .report import Row, percentile, within
from .stores import Filler

PROFILES = (100, 1_000)  # observations in the profiles that are asked
TEMPLATE = 200  # observations in each of the profiles that only fill a store
BYTES = 1_500  # of disk per observation: more than there are, since the disk is not ours alone
WARM_UP, ROUND = 10, 30
TARGET = 1.3


@dataclass
class Grown:
    """A store with so many observations, the profiles asked in the middle of it."""

    observations: int
    folder: Path
    profiles: Mapping[int, str]
    bytes_each: float
    warm: dict[int, Calls] = field(default_factory=lambda: {size: Calls() for size in PROFILES})
    cold: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in PROFILES})


async def growth(lab: Lab) -> list[Row]:
    sizes = lab.choose(
        quick=(2_000, 10_000), ordinary=(10_000, 100_000, 500_000), full=(10_000, 100_000, 1_000_000, 10_000_000)
    )
    if reason := short_of_space(lab.folder, sum(sizes)):
        return [Row(measure="recall as the store grows", measured=reason, target=f"<= {TARGET}x")]
    stores = [await _grown(lab, size) for size in sizes]
    await _ask_warm(lab, stores)
    if pages.droppable():
        await _ask_cold(lab, stores)
    return [_row(stores[0], one, size) for size in PROFILES for one in stores]


def short_of_space(folder: Path, observations: int) -> str | None:
    """What to say where so many of them had no room."""
    needed, free = observations * BYTES / MEGA, shutil.disk_usage(folder).free / MEGA
    if needed < free:
        return None
    return f"NOT MEASURED: needs {needed:,.0f} MB of disk, {free:,.0f} are free; TMPDIR names another disk"


async def _grown(lab: Lab, observations: int) -> Grown:
    folder, contents = lab.path(f"grown-{observations}"), Writer(SEED).sentences(max(PROFILES))
    filler = Filler(folder, lab.model)
    template = await filler.profile(Writer(SEED + 1).sentences(TEMPLATE))
    await filler.backend.close()
    copies = max(2, (observations - sum(PROFILES)) // TEMPLATE - 1)
    await _multiply(folder, template, copies // 2)
    filler = Filler(folder, lab.model)
    profiles = {size: await filler.profile(contents[:size]) for size in PROFILES}
    await filler.backend.close()
    await _multiply(folder, template, copies - copies // 2)
    stored = (copies + 1) * TEMPLATE + sum(PROFILES)
    return Grown(observations, folder, profiles, bytes_each=pages.size(folder) / stored)


async def _multiply(folder: Path, template: str, copies: int) -> None:
    (store,) = (folder / "stores").glob("*.db")
    await anyio.to_thread.run_sync(clones.multiply, store, template, TEMPLATE, copies)


async def _ask_warm(lab: Lab, stores: list[Grown]) -> None:
    questions = Writer(seed=10).questions()
    async with AsyncExitStack() as stack:
        opened = [(one, *await stack.enter_async_context(wiring.opened(one.folder, lab.model))) for one in stores]
        for one, memory, caller in opened:
            for profile_id in one.profiles.values():
                await calls.in_process(memory, caller, profile_id, questions, WARM_UP)
        for _ in range(lab.choose(quick=3, ordinary=9, full=15)):
            for size in PROFILES:
                for one, memory, caller in opened:
                    await calls.in_process(memory, caller, one.profiles[size], questions, ROUND, one.warm[size])


async def _ask_cold(lab: Lab, stores: list[Grown]) -> None:
    questions = Writer(seed=12).questions()
    for _ in range(lab.choose(quick=5, ordinary=15, full=31)):
        for size in PROFILES:
            for one in stores:
                await calls.cold(one.folder, lab.model, one.profiles[size], next(questions), one.cold[size])


def _row(smallest: Grown, one: Grown, size: int) -> Row:
    warm, cold = one.warm[size], one.cold[size]
    numbers = {"profile": size, "store": one.observations, "bytes": one.bytes_each, **warm.numbers("warm_")}
    ratio = warm.p50 / smallest.warm[size].p50
    measured = f"warm p50 {warm.p50:.2f} ms, p95 {warm.p95:.2f} ms, {ratio:.2f}x"
    numbers["warm_ratio"] = ratio
    if cold:
        cold_ratio = percentile(cold, 0.5) / percentile(smallest.cold[size], 0.5)
        measured += f"; cold p50 {percentile(cold, 0.5):.1f} ms, p95 {percentile(cold, 0.95):.1f} ms, {cold_ratio:.2f}x"
        numbers |= {**Calls([cold]).numbers("cold_"), "cold_ratio": cold_ratio}
    return Row(
        measure=f"recall from {size:,} observations in a store of {one.observations:,}",
        measured=f"{measured}; {one.bytes_each:,.0f} bytes each, fillers without vectors of tokens",
        target="-" if one is smallest else f"warm <= {TARGET}x",
        met=None if one is smallest else within(ratio, TARGET),
        numbers=numbers,
    )
