"""What is told to others of a change, inside the transaction that makes it: with it, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mcp_memory.backends.sql.callback_rows import CallbackRow
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.callbacks import StatusCallback, event
from mcp_memory.callbacks.requests import Outcome
from mcp_memory.callbacks.retries import DAY, KEPT, next_attempt
from mcp_memory.ids import CALLBACK, MakeId


def announce(
    tx: Transaction,
    callbacks: Sequence[StatusCallback],
    event_type: str,
    conversation_id: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
    make_id: MakeId,
) -> None:
    """To each of them. `data`: the resource, as it is after the change. What one conversation tells one receiver comes
    in the order in which it was announced."""
    body = event(event_type, now, data) if callbacks else ""
    for one in callbacks:
        tx.queue_callback(
            CallbackRow(
                token=make_id(CALLBACK),
                conversation_id=conversation_id,
                url=one.url,
                method=one.method,
                event_type=event_type,
                body=body,
                created_at=now,
                due_at=now,
            )
        )


def forget(tx: Transaction, conversation_id: str) -> None:
    """Nothing of it is told from here on, but what is under way this moment."""
    tx.forget_callbacks(conversation_id)


def settle(tx: Transaction, row: CallbackRow, came: Outcome, now: datetime) -> CallbackRow | None:
    """After an attempt: what is left of it. None: nothing, it is delivered or was forgotten meanwhile."""
    if tx.find_callback(row.token) != row:
        return None
    if came.error is None:
        tx.release_callback(row, now)
        tx.delete_callback(row.token)
        return None
    attempts = row.attempts + 1
    again = None if came.final else next_attempt(attempts, row.created_at, now)
    left = replace(row, attempts=attempts, error=came.error, due_at=again)
    if again is None:
        tx.release_callback(row, now)
        left = replace(left, status="FAILED", body="", due_at=now + KEPT)
    tx.put_callback(left)
    return left


def give_up(tx: Transaction, url: str, came: Outcome, now: datetime) -> int:
    """All that waited a day for a receiver which does not answer: else it would be asked once for each of them."""
    return tx.give_up_callbacks(url, now - DAY, came.error or "", now + KEPT)
