"""Pure: what may be written, who is who by an address, which conversations are one, and when one is over."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from mcp_memory import conversations
from mcp_memory.conversations import Timeouts
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.model import MAX_CONTENT, Role
from mcp_memory.orchestrator import (
    AGENTS,
    MAX_ADDRESS,
    MAX_ADDRESSES,
    MAX_NAME,
    MAX_RECIPIENTS,
    MAX_REFERENCE,
    Address,
    Channel,
    ConversationSettings,
    NewCommunication,
    NewParticipant,
    Participant,
    Party,
    SettingsChanges,
)
from mcp_memory.text import clean

ID_TYPES: Final[Mapping[Channel, str]] = {
    "SMS": "phone",
    "VOICE": "phone",
    "RCS": "phone",
    "WHATSAPP": "whatsapp",
    "CHAT": "chat",
    "EMAIL": "email",
}
"""Published, but for EMAIL, which is ours; who is seen by VIDEO is known by none of them."""
_SCHEME = re.compile(r"^(?:whatsapp|rcs|sms|tel|mailto|messenger):", re.IGNORECASE)


# Who is who


def id_of(address: Address | Party) -> tuple[str, str] | None:
    """Type and value of what identifies somebody; None where it identifies nobody, as a client of a voice SDK."""
    id_type = ID_TYPES.get(address.channel)
    if id_type is None or address.address.lower().startswith(("client:", "sip:")):
        return None
    return id_type, _SCHEME.sub("", address.address).strip()


def role_of(author: Participant, customer: Participant) -> Role:
    """Whose words they are for the memory of this customer. Another customer's are somebody else's."""
    if author.type in AGENTS:
        return "agent"
    return "customer" if author.profile_id == customer.profile_id else "other"


def same(one: Address | Party, other: Address | Party) -> bool:
    return one.channel == other.channel and reached(one) == reached(other)


def reached(address: Address | Party) -> str:
    """What two spellings of an address have in common, across the channels that one number has."""
    text = _SCHEME.sub("", clean(address.address)).strip().casefold()
    return re.sub(r"[\s().-]", "", text) if re.fullmatch(r"\+?[\d\s().-]{5,}", text) else text


def holder(participants: Iterable[Participant], party: Address | Party) -> Participant | None:
    """Who has the address; else, who has it on another channel, where one alone has."""
    everybody = list(participants)
    exact = [one for one in everybody if any(same(party, each) for each in one.addresses)]
    if exact:
        return exact[0]
    near = [one for one in everybody if any(reached(party) == reached(each) for each in one.addresses)]
    return near[0] if len(near) == 1 else None


# What is one conversation


def key_of(settings: ConversationSettings, participants: Sequence[Participant]) -> str | None:
    """Conversations of one configuration with the same key are one while they are not over. None: nobody takes part
    by whom it could be told."""
    match settings.grouping:
        case "GROUP_BY_PROFILE":
            parts = {one.profile_id for one in participants if one.type == "CUSTOMER" and one.profile_id}
        case "GROUP_BY_PARTICIPANT_ADDRESSES":
            parts = {reached(each) for one in participants for each in one.addresses}
        case _:
            parts = {f"{each.channel} {reached(each)}" for one in participants for each in one.addresses}
    customers = any(one.type not in AGENTS for one in participants)
    return "\n".join(sorted(parts)) if parts and customers else None


def timeouts(settings: ConversationSettings, channels: Iterable[str]) -> Timeouts:
    """Of several channels the longest apply; those of which the configuration says nothing have ours."""
    each = [_timeouts(settings, one) for one in channels]
    return conversations.longest(each) if each else conversations.MESSAGING


def _timeouts(settings: ConversationSettings, channel: str) -> Timeouts:
    found = {name.lower(): one for name, one in settings.channels.items()}.get(channel.lower())
    if found is None or not found.timed:
        return conversations.timeouts([channel])
    return Timeouts(inactive=_minutes(found.inactive), closed=_minutes(found.closed))


def _minutes(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(minutes=count)


# What may be written


def changed(before: ConversationSettings, changes: SettingsChanges) -> ConversationSettings:
    given = {
        name: value
        for name, value in vars(changes).items()
        if value is not None and name not in ("channels", "bridge", "no_bridge")
    }
    merged = {name: one for name, one in {**before.channels, **changes.channels}.items() if one is not None}
    bridge = None if changes.no_bridge else changes.bridge or before.bridge
    after = replace(before, **given, channels=merged, bridge=bridge)
    check_grouping(before, after)
    return after


def check_grouping(before: ConversationSettings, after: ConversationSettings) -> None:
    if before.grouping != after.grouping:
        raise Conflict("conversationGroupingType can't be changed: make another configuration.")


def checked_participant(new: NewParticipant) -> NewParticipant:
    if len(new.addresses) > MAX_ADDRESSES:
        raise Invalid(f"addresses has {len(new.addresses)} entries: give at most {MAX_ADDRESSES}.")
    if new.profile_id is not None and new.type not in (None, "CUSTOMER"):
        raise Invalid("profileId is for a CUSTOMER: leave it out, or set type to CUSTOMER.")
    return replace(
        new,
        name=checked_name(new.name),
        type="CUSTOMER" if new.profile_id is not None else new.type,
        addresses=tuple(checked_address(one, "addresses") for one in new.addresses),
    )


def checked_name(name: str | None) -> str | None:
    if name is not None and len(name) > MAX_NAME:
        raise Invalid(f"name has {len(name)} characters, the limit is {MAX_NAME}.")
    return clean(name) or None if name is not None else None


def checked_address(address: Address, field: str) -> Address:
    return replace(
        address,
        address=_checked(address.address, f"{field}.address", MAX_ADDRESS),
        channel_id=_checked(address.channel_id, f"{field}.channelId", MAX_REFERENCE) if address.channel_id else None,
    )


def checked_communication(new: NewCommunication) -> NewCommunication:
    if not new.recipients or len(new.recipients) > MAX_RECIPIENTS:
        raise Invalid(f"recipients has {len(new.recipients)} entries: give 1 to {MAX_RECIPIENTS}.")
    text = clean(new.content.text)
    if not text.strip():
        raise Invalid("content.text is empty: give what was said.")
    if len(text) > MAX_CONTENT:
        raise Invalid(f"content.text has {len(text)} characters, the limit is {MAX_CONTENT}: split it.")
    return replace(
        new,
        author=_checked_party(new.author, "author"),
        recipients=tuple(_checked_party(one, "recipients") for one in new.recipients),
        content=replace(new.content, text=text),
        channel_id=_checked(new.channel_id, "channelId", MAX_REFERENCE) if new.channel_id else None,
        resource_id=_checked(new.resource_id, "resourceId", MAX_REFERENCE) if new.resource_id else None,
    )


def _checked_party(party: Party, field: str) -> Party:
    return replace(party, address=_checked(party.address, f"{field}.address", MAX_ADDRESS))


def _checked(text: str, field: str, limit: int) -> str:
    found = clean(text).strip()
    if not found:
        raise Invalid(f"{field} is empty: give it, or leave it out.")
    if len(found) > limit:
        raise Invalid(f"{field} has {len(found)} characters, the limit is {limit}.")
    return found
