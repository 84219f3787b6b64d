"""Recalls, timed: warm through the service or a server, and cold."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.inputs import recall_query
from mcp_memory.model import Caller
from mcp_memory.service import Memory

from . import machine, pages, wiring
from .client import Server
from .report import median, percentile, shown


@dataclass
class Calls:
    """Calls of one kind, in rounds: the machine is shared, so that only medians over rounds say something."""

    walls: list[list[float]] = field(default_factory=list)
    cpus: list[float | None] = field(default_factory=list)
    """CPU milliseconds per call, for each round."""

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

    def numbers(self, prefix: str = "") -> dict[str, float | None]:
        calls = sum(len(one) for one in self.walls)
        return {f"{prefix}p50": self.p50, f"{prefix}p95": self.p95, f"{prefix}cpu": self.cpu, f"{prefix}calls": calls}


async def through_server(
    server: Server, profile_id: str, questions: Iterator[str], count: int, calls: Calls | None = None
) -> None:
    """One round. Without `calls` it only warms up."""
    walls, before = [], server.cpu_seconds
    for _ in range(count):
        started = time.perf_counter()
        await server.call("recall", profile_id=profile_id, query=next(questions))
        walls.append((time.perf_counter() - started) * 1000)
    spent = machine.since(before, server.cpu_seconds)
    if calls is not None:
        calls.walls.append(walls)
        calls.cpus.append(None if spent is None else spent * 1000 / count)


async def in_process(
    memory: Memory, caller: Caller, profile_id: str, questions: Iterator[str], count: int, calls: Calls | None = None
) -> None:
    """One round. Without `calls` it only warms up."""
    walls, before = [], time.process_time()
    for _ in range(count):
        started = time.perf_counter()
        await memory.recall(caller, profile_id, recall_query(query=next(questions)))
        walls.append((time.perf_counter() - started) * 1000)
    if calls is not None:
        calls.walls.append(walls)
        calls.cpus.append((time.process_time() - before) * 1000 / count)


async def cold(folder: Path, model: MiniLM, profile_id: str, question: str, walls: list[float]) -> None:
    """The first recall of a memory that was just opened, nothing of its files in memory; the model is."""
    model.embed([question])
    async with wiring.opened(folder, model) as (memory, caller):
        await memory.scope(caller)
        pages.drop(folder)
        started = time.perf_counter()
        await memory.recall(caller, profile_id, recall_query(query=question))
        walls.append((time.perf_counter() - started) * 1000)
