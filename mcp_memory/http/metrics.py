"""/metrics, for Prometheus: how many operations, how they ended, and how long they took."""

import hmac
from collections.abc import Iterator
from typing import Final

import anyio.to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mcp_memory import __version__
from mcp_memory.http.safety import FORWARDED

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
PROXIED: Final = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
OPERATION: Final = ("operation", "outcome")

disable_created_metrics()


class _Version(Collector):
    def collect(self) -> Iterator[Metric]:
        about = GaugeMetricFamily("mcp_memory_build_info", "The version that is served.", labels=["version"])
        about.add_metric([__version__], 1.0)
        yield about


class PrometheusMetrics:
    """`by_tenant`: names of tenants are shown, a few series for each. Else there are none.

    Where several processes count into one folder (see shared_metrics.py), each shows the sum of all. What is about one
    process, as its memory, is left out then.
    """

    def __init__(self, *, by_tenant: bool = False) -> None:
        counted = CollectorRegistry()
        self._count = Counter("mcp_memory_operations", "Operations that ended.", OPERATION, registry=counted)
        self._seconds = Histogram(
            "mcp_memory_operation_seconds", "How long they took.", OPERATION, registry=counted, buckets=BUCKETS
        )
        self._sessions = Gauge(
            "mcp_memory_sessions", "MCP sessions that are open.", registry=counted, multiprocess_mode="livesum"
        )
        self._of_tenants = _OfTenants(counted) if by_tenant else None
        self._shown = _shared() or _with_process(counted)
        self._shown.register(_Version())

    def ended(self, operation: str, outcome: str, tenant: str | None, seconds: float | None) -> None:
        self._count.labels(operation, outcome).inc()
        if seconds is not None:
            self._seconds.labels(operation, outcome).observe(seconds)
        if self._of_tenants is not None and tenant is not None:
            self._of_tenants.ended(tenant, outcome, seconds)

    def session_opened(self) -> None:
        self._sessions.inc()

    def session_closed(self) -> None:
        self._sessions.dec()

    def text(self, accepted: str) -> tuple[bytes, str]:
        """And its type, of those that are accepted. Blocks: it may be read from files."""
        encode, kind = choose_encoder(accepted)
        return encode(self._shown), kind


class _OfTenants:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "mcp_memory_tenant_operations", "Operations that ended.", ("tenant", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "mcp_memory_tenant_operation_seconds",
            "How long they took.",
            ("tenant",),
            registry=registry,
            buckets=BUCKETS,
        )

    def ended(self, tenant: str, outcome: str, seconds: float | None) -> None:
        self._count.labels(tenant, outcome).inc()
        if seconds is not None:
            self._seconds.labels(tenant).observe(seconds)


class MetricsPage:
    """Without a key, for programs on this machine that ask directly; with one, for whoever sends it."""

    def __init__(self, metrics: PrometheusMetrics, key: str | None) -> None:
        self._metrics, self._key = metrics, key
        self.route = Route("/metrics", self.show, methods=["GET"])

    async def show(self, request: Request) -> Response:
        if (refused := self._refusal(request)) is not None:
            return refused
        content, kind = await anyio.to_thread.run_sync(self._metrics.text, request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    def _refusal(self, request: Request) -> Response | None:
        if self._key is not None:
            scheme, _, sent = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), self._key.encode()):
                return None
            return PlainTextResponse("Send the key of the metrics as a Bearer.", 401, {"WWW-Authenticate": "Bearer"})
        told = any(name in PROXIED or name.startswith("x-forwarded") for name in request.headers)
        proxied = told or request.scope.get(FORWARDED, False)  # those who check requests take these headers away
        if request.client is None or request.client.host not in LOOPBACK or proxied:
            return PlainTextResponse("Metrics are for this machine, unless a metrics_key is set.", 403)
        return None


def forget(process_id: int) -> None:
    """Of a process that ended, where several count: its sessions are open no more. What it counted stays."""
    mark_process_dead(process_id)


def _shared() -> CollectorRegistry | None:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)
    except ValueError:  # no folder is set: this process is the only one
        return None
    return registry


def _with_process(registry: CollectorRegistry) -> CollectorRegistry:
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
