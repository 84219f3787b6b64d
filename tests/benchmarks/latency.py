"""How long the server takes, and how much of the processor: starting, and adding. Recall is in `recalls.py`."""

import subprocess
import time

from . import machine
from .client import Server, running
from .lab import Lab
from .memories import Writer
from .report import Row, all_met, median, shown, within

WARM_UP = 5  # calls: the first one loads the model


async def cold_start(lab: Lab) -> list[Row]:
    walls, cpus, bare_walls, bare_cpus = [], [], [], []
    for turn in range(lab.choose(quick=5, ordinary=7, full=15)):
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
    return [
        Row(
            measure="cold start to tools/list",
            measured=measured,
            target="<= 1.0 s",
            met=within(wall, 1.0),
            numbers={"seconds": wall, "cpu_seconds": cpu, "bare_seconds": median(bare_walls)},
        )
    ]


def _bare_import() -> tuple[float, float]:
    """Wall seconds to its first line, and the CPU seconds it reports there."""
    started = time.perf_counter()
    with subprocess.Popen(machine.bare_import_command(), stdout=subprocess.PIPE, text=True) as process:
        cpu = process.stdout.readline() if process.stdout else "0"
        wall = time.perf_counter() - started
    return wall, float(cpu)


async def add_observation(lab: Lab) -> list[Row]:
    writer, rounds, rows = Writer(seed=9), lab.choose(quick=3, ordinary=5, full=9), []
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
                    numbers={"at_once": batch, "cpu_ms": cpu, "per_second": rate},
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
