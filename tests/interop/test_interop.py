"""Clients nobody here wrote, against real server processes: both TypeScript SDKs, the Inspector, the conformance suite.

They run on Node: `make interop` installs them, and fails where `make test` skips.
"""

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from mcp_memory.tools.toolsets import TOOLSETS, tools_of

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
NODE = MODULES / "node" / "bin" / ("node.exe" if sys.platform == "win32" else "node")
INSPECTOR = MODULES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
CONFORMANCE = MODULES / "@modelcontextprotocol/conformance/dist/index.js"
REQUIRED = "INTEROP_REQUIRED"  # set by `make interop`

SERVER = [sys.executable, "-m", "mcp_memory"]
EVERY_TOOL = ["--toolsets", ",".join(TOOLSETS)]
START_SECONDS, CLIENT_SECONDS = 30, 120

TRANSPORTS = ["stdio", "http", "sse"]
STRANGER = '{"value": "nobody@example.com"}'

# What every server must pass. The rest of the suite calls tools, prompts and resources of a server made for it.
CONFORMS = {
    "2025-11-25": [
        *("server-initialize", "server-session-lifecycle", "ping", "completion-complete", "tools-list"),
        *("resources-list", "resources-subscribe", "resources-unsubscribe", "prompts-list"),
        *("server-sse-multiple-streams", "dns-rebinding-protection"),
    ],
    "2026-07-28": [
        *("server-stateless", "completion-complete", "tools-list", "resources-list", "sep-2164-resource-not-found"),
        *("prompts-list", "caching", "http-header-validation", "server-sse-multiple-streams"),
        *("dns-rebinding-protection", "input-required-result-unsupported-methods"),
    ],
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Inspect = Callable[..., Any]


if not all(path.exists() for path in (NODE, INSPECTOR, CONFORMANCE)):
    reason = "the Node clients are not installed: run `make interop` to install the Node clients and check with them"
    if os.environ.get(REQUIRED):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One HTTP server for all: what the clients remember there does not overlap."""
    command = [*SERVER, "serve", *EVERY_TOOL, "--port", "0", "--data-dir", str(tmp_path_factory.mktemp("http"))]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MCP_MEMORY_")}
    addresses: queue.SimpleQueue[str] = queue.SimpleQueue()
    with subprocess.Popen(command, env=plain, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        reader = threading.Thread(target=read_log, args=(process.stderr, addresses))
        reader.start()
        try:
            found = addresses.get(timeout=START_SECONDS)
            assert found, "the server ended without saying where it listens"
            yield found
        finally:
            process.terminate()
            reader.join()


def read_log(log: IO[str], addresses: "queue.SimpleQueue[str]") -> None:
    """To its end, or a full pipe would stop the server. pytest shows it with what fails."""
    for line in log:
        print(line, end="")
        if found := re.search(r"http://[^/\s]+", line):
            addresses.put(found[0])
    addresses.put("")


@pytest.fixture
def target(request: pytest.FixtureRequest, transport: str, tmp_path: Path) -> list[str]:
    """How a client is told to reach the server: a command, or an address."""
    if transport == "stdio":
        return [*SERVER, *EVERY_TOOL, "--data-dir", str(tmp_path / "data")]
    path = {"http": "/mcp", "sse": "/sse"}[transport]
    return [request.getfixturevalue("address") + path]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script on Node in a home of its own, to its end."""
    home = str(tmp_path / "home")
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "HOME": home, "USERPROFILE": home, "PATH": path}

    def run(script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(NODE), str(script), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=CLIENT_SECONDS,
        )

    return run


@pytest.fixture
def inspect(run: Run, target: list[str], era: str) -> Inspect:
    def inspect(*arguments: str) -> Any:
        ended = run(INSPECTOR, "--cli", *target, "--protocol-era", era, "--format", "json", "-q", *arguments)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        assert ended.stderr == ""
        return json.loads(ended.stdout)["result"]

    return inspect


def passed(ended: "subprocess.CompletedProcess[str]") -> bool:
    print(ended.stdout, ended.stderr)
    return ended.returncode == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_first_typescript_sdk_gets_through_a_visit(run: Run, transport: str, target: list[str]) -> None:
    assert passed(run(HERE / "v1.mjs", transport, *target))


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_second_typescript_sdk_gets_through_a_visit(run: Run, transport: str, target: list[str], era: str) -> None:
    assert passed(run(HERE / "v2.mjs", era, transport, *target))


every_way = pytest.mark.parametrize(
    ("transport", "era"), [(transport, era) for transport in TRANSPORTS for era in ("legacy", "modern")]
)


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

    assert {"customer_briefing", "handoff"} <= {prompt["name"] for prompt in prompts}


@pytest.mark.parametrize("version", CONFORMS)
def test_the_official_suite_finds_nothing_wrong_that_it_can_try_here(
    run: Run, address: str, version: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = run(
        CONFORMANCE, "server", "--url", f"{address}/mcp", "--spec-version", version, "--suite", "all", "-o", str(out)
    )
    checks = {
        match[1]: json.loads((folder / "checks.json").read_text(encoding="utf-8"))
        for folder in out.iterdir()
        if (match := re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT.*", folder.name))
    }

    assert set(CONFORMS[version]) <= set(checks), ended.stdout + ended.stderr
    wrong = [
        f"{scenario}: {check['id']}: {check.get('errorMessage')}"
        for scenario in CONFORMS[version]
        for check in checks[scenario]
        if check["status"] == "FAILURE" and not (check.get("details") or {}).get("untestable")
    ]
    assert wrong == []
