"""In the background: what was announced is sent, and sent again until it is delivered or a day is over.

Of several processes on one store one sends, as long as it keeps the lease, which is just as long as there is something
to send. What one conversation tells one receiver keeps its order; nothing else waits for it. Whoever dies after an
event was sent, and before that is written down, sends it again, with the same token.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from secrets import token_hex

from mcp_memory.backends.sql import callback_secrets, callbacks, rounds
from mcp_memory.backends.sql.callback_rows import CallbackRow
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.orchestrating import ResourceOf
from mcp_memory.backends.sql.rounds import Rounds, Turn
from mcp_memory.callbacks.addresses import PUBLIC, Reach
from mcp_memory.callbacks.requests import Outcome, Outgoing, outgoing
from mcp_memory.callbacks.retries import LEAST, rest
from mcp_memory.callbacks.urls import target
from mcp_memory.errors import Closing, Error, Invalid, NotFound
from mcp_memory.model import Scope

logger = logging.getLogger(__name__)

NAME = "callbacks"
LEASE = timedelta(seconds=30)  # several times what an attempt may take
LEAVE = 0.2  # seconds that whoever stops waits for what is being sent; the next to start sends it again
THREADS = 4  # a store is always with the same one, so that slow receivers of a few do not hold up all
TURN = 1.0  # seconds that a store sends before others of its thread do
SOON = 1.0  # seconds until it is looked again whether another process is done
LOOK = 600.0  # as in tending.py

Send = Callable[[Outgoing], Outcome]


def over_http(reach: Reach) -> Send:
    @cache
    def send() -> Send:
        from mcp_memory.callbacks.sending import Sender  # only who sends waits for it

        return Sender(reach).send

    return lambda request: send()(request)


@dataclass
class _Silent:
    """A receiver that did not answer, so many times on end, and is left alone until then."""

    failures: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Calling:
    """`reach`: where callbacks may go to; `send`: by what, if not over HTTP, which is not to raise for what a receiver
    does; `make_secret`: for their signatures; `resource_of`: what they tell, None: there are none."""

    reach: Reach = PUBLIC
    send: Send | None = None
    make_secret: Callable[[], str] = lambda: token_hex(16)
    resource_of: ResourceOf | None = None


NOBODY = Calling()


class Delivery:
    def __init__(
        self,
        database: Database,
        calling: Calling,
        now: Callable[[], datetime],
        holder: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._holder, self._now, self._clock = database, holder, now, clock
        self._reach, self._make_secret = calling.reach, calling.make_secret
        self._send = calling.send or over_http(calling.reach)
        self._leased: set[Scope] = set()
        self._silent: dict[Scope, dict[str, _Silent]] = {}  # by URL
        self._rounds = [Rounds(f"callbacks-{number}", self._turn, self._leave) for number in range(THREADS)]

    def look_after(self, scope: Scope) -> None:
        """Something was announced there, or may have been."""
        self._rounds[hash(scope) % THREADS].look_after(scope, at_once=True)

    def stop(self) -> None:
        """Blocks."""
        for one in self._rounds:  # all of them first
            one.stop(0.0)
        until = time.monotonic() + LEAVE
        for one in self._rounds:
            one.stop(max(until - time.monotonic(), 0.0))

    def deliver(self, scope: Scope) -> bool:
        """Sends the next event that is due, here and now. False: there is none."""
        now, silent = self._now(), self._resting(scope)
        due = self._database.read(scope, lambda tx: tx.due_callbacks(now, 1, silent))
        if not due:
            return False
        (row,) = due
        if row.status == "FAILED":
            self._database.write(scope, lambda tx: tx.delete_callback(row.token))
        else:
            self._attempt(scope, row)
        return True

    def _attempt(self, scope: Scope, row: CallbackRow) -> None:
        came = self._sent(scope, row)
        now = self._now()
        failures = self._silences(scope, row.url, came, now)

        def work(tx: Transaction) -> tuple[CallbackRow | None, int]:
            left = callbacks.settle(tx, row, came, now)
            return left, callbacks.give_up(tx, row.url, came, now) if failures >= LEAST else 0

        left, others = self._database.write(scope, work)
        if left is not None and left.status == "FAILED":
            logger.warning("a callback is given up after %d attempts: %s", left.attempts, came.error)
        elif left is not None:
            logger.info("a callback is not delivered yet: %s", came.error)
        if others:
            logger.warning("%d callbacks that waited for a day are given up: %s", others, came.error)

    def _silences(self, scope: Scope, url: str, came: Outcome, now: datetime) -> int:
        """How often the receiver has not answered, on end."""
        silent = self._silent.setdefault(scope, {})
        if not came.silent:
            silent.pop(url, None)
            return 0
        failures = silent[url].failures + 1 if url in silent else 1
        silent[url] = _Silent(failures, now + rest(failures))
        return failures

    def _sent(self, scope: Scope, row: CallbackRow) -> Outcome:
        try:
            where = target(row.url, reach=self._reach)
        except Invalid:  # callbacks were allowed to go there when it was written
            return Outcome("Callbacks may not go to its URL any more.")
        secret = callback_secrets.current(self._database, scope.tenant, self._now(), self._make_secret)
        return self._send(outgoing(where, row.method, row.token, row.conversation_id, row.body, secret))

    def _resting(self, scope: Scope) -> list[str]:
        now = self._now()
        return [url for url, one in self._silent.get(scope, {}).items() if one.until > now]

    def _turn(self, scope: Scope) -> Turn:
        try:
            pause = self._pause(scope)
            if pause is None or pause > 0:
                self._give_lease_back(scope)
                return rounds.DONE if pause is None else Turn(min(pause, LOOK))
            if not self._database.write(scope, self._take_lease):
                return Turn(SOON)
            self._leased.add(scope)
            end = self._clock() + TURN
            while self.deliver(scope) and self._clock() < end:
                pass
            return Turn(0.0)
        except (Closing, NotFound):  # the store was deleted
            return rounds.DONE
        except Error as exc:
            logger.warning("callbacks are not sent for now: %s", exc, exc_info=exc)
        except Exception:  # a door: the thread goes on, whatever it met in one store
            logger.exception("callbacks are not sent for now")
        return Turn(rounds.RETRY, troubled=True)

    def _pause(self, scope: Scope) -> float | None:
        """Seconds until something may be sent. None: there is nothing."""
        silent = self._resting(scope)
        due, any_due = self._database.read(scope, lambda tx: (tx.next_callback_due(silent), tx.next_callback_due()))
        if any_due is None:
            return None
        moments = [self._silent[scope][url].until for url in silent]
        return (min([*moments, due] if due is not None else moments) - self._now()).total_seconds()

    def _take_lease(self, tx: Transaction) -> bool:
        now = self._now()
        return tx.take_lease(NAME, self._holder, now, now + LEASE)

    def _leave(self, scope: Scope) -> None:
        self._silent.pop(scope, None)
        self._give_lease_back(scope)

    def _give_lease_back(self, scope: Scope) -> None:
        if scope not in self._leased:
            return
        self._leased.discard(scope)
        with suppress(Error):  # it ends by itself
            now = self._now()
            self._database.write(scope, lambda tx: tx.take_lease(NAME, self._holder, now, now))
