"""Profiles, their traits and their identifiers."""

from typing import Annotated, Any

from pydantic import Field

from mcp_memory.model import MAX_IDENTIFIER, Profile, TraitEntry
from mcp_memory.traits import MAX_GROUPS
from mcp_memory.wire import Answer, Text, Time, Wire
from mcp_memory.wire.pages import Meta

MAX_GIVEN = 99  # traits of a group in one call, as published
MAX_ENTRIES = 1000

Traits = Annotated[dict[str, Annotated[dict[str, Any], Field(max_length=MAX_GIVEN)]], Field(max_length=MAX_GROUPS)]
IdType = Annotated[str, Field(min_length=2, max_length=30)]
Value = Annotated[Text, Field(max_length=MAX_IDENTIFIER)]


class TraitsBody(Wire):
    """To create a profile, or to change one: a null removes a trait."""

    traits: Traits = {}


class BulkBody(Wire):
    profiles: Annotated[list[TraitsBody], Field(min_length=1, max_length=MAX_ENTRIES)]


class IdentifierBody(Wire):
    id_type: IdType
    value: Value


class IdentifierUpdateBody(Wire):
    id_type: IdType
    old_value: Value
    new_value: Value


class ProfileBody(Answer):
    id: str
    created_at: Time | None = None
    traits: dict[str, dict[str, Any]] = {}

    @classmethod
    def of(cls, profile: Profile, groups: set[str] | None = None) -> "ProfileBody":
        """`groups`: only these; None: all."""
        return cls(
            id=profile.profile_id,
            created_at=profile.created_at,
            traits={
                group: dict(traits) for group, traits in profile.traits.items() if groups is None or group in groups
            },
        )


class ProfilesBody(Answer):
    profiles: list[str] | None = None
    meta: Meta = Meta()


class LookupBody(Answer):
    normalized_value: str
    profiles: list[str] | None = None


class TraitBody(Answer):
    name: str
    value: Any = None
    trait_group: str
    timestamp: Time | None = None

    @classmethod
    def of(cls, entry: TraitEntry) -> "TraitBody":
        return cls(name=entry.name, value=entry.value, trait_group=entry.group, timestamp=entry.updated_at)


class TraitsListBody(Answer):
    traits: list[TraitBody] = []
    meta: Meta = Meta()


class IdentifierSetBody(Answer):
    id_type: str
    values: list[str] = []


class IdentifiersBody(Answer):
    identifiers: list[IdentifierSetBody] = []
