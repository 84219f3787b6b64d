"""The server that the clients try, and what they print."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.process.servers import http_server, make_home
from tests.published.checked import Checked
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.published.serving import serving

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-conformance" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
REQUIRED = "CONFORMANCE_REQUIRED"  # set by `make conformance`
CLIENT_SECONDS = 120

Line = dict[str, Any]
Lines = dict[str, list[Line]]  # what was tried → the lines that tell of it


def need_clients() -> None:
    """Skips the file that says so, or fails it, where the packages are not installed."""
    if not PYTHON.exists():
        reason = "Twilio's packages are not installed: run `make conformance` to install them and check with them"
        if os.environ.get(REQUIRED):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason, allow_module_level=True)


@contextmanager
def ours(folder: Path) -> Iterator[str]:
    """`serve`, which may call back to this machine."""
    key = {"MCP_MEMORY_API_KEY_ID": KEY_ID, "MCP_MEMORY_API_KEY_SECRET": KEY_SECRET}
    with http_server(make_home(folder / "machine"), env={**key, "MCP_MEMORY_CALLBACK_HOSTS": "127.0.0.1"}) as server:
        yield server.address


@pytest.fixture(scope="module", params=["serve", "fake"])
def memory_api_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the Memory API is, with KEY_ID and KEY_SECRET for a key: ours, and the strict fake to judge the scripts."""
    if request.param == "serve":
        with ours(tmp_path_factory.mktemp("server")) as address:
            yield address
        return
    app = Checked(Fake(spare=False))
    with serving(app) as address:
        yield address
    assert app.complaints == []


@pytest.fixture(scope="module")
def told(memory_api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lines]:
    return lambda script: driven(script, memory_api_url, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def told_of_talks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Lines]]:
    """The Conversations API is where ours is, and nowhere else."""
    with ours(tmp_path_factory.mktemp("server")) as address:
        yield lambda script: driven(script, address, tmp_path_factory.mktemp("home"))


def driven(script: str, address: str, home: Path) -> Lines:
    """Runs a script to its end, in a home of its own and with nothing of the developer's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    run = subprocess.run(
        [str(PYTHON), "-m", f"tests.conformance.{script}", address, KEY_ID, KEY_SECRET],
        env={**kept, "HOME": str(home), "USERPROFILE": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=CLIENT_SECONDS,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    return by_call(run.stdout)


def by_call(output: str) -> Lines:
    lines: Lines = {}
    for text in output.splitlines():
        if text.startswith("{"):  # the packages log to the same place
            line = json.loads(text)
            lines.setdefault(line["call"], []).append(line)
    return lines
