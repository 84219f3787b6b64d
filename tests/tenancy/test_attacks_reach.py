"""Whose data it is: what a tenant reaches beyond its own, by what the configuration or another process changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory.app import make_id
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.edits import StoreChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import NoStore
from mcp_memory.model import Caller
from mcp_memory.service import Memory
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


async def test_a_name_of_a_store_is_what_the_catalog_says_it_is_though_another_process_changed_it(
    tmp_path: Path, embedder: MiniLM
) -> None:
    """A key that is narrowed to a store by its name follows the name, in every process; so do tenants who were removed
    and come again."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    here, there = (memory(tmp_path, embedder, lambda: at) for _ in range(2))
    owner, narrowed = Caller(tenant="acme"), Caller(tenant="acme", store="one", stores=("one",))
    before = await here.scope(narrowed)
    renamed = replace(owner, store=before.store_id)
    await there.update_store(renamed, StoreChanges(display_name="other"))
    after = await here.scope(narrowed)
    with pytest.raises(NoStore):
        await here.scope(replace(narrowed, store=before.store_id))
    await there.delete_tenant(owner)
    again = await here.upsert_traits(narrowed, {"Contact": {"email": "ann@example.com"}}, None)
    await here.close()
    await there.close()

    assert after != before and again.profile.profile_id


def memory(folder: Path, embedder: MiniLM, now: Callable[[], datetime]) -> Memory:
    return Memory(SqlBackend(SqliteDatabase(folder), embedder, now=now, make_id=make_id, region="US"), now)
