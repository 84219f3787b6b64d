"""How much each tenant may ask: a token bucket for requests a minute, and counts of what is under way. Pure but for
the clock it is given; of one process. With several workers each lets in its share.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mcp_memory.errors import Limited
from mcp_memory.tenancy.tenants import Limits

MAX_TENANTS = 10_000  # kept in mind; who has not asked for longest is forgotten, and has a full bucket anyway
BURST_SECONDS = 10.0  # of requests that may come at once
SHARE = 0.5  # of the server's connections, for one tenant: the others come in, whatever it does


@dataclass
class _Account:
    tokens: float
    at: float
    running: int = 0
    streams: int = 0


class Admission:
    def __init__(self, clock: Callable[[], float], workers: int = 1, connections: int | None = None) -> None:
        """`clock`: seconds that only go forward. `connections`: how many there may be, of each worker."""
        self.clock, self._workers = clock, workers
        self._room = None if connections is None else max(1, int(connections * SHARE))
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def spend(self, tenant: str, limits: Limits) -> None:
        """One request. Raises Limited with the seconds until there is room for it."""
        if (refused := self.refusal(tenant, limits)) is not None:
            raise refused
        self._accounts[tenant].tokens -= 1

    def refusal(self, tenant: str, limits: Limits) -> Limited | None:
        """What a request would be told now, without making it."""
        account, now = self._account(tenant), self.clock()
        rate = math.inf if limits.requests_per_minute is None else limits.requests_per_minute / 60 / self._workers
        passed, account.at = max(0.0, now - account.at), now
        gained = passed * rate if passed else 0.0
        account.tokens = min(max(1.0, rate * BURST_SECONDS), account.tokens + gained)
        if account.tokens >= 1:
            return None
        wait = max(1, math.ceil((1 - account.tokens) / rate))
        seconds = f"{wait} second{'s' if wait > 1 else ''}"
        return Limited(f"More than {limits.requests_per_minute} requests a minute: try again in {seconds}.", wait)

    @contextmanager
    def running(self, tenant: str, limits: Limits) -> Iterator[None]:
        """While a request is under way. Raises Limited where there are too many of them."""
        account = self._account(tenant)
        self._check_room(account)
        most = self._share(limits.concurrent_requests)
        if most is not None and account.running >= most:
            raise Limited(
                f"{limits.concurrent_requests} requests at once are under way, which is the limit: try again when one "
                "has been answered."
            )
        account.running += 1
        try:
            yield
        finally:
            account.running -= 1

    @contextmanager
    def streaming(self, tenant: str, limits: Limits) -> Iterator[None]:
        """While a stream is open. Raises Limited where there are too many of them."""
        account = self._account(tenant)
        self._check_room(account)
        self.check_sessions(account.streams, limits)
        account.streams += 1
        try:
            yield
        finally:
            account.streams -= 1

    def check_sessions(self, open: int, limits: Limits) -> None:
        most = self._share(limits.sessions)
        if most is not None and open >= most:
            raise Limited(f"{limits.sessions} sessions are open, which is the limit: close one, then try again.")

    def _check_room(self, account: _Account) -> None:
        if self._room is not None and account.running + account.streams >= self._room:
            raise Limited(
                f"{self._room} requests and streams of yours are open, as many as one tenant may have here: close some "
                "and try again. Who runs the server raises this with max_connections."
            )

    def _share(self, limit: int | None) -> int | None:
        return None if limit is None else math.ceil(limit / self._workers)

    def _account(self, tenant: str) -> _Account:
        account = self._accounts.get(tenant)
        if account is None:
            account = self._accounts[tenant] = _Account(tokens=math.inf, at=self.clock())  # as many as it may have
            self._forget()
        self._accounts.move_to_end(tenant)
        return account

    def _forget(self) -> None:
        idle = (name for name, one in self._accounts.items() if not (one.running or one.streams))
        while len(self._accounts) > MAX_TENANTS and (name := next(idle, None)) is not None:
            del self._accounts[name]
            idle = (name for name, one in self._accounts.items() if not (one.running or one.streams))
