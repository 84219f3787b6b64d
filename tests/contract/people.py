"""Small builders for tests about who is who."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Error
from mcp_memory.identity import DEFAULT_SETTINGS, IdentifierConfig, IdentitySettings
from mcp_memory.listing import EVERYTHING, Page, PageQuery
from mcp_memory.model import NewObservation, Profile, Scope, TraitDefinition, Upserted

T = TypeVar("T")

PHONE, EMAIL, CHAT = "+13175550142", "dana@example.com", "web-8841"
USER_ID = IdentifierConfig(id_type="user_id", limit=1)


async def event(backend: Backend, scope: Scope, profile_id: str | None = None, **contact: Any) -> Upserted:
    """What one message or call tells: `user_id` is a trait of its own group, everything else is of Contact."""
    user = {"Account": {"userId": contact.pop("user_id")}} if "user_id" in contact else {}
    return await backend.upsert_traits(scope, {**({"Contact": contact} if contact else {}), **user}, profile_id)


async def person(backend: Backend, scope: Scope, **contact: Any) -> Profile:
    return (await event(backend, scope, **contact)).profile


async def find(backend: Backend, scope: Scope, value: str, id_type: str | None = None) -> str | None:
    lookup = await backend.lookup_profile(scope, value, id_type)
    return lookup.profile.profile_id if lookup.profile else None


async def note(backend: Backend, scope: Scope, profile_id: str, *contents: str) -> None:
    await backend.add_observations(scope, profile_id, [NewObservation(content=one) for one in contents])


async def notes(backend: Backend, scope: Scope, profile_id: str) -> set[str]:
    return {one.content for one in await backend.latest_observations(scope, profile_id, 100)}


async def how_many(backend: Backend, scope: Scope) -> int:
    """Profiles of the store, as they are listed; whoever counts them says the same."""
    found = len(await everything(lambda page: backend.list_profiles(scope, page), limit=100))
    assert (await backend.get_store(scope)).profile_count in (found, None)
    return found


async def items_of(backend: Backend, scope: Scope, profile_id: str) -> tuple[int, int]:
    """How many observations and summaries of the profile are listed; whoever counts them says the same."""
    observations = await everything(
        lambda page: backend.list_observations(scope, profile_id, EVERYTHING, page), limit=50
    )
    summaries = await everything(lambda page: backend.list_summaries(scope, profile_id, EVERYTHING, page), limit=50)
    found = len(observations), len(summaries)
    profile = await backend.get_profile(scope, profile_id)
    assert (profile.observation_count, profile.summary_count) in (found, (None, None))
    return found


async def settings(
    backend: Backend, scope: Scope, *configs: IdentifierConfig, rules: tuple[str, ...] = ()
) -> IdentitySettings:
    """The default types, these added or changed; `rules`, strongest first."""
    changed = {one.id_type: one for one in (*DEFAULT_SETTINGS.identifier_configs, *configs)}
    new = IdentitySettings(
        identifier_configs=tuple(changed.values()), matching_rules=rules or DEFAULT_SETTINGS.matching_rules
    )
    return await backend.update_identity_settings(scope, new)


async def with_user_ids(backend: Backend, scope: Scope, *configs: IdentifierConfig) -> None:
    """A store in which `user_id` is the strongest rule, and a person has one."""
    await settings(backend, scope, USER_ID, *configs, rules=("user_id", "email", "whatsapp", "phone", "chat"))
    trait = TraitDefinition(group="Account", name="userId", data_type="STRING", id_type_promotion="user_id")
    await backend.create_trait_group(scope, TraitGroup(display_name="Account", definitions=(trait,)))


async def everything(
    list_: Callable[[PageQuery], Awaitable[Page[T]]], newest_first: bool = True, limit: int = 2
) -> list[T]:
    """Page by page, each as full as it can be."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await list_(PageQuery(limit=limit, cursor=cursor, newest_first=newest_first))
        found += page.items
        if page.next_cursor is None:
            return found
        assert len(page.items) == limit
        cursor = page.next_cursor


async def refused(kind: type[Error], work: Awaitable[object]) -> str:
    with pytest.raises(kind) as caught:
        await work
    return str(caught.value)
