"""`mcp-memory doctor` where the memory is a service: it is asked, and nothing is made there."""

from collections.abc import Iterator

import pytest

from tests.published.document import MEMORY
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.published.serving import serving

from .servers import Home


@pytest.fixture
def service() -> Iterator[dict[str, str]]:
    """What names a strict fake of the service, which has no store yet."""
    if not MEMORY.exists():
        pytest.skip(f"{MEMORY} is not there: the fake is made from it")
    with serving(Fake()) as address:
        yield {
            "MCP_MEMORY_BACKEND": "twilio",
            "MCP_MEMORY_TWILIO_BASE_URL": address,
            "MCP_MEMORY_TWILIO_KEY_ID": KEY_ID,
            "MCP_MEMORY_TWILIO_KEY_SECRET": KEY_SECRET,
            "MCP_MEMORY_TWILIO_STORE": "support",
        }


def test_a_store_that_is_not_there_is_told_and_not_made(home: Home, service: dict[str, str]) -> None:
    for create in ("off", "on"):
        looked = home.run("doctor", env=service | {"MCP_MEMORY_TWILIO_CREATE_STORE": create})

        assert looked.returncode == 1
        assert "BAD  memory service" in looked.stdout and "twilio_" in looked.stdout


def test_a_service_that_answers_is_told(home: Home, service: dict[str, str]) -> None:
    made = home.run("store", env=service | {"MCP_MEMORY_TWILIO_CREATE_STORE": "on"})
    assert made.returncode == 0, made.stderr

    looked = home.run("doctor", env=service)

    assert looked.returncode == 0, looked.stdout
    assert "memory service: answers, with the store support" in looked.stdout


def test_a_key_that_is_refused_is_told_and_not_shown(home: Home, service: dict[str, str]) -> None:
    looked = home.run("doctor", env=service | {"MCP_MEMORY_TWILIO_KEY_SECRET": "wrong-secret-wrong-secret"})

    assert looked.returncode == 1
    assert "refused the key" in looked.stdout and "wrong-secret" not in looked.stdout + looked.stderr
