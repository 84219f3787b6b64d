"""Conversations of several people, inside a transaction. What was said is there at once; the memory of each customer is
fed with it next, see `feeding.py`, and before that no status changes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from mcp_memory.backends.sql import callbacks, feeding, participants
from mcp_memory.backends.sql.conversations import Moved
from mcp_memory.backends.sql.cursors import page_of, place_of
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.conversations import ACTIVE, CLOSED, Status, Timeouts, next_change, status_at
from mcp_memory.errors import Conflict, Conflicting, Invalid, NotFound
from mcp_memory.ids import COMMUNICATION, MakeId
from mcp_memory.listing import Page, PageQuery
from mcp_memory.orchestrator import (
    Configuration,
    ConversationChanges,
    NewCommunication,
    NewConversation,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    Party,
    PostedCommunication,
    rules,
)

AT_ONCE = 50  # conversations that change in one transaction

Resource = OrchestratedConversation | Participant | PostedCommunication
ResourceOf = Callable[[str, Resource], Mapping[str, Any]]
"""As the API tells it to this tenant."""
Tell = Callable[[Transaction, OrchestratedConversation, str, Resource], None]
"""To whoever is to be told of a change: the conversation, what happened, and to what."""


def conversation(tx: Transaction, conversation_id: str) -> OrchestratedConversation:
    found = tx.find_orchestrated(conversation_id)
    if found is None:
        raise NotFound("There is no such conversation.")
    return participants.live(tx, found)


def open_one(
    upserts: Upserts, conversation_id: str, configuration: Configuration, new: NewConversation, tell: Tell
) -> OrchestratedConversation:
    tx, now, people = upserts.tx, upserts.now, list[Participant]()
    for each in new.participants:
        people.append(participants.joined(upserts, conversation_id, each, people))
    settings = configuration.settings
    if new.intelligence_ids is not None:
        settings = replace(settings, intelligence_ids=new.intelligence_ids)
    made = OrchestratedConversation(
        conversation_id=conversation_id,
        configuration_id=configuration.configuration_id,
        settings=settings,
        status=ACTIVE,
        name=new.name,
        participants=tuple(people),
        created_at=now,
        updated_at=now,
        last_at=now,
    )
    _refuse_second(tx, made)
    tx.insert_orchestrated(made, rules.key_of(settings, people), _due(made))
    tell(tx, made, "CONVERSATION_CREATED", made)
    for one in people:
        tell(tx, made, "PARTICIPANT_ADDED", one)
    return made


def update(
    tx: Transaction, conversation_id: str, changes: ConversationChanges, now: datetime, make_id: MakeId, tell: Tell
) -> OrchestratedConversation:
    """Raises Moved where a memory has still to be fed before its status changes."""
    before = conversation(tx, conversation_id)
    if before.status == CLOSED and changes.status not in (None, CLOSED):
        raise Conflict("status: this conversation is CLOSED, and stays so: begin another one.")
    if changes.status not in (None, before.status) and feeding.next_portion(tx, conversation_id) is not None:
        raise Moved
    settings = before.settings
    if changes.callbacks is not None:
        settings = replace(settings, callbacks=changes.callbacks)
    name = None if changes.no_name else changes.name or before.name
    after = replace(before, settings=settings, name=name)
    return _turned(tx, after, changes.status or before.status, now, make_id, tell)


def change_due(tx: Transaction, now: datetime, make_id: MakeId, tell: Tell) -> int:
    """Of all that were silent long enough, some: how many."""
    due = tx.due_orchestrated(now, AT_ONCE)
    for conversation_id in due:
        one = conversation(tx, conversation_id)
        _turned(tx, one, status_at(one.status, one.last_at, _timeouts(one), now), now, make_id, tell)
    return len(due)


def delete(tx: Transaction, conversation_id: str) -> None:
    """Out of the memory of its customers, too; what was learned from it stays."""
    for one in conversation(tx, conversation_id).participants:
        feeding.unsay(tx, conversation_id, one.profile_id, None)
    callbacks.forget(tx, conversation_id)
    tx.delete_orchestrated(conversation_id)


def forget_customer(tx: Transaction, profile_id: str) -> None:
    """Before just this member is deleted: what he said goes, and where no other customer takes part, all of it."""
    for conversation_id in tx.orchestrated_of_profile(profile_id):
        one = conversation(tx, conversation_id)
        live = {each.profile_id for each in one.participants if each.profile_id is not None}
        found = tx.find_orchestrated(conversation_id)
        assert found is not None, "it was there in this transaction"
        own = [each for each in found.participants if each.profile_id == profile_id]
        if len(live) <= 1:
            delete(tx, conversation_id)
            continue
        callbacks.forget(tx, conversation_id)
        for each in own:
            said = tx.delete_participant(each.participant_id)
            for other in one.participants:
                feeding.unsay(tx, conversation_id, other.profile_id, said)


# Who takes part


def add_participant(upserts: Upserts, conversation_id: str, new: NewParticipant, tell: Tell) -> Participant:
    one = _open(upserts.tx, conversation_id)
    made = participants.joined(upserts, conversation_id, new, one.participants)
    _join(upserts, replace(one, participants=(*one.participants, made)), [made], tell)
    return made


def update_participant(
    upserts: Upserts, conversation_id: str, participant_id: str, new: NewParticipant, tell: Tell
) -> Participant:
    tx, one = upserts.tx, conversation(upserts.tx, conversation_id)
    before = participant(one, participant_id)
    others = tuple(each for each in one.participants if each.participant_id != participant_id)
    after = participants.replaced(upserts, before, new, others)
    if before.profile_id is not None and before.profile_id != after.profile_id:
        feeding.unsay(tx, conversation_id, before.profile_id, None)  # it was said by somebody else
    tx.put_participant(after)
    people = tuple(after if each.participant_id == participant_id else each for each in one.participants)
    _put(tx, replace(one, participants=people, updated_at=upserts.now))
    if after.profile_id != before.profile_id:
        tx.set_unfed(conversation_id, upserts.now)
    if after.type != before.type and one.status != CLOSED and tx.has_posted(participant_id):
        feeding.anew(tx, conversation_id, [each for each in others if each.profile_id], upserts.now)
    tell(tx, one, "PARTICIPANT_UPDATED", after)
    return after


def participant(one: OrchestratedConversation, participant_id: str) -> Participant:
    found = next((each for each in one.participants if each.participant_id == participant_id), None)
    if found is None:
        raise NotFound("There is no such participant in this conversation.")
    return found


# What is said


def post(upserts: Upserts, conversation_id: str, new: NewCommunication, tell: Tell) -> PostedCommunication:
    tx, now, before = upserts.tx, upserts.now, conversation(upserts.tx, conversation_id)
    known = _known(tx, conversation_id, new)
    if known is not None:
        return known
    upserts.room.check_storage()
    occurred_at = new.occurred_at or now
    if before.status == CLOSED and before.closed_at is not None and occurred_at > before.closed_at:
        raise Conflict("This conversation is CLOSED: what is said from now on is said in another one, so begin that.")
    one, parties = before, list[Party]()
    for party in (new.author, *new.recipients):
        who, one = participants.found(upserts, one, party)
        parties.append(replace(party, participant_id=who.participant_id))
    made = PostedCommunication(
        communication_id=upserts.make_id(COMMUNICATION),
        conversation_id=conversation_id,
        author=parties[0],
        content=new.content,
        recipients=tuple(parties[1:]),
        channel_id=new.channel_id,
        resource_id=new.resource_id,
        occurred_at=occurred_at,
        created_at=now,
        updated_at=now,
    )
    _join(upserts, one, one.participants[len(before.participants) :], tell)
    tx.insert_posted(made, _digest(new))
    if any(each.profile_id is not None for each in one.participants):
        tx.set_unfed(conversation_id, now)
    if before.status != CLOSED:
        _turned(tx, replace(one, last_at=now), ACTIVE, now, upserts.make_id, tell, quiet=before.status == ACTIVE)
    tell(tx, one, "COMMUNICATION_CREATED", made)
    return made


def page(
    tx: Transaction, statuses: Sequence[Status], channel_id: str | None, query: PageQuery
) -> Page[OrchestratedConversation]:
    place = place_of(query, "conversations", int)
    rows = tx.list_orchestrated(statuses, channel_id, place, query.limit + 1)
    found = page_of(rows, query, "conversations")
    return Page(items=[conversation(tx, one) for one in found.items], next_cursor=found.next_cursor)


def page_of_participants(tx: Transaction, conversation_id: str, query: PageQuery) -> Page[Participant]:
    place = place_of(query, "participants", int)
    start = place[0] if place else 0
    if start < 0:
        raise Invalid("cursor is not one that this list gave: start again without it.")
    rows = [((at + 1,), one) for at, one in enumerate(conversation(tx, conversation_id).participants)][start:]
    return page_of(rows[: query.limit + 1], query, "participants")


def page_of_posted(
    tx: Transaction, conversation_id: str, channel_id: str | None, query: PageQuery
) -> Page[PostedCommunication]:
    conversation(tx, conversation_id)
    place = place_of(query, "posted", int)
    rows = tx.posted_after(conversation_id, place[0] if place else 0, query.limit + 1, channel_id)
    return page_of([((number,), one) for number, one in rows], query, "posted")


def posted(tx: Transaction, conversation_id: str, communication_id: str) -> PostedCommunication:
    found = tx.find_posted(conversation_id, communication_id)
    if found is None:
        raise NotFound("There is no such communication in this conversation.")
    return found


# Inside


def _open(tx: Transaction, conversation_id: str) -> OrchestratedConversation:
    found = conversation(tx, conversation_id)
    if found.status == CLOSED:
        raise Conflict("This conversation is CLOSED: nobody joins it any more. Begin another one.")
    return found


def _join(upserts: Upserts, one: OrchestratedConversation, new: Sequence[Participant], tell: Tell) -> None:
    """`one`: with them."""
    for each in new:
        upserts.tx.put_participant(each)
        tell(upserts.tx, one, "PARTICIPANT_ADDED", each)
    if new:
        _put(upserts.tx, replace(one, updated_at=upserts.now))
        upserts.tx.set_unfed(one.conversation_id, upserts.now)


def _turned(
    tx: Transaction,
    one: OrchestratedConversation,
    status: Status,
    now: datetime,
    make_id: MakeId,
    tell: Tell,
    *,
    quiet: bool = False,
) -> OrchestratedConversation:
    """It has this status now, and so has what memory has of it. `quiet`: it had it before, and nobody is told."""
    closed_at = one.closed_at or now if status == CLOSED else None
    after = replace(one, status=status, closed_at=closed_at, updated_at=now)
    _put(tx, after)
    feeding.follow(tx, after, now, make_id)
    if not quiet:
        tell(tx, after, "CONVERSATION_UPDATED", after)
    return after


def _put(tx: Transaction, one: OrchestratedConversation) -> None:
    tx.put_orchestrated(one, rules.key_of(one.settings, one.participants), _due(one))


def _timeouts(one: OrchestratedConversation) -> Timeouts:
    return rules.timeouts(one.settings, sorted({each.channel for who in one.participants for each in who.addresses}))


def _due(one: OrchestratedConversation) -> datetime | None:
    change = next_change(one.status, one.last_at, _timeouts(one))
    return None if change is None else change[1]


def _refuse_second(tx: Transaction, new: OrchestratedConversation) -> None:
    if new.settings.grouping == "GROUP_BY_PROFILE":
        profiles = [one.profile_id for one in new.participants if one.profile_id is not None]
        found = [tx.open_of_profile(new.configuration_id, one) for one in profiles]
    else:
        key = rules.key_of(new.settings, new.participants)
        found = [] if key is None else [tx.open_of_key(new.configuration_id, key)]
    other = next((one for one in found if one is not None), None)
    if other is not None:
        raise Conflicting("There is a conversation of these participants that is not CLOSED: go on with it.", other)


def _known(tx: Transaction, conversation_id: str, new: NewCommunication) -> PostedCommunication | None:
    if new.resource_id is not None:
        return tx.posted_as(conversation_id, new.resource_id)
    if new.occurred_at is None:
        return None
    return tx.posted_alike(conversation_id, _digest(new), new.occurred_at)


def _digest(new: NewCommunication) -> bytes:
    """Of who says what. It takes no account of a resource id: another one is another communication."""
    told = [new.author.channel, rules.reached(new.author), new.content.text, new.resource_id]
    return sha256(json.dumps(told).encode()).digest()
