"""`mcp-memory doctor` where the memory is a service: it is asked, and nothing is made there."""

from collections.abc import Iterator

import pytest

from tests.published.document import MEMORY
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.published.serving import serving

from .servers import Home
from .tenants import Operator


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


TENANTS = """\
data_dir = "data"
[backends.eu]
data_dir = "eu"
[tenants.acme]
backend = "eu"
[[tenants.acme.keys]]
id = "acme"
secret_env = "SECRET"
"""


@pytest.mark.anyio
async def test_tenants_are_counted_and_what_contradicts_is_told(home: Home) -> None:
    path = home.root / "memory.toml"
    path.write_text(TENANTS, encoding="utf-8")
    environ = {"SECRET": "a-secret-of-tests-only"}
    operator = Operator(home, config=path, environ=environ)
    for name in ("globex", "initech"):
        await operator.add(name, in_backend="eu")
        await operator.key(name)
    await operator.revoke((await operator.key("globex"))["keyId"])

    sound = home.run("doctor", "--config", str(path), env=environ)
    path.write_text(TENANTS.replace("eu]", "mars]").replace('"eu"', '"mars"') + "[tenants.initech]\n", "utf-8")
    looked = home.run("doctor", "--config", str(path), env=environ)

    assert sound.returncode == 0, sound.stdout
    assert "tenants: 1 configured with 1 keys, 2 managed with 2; 0 issuers" in sound.stdout
    assert str(home.root / "eu") in sound.stdout
    assert looked.returncode == 1
    assert "BAD  tenant: initech is in the configuration and in the catalog" in looked.stdout
    assert "BAD  tenant: tenants.globex.backend: must be one of default, mars" in looked.stdout
    assert "a-secret" not in sound.stdout + looked.stdout


def test_a_table_that_is_wrong_is_told_with_its_line(home: Home) -> None:
    path = home.root / "memory.toml"
    path.write_text(TENANTS, encoding="utf-8")

    looked = home.run("doctor", "--config", str(path))

    assert looked.returncode == 2
    assert "memory.toml, line 8: " in looked.stderr and "SECRET, which the environment does not have" in looked.stderr
