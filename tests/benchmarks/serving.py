"""`serve` as a process of our own, on a port of its own."""

import re
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream
from mcp.client.stdio import get_default_environment

from . import machine

START_SECONDS = 60
LEAVE_SECONDS = 3
KEPT = 20  # pieces of its log, the latest


class Serving:
    """Its workers are counted with it."""

    def __init__(self, process: Process, address: str, said: "deque[str]") -> None:
        self._process, self.address, self.said = process, address, said

    @property
    def cpu_seconds(self) -> float | None:
        return machine.total(machine.cpu_seconds, machine.family(self._process.pid))

    @property
    def resident_mb(self) -> float | None:
        return machine.total(machine.resident_mb, machine.family(self._process.pid))

    @property
    def open_files(self) -> int | None:
        return machine.total(machine.open_files, machine.family(self._process.pid))


@asynccontextmanager
async def serving(data: Path, **settings: str) -> AsyncIterator[Serving]:
    """On this folder, ready. It ends with the block."""
    command = [sys.executable, "-m", "mcp_memory", "serve", "--port", "0", "--data-dir", str(data)]
    env = get_default_environment() | {f"MCP_MEMORY_{name.upper()}": value for name, value in settings.items()}
    async with (
        await anyio.open_process(command, stdin=None, stdout=None, env=env) as process,
        anyio.create_task_group() as tasks,
    ):
        assert process.stderr is not None
        stderr, said = TextReceiveStream(process.stderr), deque[str](maxlen=KEPT)
        try:
            address = await _announced(stderr)
            tasks.start_soon(_listen, stderr, said)
            yield Serving(process, address, said)
        finally:
            process.terminate()
            with anyio.move_on_after(LEAVE_SECONDS, shield=True) as waiting:
                await process.wait()
            if waiting.cancelled_caught:
                process.kill()
            tasks.cancel_scope.cancel()


async def _announced(stderr: TextReceiveStream) -> str:
    """Its address, printed when it is bound."""
    printed = ""
    with anyio.fail_after(START_SECONDS):
        async for text in stderr:
            printed += text
            if found := re.search(r"(http://\S+)/health", printed):
                return found[1]
    raise RuntimeError(f"serve did not start: {printed}")


async def _listen(stderr: TextReceiveStream, said: "deque[str]") -> None:
    """Or the pipe would fill, and whoever logs would wait."""
    async for text in stderr:
        said.append(text)
