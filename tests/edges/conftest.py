"""The MCP server in memory, through the SDK's client, in both eras of the protocol."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.server.lowlevel import Server

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory

ACME = Caller(tenant="acme")


@pytest.fixture
async def memory(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Memory]:
    backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=app.now, make_id=app.make_id, region="US")
    memory = Memory(backend, app.now)
    try:
        yield memory
    finally:
        await memory.close()


@pytest.fixture
def server(memory: Memory) -> Server[Any]:
    return build_server(memory, lambda ctx: ACME)


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest, server: Server[Any]) -> AsyncIterator[Client]:
    async with Client(server, mode=request.param) as client:
        yield client


class Agent:
    """Calls tools the way a host does, and looks at both forms of the answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def text(self, tool: str, /, **arguments: Any) -> str:
        (block,) = (await self._client.call_tool(tool, arguments)).content
        assert block.type == "text"
        return block.text

    async def refused(self, tool: str, /, **arguments: Any) -> str:
        result = await self._client.call_tool(tool, arguments)
        assert result.is_error and result.structured_content is None
        (block,) = result.content
        assert block.type == "text"
        return block.text

    async def read(self, uri: str) -> str:
        (content,) = (await self._client.read_resource(uri)).contents
        assert content.uri == uri
        return str(getattr(content, "text", ""))


@pytest.fixture
def agent(client: Client) -> Agent:
    return Agent(client)


@pytest.fixture
async def dana(agent: Agent) -> str:
    created = await agent.call("upsert_traits", traits={"Contact": {"phone": "+13175550142", "firstName": "Dana"}})
    return str(created["profile_id"])
