"""Messages are appended to conversations, once each, inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_memory.backends.sql import lifecycle
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import NewItem, Signature
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.backends.sql.signatures import Text, around, spoken
from mcp_memory.ids import COMMUNICATION, MakeId
from mcp_memory.model import MAX_QUERY, Added, Communication, NewMessage, Receipt

OVERLAP = 100  # messages at the end of a conversation, among which those that are sent again are looked for
ASKED_FROM = 10  # messages at the end of a conversation that say what it is about
DEFAULT_CHANNEL = "chat"


class Moved(Exception):
    """Somebody else has written to the conversation since the messages were made ready."""


@dataclass(frozen=True)
class Ready:
    """`end`: the conversation's last messages, earliest first; `receipts`: of the given messages, None for those to be
    added, which are `fresh`."""

    end: Sequence[Communication]
    receipts: Sequence[Receipt | None]
    fresh: Sequence[NewMessage]


def compared(tx: Transaction, profile_id: str, conversation_id: str, given: Sequence[NewMessage]) -> Ready:
    """What of it the conversation has already: by the caller's ids; without those, the longest run at its end that the
    given messages begin with."""
    profile = existing(tx, profile_id)
    end = tx.conversation_end(profile.profile_id, conversation_id, OVERLAP)[::-1]
    receipts: list[Receipt | None]
    if given[0].message_id is None:
        repeated = _overlap(end, given)
        known = [Receipt(id=one.id, outcome="duplicate") for one in end[len(end) - repeated :]]
        receipts = [*known, *([None] * (len(given) - repeated))]
    else:
        ids = tx.known_messages(profile.profile_id, conversation_id, [one.message_id or "" for one in given])
        receipts = [_duplicate(ids.get(one.message_id or "")) for one in given]
    return Ready(end, receipts, [one for one, receipt in zip(given, receipts, strict=True) if receipt is None])


def texts_of(ready: Ready) -> list[Text]:
    """As they are scored, each between its neighbours. The first is the one before them, where there is one: it has a
    new neighbour."""
    said = [spoken(one.author, one.content) for one in ready.end[-2:]]
    lines = [*said, *(spoken(one.author, one.text) for one in ready.fresh)]
    first = max(len(said) - 1, 0)
    before, after = [None, *lines], [*lines[1:], None]
    return [Text(lines[at], around(before[at], lines[at], after[at])) for at in range(first, len(lines))]


def record(
    tx: Transaction,
    profile_id: str,
    conversation_id: str,
    given: Sequence[NewMessage],
    expected: Ready,
    signatures: Sequence[Signature],
    room: Room,
    *,
    now: datetime,
    make_id: MakeId,
) -> Added:
    """Raises Moved where the conversation is not as `expected` any more. `signatures`: of `texts_of(expected)`."""
    profile = existing(tx, profile_id, lock=True)
    ready = compared(tx, profile_id, conversation_id, given)
    if ready != expected:
        raise Moved
    if not ready.fresh:
        return Added(receipts=[one for one in ready.receipts if one], profile_ids=profile.members)
    room.check_storage()
    items = [_item(one, conversation_id, make_id(COMMUNICATION), now) for one in ready.fresh]
    lifecycle.begin(tx, profile_id, conversation_id, now)
    before = (ready.end[-1].id, signatures[0]) if ready.end else None
    new = [
        NewItem(item=item, digest=b"", signature=signature)
        for item, signature in zip(items, signatures[1 if before else 0 :], strict=True)
    ]
    tx.insert_communications(profile_id, conversation_id, new, before)
    lifecycle.go_on(tx, profile_id, conversation_id, [one.source for one in items], now)
    tx.touch_profile(profile_id, now)
    added = iter(items)
    return Added(
        receipts=[one or Receipt(id=next(added).id, outcome="added") for one in ready.receipts],
        profile_ids=profile.members,
    )


def query(tx: Transaction, profile_id: str, conversation_id: str) -> str:
    """What the conversation is about: its last messages, the latest first, as much of them as a query may have."""
    profile = existing(tx, profile_id)
    last = tx.conversation_end(profile.profile_id, conversation_id, ASKED_FROM)
    return "\n".join(spoken(one.author, one.content) for one in last)[:MAX_QUERY].strip()


def _overlap(end: Sequence[Communication], given: Sequence[NewMessage]) -> int:
    for count in range(min(len(end), len(given)), 0, -1):
        if all(_same(old, new) for old, new in zip(end[len(end) - count :], given[:count], strict=True)):
            return count
    return 0


def _same(old: Communication, new: NewMessage) -> bool:
    words = (old.role, old.author, old.content) == (new.role, new.author, new.text)
    return words and new.occurred_at in (None, old.occurred_at)


def _duplicate(id: str | None) -> Receipt | None:
    return None if id is None else Receipt(id=id, outcome="duplicate")


def _item(new: NewMessage, conversation_id: str, id: str, now: datetime) -> Communication:
    return Communication(
        id=id,
        content=new.text,
        source=new.channel or DEFAULT_CHANNEL,
        occurred_at=new.occurred_at or now,
        created_at=now,
        updated_at=now,
        conversation_id=conversation_id,
        role=new.role,
        author=new.author,
        message_id=new.message_id,
    )
