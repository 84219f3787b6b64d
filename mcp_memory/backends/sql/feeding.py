"""What memory has of a conversation of several people: for each customer who takes part, his own conversation, under
the same id, in which his words are the customer's, an agent's the agent's, and all other words somebody else's.

It is fed after it was said, each communication once, whoever dies in between: how far a customer's memory is, is
written with what it is fed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_memory.backends.sql import conversations, lifecycle, participants
from mcp_memory.backends.sql.conversations import Moved, Ready
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.ids import MakeId
from mcp_memory.model import MAX_AUTHOR, NewMessage
from mcp_memory.orchestrator import OrchestratedConversation, Participant, PostedCommunication, rules

AT_ONCE = 50  # communications in one transaction


@dataclass(frozen=True, kw_only=True)
class Portion:
    """What one customer's memory has next. `own`: his own id, live or merged, to which it is written. `after`, `up_to`:
    numbers of communications."""

    participant_id: str
    own: str
    after: int
    up_to: int
    messages: Sequence[NewMessage]
    ready: Ready


def next_portion(tx: Transaction, conversation_id: str) -> Portion | None:
    """None: all of them have all of it."""
    found = tx.find_orchestrated(conversation_id)
    for who in found.participants if found else ():
        if who.profile_id is None or found is None:
            continue
        after = tx.fed(who.participant_id)
        rows = tx.posted_after(conversation_id, after, AT_ONCE)
        if rows:
            return _portion(tx, found, who, who.profile_id, after, rows)
    return None


def feed(
    tx: Transaction,
    conversation_id: str,
    portion: Portion,
    signatures: Sequence[Signature],
    room: Room,
    *,
    now: datetime,
    make_id: MakeId,
) -> bool:
    """As `settle`. Raises Moved where it was fed meanwhile, or is not there any more."""
    if tx.find_orchestrated(conversation_id) is None or tx.fed(portion.participant_id) != portion.after:
        raise Moved
    lifecycle.lead(tx, portion.own, conversation_id, now)
    posted = (one.message_id or "" for one in portion.ready.fresh)

    def own_id(prefix: str) -> str:
        """As it was posted under, unless the memory of another customer has it by that already."""
        id = next(posted)
        return make_id(prefix) if tx.is_said(id) else id

    conversations.record(
        tx,
        portion.own,
        conversation_id,
        portion.messages,
        portion.ready,
        signatures,
        room,
        now=now,
        make_id=own_id,
    )
    tx.set_fed(portion.participant_id, portion.up_to)
    return settle(tx, conversation_id, now, make_id)


def settle(tx: Transaction, conversation_id: str, now: datetime, make_id: MakeId) -> bool:
    """Once all are fed: what they have follows. False: something is still to be fed."""
    found = tx.find_orchestrated(conversation_id)
    if found is not None:
        if next_portion(tx, conversation_id) is not None:
            return False
        follow(tx, found, now, make_id)
        tx.set_unfed(conversation_id, None)
    return True


def follow(tx: Transaction, one: OrchestratedConversation, now: datetime, make_id: MakeId) -> None:
    learn = one.settings.memory_extraction
    for profile_id in {who.profile_id for who in one.participants if who.profile_id is not None}:
        for member in _members(tx, profile_id):
            lifecycle.follow(tx, member, one.conversation_id, one.status, now, make_id, learn=learn)


def anew(tx: Transaction, conversation_id: str, customers: Sequence[Participant], now: datetime) -> None:
    """Somebody turned out to be another than they had it: his words are told again as what they are."""
    for who in customers:
        unsay(tx, conversation_id, who.profile_id, None)
        tx.set_fed(who.participant_id, 0)
        tx.set_unfed(conversation_id, now)


def unsay(tx: Transaction, conversation_id: str, profile_id: str | None, said: Sequence[str] | None) -> None:
    """Out of the memory of a customer; None: all of it."""
    for member in _members(tx, profile_id) if profile_id is not None else ():
        row = tx.find_conversation(member, conversation_id)
        if row is not None and row.led:
            tx.unsay(row, said)


def _members(tx: Transaction, profile_id: str) -> Sequence[str]:
    found = tx.find_profile(profile_id)
    return found.members if found else ()


def _portion(
    tx: Transaction,
    one: OrchestratedConversation,
    who: Participant,
    own: str,
    after: int,
    rows: Sequence[tuple[int, PostedCommunication]],
) -> Portion:
    people = {each.participant_id: each for each in participants.live(tx, one).participants}
    messages = [_message(posted, people, people[who.participant_id]) for _, posted in rows]
    return Portion(
        participant_id=who.participant_id,
        own=own,
        after=after,
        up_to=rows[-1][0],
        messages=messages,
        ready=conversations.compared(tx, own, one.conversation_id, messages),
    )


def _message(posted: PostedCommunication, people: dict[str, Participant], customer: Participant) -> NewMessage:
    author = people.get(posted.author.participant_id or "")
    return NewMessage(
        text=posted.content.text,
        role="other" if author is None else rules.role_of(author, customer),
        author=author.name[:MAX_AUTHOR] if author is not None and author.name else None,
        channel=posted.author.channel.lower(),
        occurred_at=posted.occurred_at,
        message_id=posted.communication_id,
    )
