"""Who listens to which resource, in both eras of the protocol.

Everything is kept per store: equal URIs of two stores are two resources, and nobody hears of another's.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.types import SubscriptionsListenRequestParams, SubscriptionsListenResult

from mcp_memory.errors import Invalid
from mcp_memory.model import Scope
from mcp_memory.resources import MAX_URI, changed_by

logger = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 100  # of one connection: an agent talks to few customers at once
NOTIFY_SECONDS = 1.0  # in all: clients that do not read must not hold up the one who writes

Listener = Callable[
    [ServerRequestContext[Any, Any], SubscriptionsListenRequestParams], Awaitable[SubscriptionsListenResult]
]


class Changes:
    """`told`: whether they are. Not where other processes make changes too, which nobody here would hear of."""

    def __init__(self, told: bool = True) -> None:
        self.told = told
        self._buses: dict[Scope, tuple[InMemorySubscriptionBus, ListenHandler]] = {}  # of stores that are listened to
        self._listening: Counter[Scope] = Counter()
        self._subscribed: dict[Connection, set[tuple[Scope, str]]] = {}
        self._portal: BlockingPortal | None = None

    def listener(self, scope: Scope, uris: Sequence[str]) -> Listener:
        """For `subscriptions/listen` (2026-07-28)."""
        if len(uris) > MAX_SUBSCRIPTIONS or any(len(uri) > MAX_URI for uri in uris):
            raise Invalid(f"Listen to at most {MAX_SUBSCRIPTIONS} resources, of {MAX_URI} characters each.")

        async def listen(
            ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
        ) -> SubscriptionsListenResult:
            if scope not in self._buses:
                bus = InMemorySubscriptionBus()
                self._buses[scope] = bus, ListenHandler(bus)
            self._listening[scope] += 1
            try:
                return await self._buses[scope][1](ctx, params)
            finally:
                self._listening[scope] -= 1
                if not self._listening[scope]:
                    del self._listening[scope], self._buses[scope]

        return listen

    def subscribe(self, scope: Scope, uri: str, session: ServerSession) -> None:
        """For `resources/subscribe` (up to 2025-11-25). Ends with the connection.

        URIs of what is not there are taken, as by `subscriptions/listen`: they just never change.
        """
        connection = session._connection  # sessions are made anew for each request; the SDK shows it nowhere else
        if connection not in self._subscribed:
            self._subscribed[connection] = set()
            connection.exit_stack.callback(self._subscribed.pop, connection, None)
        if len(uri) > MAX_URI or len(self._subscribed[connection]) >= MAX_SUBSCRIPTIONS:
            raise Invalid(f"Subscribe to at most {MAX_SUBSCRIPTIONS} resources, of {MAX_URI} characters each.")
        self._subscribed[connection].add((scope, uri))

    def unsubscribe(self, scope: Scope, uri: str, session: ServerSession) -> None:
        self._subscribed.get(session._connection, set()).discard((scope, uri))

    @property
    def heard(self) -> bool:
        """Whether anybody listens to anything."""
        return bool(self._buses or self._subscribed)

    async def run(self) -> None:
        """What other threads tell is passed on, until this is cancelled."""
        async with BlockingPortal() as self._portal:
            try:
                await anyio.sleep_forever()
            finally:
                self._portal = None

    def learned(self, scope: Scope, writes: Sequence[str], profile_ids: Sequence[str]) -> None:
        """From a thread in the background: observations, summaries or traits of a profile were written, by all its
        ids."""
        portal = self._portal
        if portal is not None and self.heard:
            with suppress(RuntimeError):  # it ends: so do those who listen
                portal.start_task_soon(self.publish, scope, changed_by(writes, profile_ids)).add_done_callback(_told)

    def close(self) -> None:
        """Ends what is listened to, as the protocol has it: each listener gets an answer that says so."""
        for _, listener in list(self._buses.values()):
            listener.close()

    async def publish(self, scope: Scope, uris: Sequence[str]) -> None:
        if scope in self._buses:
            bus = self._buses[scope][0]
            for uri in uris:
                await bus.publish(ResourceUpdated(uri=uri))
        wanted = {(scope, uri) for uri in uris}
        slow = {connection: heard for connection, all_ in self._subscribed.items() if (heard := all_ & wanted)}

        async def tell(connection: Connection, heard: set[tuple[Scope, str]]) -> None:
            for _, uri in sorted(heard, key=lambda one: one[1]):
                await connection.send_resource_updated(uri)
            del slow[connection]

        with anyio.move_on_after(NOTIFY_SECONDS):
            async with anyio.create_task_group() as tasks:
                for connection, heard in list(slow.items()):
                    tasks.start_soon(tell, connection, heard)
        for connection in slow:
            self._subscribed.get(connection, set()).clear()  # it does not read: it will not be waited for again


def _told(publishing: "Future[None]") -> None:
    """Nobody waits for it."""
    if not publishing.cancelled() and (error := publishing.exception()) is not None:
        logger.warning("who listens was not told of a change", exc_info=error)
