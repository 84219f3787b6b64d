"""The metering around every request of MCP, in both eras and over every transport."""

import logging
from collections.abc import Callable, Collection
from typing import Any, Final

from mcp import types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from mcp_memory import resources
from mcp_memory.errors import Error
from mcp_memory.metering import HEADER, INTERNAL, INVALID, OK, Meter, Operation, asked_by
from mcp_memory.model import Caller
from mcp_memory.prompts import PROMPTS

log = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]

LISTEN: Final = "subscriptions/listen"
METHODS: Final = frozenset(
    {
        *("initialize", "server/discover", "ping", LISTEN, "resources/subscribe", "resources/unsubscribe"),
        *("tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read"),
        *("prompts/list", "prompts/get", "completion/complete"),
    }
)
UNKNOWN: Final = "unknown"


def identified(who: Callable[[Context], Caller]) -> Callable[[Context], Caller]:
    """Whom a door learns of, the metering learns of."""

    def asked(ctx: Context) -> Caller:
        caller = who(ctx)
        asked_by(caller)
        return caller

    return asked


class MeteredRequests:
    """A middleware of the SDK's server. `tools`: the names there are."""

    def __init__(self, meter: Meter, who: Callable[[Context], Caller], tools: Collection[str]) -> None:
        self._meter, self._who = meter, who
        self._tools = frozenset(tools)
        self._prompts = frozenset(prompt.name for prompt in PROMPTS)

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None:  # a notification
            return await call_next(ctx)
        headers = getattr(ctx.request, "headers", {})
        with self._meter.operation(
            self._name(ctx), request_id=headers.get(HEADER), stream=ctx.method == LISTEN
        ) as operation:
            result = await self._answered(ctx, call_next, operation)
            if ctx.method == "initialize":
                self._count_session(ctx)
            return result

    async def _answered(self, ctx: Context, call_next: CallNext, operation: Operation) -> HandlerResult:
        try:
            result = await call_next(ctx)
        except MCPError as exc:
            if operation.outcome == OK:  # no door has said more
                operation.outcome = INTERNAL if exc.error.code == types.INTERNAL_ERROR else INVALID
            self._identify(ctx, operation)
            raise
        except ValidationError:
            operation.outcome = INVALID
            self._identify(ctx, operation)
            raise
        self._identify(ctx, operation)
        return result

    def _identify(self, ctx: Context, operation: Operation) -> None:
        """For requests that no door asked it of. What is metered must not fail of it."""
        if operation.caller is None and operation.outcome != INTERNAL:
            try:
                operation.caller = self._who(ctx)
            except Error:
                pass  # nobody we know
            except Exception:
                log.exception("who asks can't be told")

    def _name(self, ctx: Context) -> str:
        """A word or a template of ours, whatever was sent."""
        params = ctx.params or {}
        named = params.get("name")
        match ctx.method:
            case "tools/call" if isinstance(named, str) and named in self._tools:
                return named
            case "prompts/get" if isinstance(named, str) and named in self._prompts:
                return f"prompts/get {named}"
            case "resources/read":
                found = resources.find(str(params.get("uri", "")))
                return "resources/read" if found is None else f"resources/read {found[0].uri}"
        return ctx.method if ctx.method in METHODS else UNKNOWN

    def _count_session(self, ctx: Context) -> None:
        metrics = self._meter.metrics
        if metrics is not None:
            metrics.session_opened()
            # The connection ends when its session does; the SDK shows it nowhere else.
            ctx.session._connection.exit_stack.callback(metrics.session_closed)
