"""The protocol's own checkers on Node, and the servers they check: `serve` itself, and one with the suite's fixtures.

`make protocol` installs the checkers, and fails where `make test` skips.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_memory.tools.toolsets import TOOLSETS
from tests.process.servers import Home, http_server, make_home

ROOT = Path(__file__).parents[2]
MODULES = Path(__file__).parent / "node_modules"
NODE = MODULES / "node" / "bin" / ("node.exe" if sys.platform == "win32" else "node")
INSPECTOR = MODULES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
CONFORMANCE = MODULES / "@modelcontextprotocol/conformance/dist/index.js"
REQUIRED = "PROTOCOL_REQUIRED"  # set by `make protocol`
CHECKER_SECONDS = 120

EVERY_TOOLSET = {"MCP_MEMORY_TOOLSETS": ",".join(TOOLSETS)}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def need_checkers() -> None:
    """Skips the file that says so, or fails it, where they are not installed."""
    if not all(path.exists() for path in (NODE, INSPECTOR, CONFORMANCE)):
        reason = "the protocol's checkers are not installed: run `make protocol` to install them and check with them"
        if os.environ.get(REQUIRED):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("server") / "machine")


@pytest.fixture(scope="module")
def product(home: Home) -> Iterator[str]:
    """The address of `mcp-memory serve`, as it ships, with every toolset."""
    with http_server(home, EVERY_TOOLSET) as server:
        yield server.address


@pytest.fixture(scope="module")
def with_fixtures(home: Home) -> Iterator[str]:
    """The address of the same with what the suite calls."""
    command = [sys.executable, "-m", "tests.protocol.fixture_server", str(home.root / "fixtures")]
    with subprocess.Popen(
        command, cwd=ROOT, env=home.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()  # or nothing, if it ended
            assert address, "the server with fixtures ended without saying where it listens"
            yield address
        finally:
            process.terminate()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script on Node in a home of its own, to its end."""
    home = str(tmp_path / "home")
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "HOME": home, "USERPROFILE": home, "PATH": path}

    def run(script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            [str(NODE), str(script), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=CHECKER_SECONDS,
        )
        print(ended.stdout, ended.stderr)  # pytest shows it with what fails
        return ended

    return run
