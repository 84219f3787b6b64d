"""How long the server takes, and how much of the processor: starting, recalling, adding."""

import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcp_memory import app
from mcp_memory.inputs import recall_query
from mcp_memory.settings import Settings

from . import machine
from .client import Server, running
from .lab import SEED, Lab
from .memories import Writer
from .report import Row, all_met, median, percentile, shown, within
from .stores import Arbitrary, Filler

WARM_UP = 5  # calls: the first one loads the model
FLAT = 100  # observations in the profile that is asked in a small and in a large store


@dataclass
class Calls:
    """Calls of one kind, in rounds: the machine is shared, so that only medians over rounds say something."""

    walls: list[list[float]] = field(default_factory=list)
    cpus: list[float | None] = field(default_factory=list)
    """CPU milliseconds of the server per call, for each round."""

    @property
    def p50(self) -> float:
        return median(percentile(one, 0.5) for one in self.walls) or 0.0

    @property
    def p95(self) -> float:
        return median(percentile(one, 0.95) for one in self.walls) or 0.0

    @property
    def cpu(self) -> float | None:
        return median(self.cpus)

    def shown(self) -> str:
        return f"p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms, {shown(self.cpu, 'CPU-ms')}"


async def cold_start(lab: Lab) -> list[Row]:
    walls, cpus, bare_walls, bare_cpus = [], [], [], []
    for turn in range(5 if lab.quick else 7):
        started = time.perf_counter()
        async with running(lab.path(f"start-{turn}")) as server:
            await server.client.list_tools()
            walls.append(time.perf_counter() - started)
            cpus.append(server.cpu_seconds)
        bare_wall, bare_cpu = _bare_import()
        bare_walls.append(bare_wall)
        bare_cpus.append(bare_cpu)
    wall, cpu = median(walls) or 0.0, median(cpus)
    ratio = f"{wall / (median(bare_walls) or 1):.2f}x wall"
    ratio += f", {cpu / (median(bare_cpus) or 1):.2f}x CPU" if cpu else ""
    measured = f"{wall:.2f} s, {shown(cpu, 'CPU-s', 2)}; of a bare import of mcp.server: {ratio}"
    return [Row(measure="cold start to tools/list", measured=measured, target="<= 1.0 s", met=within(wall, 1.0))]


def _bare_import() -> tuple[float, float]:
    """Wall seconds to its first line, and the CPU seconds it reports there."""
    started = time.perf_counter()
    with subprocess.Popen(machine.bare_import_command(), stdout=subprocess.PIPE, text=True) as process:
        cpu = process.stdout.readline() if process.stdout else "0"
        wall = time.perf_counter() - started
    return wall, float(cpu)


async def recall(lab: Lab) -> list[Row]:
    data, profiles = await lab.sized()
    calls = {size: Calls() for size in profiles}
    questions = Writer(seed=7).questions()
    async with running(data) as server:
        for profile_id in profiles.values():
            await _recall_round(server, profile_id, questions, WARM_UP, Calls())
        for _ in range(3 if lab.quick else 5):
            for size, profile_id in profiles.items():
                await _recall_round(server, profile_id, questions, 30, calls[size])
    return [_recall_row(size, one) for size, one in calls.items()]


def _recall_row(size: int, calls: Calls) -> Row:
    measure = f"recall through MCP, {size:,} observations"
    if size != 1_000:
        return Row(measure=measure, measured=calls.shown())
    met = all_met(within(calls.p50, 15), within(calls.cpu, 20))
    return Row(measure=measure, measured=calls.shown(), target="p50 <= 15 ms, <= 20 CPU-ms", met=met)


async def _recall_round(server: Server, profile_id: str, questions: Iterator[str], count: int, calls: Calls) -> None:
    walls, before = [], server.cpu_seconds
    for _ in range(count):
        started = time.perf_counter()
        await server.call("recall", profile_id=profile_id, query=next(questions))
        walls.append((time.perf_counter() - started) * 1000)
    spent = machine.since(before, server.cpu_seconds)
    calls.walls.append(walls)
    calls.cpus.append(None if spent is None else spent * 1000 / count)


async def recall_in_process(lab: Lab) -> list[Row]:
    data, profiles = await lab.sized()
    settings, questions = Settings(data_dir=data), Writer(seed=8).questions()
    memory, caller, calls = app.build_memory(settings), app.local_caller(settings), Calls()
    try:
        for turn in range(4 if lab.quick else 6):
            walls, before = [], time.process_time()
            for _ in range(50):
                started = time.perf_counter()
                await memory.recall(caller, profiles[1_000], recall_query(query=next(questions)))
                walls.append((time.perf_counter() - started) * 1000)
            if turn:  # the first one warms up
                calls.walls.append(walls)
                calls.cpus.append((time.process_time() - before) * 1000 / 50)
    finally:
        await memory.close()
    measure = "recall in process, model warm, 1,000 observations"
    return [Row(measure=measure, measured=calls.shown(), target="p50 <= 6 ms", met=within(calls.p50, 6))]


async def add_observation(lab: Lab) -> list[Row]:
    writer, rounds, rows = Writer(seed=9), 3 if lab.quick else 5, []
    async with running(lab.path("add")) as server:
        profile_id = await server.profile("+13175550100")
        await _add(server, profile_id, writer.sentences(WARM_UP), 1)
        for batch, total in ((1, 40), (10, 100)) if lab.quick else ((1, 60), (10, 200)):
            measured = [await _add(server, profile_id, writer.sentences(total), batch) for _ in range(rounds)]
            cpu, rate = median(cpu for cpu, _ in measured), median(rate for _, rate in measured) or 0.0
            speed = True if batch == 1 else rate >= 100
            rows.append(
                Row(
                    measure=f"add_observation through MCP, {'one by one' if batch == 1 else f'{batch} at once'}",
                    measured=f"{shown(cpu, 'CPU-ms')} each, {rate:.0f}/s",
                    target="<= 15 CPU-ms each" + ("" if batch == 1 else ", >= 100/s"),
                    met=all_met(within(cpu, 15), speed),
                )
            )
    return rows


async def _add(server: Server, profile_id: str, contents: list[str], batch: int) -> tuple[float | None, float]:
    """CPU milliseconds per observation, and observations per second."""
    started, before = time.perf_counter(), server.cpu_seconds
    for start in range(0, len(contents), batch):
        new = [{"content": content, "source": "sms"} for content in contents[start : start + batch]]
        await server.call("add_observation", profile_id=profile_id, observations=new)
    wall, spent = time.perf_counter() - started, machine.since(before, server.cpu_seconds)
    return None if spent is None else spent * 1000 / len(contents), len(contents) / wall


async def flatness(lab: Lab) -> list[Row]:
    small, large = (1_000, 5_000) if lab.quick else (10_000, 200_000)
    calls_few, calls_many, questions = Calls(), Calls(), Writer(seed=10).questions()
    async with _crowded(lab, small) as (few, asked_few), _crowded(lab, large) as (many, asked_many):
        both = ((few, asked_few, calls_few), (many, asked_many, calls_many))
        for server, profile_id, _ in both:
            await _recall_round(server, profile_id, questions, WARM_UP, Calls())
        for _ in range(3 if lab.quick else 8):
            for server, profile_id, calls in both:
                await _recall_round(server, profile_id, questions, 30, calls)
    ratio = calls_many.p50 / calls_few.p50
    cpu = f", {calls_many.cpu / calls_few.cpu:.2f}x CPU" if calls_few.cpu and calls_many.cpu else ""
    measured = f"{ratio:.2f}x p50{cpu}: {FLAT} of {small:,} -> {FLAT} of {large:,} observations"
    return [
        Row(
            measure="recall latency as the store grows",
            measured=f"{measured} (target names 10 million)",
            target="<= 1.3x",
            met=within(ratio, 1.3),
        )
    ]


@asynccontextmanager
async def _crowded(lab: Lab, others: int) -> AsyncIterator[tuple[Server, str]]:
    """A server, and a profile in the middle of a store with so many observations of others."""
    folder: Path = lab.path(f"crowd-{others}")
    fillers = Writer(seed=others).sentences(others)
    crowd, profile = Filler(folder, Arbitrary(seed=1)), Filler(folder, lab.embedder)
    await crowd.others(fillers[: others // 2])
    profile_id = await profile.profile(Writer(SEED).sentences(FLAT))
    await crowd.others(fillers[others // 2 :])
    await crowd.backend.close()
    await profile.backend.close()
    async with running(folder) as server:
        yield server, profile_id
