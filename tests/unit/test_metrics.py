"""/metrics: what it shows, and to whom."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from mcp_memory import __version__
from mcp_memory.http import shared_metrics
from mcp_memory.http.metrics import MetricsPage, PrometheusMetrics

pytestmark = pytest.mark.anyio

KEY = "a-key-of-the-metrics"
HERE = ("127.0.0.1", 50_000)


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


async def asked(
    metrics: PrometheusMetrics,
    *,
    key: str | None = None,
    peer: tuple[str, int] | None = HERE,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    app = Starlette(routes=[MetricsPage(metrics, key).route])
    transport = httpx2.ASGITransport(app, client=peer)  # type: ignore[arg-type]  # None: a socket of Unix
    async with httpx2.AsyncClient(transport=transport, base_url="http://memory.test") as client:
        return await client.get("/metrics", headers=headers)


async def test_it_shows_what_ended_how_and_how_long_it_took(metrics: PrometheusMetrics) -> None:
    metrics.ended("recall", "ok", "acme", 0.004)
    metrics.ended("recall", "ok", "acme", 0.3)
    metrics.ended("recall", "invalid", None, 0.001)
    metrics.session_opened()

    answer = await asked(metrics)
    values = {
        (
            one.name,
            *(value for _, value in sorted(one.labels.items(), key=lambda label: (label[0] == "le", label[0]))),
        ): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert values["mcp_memory_operations_total", "recall", "ok"] == 2
    assert values["mcp_memory_operations_total", "recall", "invalid"] == 1
    assert values["mcp_memory_operation_seconds_bucket", "recall", "ok", "0.005"] == 1
    assert values["mcp_memory_operation_seconds_bucket", "recall", "ok", "+Inf"] == 2
    assert values["mcp_memory_sessions",] == 1
    assert values["mcp_memory_build_info", __version__] == 1
    assert ("python_info" in answer.text) and "acme" not in answer.text
    assert not [name for name, *_ in values if name.endswith("_created")]


async def test_it_can_be_had_as_openmetrics(metrics: PrometheusMetrics) -> None:
    answer = await asked(metrics, headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("peer", [HERE, ("::1", 50_000)])
async def test_without_a_key_it_is_for_this_machine(metrics: PrometheusMetrics, peer: tuple[str, int]) -> None:
    assert (await asked(metrics, peer=peer)).status_code == 200


@pytest.mark.parametrize("peer", [("10.0.0.7", 50_000), ("127.0.0.1.example", 1), ("localhost", 1), None])
async def test_without_a_key_it_is_for_nobody_else(metrics: PrometheusMetrics, peer: tuple[str, int] | None) -> None:
    answer = await asked(metrics, peer=peer)

    assert answer.status_code == 403 and "metrics_key" in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"])
async def test_without_a_key_a_proxy_on_this_machine_gets_nothing(metrics: PrometheusMetrics, header: str) -> None:
    assert (await asked(metrics, headers={header: "127.0.0.1"})).status_code == 403


@pytest.mark.parametrize("peer", [HERE, ("10.0.0.7", 50_000), None])
async def test_with_a_key_it_is_for_whoever_sends_it(metrics: PrometheusMetrics, peer: tuple[str, int] | None) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Forwarded-For": "10.0.0.7"}

    assert (await asked(metrics, key=KEY, peer=peer, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "sent", [None, "", KEY, "Bearer", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", "Bearer \x7f"]
)
async def test_with_a_key_it_is_for_nobody_else(metrics: PrometheusMetrics, sent: str | None) -> None:
    answer = await asked(metrics, key=KEY, headers={} if sent is None else {"Authorization": sent})

    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert KEY not in answer.text


async def test_tenants_are_named_only_where_that_was_asked_for() -> None:
    named = PrometheusMetrics(by_tenant=True)
    named.ended("recall", "ok", "acme", 0.004)
    named.ended("recall", "unauthorized", None, 0.004)

    text = (await asked(named)).text

    assert 'mcp_memory_tenant_operations_total{outcome="ok",tenant="acme"} 1.0' in text
    assert 'mcp_memory_tenant_operation_seconds_count{tenant="acme"} 1.0' in text
    assert text.count("tenant=") == text.count('tenant="acme"')


def test_the_folder_of_several_processes_is_empty_at_first_and_gone_at_the_end() -> None:
    with shared_metrics.folder() as one, shared_metrics.folder() as other:
        assert one != other
        assert list(Path(one).iterdir()) == []
        (Path(one) / "counter_1.db").touch()

    assert not Path(one).exists() and not Path(other).exists()


SHARED = """
import os, subprocess, sys
from mcp_memory.http.metrics import PrometheusMetrics, forget

def line(name):
    text = metrics.text("")[0].decode()
    return [one for one in text.splitlines() if one.startswith(name)]

metrics = PrometheusMetrics()
metrics.session_opened()
metrics.ended("recall", "ok", None, 0.001)
if sys.argv[1:]:  # the other process: it dies with a session open
    os._exit(0)
other = subprocess.Popen([sys.executable, __file__, "other"])
other.wait()
print(line("mcp_memory_sessions "), line("mcp_memory_operation_seconds_count"))
forget(other.pid)
print(line("mcp_memory_sessions "), line("mcp_memory_operation_seconds_count"))
"""


def test_of_a_process_that_died_the_sessions_are_forgotten_and_the_counts_are_not(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SHARED, encoding="utf-8")
    with shared_metrics.folder() as folder:
        environment = {**os.environ, shared_metrics.VARIABLE: folder}
        command = [sys.executable, str(tmp_path / "program.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)

    counts = """['mcp_memory_operation_seconds_count{operation="recall",outcome="ok"} 2.0']"""
    assert done.stdout.splitlines() == [
        f"['mcp_memory_sessions 2.0'] {counts}",
        f"['mcp_memory_sessions 1.0'] {counts}",
    ]
