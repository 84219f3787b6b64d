"""How keys and times are packed into SQLite's integers. Pure.

Arithmetic of the store's schema; see migrations/store/0001_initial.sql.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

SEQ_BITS, KIND_BITS = 20, 3
KINDS = {"observation": 0, "summary": 1, "communication": 2}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FOREVER = -(1 << 62), 1 << 62


def key(profile_no: int, kind: str, seq: int) -> int:
    return (profile_no << KIND_BITS | KINDS[kind]) << SEQ_BITS | seq


def key_range(profile_no: int, kind: str) -> tuple[int, int]:
    return key(profile_no, kind, 0), key(profile_no, kind, (1 << SEQ_BITS) - 1)


def items_of(profile_no: int) -> tuple[int, int]:
    """The range of all its keys, whatever the kind."""
    bits = KIND_BITS + SEQ_BITS
    return profile_no << bits, (profile_no + 1 << bits) - 1


def profile_no(key: int) -> int:
    return key >> KIND_BITS + SEQ_BITS


def kind(key: int) -> str:
    number = key >> SEQ_BITS & (1 << KIND_BITS) - 1
    return next(name for name, one in KINDS.items() if one == number)


def to_micros(time: datetime) -> int:
    return (time - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    return EPOCH + micros * MICROSECOND


def period(begin: datetime | None, end: datetime | None) -> dict[str, int]:
    return {
        "begin": FOREVER[0] if begin is None else to_micros(begin),
        "end": FOREVER[1] if end is None else to_micros(end),
    }


def ordered(after: Sequence[Any] | None, newest_first: bool) -> tuple[str, Sequence[Any]]:
    """Which of two queries reads a list in this order, and the place (time, number) behind which it begins."""
    if newest_first:
        return "newest", after or (FOREVER[1], FOREVER[1])
    return "oldest", after or (FOREVER[0], FOREVER[0])
