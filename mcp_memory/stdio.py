"""The server on the process's own stdin and stdout: it ends cleanly on EOF, SIGINT and SIGTERM."""

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from io import TextIOWrapper
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

LEAVE_SECONDS = 1.5  # what is being written is finished within it, or was never acknowledged; two are promised in all

Close = Callable[[], Awaitable[None]]


def serve_stdio(server: Server[Any], close: Close) -> None:
    anyio.run(_serve, server, close)


async def _serve(server: Server[Any], close: Close) -> None:
    stdin = _Input()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_leave_on_signal, close)
            tasks.start_soon(_leave_at_end, stdin)
            async with stdio_server(stdin=stdin) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await close()


class _Input(anyio.AsyncFile[str]):
    """stdin, moved aside so that nothing else in this process reads from it."""

    def __init__(self) -> None:
        wire = os.dup(sys.stdin.fileno())
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
        # Not to be closed: when the process leaves, a thread may still be waiting for a line.
        super().__init__(TextIOWrapper(os.fdopen(wire, "rb", closefd=False), encoding="utf-8", errors="replace"))
        self.ended = anyio.Event()

    async def readline(self) -> str:
        line = await super().readline()
        if not line:
            self.ended.set()
        return mended(line)


def mended(line: str) -> str:
    """JSON in which a host has cut a text through an emoji, with the half left over replaced.

    The SDK takes such a line for no message at all, and whoever sent it would wait for an answer for ever.
    """
    if "\\ud" not in line.lower():
        return line
    try:
        return json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
    except (ValueError, RecursionError):
        return line


async def _leave_on_signal(close: Close) -> None:
    """The thread that waits for a line on stdin can be neither cancelled nor joined: the process leaves from here."""
    if sys.platform == "win32":
        return  # no signals to wait for: Ctrl-C arrives as KeyboardInterrupt, and the CLI leaves
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            with anyio.move_on_after(LEAVE_SECONDS, shield=True):
                await close()
            os._exit(0)


async def _leave_at_end(stdin: _Input) -> None:
    """Cancelled when the server ends by itself in time, as it does unless large writes are under way."""
    await stdin.ended.wait()
    await anyio.sleep(LEAVE_SECONDS)
    os._exit(0)
