"""What was accepted and is still to be done, in the order in which it was accepted."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from .refusals import Refusal

Effect = Callable[[], None]


class Effects:
    """`lag`: how many requests later it is done: 0 is at once, None is when told."""

    def __init__(self) -> None:
        self.lag: int | None = 0
        self._seen = 0
        self._due: deque[tuple[int, Effect]] = deque()

    def add(self, effect: Effect) -> None:
        if self.lag == 0:
            _do(effect)
        else:
            self._due.append((self._seen + (self.lag or 0), effect))

    def another_request(self) -> None:
        self._seen += 1
        while self.lag is not None and self._due and self._due[0][0] < self._seen:
            _do(self._due.popleft()[1])

    def settle(self) -> None:
        while self._due:
            _do(self._due.popleft()[1])


def _do(effect: Effect) -> None:
    with suppress(Refusal):  # it was accepted, and nobody waits for it any more
        effect()
