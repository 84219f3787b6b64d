"""`serve` as a process of our own, on a port of its own."""

import re
import sys
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


class Serving:
    def __init__(self, process: Process, address: str) -> None:
        self._process, self.address = process, address

    @property
    def cpu_seconds(self) -> float | None:
        return machine.cpu_seconds(self._process.pid)

    @property
    def resident_mb(self) -> float | None:
        return machine.resident_mb(self._process.pid)


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Serving]:
    """On this folder, ready. It ends with the block."""
    command = [sys.executable, "-m", "mcp_memory", "serve", "--port", "0", "--data-dir", str(data)]
    async with await anyio.open_process(command, stdin=None, stdout=None, env=get_default_environment()) as process:
        try:
            yield Serving(process, await _announced(process))
        finally:
            process.terminate()
            with anyio.move_on_after(LEAVE_SECONDS, shield=True) as waiting:
                await process.wait()
            if waiting.cancelled_caught:
                process.kill()


async def _announced(process: Process) -> str:
    """Its address, printed when it is bound."""
    assert process.stderr is not None
    printed = ""
    with anyio.fail_after(START_SECONDS):
        async for text in TextReceiveStream(process.stderr):
            printed += text
            if found := re.search(r"(http://\S+)/health", printed):
                return found[1]
    raise RuntimeError(f"serve did not start: {printed}")
