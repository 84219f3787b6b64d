from collections.abc import Iterator

import pytest

from tests.process.servers import http_server, make_home

from .handlers import Handler, Memory, running


@pytest.fixture(scope="session")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    """One real server for all of those tests that leave it running."""
    with http_server(make_home(tmp_path_factory.mktemp("memory") / "machine")) as http:
        yield Memory(http.address)


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> Iterator[Handler]:
    with running(
        "voice_handler.py", tmp_path_factory.mktemp("voice") / "machine", memory, "--budget-ms", "5000"
    ) as one:
        yield one


@pytest.fixture(scope="session")
def sms(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> Iterator[Handler]:
    with running("sms_handler.py", tmp_path_factory.mktemp("sms") / "machine", memory, "--budget-ms", "5000") as one:
        yield one
