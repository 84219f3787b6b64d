"""In the background: conversations become quiet and end when their time comes, and are learned from. At the next start
where nobody was there at the time. Of several processes on one store one does it, as long as it keeps the lease.

Which stores those are is in the catalog, so that none has to be opened to know. It is told before something is written
in a store (`Worker._stir`), and what is due next is noted after it was looked for: so it says too early at times, and
never too late, whoever dies in between.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from mcp_memory.backends.sql import rounds
from mcp_memory.backends.sql.catalog_rows import SLACK
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.rounds import Rounds, Turn
from mcp_memory.errors import Closing, Error, NotFound
from mcp_memory.model import Quota, Scope

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

    def look_after_all(self, tenant: str, quota: Quota) -> None:
        """All stores of the tenant in which something is due at some time: none of them is opened before."""
        now = self._now()
        for store_id, note in self._database.read_catalog(lambda catalog: catalog.due_notes(tenant)):
            due = now if note.is_stale else note.due_at
            if due is not None:
                scope = Scope(tenant=tenant, store_id=store_id, quota=quota)
                self._rounds.look_after(scope, after=max((due - now).total_seconds(), 0.0))

    def stop(self) -> None:
        """Blocks."""
        self._rounds.stop(LEAVE)

    def _turn(self, scope: Scope) -> Turn:
        try:
            looked_at = self._now()  # before it is looked: what is written meanwhile may not be seen
            due = self._database.read(scope, lambda tx: tx.next_due())
            if due is None or due > looked_at:
                return self._rest(scope, looked_at, due)
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

    def _rest(self, scope: Scope, looked_at: datetime, due: datetime | None) -> Turn:
        """Nothing is due for now, and whoever is the first to see something may do it."""
        self._give_lease_back(scope)
        noted = self._noted(scope, looked_at, due)
        if due is None:
            return rounds.DONE if noted else Turn(SLACK.total_seconds())
        return Turn(min((due - looked_at).total_seconds(), LOOK))

    def _noted(self, scope: Scope, looked_at: datetime, due: datetime | None) -> bool:
        """For whoever starts next. False: it is not, as long as something may be on its way into the store."""
        note = self._database.read_catalog(lambda catalog: catalog.due_note(scope))
        if note is None:  # it was deleted
            return True
        if note.stirred_by(looked_at):
            return False
        if note.is_stale or note.due_at != due:
            self._database.write_catalog(lambda catalog: catalog.note_due(scope, looked_at, due))
        return True

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
