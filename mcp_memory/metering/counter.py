"""Usage is counted in memory and written every two seconds, and at the end.

What counts has happened by then, so a count never fails or delays it: where it can't be written it is kept and tried
again. A process that is killed loses what it counted since the last writing: two seconds, unless writing failed.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import date, datetime

import anyio
import anyio.to_thread

from mcp_memory.errors import Error
from mcp_memory.metering.usage import Tally, UsageBook

log = logging.getLogger(__name__)

SECONDS = 2.0
MOST_SECONDS = 60.0  # between two tries
MAX_SEEN = 50_000  # profiles that are known to be counted today: about 10 MB. More are counted anew, to no effect


class UsageCounter:
    """Counts on the event loop; writes on a worker thread. Nothing is locked where it counts."""

    def __init__(
        self,
        book: UsageBook,
        now: Callable[[], datetime],
        *,
        seconds: float = SECONDS,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`close`: what is to be closed when all is written, on a worker thread."""
        self._book, self._now, self._seconds, self._close = book, now, seconds, close
        self._counted: deque[tuple[str, date, str, int]] = deque()
        self._read: deque[tuple[str, date, str]] = deque()
        self._seen: set[tuple[str, str]] = set()
        self._seen_on = date.min
        self._news = anyio.Event()
        self._writing = threading.Lock()
        self._tally = Tally()

    def add(self, tenant: str, unit: str, amount: int = 1) -> None:
        if amount:
            self._counted.append((tenant, self._now().date(), unit, amount))
            self._news.set()

    def read(self, tenant: str, profile_id: str) -> None:
        """A profile was read: it is counted once a day."""
        day = self._now().date()
        if day != self._seen_on or len(self._seen) >= MAX_SEEN:
            self._seen.clear()
            self._seen_on = day
        if (tenant, profile_id) not in self._seen:
            self._seen.add((tenant, profile_id))
            self._read.append((tenant, day, profile_id))
            self._news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = self._seconds
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            await anyio.sleep(pause)
            if await anyio.to_thread.run_sync(self.write):
                pause = self._seconds
            else:
                pause = min(2 * pause, MOST_SECONDS)
                self._news.set()

    async def close(self) -> None:
        def work() -> None:
            self.write()
            self._close()

        await anyio.to_thread.run_sync(work)

    def write(self) -> bool:
        """All that was counted, and whether it is written. Blocks."""
        with self._writing:
            self._gather()
            if not self._tally:
                return True
            try:
                self._book.add(self._tally)
            except Error as exc:
                log.warning("usage is not written yet: %s", exc)
                return False
            except Exception:  # what is counted must not fail of it
                log.exception("usage is not written yet")
                return False
            self._tally = Tally()
            return True

    def _gather(self) -> None:
        while self._counted:
            self._tally.add(*self._counted.popleft())
        while self._read:
            self._tally.add_profile(*self._read.popleft())
