"""Tools about who the customer is."""

from typing import Annotated, Any, Literal

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import ids, records, resources, views
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.history import TOOL
from mcp_memory.model import ApartReason, Profile
from mcp_memory.rights import READ, WRITE
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, Loaded, Result, Tool

TraitsByGroup = dict[str, dict[str, Any]]


class LookupProfile(Arguments):
    value: Annotated[
        str | None, Field(description="Phone (with area code), email, WhatsApp or chat id, in any spelling; no names")
    ] = None
    id_type: Annotated[str | None, Field(description="phone, email, whatsapp or chat. Inferred when left out")] = None
    profile_id: Annotated[str | None, Field(description="Instead of value")] = None


class MergedIn(Result):
    profile_id: str
    merged_at: str
    id_type: str | None = None
    value: str | None = None


class KeptApart(Result):
    id_type: str
    value: str
    held_by: str
    reason: ApartReason
    differ: str | None = None


class IdentifierResult(Result):
    id_type: str
    value: str


class LookupResult(Result):
    found: bool
    profile_id: str | None = None
    merged_profile_id: Annotated[str | None, Field(description="The id asked for, merged into profile_id")] = None
    merged: list[MergedIn] | None = None
    shared_with: list[str] | None = None
    id_type: str | None = None
    normalized_value: str | None = None
    traits: TraitsByGroup | None = None
    identifiers: dict[str, list[str]] | None = None
    counts: dict[str, int] | None = None
    last_activity_at: str | None = None
    hint: str | None = None


class UpsertTraits(Arguments):
    traits: Annotated[
        TraitsByGroup,
        Loaded,
        Field(description='{group: {name: value}}, e.g. {"Contact": {"phone": "+13175556789", "firstName": "Ann"}}'),
    ]
    profile_id: Annotated[str | None, Field(description="Left out: found or created by the identifying traits")] = None


class UpsertResult(Result):
    profile_id: str
    outcome: Literal["created", "updated"]
    merged: list[MergedIn] | None = None
    kept_apart: list[KeptApart] | None = None
    dropped: Annotated[list[IdentifierResult] | None, Field(description="Past the limit: they identify nobody")] = None
    traits: TraitsByGroup
    identifiers: dict[str, list[str]]


async def lookup_profile(session: Session, asked: LookupProfile) -> Answer:
    if (asked.value is None) == (asked.profile_id is None):
        raise Invalid("Give either value or profile_id, one of the two.")
    if asked.value is None:
        return await _lookup_by_id(session, asked)
    if asked.value.startswith(f"{ids.PROFILE}_") and asked.id_type is None:  # models put it there, and mean it
        return await _lookup_by_id(session, LookupProfile(profile_id=asked.value))
    lookup = await session.memory.lookup_profile(session.caller, asked.value, asked.id_type)
    seen: dict[str, Any] = {"id_type": lookup.identifier.id_type, "normalized_value": lookup.identifier.value}
    if lookup.profile is None:
        hint = views.lookup_hint(lookup)
        return Answer(LookupResult(found=False, hint=hint, **seen), f"Not found. {hint}")
    shared = {"shared_with": list(lookup.sharers)} if lookup.sharers else {}
    text = "\n".join([*views.sharer_lines(lookup), views.profile_text(lookup.profile)])
    return Answer(_found(lookup.profile, **seen, **shared), text)


async def _lookup_by_id(session: Session, asked: LookupProfile) -> Answer:
    if asked.id_type is not None:
        raise Invalid("id_type goes with value: leave it out when you give profile_id.")
    try:
        profile = await session.memory.get_profile(session.caller, asked.profile_id or "")
    except NotFound:
        hint = "This store has no such profile. Look the customer up by phone, email or chat id instead."
        return Answer(LookupResult(found=False, hint=hint), f"Not found. {hint}")
    merged = {"merged_profile_id": asked.profile_id} if asked.profile_id != profile.profile_id else {}
    return Answer(_found(profile, **merged), views.profile_text(profile, asked.profile_id))


def _found(profile: Profile, **seen: Any) -> LookupResult:
    data = records.profile_data(profile)
    fields = ("profile_id", "traits", "identifiers", "counts", "last_activity_at", "merged")
    return LookupResult(found=True, **{name: data[name] for name in fields if name in data}, **seen)


async def upsert_traits(session: Session, asked: UpsertTraits) -> Answer:
    upserted = await session.memory.upsert_traits(session.caller, asked.traits, asked.profile_id, TOOL)
    profile = upserted.profile
    writes = ["traits", "observations", "summaries"] if upserted.merges else ["traits"]
    await session.changed(resources.changed_by(writes, profile.all_ids))
    data = records.profile_data(profile)
    result = UpsertResult(
        outcome=upserted.outcome,
        profile_id=profile.profile_id,
        traits=data["traits"],
        identifiers=data["identifiers"],
        merged=[MergedIn(**records.merge_data(one)) for one in upserted.merges] or None,
        dropped=[IdentifierResult(**records.identifier_data(one)) for one in upserted.dropped] or None,
        kept_apart=[KeptApart(**records.kept_apart_data(one)) for one in upserted.kept_apart] or None,
    )
    return Answer(result, views.upserted_text(upserted, asked.profile_id))


TOOLS = (
    Tool(
        name="lookup_profile",
        right=READ,
        title="Look up a customer",
        description=(
            "Find the customer's profile by phone, email, WhatsApp or chat id (value), or by profile_id. "
            "Call it first in every conversation. "
            "Returns profile_id, traits, identifiers, counts and last activity; found=false with a hint if unknown."
        ),
        arguments=LookupProfile,
        result=LookupResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=lookup_profile,
    ),
    Tool(
        name="upsert_traits",
        right=WRITE,
        title="Save who the customer is",
        description=(
            "Create a customer, or set stable facts about one: Contact (firstName, lastName, street, city, postalCode, "
            "country, preferredLanguage), plan, preferences, any group of yours. "
            "Contact.phone, email, whatsapp and chat identify: set a second one to link a new channel. "
            "Earlier values go on identifying. null removes a trait; of an identifying one, all values it ever had. "
            "For things that happened use add_observation."
        ),
        arguments=UpsertTraits,
        result=UpsertResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
        run=upsert_traits,
    ),
)
