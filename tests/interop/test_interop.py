"""Clients nobody here wrote, against real server processes: both TypeScript SDKs.

They run on Node: `make interop` installs them, and fails where `make test` skips.
"""

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from mcp_memory.tools.toolsets import TOOLSETS

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
NODE = MODULES / "node" / "bin" / ("node.exe" if sys.platform == "win32" else "node")
SDKS = [MODULES / "@modelcontextprotocol" / name / "package.json" for name in ("sdk", "client")]
REQUIRED = "INTEROP_REQUIRED"  # set by `make interop`

SERVER = [sys.executable, "-m", "mcp_memory"]
EVERY_TOOL = ["--toolsets", ",".join(TOOLSETS)]
START_SECONDS, CLIENT_SECONDS = 30, 120

TRANSPORTS = ["stdio", "http", "sse"]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


if not all(path.exists() for path in (NODE, *SDKS)):
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
