"""The end of a process: whoever waits for something that may never come is told of it, and goes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio


class Leaving:
    """`begun`: the process was told to end. What was accepted is finished, and nothing else is waited for."""

    def __init__(self) -> None:
        self.begun = False
        self._waits: set[anyio.CancelScope] = set()
        self._calls: list[Callable[[], None]] = []

    def call(self, back: Callable[[], None]) -> None:
        """When it begins."""
        self._calls.append(back)

    def begin(self) -> None:
        self.begun = True
        for wait in list(self._waits):
            wait.cancel()
        for back in self._calls:
            back()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Around a wait: it is over when the process leaves. What comes after tells by `begun`."""
        with anyio.CancelScope() as wait:
            self._waits.add(wait)
            try:
                if self.begun:
                    wait.cancel()
                yield
            finally:
                self._waits.discard(wait)
