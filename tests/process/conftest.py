from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import Home, Http, Stdio, http_server, make_home, stdio_server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "machine")


@pytest.fixture
def cold(tmp_path: Path) -> Home:
    """For how a program starts and what it leaves: each start is that of a new interpreter."""
    return make_home(tmp_path / "machine", cold=True)


@pytest.fixture
def server(home: Home) -> Iterator[Stdio]:
    """One server on pipes, ready, on an empty data folder."""
    with stdio_server(home) as server:
        yield server


@pytest.fixture
def http(home: Home) -> Iterator[Http]:
    """One `serve` on an empty data folder."""
    with http_server(home) as http:
        yield http
