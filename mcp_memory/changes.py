"""Who listens to which resource, in both eras of the protocol.

Everything is kept per caller: equal URIs of two stores are two resources, and nobody hears of another's.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence

import anyio
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

from mcp_memory.model import Caller

logger = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 10_000  # of handshake-era clients; past it the oldest is forgotten
NOTIFY_SECONDS = 1.0  # a client that does not read must not hold up the one who writes


class Changes:
    def __init__(self) -> None:
        self._buses: dict[Caller, tuple[InMemorySubscriptionBus, ListenHandler]] = {}
        self._subscribers: OrderedDict[tuple[Caller, str, int], ServerSession] = OrderedDict()

    def listener(self, caller: Caller) -> ListenHandler:
        """For `subscriptions/listen` (2026-07-28)."""
        return self._bus(caller)[1]

    def subscribe(self, caller: Caller, uri: str, session: ServerSession) -> None:
        """For `resources/subscribe` (up to 2025-11-25)."""
        self._subscribers[caller, uri, _connection(session)] = session
        while len(self._subscribers) > MAX_SUBSCRIPTIONS:
            self._subscribers.popitem(last=False)

    def unsubscribe(self, caller: Caller, uri: str, session: ServerSession) -> None:
        self._subscribers.pop((caller, uri, _connection(session)), None)

    async def publish(self, caller: Caller, uris: Sequence[str]) -> None:
        if caller in self._buses:
            for uri in uris:
                await self._bus(caller)[0].publish(ResourceUpdated(uri=uri))
        for key, session in list(self._subscribers.items()):
            if key[0] == caller and key[1] in uris and not await _told(session, key[1]):
                self._subscribers.pop(key, None)

    def _bus(self, caller: Caller) -> tuple[InMemorySubscriptionBus, ListenHandler]:
        if caller not in self._buses:
            bus = InMemorySubscriptionBus()
            self._buses[caller] = bus, ListenHandler(bus)
        return self._buses[caller]


async def _told(session: ServerSession, uri: str) -> bool:
    with anyio.move_on_after(NOTIFY_SECONDS):
        try:
            await session.send_resource_updated(uri)
            return True
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("a subscriber is gone")
    return False


def _connection(session: ServerSession) -> int:
    """Sessions are made anew for each request; what the client said in its handshake is one object per connection."""
    return id(session.client_params)
