"""The statuses of conversations, inside a transaction: each change that memory learns from queues what is to be
learned, with it or not at all."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mcp_memory.backends.sql.conversation_rows import ConversationRow
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.conversations import ACTIVE, CLOSED, INACTIVE, Conversation, Status, next_change, status_at, timeouts
from mcp_memory.errors import NotFound
from mcp_memory.ids import EXTRACTION, MakeId

AT_ONCE = 50  # conversations that change in one transaction


def begin(tx: Transaction, profile_id: str, conversation_id: str, at: datetime) -> None:
    """Before something is said in it: made where there is none, begun again where it was closed."""
    tx.add_conversation(profile_id, conversation_id, at)
    row = _own(tx, profile_id, conversation_id)
    if row.status == CLOSED and not row.led:
        tx.begin_again(row)


def go_on(tx: Transaction, profile_id: str, conversation_id: str, channels: Iterable[str], at: datetime) -> None:
    """Something was said in it: it is ACTIVE, and its times count from now. Of one that is led, who leads it says."""
    row = _own(tx, profile_id, conversation_id)
    known = () if row.status == CLOSED and not row.led else row.channels
    said = replace(row, channels=tuple(dict.fromkeys((*known, *channels))), last_at=at)
    if row.led:
        tx.put_conversation(said)
        tx.set_unfed(conversation_id, at)  # which is when it is looked at next
    else:
        _put(tx, replace(said, closed_at=None), ACTIVE)


def lead(tx: Transaction, profile_id: str, conversation_id: str, at: datetime) -> None:
    """From now on its status is that of the conversation of several people with this id."""
    tx.add_conversation(profile_id, conversation_id, at)
    row = _own(tx, profile_id, conversation_id)
    if not row.led:
        tx.lead_conversation(row)


def follow(
    tx: Transaction,
    profile_id: str,
    conversation_id: str,
    status: Status,
    now: datetime,
    make_id: MakeId,
    *,
    learn: bool,
) -> None:
    """What leads it has this status now. `learn`: what was said is learned from, as of any other; what is said of one
    that was over already, too."""
    row = tx.find_conversation(profile_id, conversation_id)
    if row is None or not row.led:
        return
    if learn and status != ACTIVE:
        tx.queue_extraction(row, make_id(EXTRACTION), status if row.status != status else INACTIVE, now)
    if row.status != status:
        tx.put_conversation(replace(row, status=status, due_at=None, closed_at=now if status == CLOSED else None))


def change_due(tx: Transaction, now: datetime, make_id: MakeId) -> int:
    """Of all conversations of the store that were silent long enough, some: how many."""
    rows = tx.due_conversations(now, AT_ONCE)
    for row in rows:
        _change(tx, row, status_at(row.status, row.last_at, timeouts(row.channels), now), now, make_id)
    return len(rows)


def close(tx: Transaction, profile_id: str, conversation_id: str, now: datetime, make_id: MakeId) -> Conversation:
    """Raises NotFound where nothing was said under this id. One that is closed stays as it is."""
    profile = existing(tx, profile_id, lock=True)
    found = [row for one in profile.members if (row := tx.find_conversation(one, conversation_id)) is not None]
    for row in found:
        if row.status != CLOSED:
            _change(tx, row, CLOSED, now, make_id)
    return conversation(tx, profile_id, conversation_id)


def is_led(tx: Transaction, profile_id: str, conversation_id: str) -> bool:
    members = existing(tx, profile_id).members
    rows = [tx.find_conversation(one, conversation_id) for one in members]
    return any(row is not None and row.led for row in rows)


def conversation(tx: Transaction, profile_id: str, conversation_id: str) -> Conversation:
    """Of all members that held it: as the one where something was said last."""
    profile = existing(tx, profile_id)
    found = [row for one in profile.members if (row := tx.find_conversation(one, conversation_id)) is not None]
    if not found:
        raise NotFound("There is no such conversation of this profile: record_messages begins one.")
    last = max(found, key=lambda row: row.last_at)
    return Conversation(
        conversation_id=conversation_id,
        profile_id=profile.profile_id,
        status=last.status,
        created_at=min(row.created_at for row in found),
        last_at=last.last_at,
        closed_at=last.closed_at,
        channels=tuple(dict.fromkeys(channel for row in found for channel in row.channels)),
    )


def _own(tx: Transaction, profile_id: str, conversation_id: str) -> ConversationRow:
    row = tx.find_conversation(profile_id, conversation_id)
    assert row is not None, "it was made in this transaction"
    return row


def _change(tx: Transaction, row: ConversationRow, status: Status, now: datetime, make_id: MakeId) -> None:
    if status != row.status:
        tx.queue_extraction(row, make_id(EXTRACTION), status, now)
    _put(tx, replace(row, closed_at=now if status == CLOSED else None), status)


def _put(tx: Transaction, row: ConversationRow, status: Status) -> None:
    change = next_change(status, row.last_at, timeouts(row.channels))
    tx.put_conversation(replace(row, status=status, due_at=None if change is None else change[1]))
