"""What is told of an operation when it ends."""

import logging
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from mcp_memory import metering
from mcp_memory.errors import Closing, Forbidden, Invalid, Limited, NoStore, Unauthorized
from mcp_memory.metering import Meter
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.usage import REQUESTS, DayUsage, Tally
from mcp_memory.model import Caller

DANA = Caller(tenant="acme", actor="SK1")
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Numbers:
    """Metrics that keep what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str | None, float | None]] = []

    def ended(self, operation: str, outcome: str, tenant: str | None, seconds: float | None) -> None:
        self.told.append((operation, outcome, tenant, seconds))

    def session_opened(self) -> None: ...

    def session_closed(self) -> None: ...


class Book:
    def __init__(self) -> None:
        self.tally = Tally()

    def add(self, tally: Tally) -> None:
        self.tally = tally

    def between(self, since: date, until: date, tenant: str | None = None) -> list[DayUsage]:
        raise AssertionError("nobody asks")


class Clock:
    """Each look at it is a quarter of a second after the last one."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 0.25
        return self.time


def meter(**parts: Any) -> Meter:
    return Meter(make_id=lambda: "made", clock=Clock(), **parts)


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in caplog.records if record.name == "mcp_memory.operations"]  # type: ignore[attr-defined]


def test_an_operation_that_ends_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mcp_memory.operations")

    with meter().operation("recall", DANA, "abc-1"):
        pass
    with meter().operation("tools/list"):
        pass

    known = {"operation": "recall", "outcome": "ok", "latency_ms": 250.0, "request_id": "abc-1"}
    assert told(caplog) == [
        {**known, "tenant": "acme", "actor": "SK1"},
        {**known, "operation": "tools/list", "request_id": "made", "tenant": None, "actor": None},
    ]


def test_at_the_default_level_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    with pytest.raises(Invalid), meter().operation("recall", DANA):
        raise Invalid("x")

    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Invalid("x"), "invalid"),
        (NoStore("x"), "not_found"),
        (Forbidden("x"), "forbidden"),
        (Unauthorized("x"), "unauthorized"),
        (Limited("x"), "limited"),
        (Closing("x"), "unavailable"),
        (ZeroDivisionError("s3cret"), "internal"),
        (KeyboardInterrupt(), "cancelled"),
    ],
)
def test_what_passes_through_is_the_outcome(error: BaseException, outcome: str) -> None:
    numbers = Numbers()

    with pytest.raises(type(error)), meter(metrics=numbers).operation("recall", DANA):
        raise error

    assert numbers.told == [("recall", outcome, "acme", 0.25)]


def test_what_a_door_says_is_the_outcome() -> None:
    numbers = Numbers()

    with meter(metrics=numbers).operation("recall"):
        metering.asked_by(DANA)
        metering.failed("conflict")

    assert numbers.told == [("recall", "conflict", "acme", 0.25)]


def test_outside_of_an_operation_there_is_nobody_to_tell() -> None:
    metering.asked_by(DANA)
    metering.failed("conflict")


def test_how_long_a_stream_was_open_is_no_latency_and_that_the_client_went_no_failure() -> None:
    numbers = Numbers()

    with pytest.raises(KeyboardInterrupt), meter(metrics=numbers).operation("listen", DANA, stream=True):
        raise KeyboardInterrupt

    assert numbers.told == [("listen", "ok", "acme", None)]


@pytest.mark.anyio
async def test_operations_at_the_same_time_are_not_confused() -> None:
    numbers = Numbers()
    metered = meter(metrics=numbers)
    both = anyio.Event()

    async def work(tenant: str, mine: anyio.Event, others: anyio.Event) -> None:
        with metered.operation("recall"):
            mine.set()
            await others.wait()
            metering.asked_by(Caller(tenant=tenant))
            metering.failed(tenant)

    one, other = anyio.Event(), both
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, "acme", one, other)
        tasks.start_soon(work, "globex", other, one)

    assert sorted(numbers.told)[0][1:3] == ("acme", "acme")
    assert sorted(numbers.told)[1][1:3] == ("globex", "globex")


@pytest.mark.parametrize("sent", ["a", "A-1_b.c", "x" * 128])
def test_a_request_id_that_was_sent_is_kept(sent: str) -> None:
    assert meter().operation("recall", DANA, sent).request_id == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "a b", "a\n", "é", "a;b", '"', "٣"])
def test_what_is_no_request_id_is_passed_over(sent: str | None) -> None:
    assert meter().operation("recall", DANA, sent).request_id == "made"


def test_request_ids_that_are_made_are_all_different() -> None:
    made = {Meter().operation("recall").request_id for _ in range(100)}

    assert len(made) == 100 and all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


@pytest.mark.parametrize(
    ("caller", "error", "counted"),
    [(DANA, None, 1), (DANA, Invalid("x"), 1), (DANA, Limited("x"), 0), (None, Unauthorized("x"), 0)],
)
def test_a_request_is_counted_for_whoever_asked_unless_it_was_one_too_many(
    caller: Caller | None, error: Exception | None, counted: int
) -> None:
    book = Book()
    counting = UsageCounter(book, lambda: NOW)

    try:
        with meter(usage=counting).operation("recall", caller):
            if error is not None:
                raise error
    except type(error or Invalid("")):
        pass
    counting.write()

    assert book.tally.amounts == ({("acme", NOW.date(), REQUESTS): 1} if counted else {})


# Spans


def spans_of(work: Any) -> list[ReadableSpan]:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    work(meter(tracer=provider.get_tracer("tests")))
    return list(kept.get_finished_spans())


def test_a_span_tells_the_operation_the_tenant_and_how_it_ended() -> None:
    def work(metered: Meter) -> None:
        with metered.operation("recall", DANA, "abc-1"):
            pass
        with pytest.raises(Invalid), metered.operation("recall", DANA, "abc-2"):
            raise Invalid("content is s3cret")
        with pytest.raises(ZeroDivisionError), metered.operation("tools/list", None, "abc-3"):
            raise ZeroDivisionError("s3cret")

    fine, refused, broken = spans_of(work)

    assert (fine.name, fine.kind, fine.status.status_code) == ("recall", SpanKind.INTERNAL, StatusCode.UNSET)
    assert dict(fine.attributes or {}) == {
        "mcp_memory.request_id": "abc-1",
        "mcp_memory.outcome": "ok",
        "mcp_memory.tenant": "acme",
    }
    assert (refused.attributes or {})["mcp_memory.outcome"] == "invalid"
    assert refused.status.status_code == StatusCode.UNSET  # the caller's fault is not ours
    assert broken.status.status_code == StatusCode.ERROR and "mcp_memory.tenant" not in (broken.attributes or {})
    assert not any("s3cret" in one.to_json() or one.events for one in (fine, refused, broken))


def test_a_span_belongs_to_the_trace_that_the_request_names_and_others_belong_to_it() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    def work(metered: Meter) -> None:
        carrier = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
        with metered.operation("FetchProfile", DANA, carrier=carrier), metered.operation("inside", DANA):
            pass
        with metered.operation("FetchProfile", DANA, carrier={"traceparent": "nonsense"}):
            pass

    inside, outside, other = spans_of(work)

    assert (outside.name, outside.kind) == ("FetchProfile", SpanKind.SERVER)
    assert format(outside.context.trace_id, "032x") == trace_id == format(inside.context.trace_id, "032x")
    assert inside.parent is not None and inside.parent.span_id == outside.context.span_id
    assert other.parent is None and other.context.trace_id != outside.context.trace_id


INSTALLED = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from mcp_memory.metering import Meter

metered = Meter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
with metered.operation("recall"):
    pass
"""


def test_whoever_installs_the_sdk_of_opentelemetry_gets_the_spans() -> None:
    done = subprocess.run([sys.executable, "-c", INSTALLED], capture_output=True, text=True, timeout=60, check=True)

    assert '"name": "recall"' in done.stdout
