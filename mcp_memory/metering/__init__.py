"""Around every operation, whichever door it came by: a line of the log, the metrics, a span, and a count for the bill.

None of them holds what is stored, what was sent, or a secret. Names of operations are fixed words and templates, and so
are outcomes: whoever asks for what there is not makes no new name.
"""

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from time import perf_counter
from types import TracebackType
from typing import Final, Protocol, Self

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from mcp_memory.errors import Error, Limited
from mcp_memory.logs import REQUEST_ID, fields
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.usage import REQUESTS
from mcp_memory.model import Caller

log = logging.getLogger("mcp_memory.operations")

OK, INVALID, INTERNAL, CANCELLED = "ok", "invalid", "internal", "cancelled"
OURS: Final = (INTERNAL, "unavailable")  # failures that the caller can do nothing about
HEADER: Final = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CURRENT: ContextVar["Operation | None"] = ContextVar("operation", default=None)


class Metrics(Protocol):
    def ended(self, operation: str, outcome: str, tenant: str | None, seconds: float | None) -> None:
        """`seconds` None: how long it took says nothing. `tenant` None: nobody we know."""
        ...

    def session_opened(self) -> None: ...

    def session_closed(self) -> None: ...


class Meter:
    def __init__(
        self,
        *,
        make_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        clock: Callable[[], float] = perf_counter,
        metrics: Metrics | None = None,
        usage: UsageCounter | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """`make_id`: of requests that bring none. `tracer`: else that of whoever has installed OpenTelemetry's SDK."""
        self.make_id, self.clock, self.metrics, self.usage = make_id, clock, metrics, usage
        self.tracer = tracer or trace.get_tracer("mcp_memory")

    def operation(
        self,
        name: str,
        caller: Caller | None = None,
        request_id: str | None = None,
        *,
        carrier: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> "Operation":
        """To be entered with `with`. `request_id`: as it was sent; what is none is passed over. `carrier`: headers that
        may say which trace it belongs to. `stream`: it ends when the client goes."""
        sound = request_id if request_id is not None and _REQUEST_ID.fullmatch(request_id) else self.make_id()
        return Operation(self, name, caller, sound, carrier, stream)


class Operation:
    """One that is under way. `caller` may become known later; `outcome` is said by whoever translates an error."""

    def __init__(
        self,
        meter: Meter,
        name: str,
        caller: Caller | None,
        request_id: str,
        carrier: Mapping[str, str] | None,
        stream: bool,
    ) -> None:
        self.name, self.caller, self.request_id, self.outcome = name, caller, request_id, OK
        self._meter, self._carrier, self._stream = meter, carrier, stream

    def __enter__(self) -> Self:
        self._span = self._start_span()
        self._span_token: Token[contexts.Context] | None = None
        if self._span.is_recording():
            self._span_token = contexts.attach(trace.set_span_in_context(self._span))
        self._tokens = _CURRENT.set(self), REQUEST_ID.set(self.request_id)
        self._began = self._meter.clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seconds = self._meter.clock() - self._began
        if error is not None and self.outcome == OK:
            self.outcome = self._outcome_of(error)
        tenant = None if self.caller is None else self.caller.tenant
        if self._meter.metrics is not None:
            self._meter.metrics.ended(self.name, self.outcome, tenant, None if self._stream else seconds)
        if self._meter.usage is not None and tenant is not None and self.outcome != Limited.code:
            self._meter.usage.add(tenant, REQUESTS)
        if log.isEnabledFor(logging.INFO):
            self._log(tenant, seconds)
        if self._span_token is not None:
            self._end_span(tenant)
            contexts.detach(self._span_token)
        current, request_id = self._tokens
        _CURRENT.reset(current)
        REQUEST_ID.reset(request_id)

    def _outcome_of(self, error: BaseException) -> str:
        if isinstance(error, Error):
            return error.code
        if isinstance(error, Exception):
            return INTERNAL
        return OK if self._stream else CANCELLED

    def _log(self, tenant: str | None, seconds: float) -> None:
        said = fields(
            operation=self.name,
            outcome=self.outcome,
            latency_ms=round(seconds * 1000, 1),
            request_id=self.request_id,
            tenant=tenant,
            actor=(self.caller.actor or None) if self.caller is not None else None,
        )
        log.info("ended", extra=said)

    def _start_span(self) -> Span:
        if self._carrier is None:  # then whoever carried the request has begun the trace
            return self._meter.tracer.start_span(self.name)
        parent = propagate.extract(self._carrier) if "traceparent" in self._carrier else None
        return self._meter.tracer.start_span(self.name, context=parent, kind=SpanKind.SERVER)

    def _end_span(self, tenant: str | None) -> None:
        span = self._span
        span.set_attribute("mcp_memory.request_id", self.request_id)
        span.set_attribute("mcp_memory.outcome", self.outcome)
        if tenant is not None:
            span.set_attribute("mcp_memory.tenant", tenant)
        if self.outcome in OURS:
            span.set_attribute("error.type", self.outcome)
            span.set_status(StatusCode.ERROR)
        span.end()


def asked_by(caller: Caller) -> None:
    """Of the operation that is under way it is known by now who asks."""
    operation = _CURRENT.get()
    if operation is not None:
        operation.caller = caller


def failed(outcome: str) -> None:
    """Of the operation that is under way: the code of an error that is answered rather than raised."""
    operation = _CURRENT.get()
    if operation is not None:
        operation.outcome = outcome
