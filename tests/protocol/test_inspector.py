"""The MCP Inspector, the protocol's own debugging client, over each transport and in both eras."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.tools.toolsets import TOOLSETS, tools_of
from tests.protocol.conftest import INSPECTOR, Run, need_checkers

need_checkers()

STRANGER = '{"value": "nobody@example.com"}'

Inspect = Callable[..., Any]

every_way = pytest.mark.parametrize(
    ("transport", "era"), [(transport, era) for transport in ("stdio", "http", "sse") for era in ("legacy", "modern")]
)


@pytest.fixture
def target(request: pytest.FixtureRequest, transport: str, tmp_path: Path) -> list[str]:
    """How the Inspector is told to reach the server: a command, or an address."""
    if transport == "stdio":
        every_tool = ["--toolsets", ",".join(TOOLSETS)]
        return [sys.executable, "-m", "mcp_memory", *every_tool, "--data-dir", str(tmp_path / "data")]
    path = {"http": "/mcp", "sse": "/sse"}[transport]
    return [request.getfixturevalue("product") + path]


@pytest.fixture
def inspect(run: Run, target: list[str], era: str) -> Inspect:
    def inspect(*arguments: str) -> Any:
        ended = run(INSPECTOR, "--cli", *target, "--protocol-era", era, "--format", "json", "-q", *arguments)
        assert ended.returncode == 0
        assert ended.stderr == ""
        return json.loads(ended.stdout)["result"]

    return inspect


@every_way
def test_the_inspector_finds_no_tool_schema_that_some_host_could_not_read(inspect: Inspect) -> None:
    tools = inspect("--method", "tools/list", "--strict")["tools"]

    assert [tool["name"] for tool in tools] == [tool.name for tool in tools_of(TOOLSETS)]


@every_way
def test_the_inspector_calls_a_tool(inspect: Inspect) -> None:
    result = inspect("--method", "tools/call", "--tool-name", "lookup_profile", "--tool-args-json", STRANGER)

    assert not result["isError"]
    assert result["structuredContent"]["found"] is False
    assert result["content"][0]["text"].startswith("Not found.")


@every_way
def test_the_inspector_reads_a_resource(inspect: Inspect) -> None:
    (content,) = inspect("--method", "resources/read", "--uri", "memory://store")["contents"]

    assert content["mimeType"] == "application/json"
    assert json.loads(content["text"])["store_id"].startswith("mem_store_")


@every_way
def test_the_inspector_lists_the_prompts(inspect: Inspect) -> None:
    prompts = inspect("--method", "prompts/list")["prompts"]

    assert {"customer_briefing", "handoff", "extract_observations"} <= {prompt["name"] for prompt in prompts}
