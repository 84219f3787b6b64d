"""Importing customers: how many a second, in how much memory, and how long others who write have to wait meanwhile."""

import csv
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import Process
from mcp.client.stdio import get_default_environment

from mcp_memory import app
from mcp_memory.errors import Unavailable
from mcp_memory.model import NewObservation
from mcp_memory.settings import Settings

from . import machine
from .lab import Lab
from .memories import Writer
from .report import Row, percentile, shown, within

VARIABLE = "BENCH_IMPORT_ROWS"
ROWS = 1_000_000  # in full
SMALL = 2_000  # rows, of the import that the large one's memory is compared to
NEW_OF_TEN = 7  # rows; the others are about somebody who had one before
REFUSED = 5  # rows
LOOK_SECONDS = 0.02
PAUSE_SECONDS = 0.3  # between two writes of the other one
HEADER = ("Phone", "E-mail", "First name", "Last name", "City", "Plan.tier", "Notes")


@dataclass
class Run:
    """One run of the real command. Memory and CPU: None where the system does not say."""

    seconds: float = 0.0
    cpu: float | None = None
    peak_mb: float | None = None
    store_mb: float = 0.0
    waits: list[float] = field(default_factory=list)
    """Seconds that each write of another process took meanwhile."""
    gave_up: int = 0


async def imports(lab: Lab) -> list[Row]:
    rows = int(os.environ.get(VARIABLE, lab.choose(quick=20_000, ordinary=100_000, full=ROWS)))
    small = await _run(lab.path("import-small"), min(SMALL, rows))
    large = await _run(lab.path("import"), rows)
    beside = await _run(lab.path("import-beside"), min(rows, ROWS // 20), another=True)
    more = None if small.peak_mb is None or large.peak_mb is None else large.peak_mb - small.peak_mb
    waits = [1000 * one for one in beside.waits] or [0.0]
    return [
        Row(
            measure=f"import of {rows:,} rows",
            measured=f"{rows / large.seconds:,.0f} rows/s: {large.seconds:,.0f} s, {shown(large.cpu, 'CPU-s')}, "
            f"store {large.store_mb:,.0f} MB",
        ),
        Row(
            measure="its memory, at the most",
            measured=f"{shown(large.peak_mb, 'MB')}; {shown(small.peak_mb, 'MB')} for {min(SMALL, rows):,} rows",
            target="<= 40 MB more",
            met=within(more, 40),
        ),
        Row(
            measure="writes of another process meanwhile",
            measured=f"p50 {percentile(waits, 0.5):.0f} ms, max {max(waits):.0f} ms, {len(beside.waits)} writes, "
            f"{beside.gave_up} gave up",
            target="none gives up",
            met=beside.gave_up == 0,
        ),
    ]


async def _run(folder: Path, rows: int, another: bool = False) -> Run:
    data, run = folder / "data", Run()
    file = await anyio.to_thread.run_sync(customers, folder, rows)
    command = [sys.executable, "-m", "mcp_memory", "import", str(file), "--data-dir", str(data)]
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = await anyio.open_process(command, stdout=said, stderr=said, env=get_default_environment())
        try:
            async with anyio.create_task_group() as tasks:
                if another:
                    tasks.start_soon(_write_beside, data, run)
                await _watch(process, run)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()
        run.seconds = time.perf_counter() - started
        said.seek(0)
        text = said.read().decode()
        if process.returncode != 1 or f"{REFUSED} refused" not in text:  # 1: rows were refused
            raise RuntimeError(f"the import ended with {process.returncode}: {text}")
    run.store_mb = sum(path.stat().st_size for path in data.rglob("*.db*")) / machine.MEGA
    return run


async def _watch(process: Process, run: Run) -> None:
    """Until it ends. The last look is near the end, and the peak is kept by the system."""
    while process.returncode is None:
        run.peak_mb = _peak_mb(process.pid) or run.peak_mb
        run.cpu = machine.cpu_seconds(process.pid) or run.cpu
        with anyio.move_on_after(LOOK_SECONDS):
            await process.wait()


async def _write_beside(data: Path, run: Run) -> None:
    settings, writer = Settings(data_dir=data), Writer(seed=17)
    memory, caller = app.build_memory(settings), app.local_caller(settings)
    try:
        profile_id = (await memory.upsert_traits(caller, {"Contact": {"chat": "beside"}}, None)).profile.profile_id
        await memory.add_observations(caller, profile_id, [NewObservation(content="The model is loaded")])
        while True:
            await anyio.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            try:
                await memory.add_observations(caller, profile_id, [NewObservation(content=writer.sentence()[0])])
                run.waits.append(time.perf_counter() - started)
            except Unavailable:
                run.gave_up += 1
    finally:
        with anyio.CancelScope(shield=True):
            await memory.close()


def customers(folder: Path, rows: int) -> Path:
    """A file of that many rows about 7 people in 10 rows, some known by a phone or an address only."""
    folder.mkdir(parents=True, exist_ok=True)
    path, chance, people = folder / "customers.csv", random.Random(41), 0
    bad = {rows * (2 * number + 1) // (2 * REFUSED) for number in range(REFUSED)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            if number % 10 < NEW_OF_TEN:
                person, people = people, people + 1
            else:
                person = chance.randrange(people)
            known_by = chance.choice(("phone", "email", "both", "both"))
            phone = f"+1317{2_000_000 + person:07}" if known_by != "email" else ""
            email = f"customer.{person}@example.com" if known_by != "phone" else ""
            said = f"First{person % 997}", f"Last{person % 7919}", f"City {chance.randrange(500)}", "gold", "of no use"
            writer.writerow(["no number" if number in bad else phone, "" if number in bad else email, *said])
    return path


def _peak_mb(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 / machine.MEGA if found else None
