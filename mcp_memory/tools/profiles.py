"""Tools about who the customer is."""

from typing import Annotated, Any, Literal

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import ids, resources, views
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.model import Profile
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, Loaded, Result, Tool

TraitsByGroup = dict[str, dict[str, Any]]


class LookupProfile(Arguments):
    value: Annotated[
        str | None, Field(description="Phone (with area code), email, WhatsApp or chat id, in any spelling; no names")
    ] = None
    id_type: Annotated[str | None, Field(description="phone, email, whatsapp or chat. Inferred when left out")] = None
    profile_id: Annotated[str | None, Field(description="Instead of value")] = None


class LookupResult(Result):
    found: bool
    profile_id: str | None = None
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
    return Answer(_found(lookup.profile, **seen), views.profile_text(lookup.profile))


async def _lookup_by_id(session: Session, asked: LookupProfile) -> Answer:
    if asked.id_type is not None:
        raise Invalid("id_type goes with value: leave it out when you give profile_id.")
    try:
        profile = await session.memory.get_profile(session.caller, asked.profile_id or "")
    except NotFound:
        hint = "This store has no such profile. Look the customer up by phone, email or chat id instead."
        return Answer(LookupResult(found=False, hint=hint), f"Not found. {hint}")
    return Answer(_found(profile), views.profile_text(profile))


def _found(profile: Profile, **seen: Any) -> LookupResult:
    data = views.profile_data(profile)
    fields = ("profile_id", "traits", "identifiers", "counts", "last_activity_at")
    return LookupResult(found=True, **{name: data[name] for name in fields}, **seen)


async def upsert_traits(session: Session, asked: UpsertTraits) -> Answer:
    upserted = await session.memory.upsert_traits(session.caller, asked.traits, asked.profile_id)
    profile = upserted.profile
    await session.changed(resources.changed_by("traits", profile.profile_id))
    data = views.profile_data(profile)
    fields = ("profile_id", "traits", "identifiers")
    return Answer(
        UpsertResult(outcome=upserted.outcome, **{name: data[name] for name in fields}), views.upserted_text(upserted)
    )


TOOLS = (
    Tool(
        name="lookup_profile",
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
