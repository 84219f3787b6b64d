"""The server on the process's own stdin and stdout: it ends cleanly on EOF, SIGINT and SIGTERM."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

CLOSE_SECONDS = 1.5  # what is being written is finished within it; two seconds are promised in all


def serve_stdio(server: Server[Any], close: Callable[[], Awaitable[None]]) -> None:
    anyio.run(_serve, server, close)


async def _serve(server: Server[Any], close: Callable[[], Awaitable[None]]) -> None:
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_leave_on_signal, close)
            async with stdio_server() as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await close()


async def _leave_on_signal(close: Callable[[], Awaitable[None]]) -> None:
    """The thread that waits for a line on stdin can be neither cancelled nor joined: the process leaves from here."""
    if sys.platform == "win32":
        return  # no signals to wait for: Ctrl-C arrives as KeyboardInterrupt, and the CLI leaves
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await close()
            os._exit(0)
