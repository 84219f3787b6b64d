"""By what people are matched: each store has its own rules."""

from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict, Error, Invalid, Stale, Unsupported
from mcp_memory.identity import DEFAULT_SETTINGS, RESERVED, IdentifierConfig, IdentitySettings
from mcp_memory.model import Scope, TraitDefinition
from tests.contract.people import CHAT, EMAIL, PHONE, event, find, how_many, person, refused, settings

pytestmark = pytest.mark.anyio

PHONES = IdentifierConfig(id_type="phone", normalization="phone")


def of(*configs: IdentifierConfig, rules: tuple[str, ...] | None = None) -> IdentitySettings:
    matching = tuple(one.id_type for one in configs) if rules is None else rules
    return IdentitySettings(identifier_configs=configs, matching_rules=matching)


async def test_a_store_starts_with_the_published_types(backend: Backend, scope: Scope) -> None:
    found = await backend.get_identity_settings(scope)

    assert found.matching_rules == DEFAULT_SETTINGS.matching_rules
    assert all(one.normalization in RESERVED[one.id_type] for one in found.identifier_configs)
    assert [(one.id_type, one.limit, one.limit_policy) for one in found.identifier_configs] == [
        (id_type, 100, "fifo") for id_type in ("email", "whatsapp", "phone", "chat")
    ]
    assert found.version == 1


async def test_a_whatsapp_address_is_a_phone_number(backend: Backend, scope: Scope) -> None:
    """Its spellings are one address."""
    assert await backend.get_identity_settings(scope) == DEFAULT_SETTINGS


async def test_a_change_counts_the_version_up_and_is_one_stores_own(backend: Backend, scope: Scope) -> None:
    before = await backend.get_identity_settings(scope)
    changed = await backend.update_identity_settings(scope, of(PHONES), if_version=1)

    assert changed == replace(of(PHONES), version=2) == await backend.get_identity_settings(scope)
    other = await backend.open_store("acme", "staging")
    assert await backend.get_identity_settings(other) == before


async def test_a_change_of_what_was_changed_meanwhile_is_refused(backend: Backend, scope: Scope) -> None:
    await backend.update_identity_settings(scope, of(PHONES), if_version=1)

    said = await refused(Stale, backend.update_identity_settings(scope, DEFAULT_SETTINGS, if_version=1))

    assert "version is 2, not 1" in said
    assert (await backend.get_identity_settings(scope)).matching_rules == ("phone",)


@pytest.mark.parametrize(
    ("new", "kind", "complaint"),
    [
        (of(rules=("phone",)), Invalid, "identifier_configs has 0 types: give 1 to 15"),
        (of(*(IdentifierConfig(id_type=f"t{n}") for n in range(16))), Invalid, "identifier_configs has 16 types"),
        (of(PHONES, PHONES, rules=("phone",)), Invalid, "names an id_type twice"),
        (of(PHONES, rules=()), Invalid, "matching_rules has 0 rules: give 1 to 15"),
        (of(PHONES, rules=("phone", "phone")), Invalid, "matching_rules has 2 rules"),
        (of(PHONES, rules=("phone", "fax")), Invalid, "matching_rules[1] is no id_type of identifier_configs"),
        (of(PHONES, rules=("phone AND email",)), Invalid, "compound rules are not published"),
        (of(IdentifierConfig(id_type="a")), Invalid, "identifier_configs[0].id_type must be 2 to 30"),
        (of(IdentifierConfig(id_type="x" * 31)), Invalid, "id_type must be 2 to 30"),
        (of(IdentifierConfig(id_type="user id")), Invalid, "id_type must be 2 to 30"),
        (of(IdentifierConfig(id_type="u2", limit=0)), Invalid, "identifier_configs[0].limit must be from 1 to 100"),
        (of(IdentifierConfig(id_type="u2", limit=101)), Invalid, "limit must be from 1 to 100"),
        (of(IdentifierConfig(id_type="phone")), Invalid, "normalization of the reserved type phone must be phone"),
        (
            of(PHONES, IdentifierConfig(id_type="name", matching_algo="fuzzy")),
            Unsupported,
            "identifier_configs[1].matching_algo: fuzzy matching is not offered yet",
        ),
        (of(IdentifierConfig(id_type="name", matching_threshold=90)), Unsupported, "matching_threshold counts only"),
    ],
)
async def test_settings_against_the_rules_are_refused_by_name(
    backend: Backend, scope: Scope, new: IdentitySettings, kind: type[Error], complaint: str
) -> None:
    before = await backend.get_identity_settings(scope)

    assert complaint in await refused(kind, backend.update_identity_settings(scope, new))
    assert await backend.get_identity_settings(scope) == before


@pytest.mark.parametrize(
    ("normalization", "spellings", "stored"),
    [
        ("trim", ["  AbC 1 ", "AbC 1"], "AbC 1"),
        ("none", ["AbC 1"], "AbC 1"),
        ("email", [" Ann @Example.COM", "ann@example.com"], "ann@example.com"),
        ("phone", ["+1 (317) 555-0142", "tel:317-555-0142", "whatsapp:+13175550142"], "+13175550142"),
    ],
)
async def test_a_type_of_ones_own_is_normalised_as_it_says(
    backend: Backend, scope: Scope, normalization: Any, spellings: list[str], stored: str
) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="own", normalization=normalization), rules=("own",))
    await _promote(backend, scope, "own")

    for spelling in spellings:
        await backend.upsert_traits(scope, {"Own": {"own": spelling}}, None)

    assert await how_many(backend, scope) == 1
    lookup = await backend.lookup_profile(scope, spellings[0], "own")
    assert lookup.identifier.value == stored and lookup.profile is not None


async def test_a_bare_value_is_looked_up_as_all_it_can_be(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="own"), rules=("own", "phone"))
    await _promote(backend, scope, "own")
    mine = await backend.upsert_traits(scope, {"Own": {"own": "u-77"}}, None)

    assert await find(backend, scope, "u-77") == mine.profile.profile_id
    assert "Known: email, whatsapp, phone, chat, own" in await refused(
        Invalid, backend.lookup_profile(scope, "x", "fax")
    )


async def _promote(backend: Backend, scope: Scope, id_type: str) -> None:
    trait = TraitDefinition(group="Own", name="own", data_type="STRING", id_type_promotion=id_type)
    await backend.create_trait_group(scope, TraitGroup(display_name="Own", definitions=(trait,)))


async def test_what_is_stored_cannot_be_normalised_otherwise_or_left_out(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="own"), rules=("own", "phone"))
    await _promote(backend, scope, "own")
    await backend.upsert_traits(scope, {"Own": {"own": "u-77"}}, None)

    normalised = settings(backend, scope, IdentifierConfig(id_type="own", normalization="email"))
    assert "own: 1 identifiers are stored as trim makes them" in await refused(Conflict, normalised)
    assert "leave it out of matching_rules" in await refused(Conflict, settings(backend, scope))
    assert (await backend.get_identity_settings(scope)).version == 2


async def test_a_trait_promoted_to_a_type_the_store_does_not_have_is_a_trait(backend: Backend, scope: Scope) -> None:
    await backend.update_identity_settings(scope, of(PHONES))

    profile = await person(backend, scope, phone=PHONE, chat=CHAT)

    assert profile.identifiers == {"phone": [PHONE]}
    assert profile.traits == {"Contact": {"phone": PHONE, "chat": CHAT}}


async def test_a_rule_that_goes_matches_no_longer_and_unmerges_nobody(backend: Backend, scope: Scope) -> None:
    await person(backend, scope, phone=PHONE)
    await person(backend, scope, email=EMAIL)
    merged = (await event(backend, scope, phone=PHONE, email=EMAIL)).profile

    await settings(backend, scope, rules=("email",))

    assert (await backend.get_profile(scope, merged.profile_id)).all_ids == merged.all_ids
    assert await find(backend, scope, PHONE) == merged.profile_id
    assert (await event(backend, scope, phone=PHONE, email="new@x.co")).outcome == "created"


async def test_a_type_becomes_shared_and_unique_again(backend: Backend, scope: Scope) -> None:
    shared, unique = (
        IdentifierConfig(id_type="phone", normalization="phone", enforce_unique=unique) for unique in (False, True)
    )
    ann = await person(backend, scope, phone=PHONE, email="ann@x.co")
    await settings(backend, scope, shared)
    await person(backend, scope, phone=PHONE, email="bob@x.co")

    said = await refused(Conflict, settings(backend, scope, unique))
    assert "phone: 1 values are shared by several profiles" in said

    await backend.upsert_traits(scope, {"Contact": {"email": "bob@x.co"}}, ann.profile_id)
    await settings(backend, scope, unique)
    assert (await event(backend, scope, phone=PHONE, email="kim@x.co")).outcome == "updated"
    assert (await backend.get_profile(scope, ann.profile_id)).identifiers["phone"] == [PHONE]
