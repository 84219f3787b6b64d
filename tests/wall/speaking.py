"""MCP as it is on the wire: over Streamable HTTP in both eras and over SSE, with nothing between that tidies up."""

import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.types import ASGIApp, Message

from tests.wall.world import BASE, Client

Json = dict[str, Any]

PATIENCE = 30.0  # seconds; bounds a wait that should not be one
LEGACY, MODERN = "2025-11-25", "2026-07-28"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
GREETING = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "wall", "version": "0"}}
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass(frozen=True)
class Said:
    """An answer, whole: nothing that reaches the client is left out."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def message(self) -> Json:
        """Of MCP: the last event, or the body."""
        lines = [line.removeprefix("data: ") for line in self.text.splitlines() if line.startswith("data: {")]
        found: Json = json.loads(lines[-1] if lines else self.text)
        return found


def said(answer: httpx2.Response) -> Said:
    return Said(answer.status_code, dict(answer.headers), answer.text)


def request(method: str, params: Json, id: int | str = 1) -> Json:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


@dataclass
class Speaker:
    """A client of MCP on one connection, whatever that is."""

    client: Client

    async def ask(self, method: str, params: Json) -> Said:
        raise NotImplementedError

    async def call(self, tool: str, **arguments: Any) -> Json:
        """What it answered; fails on an error."""
        answer = (await self.ask("tools/call", {"name": tool, "arguments": arguments})).message
        assert "result" in answer and not answer["result"].get("isError"), answer
        found: Json = answer["result"]["structuredContent"]
        return found


class Modern(Speaker):
    async def ask(self, method: str, params: Json) -> Said:
        return said(await self.client.http.post("/mcp", **modern(method, params)))


def modern(method: str, params: Json) -> dict[str, Any]:
    headers = {**ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method}
    if method in NAMED:
        headers["mcp-name"] = str(params[NAMED[method]])
    return {"headers": headers, "json": request(method, {**params, "_meta": META})}


@dataclass
class Legacy(Speaker):
    session: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {**ACCEPT, "mcp-protocol-version": LEGACY, "mcp-session-id": self.session}

    async def ask(self, method: str, params: Json) -> Said:
        return said(await self.client.http.post("/mcp", headers=self.headers, json=request(method, params)))


@dataclass
class Sse(Speaker):
    """Requests go one way, answers come another; both count."""

    stream: "Streaming | None" = None
    path: str = ""

    async def ask(self, method: str, params: Json) -> Said:
        assert self.stream is not None
        posted = await self.client.http.post(self.path, headers=ACCEPT, json=request(method, params))
        if posted.status_code != 202:
            return said(posted)
        while True:
            _, data = await self.stream.event()
            if "id" in json.loads(data):  # one is asked at a time
                return Said(posted.status_code, dict(posted.headers), data)


@asynccontextmanager
async def modern_speaker(client: Client) -> AsyncIterator[Speaker]:
    yield Modern(client)


@asynccontextmanager
async def legacy_speaker(client: Client) -> AsyncIterator[Legacy]:
    answer = await client.http.post("/mcp", headers=ACCEPT, json=request("initialize", GREETING))
    assert answer.status_code == 200, answer.text
    speaker = Legacy(client, session=answer.headers["mcp-session-id"])
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    await client.http.post("/mcp", headers=speaker.headers, json=ready)
    try:
        yield speaker
    finally:
        await client.http.delete("/mcp", headers=speaker.headers)


@asynccontextmanager
async def sse_speaker(client: Client) -> AsyncIterator[Sse]:
    async with streaming(client.world.app, "GET", "/sse", client.headers) as stream:
        kind, path = await stream.event()
        assert kind == "endpoint"
        speaker = Sse(client, stream=stream, path=path)
        greeted = (await speaker.ask("initialize", GREETING)).message
        assert greeted["result"]["protocolVersion"] == LEGACY
        await client.http.post(path, headers=ACCEPT, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield speaker


Speaking = Callable[[Client], AbstractAsyncContextManager[Speaker]]
SPEAKERS: Mapping[str, Speaking] = {"modern": modern_speaker, "legacy": legacy_speaker, "sse": sse_speaker}


# Answers that go on


@dataclass
class Streaming:
    messages: MemoryObjectReceiveStream[Message]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    read: str = ""

    async def begin(self) -> None:
        start = await self._next()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def event(self) -> tuple[str, str]:
        """The next one: its kind, and its data."""
        while "\n\n" not in self.read:
            message = await self._next()
            assert message.get("more_body"), f"the stream ended: {self.read}"
            self.read += message.get("body", b"").decode().replace("\r\n", "\n")
        event, _, self.read = self.read.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in event.splitlines() if ": " in line and line[0] != ":")
        return (fields.get("event", "message"), fields["data"]) if "data" in fields else await self.event()

    async def rest(self) -> str:
        """To its end."""
        more = True
        while more:
            message = await self._next()
            self.read += message.get("body", b"").decode()
            more = message.get("more_body", False)
        return self.read

    async def _next(self) -> Message:
        with anyio.fail_after(PATIENCE):
            return await self.messages.receive()


@asynccontextmanager
async def streaming(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> AsyncIterator[Streaming]:
    """An answer as it comes; at the end the client hangs up."""
    sending, receiving = anyio.create_memory_object_stream[Message](math.inf)
    path, _, query = path.partition("?")
    given = {"host": BASE.removeprefix("http://"), **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8765),
    }
    gone, left = anyio.Event(), iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        message = next(left, None)
        if message is None:
            await gone.wait()
        return message or {"type": "http.disconnect"}

    async def run() -> None:
        await app(scope, receive, sending.send)

    async with sending, receiving, anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        stream = Streaming(receiving)
        await stream.begin()
        try:
            yield stream
        finally:
            gone.set()
            tasks.cancel_scope.deadline = anyio.current_time() + PATIENCE
