"""Whoever is outside and has no credential: what they send opens nothing that is for this machine alone."""

import httpx2
import pytest
from starlette.applications import Starlette

from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics
from mcp_memory.http.safety import safety

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
