"""What a tenant may keep holds for files that it brought, too: their rows are stored when nobody asks any more."""

from pathlib import Path

import anyio.to_thread
import pytest

from mcp_memory.app import build_host
from mcp_memory.imports import ColumnMapping, NewUpload
from mcp_memory.model import UNLIMITED, Caller
from mcp_memory.served import queue_of
from mcp_memory.settings import Settings
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.tenants import Limits, Tenant
from mcp_memory.uploads import Uploads

pytestmark = pytest.mark.anyio

GOOD = b"Phone\n+13175550142\n+13175550143\n"
NEW = NewUpload(
    filename="a.csv",
    file_size=len(GOOD),
    column_mappings=(ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),),
    secret_digest=b"secret",
)


async def test_a_file_that_was_brought_keeps_to_the_limits_of_its_tenant(tmp_path: Path) -> None:
    own = Tenant(name="globex", limits=Limits(profiles=5))
    hosting = Hosting(tenants={"acme": Tenant(name="acme"), "globex": own}, limits=Limits(profiles=1))
    settings = Settings(data_dir=tmp_path, hosting=hosting)
    host = build_host(settings)
    try:
        imports: dict[str, str] = {}
        for tenant in ("acme", "globex"):
            store = await host.memory.get_store(Caller(tenant=tenant))
            imports[tenant] = (await host.memory.create_import(Caller(tenant=tenant), NEW)).import_id
            await anyio.to_thread.run_sync(bring, tmp_path / "uploads", tenant, store.store_id, imports[tenant])

        await queue_of(settings, host).sweep()

        ended = {tenant: await host.memory.get_import(Caller(tenant=tenant), id) for tenant, id in imports.items()}
        assert {tenant: (one.created, one.refused) for tenant, one in ended.items()} == {
            "acme": (1, 1),
            "globex": (2, 0),
        }
        (remark,) = await host.memory.list_remarks(Caller(tenant="acme"), imports["acme"], 0, 10)
        assert remark.row == 2 and "may keep 1 profiles" in remark.reason
        assert await host.directory.quota("nobody") == UNLIMITED
    finally:
        await host.close()


def bring(folder: Path, tenant: str, store_id: str, import_id: str) -> None:
    uploads = Uploads(folder)
    part = uploads.begin()
    part.write(GOOD)
    uploads.keep(part, tenant, store_id, import_id)
