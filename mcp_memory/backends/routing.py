"""Each call goes to the backend of the tenant it is about. No call is known here by its name: all are alike in that."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from mcp_memory.backend import Backend
from mcp_memory.model import Scope

CALLS: Final = frozenset(name for name in dir(Backend) if not name.startswith("_")) - {"close"}


def routing(backend_of: Callable[[str], Awaitable[Backend]], close: Callable[[], Awaitable[None]]) -> Backend:
    """`backend_of` raises NoStore for a tenant that there is none of; it is asked anew for each call."""
    return cast(Backend, Routing(backend_of, close))  # mypy does not look behind __getattr__; a test does


class Routing:
    def __init__(self, backend_of: Callable[[str], Awaitable[Backend]], close: Callable[[], Awaitable[None]]) -> None:
        self._backend_of, self._close = backend_of, close

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name not in CALLS:
            raise AttributeError(name)

        async def call(where: Scope | str, *given: Any, **named: Any) -> Any:
            backend = await self._backend_of(where.tenant if isinstance(where, Scope) else where)
            return await getattr(backend, name)(where, *given, **named)

        return call

    async def close(self) -> None:
        await self._close()
