"""Settings of the managed service."""

import subprocess
import sys
from typing import Any

import pytest

from mcp_memory.app import build_memory
from mcp_memory.errors import Invalid
from mcp_memory.settings import load, service_url

SECRET = "very-secret"


def environ(**more: str) -> dict[str, str]:
    values = {"BACKEND": "twilio", "TWILIO_KEY_ID": "SK1", "TWILIO_KEY_SECRET": SECRET, "TWILIO_STORE": "mine", **more}
    return {f"MCP_MEMORY_{name}": value for name, value in values.items()}


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, "https://memory.twilio.com"),
        ({"TWILIO_REGION": "ie1"}, "https://memory.ie1.twilio.com"),
        ({"TWILIO_BASE_URL": "http://127.0.0.1:8765/"}, "http://127.0.0.1:8765"),
        ({"TWILIO_BASE_URL": "http://[::1]:8765"}, "http://[::1]:8765"),
        ({"TWILIO_BASE_URL": "https://memory.example.com"}, "https://memory.example.com"),
    ],
)
def test_the_service_is_where_it_is_set(more: dict[str, str], url: str) -> None:
    assert service_url(load({}, environ(**more))) == url


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"BACKEND": "postgres"}, "backend must be sqlite or twilio"),
        ({"BACKEND": "sqlite"}, "twilio_key_id would do nothing: backend is sqlite"),
        ({"TWILIO_KEY_ID": "a:b"}, "twilio_key_id must not hold a colon"),
        ({"TWILIO_KEY_SECRET": "very-secret word"}, "twilio_key_secret must be a text of printable ASCII"),
        ({"TWILIO_STORE": "mem_store_x"}, "twilio_store must be an id"),
        ({"TWILIO_CREATE_STORE": "yes"}, "twilio_create_store must be on or off"),
        ({"TWILIO_REGION": "us1.evil.test/"}, "twilio_region must be one of au1, ie1"),
        ({"TWILIO_BASE_URL": "http://memory.example.com"}, "twilio_base_url must begin with https://"),
        ({"TWILIO_BASE_URL": "https://me:secret@memory.example.com"}, "must not hold a user or a password"),
        ({"TWILIO_BASE_URL": "https://a.test", "TWILIO_REGION": "ie1"}, "twilio_region and twilio_base_url both say"),
        ({"TWILIO_TIMEOUT": "0"}, "twilio_timeout must be a number of seconds"),
        ({"TWILIO_PASSWORD": "x"}, "MCP_MEMORY_TWILIO_PASSWORD in the environment is no setting"),
        ({"EMBEDDER": "multilingual"}, "embedder would do nothing: backend is twilio"),
        ({"RECONCILIATION": "rules"}, "reconciliation would do nothing: backend is twilio"),
    ],
)
def test_what_is_set_wrongly_is_refused_by_name(more: dict[str, str], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint) as caught:
        load({}, environ(**more))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["TWILIO_KEY_ID", "TWILIO_KEY_SECRET", "TWILIO_STORE"])
def test_what_is_needed_is_asked_for(name: str) -> None:
    given: dict[str, Any] = environ()
    del given[f"MCP_MEMORY_{name}"]

    with pytest.raises(Invalid, match="twilio_key_id, twilio_key_secret and twilio_store must be set"):
        load({}, given)


def test_the_secret_is_in_no_repr() -> None:
    loaded = load({}, environ())

    assert SECRET not in repr(loaded) and SECRET not in repr(build_memory(loaded))


def test_a_memory_is_built_without_what_only_its_first_call_needs() -> None:
    code = (
        "import sys; from mcp_memory.backends.twilio.backend import TwilioBackend; from datetime import datetime; "
        "TwilioBackend('https://a.test', 'k', 's', tenant='t', store='s', create_store=False, region='US', "
        "timeout=1.0, now=datetime.now); sys.exit('httpx2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
