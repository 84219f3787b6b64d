"""Each call goes to the backend of the tenant it is about, which its first argument names."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from mcp_memory.backend import Backend
from mcp_memory.model import Scope


def routed(backend_of: Callable[[str], Awaitable[Backend]], close: Callable[[], Awaitable[None]]) -> Backend:
    """`backend_of` raises NoStore for a tenant that there is not."""
    return cast(Backend, _Routing(backend_of, close))


class _Routing:
    def __init__(self, backend_of: Callable[[str], Awaitable[Backend]], close: Callable[[], Awaitable[None]]) -> None:
        self._backend_of, self.close = backend_of, close

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(about: Scope | str, *given: Any, **named: Any) -> Any:
            backend = await self._backend_of(about.tenant if isinstance(about, Scope) else about)
            return await getattr(backend, name)(about, *given, **named)

        return call
