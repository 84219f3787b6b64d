"""The server on the process's own stdin and stdout: it ends cleanly on EOF, SIGINT and SIGTERM."""

import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Sequence
from io import TextIOWrapper
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCNotification

LEAVE_SECONDS = 1.5  # what is being written is finished within it, or was never acknowledged; two are promised in all

logger = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]
Work = Callable[[], Coroutine[Any, Any, None]]


def serve_stdio(server: Server[Any], close: Close, work: Sequence[Work]) -> None:
    """`work` is done meanwhile, and cancelled at the end."""
    anyio.run(_serve, server, close, work)


async def _serve(server: Server[Any], close: Close, work: Sequence[Work]) -> None:
    stdin = _Input()
    async with anyio.create_task_group() as tasks:
        for one in work:
            tasks.start_soon(one)
        tasks.start_soon(_leave_on_signal, close)
        tasks.start_soon(_leave_at_end, stdin)
        try:
            async with stdio_server(stdin=stdin) as (reading, writing):
                passing, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
                tasks.start_soon(_answer_what_is_no_message, stdin, reading, passing, writing.send)
                await server.run(received, writing, server.create_initialization_options())
        finally:
            with anyio.CancelScope(shield=True):
                await close()
        tasks.cancel_scope.cancel()


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
        self.latest = ""

    async def readline(self) -> str:
        line = " "
        while line.isspace():
            line = (await super().readline()).removeprefix("\ufeff")
        if not line:
            self.ended.set()
        self.latest = mended(line)
        return self.latest


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


async def _answer_what_is_no_message(
    stdin: _Input,
    reading: AsyncIterable[SessionMessage | Exception],
    passing: MemoryObjectSendStream[SessionMessage | Exception],
    answer: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """The SDK passes over lines that it cannot read; whoever sent them would wait for ever."""
    async with passing:
        async for message in reading:
            if isinstance(message, Exception) or _has_lost_its_id(message, stdin.latest):
                logger.warning("a line on stdin was no JSON-RPC message")
                await answer(SessionMessage(refusal(stdin.latest)))
            else:
                await passing.send(message)


def _has_lost_its_id(message: SessionMessage, line: str) -> bool:
    """A request whose id is null, true or 1.5 is taken by the SDK for a notification, and never answered."""
    return isinstance(message.message, JSONRPCNotification) and '"id"' in line and "id" in json.loads(line)


def refusal(line: str) -> JSONRPCError:
    """With the id of the request, where one can be made out."""
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return JSONRPCError(
            jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="Not JSON, or nested too deep.")
        )
    # Of requests only: a response that is wrong carries an id of ours, which may be one of theirs too.
    found = parsed.get("id") if isinstance(parsed, dict) and "method" in parsed else None
    id = found if isinstance(found, str | int) and not isinstance(found, bool) else None
    return JSONRPCError(
        jsonrpc="2.0", id=id, error=ErrorData(code=INVALID_REQUEST, message="Not a JSON-RPC 2.0 message of MCP.")
    )


async def _leave_on_signal(close: Close) -> None:
    """The thread that waits for a line on stdin can be neither cancelled nor joined: the process leaves from here."""
    if sys.platform == "win32":
        return  # no signals to wait for: Ctrl-C arrives as KeyboardInterrupt, and the CLI leaves
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            with anyio.CancelScope(shield=True):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_leave_in_time)  # closing waits for a write, and that perhaps for another program
                    await close()
                    os._exit(0)


async def _leave_at_end(stdin: _Input) -> None:
    """Cancelled when the server ends and is closed in time, as it is unless something large or slow is under way."""
    await stdin.ended.wait()
    await _leave_in_time()


async def _leave_in_time() -> None:
    await anyio.sleep(LEAVE_SECONDS)
    os._exit(0)
