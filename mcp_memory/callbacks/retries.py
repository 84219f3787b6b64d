"""Pure: when what was not delivered is sent again."""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=1)
DAY = timedelta(days=1)  # from the event on; what then was not delivered is given up,
LEAST = 5  # but not before so many attempts: nobody may have been there to make them
KEPT = timedelta(days=7)  # that an event which was given up is told of, without its text
REST = timedelta(minutes=5)  # at most that a receiver is left alone which does not answer


def pause(failures: int) -> timedelta:
    """After so many, one or more: twice as long each time."""
    return min(FIRST * (1 << min(failures - 1, 20)), LONGEST)


def next_attempt(attempts: int, created_at: datetime, now: datetime) -> datetime | None:
    """After so many that failed. None: no more."""
    at = now + pause(attempts)
    return at if at <= created_at + DAY or attempts < LEAST else None


def rest(failures: int) -> timedelta:
    return min(pause(failures), REST)
