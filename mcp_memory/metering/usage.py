"""What a tenant is billed for, by UTC day: which results count, and for how much. Pure.

The units are those that the managed service bills. What is generated is what is written, and of what is learned from
conversations, once for each time one is read, what was said and what was made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Final, Protocol

from mcp_memory.imports import BulkOutcome, Import
from mcp_memory.model import Added, NewObservation, NewSummary, Upserted
from mcp_memory.orchestrator import NewParticipant

PROFILE_OPERATIONS: Final = "profile_operations"  # profiles created, updated, merged into another
UTILISED_PROFILES: Final = "utilised_profiles"  # that were read at least once that day
RECALLS: Final = "recalls"  # that succeeded
CHARACTERS: Final = "memory_generation_characters"  # of observations and summaries, and of what they were made of
REQUESTS: Final = "requests"  # whatever came of them, but those refused for being too many
UNITS: Final = (PROFILE_OPERATIONS, UTILISED_PROFILES, RECALLS, CHARACTERS, REQUESTS)


@dataclass(frozen=True, kw_only=True)
class DayUsage:
    """`amounts` has every unit."""

    tenant: str
    day: date
    amounts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was counted since it was last written: by tenant, day and unit, and which profiles were read."""

    amounts: dict[tuple[str, date, str], int] = field(default_factory=dict)
    profiles: dict[tuple[str, date], set[bytes]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.amounts or self.profiles)

    def add(self, tenant: str, day: date, unit: str, amount: int) -> None:
        key = (tenant, day, unit)
        self.amounts[key] = self.amounts.get(key, 0) + amount

    def add_profile(self, tenant: str, day: date, profile_id: str) -> None:
        self.profiles.setdefault((tenant, day), set()).add(digest(profile_id))


class UsageBook(Protocol):
    """Where usage is kept. Blocks."""

    def add(self, tally: Tally) -> None:
        """All of it or nothing; of profiles only those that are new that day count."""
        ...

    def between(self, since: date, until: date, tenant: str | None = None) -> list[DayUsage]:
        """Both days included, of all tenants or this one; by day, then tenant. Days without usage are left out."""
        ...


def digest(profile_id: str) -> bytes:
    """Enough to know it again."""
    return blake2b(profile_id.encode(), digest_size=16).digest()


def of_upsert(done: Upserted) -> int:
    return 1 + len(done.merges)


def of_met(people: Sequence[NewParticipant]) -> int:
    return sum(one.type == "CUSTOMER" and one.profile_id is None and bool(one.addresses) for one in people)


def of_bulk(outcomes: Sequence[BulkOutcome]) -> int:
    return sum(1 + one.merges for one in outcomes if one.outcome != "refused")


def of_rows(before: Import, after: Import) -> int:
    return _done(after) - _done(before)


def of_written(new: Sequence[NewObservation | NewSummary], added: Added) -> int:
    """Characters. What was there already in the same words was not written."""
    each = zip(new, added.receipts, strict=True)
    return sum(len(one.content) for one, receipt in each if receipt.outcome not in ("duplicate", "discarded"))


def _done(current: Import) -> int:
    return current.created + current.updated + current.merges
