"""Pure: the life of a conversation. It is ACTIVE while something is said, INACTIVE when nothing was for a while, and
CLOSED after a longer while, or when somebody says so.

Both times count from the last communication. What is said in one that is INACTIVE makes it ACTIVE again; what is said
after it was CLOSED begins another one, under the same id where the caller chose that. The rules are those of Twilio's
Conversation Orchestrator v2; the times are ours where it has no default.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

Status = Literal["ACTIVE", "INACTIVE", "CLOSED"]

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"
CLOSED: Final = "CLOSED"


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long nothing is said before the status changes; None: it does not by itself."""

    inactive: timedelta | None
    closed: timedelta | None


MESSAGING: Final = Timeouts(inactive=timedelta(minutes=15), closed=timedelta(hours=24))
MAIL: Final = Timeouts(inactive=timedelta(hours=4), closed=timedelta(days=7))  # people answer the next day, or week
VOICE: Final = Timeouts(inactive=timedelta(minutes=2), closed=timedelta(minutes=15))  # measured from transcriptions
BY_CHANNEL: Final[Mapping[str, Timeouts]] = MappingProxyType(
    {"email": MAIL, "mail": MAIL, "voice": VOICE, "phone": VOICE, "call": VOICE, "video": VOICE}
)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """`conversation_id`: in the form of its caller. `last_at`: when its last communication was recorded; `channels`:
    those it was held by."""

    conversation_id: str
    profile_id: str
    status: Status
    created_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    channels: tuple[str, ...] = field(default=())


def timeouts(channels: Iterable[str]) -> Timeouts:
    """Of several channels the longest apply."""
    return longest([BY_CHANNEL.get(one.lower(), MESSAGING) for one in channels] or [MESSAGING])


def longest(each: Sequence[Timeouts]) -> Timeouts:
    """Of at least one."""
    return Timeouts(
        inactive=_longest([one.inactive for one in each]),
        closed=_longest([one.closed for one in each]),
    )


def next_change(status: Status, last_at: datetime, times: Timeouts) -> tuple[Status, datetime] | None:
    """What it becomes if nothing is said, and when. None: it stays as it is."""
    if status == CLOSED:
        return None
    ways: list[tuple[datetime, Status]] = []
    if times.inactive is not None and status == ACTIVE:
        ways.append((last_at + times.inactive, INACTIVE))
    if times.closed is not None:
        ways.append((last_at + times.closed, CLOSED))
    if not ways:
        return None
    # Where both are due at once, it closes: there is no moment in which it was quiet and not over.
    at = min(moment for moment, _ in ways)
    due = [status for moment, status in ways if moment == at]
    return (CLOSED if CLOSED in due else due[0]), at


def status_at(status: Status, last_at: datetime, times: Timeouts, now: datetime) -> Status:
    """After all changes that are due: what was missed while nobody looked is made up for at once."""
    while (change := next_change(status, last_at, times)) is not None and change[1] <= now:
        status = change[0]
    return status


def _longest(times: Iterable[timedelta | None]) -> timedelta | None:
    """No time is the longest."""
    known: list[timedelta] = []
    for one in times:
        if one is None:
            return None
        known.append(one)
    return max(known, default=None)
