"""The part of the lower seam that is about what is still to be told to others. See `database.py`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from mcp_memory.callbacks import Method

CallbackStatus = Literal["PENDING", "FAILED"]


@dataclass(frozen=True, kw_only=True)
class CallbackRow:
    """One event for one receiver; delivered, it is gone. `token`: by which the receiver knows it, should it come twice.
    `body`: empty once it is given up. `due_at`: when it is sent, or if it was given up, forgotten; None: an earlier
    one of its conversation goes to the same receiver first."""

    token: str
    conversation_id: str
    url: str
    method: Method
    event_type: str
    body: str
    created_at: datetime
    due_at: datetime | None
    attempts: int = 0
    status: CallbackStatus = "PENDING"
    error: str | None = None


class CallbackRows(Protocol):
    def queue_callback(self, row: CallbackRow) -> None:
        """Behind all others. Where one of its conversation waits for the same receiver, it is due after that one."""
        ...

    def due_callbacks(self, now: datetime, limit: int, but: Collection[str] = ()) -> list[CallbackRow]:
        """The longest due first. `but`: to none of these URLs."""
        ...

    def next_callback_due(self, but: Collection[str] = ()) -> datetime | None: ...

    def find_callback(self, token: str) -> CallbackRow | None: ...

    def conversation_callbacks(self, conversation_id: str) -> list[CallbackRow]:
        """Those that are not delivered, in their order."""
        ...

    def put_callback(self, row: CallbackRow) -> None:
        """When it is due, and what became of it; nothing where it is gone."""
        ...

    def release_callback(self, behind: CallbackRow, at: datetime) -> None:
        """The one that waits for this one is due then."""
        ...

    def give_up_callbacks(self, url: str, before: datetime, error: str, forget: datetime) -> int:
        """Those to this URL that were announced before, with the reason; how many. Who waits behind one of them is due
        at once."""
        ...

    def delete_callback(self, token: str) -> None: ...

    def forget_callbacks(self, conversation_id: str) -> None:
        """All of the conversation."""
        ...
