"""A server process of our own, and the SDK's client on its pipes: its CPU, its memory and its end are ours to see."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client import Client
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from . import machine

LONGEST_LINE = 16_000_000
ANSWER_SECONDS = 60
LEAVE_SECONDS = 3

Heard = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Heard], MemoryObjectSendStream[SessionMessage]]


class Server:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.last_line = ""
        """The latest message of the server, as it came over the wire."""
        self.client = Client(_streams(self), read_timeout_seconds=ANSWER_SECONDS, cache=None)

    @property
    def cpu_seconds(self) -> float | None:
        return machine.cpu_seconds(self.process.pid)

    @property
    def resident_mb(self) -> float | None:
        return machine.resident_mb(self.process.pid)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or not isinstance(result.structured_content, dict):
            raise RuntimeError(f"{tool} failed: {result.content}")
        return result.structured_content

    async def profile(self, phone: str) -> str:
        """The id of whoever has this phone, who is created if need be."""
        return str((await self.call("upsert_traits", traits={"Contact": {"phone": phone}}))["profile_id"])


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Server]:
    """The server on this folder, connected. It ends with the block, if it has not been killed in it."""
    command = [sys.executable, "-m", "mcp_memory", "--data-dir", str(data)]
    process = await anyio.open_process(command, stderr=None, env=get_default_environment())
    try:
        server = Server(process)
        async with server.client:
            yield server
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _end(process: Process) -> None:
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        await _pipes(process)[0].aclose()
    with anyio.move_on_after(LEAVE_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


@asynccontextmanager
async def _streams(server: Server) -> AsyncGenerator[Streams, None]:
    """The SDK's Transport. When the process dies, whoever waits for an answer is told that the connection closed."""
    stdin, stdout = _pipes(server.process)
    heard, inbox = anyio.create_memory_object_stream[Heard](0)
    outbox, said = anyio.create_memory_object_stream[SessionMessage](0)

    async def hear() -> None:
        lines = BufferedByteReceiveStream(stdout)
        ended = (anyio.EndOfStream, anyio.IncompleteRead, anyio.ClosedResourceError, anyio.BrokenResourceError)
        async with heard:
            with suppress(*ended):
                while True:
                    server.last_line = (await lines.receive_until(b"\n", LONGEST_LINE)).decode()
                    await heard.send(SessionMessage(jsonrpc_message_adapter.validate_json(server.last_line)))

    async def say() -> None:
        async with said:
            with suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                async for one in said:
                    line = one.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
                    await stdin.send(line.encode())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hear)
        tasks.start_soon(say)
        async with inbox, outbox:
            yield inbox, outbox
        tasks.cancel_scope.cancel()


def _pipes(process: Process) -> tuple[ByteSendStream, ByteReceiveStream]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server was started without pipes")
    return process.stdin, process.stdout
