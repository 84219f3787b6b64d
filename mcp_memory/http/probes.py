"""For whoever watches over the process: /health says that it lives, /ready that it can be asked now."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_memory import __version__
from mcp_memory.errors import Error
from mcp_memory.http.leaving import Leaving

Check = Callable[[], Awaitable[object]]

CHECK_SECONDS = 5.0  # those who ask wait no longer, whatever it is that does not answer
FRESH_SECONDS = 1.0  # an answer is given again for as long: nobody makes work by asking often


async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


class Ready:
    """Each check is a name, and what raises an Error when it fails. Names are all that is told of it."""

    def __init__(self, checks: Mapping[str, Check], leaving: Leaving) -> None:
        self._leaving = leaving
        self._checks = {name: _Checked(check) for name, check in checks.items()}

    async def answer(self, request: Request) -> Response:
        found = {"serving": not self._leaving.begun}
        for name, check in self._checks.items():
            found[name] = await check.passes()
        ready = all(found.values())
        return JSONResponse(
            {
                "status": "ready" if ready else "unavailable",
                "checks": {name: "ok" if passed else "failing" for name, passed in found.items()},
            },
            200 if ready else 503,
            {"Cache-Control": "no-store"},
        )


class _Checked:
    """One look at a time: those who come meanwhile wait for its end, and go when it takes too long."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._looking: anyio.Event | None = None
        self._passed, self._until = False, 0.0

    async def passes(self) -> bool:
        if anyio.current_time() < self._until:
            return self._passed
        if self._looking is not None:
            with anyio.move_on_after(CHECK_SECONDS) as waiting:
                await self._looking.wait()
            return self._passed and not waiting.cancelled_caught
        self._looking = anyio.Event()
        try:
            self._passed = await self._look()
        finally:
            self._until = anyio.current_time() + FRESH_SECONDS
            self._looking.set()
            self._looking = None
        return self._passed

    async def _look(self) -> bool:
        try:
            with anyio.fail_after(CHECK_SECONDS):
                await self._check()
        except (Error, TimeoutError):
            return False
        return True
