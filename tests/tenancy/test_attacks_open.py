"""What once asked who knocks asks on, whatever is removed, lost or unreadable meanwhile."""

import urllib.error
import urllib.request
from pathlib import Path

import httpx2
import pytest

from mcp_memory.http.auth.authenticator import Unasked
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.tenants import Tenant
from tests.doors import Catalog, credentials, directory, guarded
from tests.process.servers import http_server, make_home
from tests.tenancy.test_door import BASE, inside


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_who_removes_the_last_tenant_lets_nobody_in() -> None:
    catalog = Catalog()
    known = directory(catalog, Hosting(sole="local"))
    door = guarded(inside, Unasked(known, credentials(known)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=BASE) as client:
        catalog.tenants["acme"] = Tenant(name="acme")
        during = await client.get("/mcp")
        del catalog.tenants["acme"]
        after = await client.get("/mcp")

    assert (during.status_code, after.status_code) == (401, 401)


@pytest.mark.anyio
async def test_a_configuration_that_loses_its_tenants_lets_nobody_in() -> None:
    known = directory(Catalog(), Hosting(tenants={"acme": Tenant(name="acme")}))
    door = guarded(inside, Unasked(known, credentials(known)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=BASE) as client:
        assert (await client.get("/mcp")).status_code == 401
        known.hosting = Hosting(sole="local")
        assert (await client.get("/mcp")).status_code == 401


def test_a_server_that_began_with_a_tenant_ends_without_one_and_still_asks(tmp_path: Path) -> None:
    """Nobody had knocked before it was removed."""
    home = make_home(tmp_path / "machine")
    there = ("--data-dir", str(home.data))
    assert home.run("tenants", "add", "acme", *there).returncode == 0
    with http_server(home) as http:
        assert home.run("tenants", "remove", "acme", *there).returncode == 0
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{http.address}/v1/ControlPlane/Stores")
        refused.value.close()

    assert refused.value.code == 401
