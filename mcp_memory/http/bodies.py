"""Bodies of MCP arrive in time, or their senders are told. The Memory API and its uploads have rules of their own."""

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 30.0  # for the whole of it


class _Slow(Exception):
    pass


class _Gone(Exception):
    pass


class InTime:
    """Around an app that reads the whole body before it does anything else, as the SDK's do."""

    def __init__(self, app: ASGIApp, seconds: float = SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        end = anyio.current_time() + self._seconds
        whole = False

        async def in_time() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            with anyio.CancelScope(deadline=end):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                whole = not message.get("more_body", False)
                return message
            raise _Slow

        try:
            await self._app(scope, in_time, send)
        except _Slow:
            text = f"The body did not arrive within {self._seconds:g} seconds: send it again, faster."
            await PlainTextResponse(text, 408, {"Connection": "close"})(scope, receive, send)
        except _Gone:
            return  # nobody is there to be answered, and the SDK would log it as a failure
