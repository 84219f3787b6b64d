"""In the background: conversations become quiet and end when their time comes, and are learned from. At the next start
where nobody was there at the time. Of several processes on one store one does it, as long as it keeps the lease."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from mcp_memory.backends.sql import rounds
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.rounds import Rounds, Turn
from mcp_memory.errors import Closing, Error, NotFound
from mcp_memory.model import Scope

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
LEAVE = 0.5  # seconds that whoever stops waits for the step; the next to start goes on with it
NAME = "learning"
LOOK = 600.0  # seconds at most between two looks: a clock that is set, or another process, may have moved what is due


class Tending:
    """`learn`: takes the next conversation from which something is to be learned to its end; False: there is none."""

    def __init__(
        self, database: Database, learn: Callable[[Scope], bool], now: Callable[[], datetime], holder: str
    ) -> None:
        self._database, self._learn, self._now, self._holder = database, learn, now, holder
        self._leased: set[Scope] = set()
        self._rounds = Rounds("learning", self._turn, self._give_lease_back)

    def look_after(self, scope: Scope) -> None:
        self._rounds.look_after(scope, at_once=True)

    def stop(self) -> None:
        """Blocks."""
        self._rounds.stop(LEAVE)

    def _turn(self, scope: Scope) -> Turn:
        try:
            due = self._due(scope)
            if due is None:
                return rounds.DONE
            if due > 0:
                return Turn(min(due, LOOK))
            if not self._database.write(scope, self._take_lease):
                return Turn(rounds.RETRY)  # another process is at it, and keeps no other store waiting
            self._leased.add(scope)
            return Turn(rounds.BREATH) if self._learn(scope) else Turn(min(max(self._due(scope) or 0.0, 0.1), LOOK))
        except (Closing, NotFound):  # the store was deleted
            return rounds.DONE
        except Error as exc:
            logger.warning("conversations are not learned from for now: %s", exc, exc_info=exc)
        except Exception:  # a door: the thread goes on, whatever it met in one store
            logger.exception("conversations are not learned from for now")
        return Turn(rounds.RETRY, troubled=True)

    def _due(self, scope: Scope) -> float | None:
        """Seconds until something is."""
        due = self._database.read(scope, lambda tx: tx.next_due())
        return None if due is None else (due - self._now()).total_seconds()

    def _take_lease(self, tx: Transaction) -> bool:
        now = self._now()
        return tx.take_lease(NAME, self._holder, now, now + LEASE)

    def _give_lease_back(self, scope: Scope) -> None:
        if scope not in self._leased:
            return
        self._leased.discard(scope)
        with suppress(Error):  # it ends by itself
            now = self._now()
            self._database.write(scope, lambda tx: tx.take_lease(NAME, self._holder, now, now))
