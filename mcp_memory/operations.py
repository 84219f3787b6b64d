"""What became of a change to a store or its rules, for clients that ask later."""

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=7)  # published: results of operations
REPLY_KEPT = timedelta(hours=24)  # published for the keys of the sister API
NO_OPERATION = "There is no such operation; they are kept for a week."


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Changes are made before they are answered, so what is recorded is complete. `resource_id`: what was changed.
    `stores_reached`: the names of the only stores that whoever asked for it may reach; None for all."""

    operation_id: str
    resource_id: str
    completed_at: datetime
    stores_reached: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a request with an idempotency key was answered, for whoever repeats it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
