"""Who takes part in a conversation of several people, inside a transaction: whose profile an address is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.errors import Conflict, Conflicting, Full, Invalid, NotFound
from mcp_memory.ids import PARTICIPANT
from mcp_memory.model import Identifier
from mcp_memory.orchestrator import (
    AGENTS,
    MAX_PARTICIPANTS,
    Address,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    ParticipantType,
    Party,
    rules,
)


@dataclass(frozen=True)
class Met:
    type: ParticipantType
    profile_id: str | None


def joined(upserts: Upserts, conversation_id: str, new: NewParticipant, others: Sequence[Participant]) -> Participant:
    """As one more. Raises Conflicting where another has one of the addresses."""
    if len(others) >= MAX_PARTICIPANTS:
        raise Full(f"There are {MAX_PARTICIPANTS} participants in this conversation, which is the limit.")
    _refuse_shared(new, others)
    met = meet(upserts, new, new.type or "UNKNOWN")
    return Participant(
        participant_id=upserts.make_id(PARTICIPANT),
        conversation_id=conversation_id,
        type=met.type,
        addresses=new.addresses,
        name=new.name,
        profile_id=met.profile_id,
        created_at=upserts.now,
        updated_at=upserts.now,
    )


def replaced(upserts: Upserts, before: Participant, new: NewParticipant, others: Sequence[Participant]) -> Participant:
    _refuse_shared(new, others)
    met = meet(upserts, new, new.type or before.type)
    return replace(
        before,
        type=met.type,
        addresses=new.addresses,
        name=new.name,
        profile_id=met.profile_id,
        updated_at=upserts.now,
    )


def meet(upserts: Upserts, new: NewParticipant, type: ParticipantType) -> Met:
    """A customer is found or made; who is unknown is looked up, and is a customer if somebody has the address. What
    identifies nobody, or not one alone, keeps nobody from taking part."""
    if type in AGENTS:
        return Met(type, None)
    if new.profile_id is not None:
        try:
            return Met("CUSTOMER", existing(upserts.tx, new.profile_id).profile_id)
        except NotFound as exc:
            raise Invalid("profileId is of no profile in this configuration's memory store.") from exc
    known_by = _identifiers(upserts, new.addresses)
    if type == "UNKNOWN":
        holders = [one for each in upserts.tx.holders(known_by).values() for one in each]
        live = {existing(upserts.tx, one).profile_id for one in holders}
        return Met("CUSTOMER", live.pop()) if len(live) == 1 else Met("UNKNOWN", None)
    try:
        with upserts.tx.attempt():
            return Met("CUSTOMER", upserts.meet(known_by).profile.profile_id if known_by else None)
    except (Invalid, Conflict) as exc:
        if isinstance(exc, Full):
            raise
        return Met("CUSTOMER", None)


def live(tx: Transaction, conversation: OrchestratedConversation) -> OrchestratedConversation:
    """With the profiles that are live now: they may have been merged since."""
    people = [
        one if one.profile_id is None else replace(one, profile_id=existing(tx, one.profile_id).profile_id)
        for one in conversation.participants
    ]
    return replace(conversation, participants=tuple(people))


def found(
    upserts: Upserts, conversation: OrchestratedConversation, party: Party
) -> tuple[Participant, OrchestratedConversation]:
    """Who it is, and the conversation with him: who has not taken part so far does from now on."""
    people = conversation.participants
    if party.participant_id is not None:
        who = next((one for one in people if one.participant_id == party.participant_id), None)
        if who is None:
            raise Invalid("participantId is of nobody in this conversation: leave it out, or add the participant.")
        return who, conversation
    who = rules.holder(people, party)
    if who is not None:
        return who, conversation
    address = Address(channel=party.channel, address=party.address)
    new = joined(upserts, conversation.conversation_id, NewParticipant(addresses=(address,)), people)
    return new, replace(conversation, participants=(*people, new))


def _identifiers(upserts: Upserts, addresses: Sequence[Address]) -> list[Identifier]:
    found: list[Identifier] = []
    for one in addresses:
        named = rules.id_of(one)
        if named is None or upserts.config(named[0]) is None:
            continue
        try:
            found.append(upserts.normalised(*named, "address"))
        except Invalid:  # as a short code
            continue
    return list(dict.fromkeys(found))


def _refuse_shared(new: NewParticipant, others: Sequence[Participant]) -> None:
    for address in new.addresses:
        for other in others:
            if any(rules.same(address, one) for one in other.addresses):
                raise Conflicting("addresses: another participant has one of them.", other.participant_id)
