"""Whose data it is: what a tenant reaches beyond its own, by what the configuration or another process changes."""

from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory.settings import load
from mcp_memory.tenancy.tenants import Tenant
from tests.doors import Catalog, credentials, directory

pytestmark = pytest.mark.anyio

ACCOUNT = {
    "MCP_MEMORY_BACKEND": "twilio",
    "MCP_MEMORY_TWILIO_KEY_ID": "SKaccount",
    "MCP_MEMORY_TWILIO_KEY_SECRET": "a-secret-of-tests",
    "MCP_MEMORY_TWILIO_STORE": "own",
    "MCP_MEMORY_API_KEY_ID": "own-key",
    "MCP_MEMORY_API_KEY_SECRET": "a-secret-of-tests",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def reach(catalog: Catalog, config: Path) -> tuple[str, ...] | None:
    hosting = (await anyio.to_thread.run_sync(load, {"config": str(config)}, ACCOUNT)).hosting
    asker = await credentials(directory(catalog, hosting)).asker("Bearer own-key.a-secret-of-tests")
    return asker.caller.stores


async def test_the_servers_own_key_reaches_all_stores_of_an_account_only_where_no_other_tenant_has_one(
    tmp_path: Path,
) -> None:
    config, catalog = tmp_path / "c.toml", Catalog()
    config.touch()
    assert await reach(catalog, config) is None
    catalog.tenants["acme"] = Tenant(name="acme", stores=("acmes",))
    assert await reach(catalog, config) == ("default",)
    catalog.tenants.clear()
    await anyio.Path(config).write_text('[tenants.acme]\nstores = ["acmes"]\n', encoding="utf-8")
    assert await reach(catalog, config) == ("default",)
