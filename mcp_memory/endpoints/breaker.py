"""A circuit breaker: what has just failed is not asked again for a while, so that a dead endpoint slows nobody."""

import math
import threading
from collections.abc import Callable

from mcp_memory.errors import Unavailable


class Breaker:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failure = ""
        self._until = 0.0

    def admit(self, trial: float) -> None:
        """Raises Unavailable, repeating what failed, while open. Then one caller may try, for `trial` seconds alone."""
        with self._lock:
            if not self._failure:
                return
            left = self._until - self._clock()
            if left > 0:
                raise Unavailable(f"{self._failure} It will be asked again in {math.ceil(left)} s.")
            self._until = self._clock() + trial

    def open(self, failure: str, seconds: float) -> None:
        with self._lock:
            self._failure, self._until = failure, self._clock() + seconds

    def close(self) -> None:
        with self._lock:
            self._failure = ""
