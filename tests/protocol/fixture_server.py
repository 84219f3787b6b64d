"""The server with the conformance suite's fixtures beside its own tools. Run: python -m tests.protocol.fixture_server

All but the fixtures is what `mcp-memory serve` runs: its handlers, its errors, its app, the door before it. It prints
its address, and ends as that one does.
"""

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPDeprecationWarning
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware

from mcp_memory import prompts, resources
from mcp_memory.app import build_memory
from mcp_memory.http import app as http
from mcp_memory.http import serving
from mcp_memory.http.door import Door, Entrance, Policy, asker_of
from mcp_memory.http.leaving import Leaving
from mcp_memory.server import Context, build_server
from mcp_memory.settings import Settings
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tools.toolsets import AGENT
from tests.doors import anybody
from tests.protocol import fixtures, raw


def build(settings: Settings) -> Starlette:
    memory, tools = build_memory(settings), [*AGENT, *fixtures.TOOLS]
    server = build_server(
        memory,
        lambda ctx: asker_of(ctx.request.scope if ctx.request else {}).caller,
        tools,
        prompts=[*prompts.PROMPTS, *fixtures.PROMPTS],
        resources=[*resources.RESOURCES, *fixtures.RESOURCES],
    )
    _put_before(server, "tools/call", types.CallToolRequestParams, lambda params: params.name, raw.TOOLS)
    _put_before(server, "prompts/get", types.GetPromptRequestParams, lambda params: params.name, raw.PROMPTS)
    _put_before(server, "resources/read", types.ReadResourceRequestParams, lambda params: params.uri, raw.RESOURCES)
    _list_also(server, "tools/list", "tools", _tools())
    _list_also(server, "prompts/list", "prompts", _prompts())
    _list_also(server, "resources/list", "resources", _resources())
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=server.name))
    entrance = Entrance(
        authenticator=anybody(settings.tenant),
        admission=Admission(time.monotonic),
        policy=Policy(rights={tool.name: tool.right for tool in tools}, base_url=http.called_as(None)),
    )
    door = Middleware(Door, entrance=entrance)
    return http.build_app(server, Starlette(), memory.close, work=[entrance.watch], middleware=[door])


def _put_before(
    server: Server[Any],
    method: str,
    params_type: type[BaseModel],
    name: Callable[[Any], str],
    plays: Mapping[str, raw.Play],
) -> None:
    """What is not a fixture by this name goes to our own handler."""
    entry = server.get_request_handler(method)
    assert entry is not None
    ours = entry.handler

    async def handle(ctx: Context, params: Any) -> Any:
        play: raw.Play = plays.get(name(params), ours)
        return await play(ctx, params)

    server.add_request_handler(method, params_type, handle)


def _list_also(server: Server[Any], method: str, kind: str, more: list[Any]) -> None:
    entry = server.get_request_handler(method)
    assert entry is not None
    ours = entry.handler

    async def handle(ctx: Context, params: types.PaginatedRequestParams) -> Any:
        listed: Any = await ours(ctx, params)
        return listed.model_copy(update={kind: [*getattr(listed, kind), *more]})

    server.add_request_handler(method, types.PaginatedRequestParams, handle)


def _tools() -> list[types.Tool]:
    return [
        types.Tool(
            name=name,
            description="For the conformance suite",
            input_schema=raw.SCHEMAS.get(name, {"type": "object"}),
        )
        for name in raw.TOOLS
    ]


def _prompts() -> list[types.Prompt]:
    return [
        types.Prompt(
            name=name,
            description="For the conformance suite",
            arguments=[types.PromptArgument(name=one, required=True) for one in raw.PROMPT_ARGUMENTS.get(name, [])],
        )
        for name in raw.PROMPTS
    ]


def _resources() -> list[types.Resource]:
    return [
        types.Resource(uri=uri, name=uri, description="For the conformance suite", mime_type="image/png")
        for uri in raw.RESOURCES
    ]


async def _set_level(ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
    return types.EmptyResult()


if __name__ == "__main__":
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # log messages to clients are, and the suite tries them
    app = build(Settings(data_dir=Path(sys.argv[1])))
    with serving.listen("127.0.0.1", 0) as bound:
        print(serving.address(bound), flush=True)
        limits = serving.Serving(max_connections=100, shutdown_seconds=1, tls=None)
        serving.run(app, limits, Leaving(), bound)
