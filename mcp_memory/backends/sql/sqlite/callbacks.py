"""What is still to be told to others."""

import json
from collections.abc import Collection
from datetime import datetime

from mcp_memory.backends.sql.callback_rows import CallbackRow
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows


class SqliteCallbacks(Rows):
    def queue_callback(self, row: CallbackRow) -> None:
        self._rows(
            "queue_callback",
            token=row.token,
            conversation_id=row.conversation_id,
            url=row.url,
            method=row.method,
            event_type=row.event_type,
            body=row.body,
            created_at=to_micros(row.created_at),
            due_at=_micros(row.due_at),
            attempts=row.attempts,
            status=row.status,
            error=row.error,
        )

    def due_callbacks(self, now: datetime, limit: int, but: Collection[str] = ()) -> list[CallbackRow]:
        rows = self._rows("due_callbacks", now=to_micros(now), limit=limit, but=json.dumps(list(but)))
        return [_callback(row) for row in rows]

    def next_callback_due(self, but: Collection[str] = ()) -> datetime | None:
        micros = self._rows("next_callback_due", but=json.dumps(list(but)))
        return from_micros(micros[0][0]) if micros else None

    def find_callback(self, token: str) -> CallbackRow | None:
        rows = self._rows("find_callback", token=token)
        return _callback(rows[0]) if rows else None

    def conversation_callbacks(self, conversation_id: str) -> list[CallbackRow]:
        return [_callback(row) for row in self._rows("conversation_callbacks", conversation_id=conversation_id)]

    def put_callback(self, row: CallbackRow) -> None:
        self._rows(
            "put_callback",
            token=row.token,
            body=row.body,
            due_at=_micros(row.due_at),
            attempts=row.attempts,
            status=row.status,
            error=row.error,
        )

    def release_callback(self, behind: CallbackRow, at: datetime) -> None:
        self._rows(
            "release_callback",
            conversation_id=behind.conversation_id,
            url=behind.url,
            method=behind.method,
            at=to_micros(at),
        )

    def give_up_callbacks(self, url: str, before: datetime, error: str, forget: datetime) -> int:
        given_up = self._rows(
            "give_up_callbacks", url=url, before=to_micros(before), error=error, forget=to_micros(forget)
        )
        self._rows("release_callbacks", url=url)
        return len(given_up)

    def delete_callback(self, token: str) -> None:
        self._rows("delete_callback", token=token)

    def forget_callbacks(self, conversation_id: str) -> None:
        self._rows("forget_callbacks", conversation_id=conversation_id)


def _callback(row: Row) -> CallbackRow:
    token, conversation_id, url, method, event_type, body, created_at, due_at, attempts, status, error = row
    return CallbackRow(
        token=token,
        conversation_id=conversation_id,
        url=url,
        method=method,
        event_type=event_type,
        body=body,
        created_at=from_micros(created_at),
        due_at=None if due_at is None else from_micros(due_at),
        attempts=attempts,
        status=status,
        error=error,
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)
