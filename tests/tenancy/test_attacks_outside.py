"""Whoever is outside and has no credential: what they send opens nothing that is for this machine alone."""

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Scope

from mcp_memory.http.door import Door
from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics
from mcp_memory.http.safety import safety
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.keys import Key, digest
from mcp_memory.tenancy.tenants import Limits, Tenant
from tests.doors import Catalog, credentials, directory, guarded
from tests.tenancy.test_door import inside

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def metrics_behind_the_checks(*proxies: str) -> Starlette:
    checks = safety(bound="127.0.0.1", names=[], origins=[], cors=False, proxies=proxies, public=None)
    return Starlette(routes=[MetricsPage(PrometheusMetrics(), None).route], middleware=checks.middleware())


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"])
@pytest.mark.parametrize("proxies", [(), ("127.0.0.0/8",)])
async def test_metrics_are_not_for_whoever_comes_through_a_proxy_on_this_machine(
    header: str, proxies: tuple[str, ...]
) -> None:
    """Whether or not the configuration knows of the proxy."""
    transport = httpx2.ASGITransport(metrics_behind_the_checks(*proxies), client=("127.0.0.1", 5000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        direct = await client.get("/metrics")
        proxied = await client.get("/metrics", headers={header: "127.0.0.1"})

    assert (direct.status_code, proxied.status_code) == (200, 403)


class Dripping:
    """A body that comes a byte at a time and never to its end."""

    def __init__(self, pieces: int, size: int = 1) -> None:
        self.left, self.size, self.read = pieces, size, 0

    async def receive(self) -> Message:
        if not self.left:
            await anyio.sleep_forever()
        self.left -= 1
        self.read += self.size
        return {"type": "http.request", "body": b" " * self.size, "more_body": True}


async def answered(door: ASGIApp, body: Dripping, path: str = "/mcp") -> int:
    statuses = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer acme.a-secret-of-tests")]
    scope: Scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "scheme": "http"}
    with anyio.fail_after(5):
        await door({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, body.receive, send)
    return int(statuses[0])


def door_of(tenant: Tenant, *scopes: str) -> Door:
    key = Key(key_id="acme", tenant=tenant.name, digest=digest("a-secret-of-tests"), scopes=scopes)
    hosting = Hosting(tenants={tenant.name: tenant}, keys={"acme": key})
    return guarded(inside, credentials(directory(Catalog(), hosting)))


async def test_a_body_that_the_door_looks_into_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever may only read, or asks too much already, would keep connections for ever."""
    monkeypatch.setattr("mcp_memory.http.door.PEEK_SECONDS", 0.05)
    reader = door_of(Tenant(name="acme"), "memory:read")
    limited = door_of(Tenant(name="acme", limits=Limits(requests_per_minute=1)), "memory:admin")
    limited._entrance.admission.spend("acme", Limits(requests_per_minute=1))

    assert await answered(reader, Dripping(10)) == 408
    assert await answered(limited, Dripping(10)) == 408


async def test_who_asks_too_much_has_no_large_body_read(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(concurrent_requests=1)
    door, body = door_of(Tenant(name="acme", limits=limits), "memory:admin"), Dripping(100, 64 * 1024)
    with door._entrance.admission.running("acme", limits):
        assert await answered(door, body) == 429

    assert body.read <= 512 * 1024
