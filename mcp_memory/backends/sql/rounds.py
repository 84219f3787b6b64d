"""A thread in the background that goes round the stores which need something, one turn each."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcp_memory.model import Scope

BREATH = 0.05  # seconds between turns, in which others get at the processor and the store
RETRY = 30.0  # seconds until a store that can't be helped now has its turn again
WAITING = 10_000  # stores, about 3 MB; one beyond that is seen when it is next made ready, or written to


@dataclass(frozen=True)
class Turn:
    """`pause`: seconds until the next one; None: nothing is left to do. `troubled`: it could not be done."""

    pause: float | None
    troubled: bool = False


DONE = Turn(None)


class Rounds:
    """`turn` is not to raise. `leave`: no turn of this store follows for now. The thread starts with the first."""

    def __init__(
        self, name: str, turn: Callable[[Scope], Turn], leave: Callable[[Scope], None] = lambda scope: None
    ) -> None:
        self._name, self._turn, self._leave = name, turn, leave
        self.waiting: dict[Scope, float] = {}  # and when each of them is due
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def look_after(self, scope: Scope, *, at_once: bool = False, after: float = 0.0) -> bool:
        """It has a turn, some time. `at_once`: whatever pause it has. `after`: seconds. False: not now, too many
        wait."""
        with self._changed:
            known = scope in self.waiting
            if self._stopped.is_set() or (known and not at_once) or (not known and len(self.waiting) >= WAITING):
                return known
            self.waiting[scope] = time.monotonic() + after
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()
            return True

    def stop(self, patience: float) -> None:
        """After the turn that it is at, unless that takes longer than so many seconds. Blocks."""
        with self._changed:
            self._stopped.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        breath = BREATH
        while (scope := self._next()) is not None:
            turn = self._turn(scope)
            # One that can't be done now keeps no other waiting; where several in a row can't, it is not the store.
            breath = min(breath * 2, RETRY) if turn.troubled else BREATH
            if turn.pause is not None:
                with self._changed:
                    self.waiting.setdefault(scope, time.monotonic() + turn.pause)  # others first
                self._stopped.wait(breath)
            if turn.pause is None or self._stopped.is_set():
                self._leave(scope)

    def _next(self) -> Scope | None:
        """Waits for one that is due. None: it is to stop. Who asks for this one from now on asks for another look."""
        with self._changed:
            while not self._stopped.is_set():
                scope = min(self.waiting, key=lambda one: self.waiting[one], default=None)
                left = None if scope is None else self.waiting[scope] - time.monotonic()
                if scope is not None and left is not None and left <= 0:
                    del self.waiting[scope]
                    return scope
                self._changed.wait(left)
            return None
