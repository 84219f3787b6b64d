"""Trait groups: what may be said of a customer, and what of it identifies."""

from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import Conflict, Error, Full, Invalid, NotFound, Stale, Taken
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import DataType, Scope, TraitDefinition, ValidationRule
from tests.contract.conftest import Clock
from tests.contract.people import EMAIL, PHONE, event, find, how_many, person, refused, settings, with_user_ids

pytestmark = pytest.mark.anyio


def trait(name: str, data_type: DataType = "STRING", **more: Any) -> TraitDefinition:
    return TraitDefinition(group="Loyalty", name=name, data_type=data_type, **more)


def group(*traits: TraitDefinition, **more: Any) -> TraitGroup:
    return TraitGroup(display_name="Loyalty", definitions=traits, **more)


def rule(data_type: DataType, **bounds: Any) -> TraitGroup:
    return group(trait("x", data_type, validation_rule=ValidationRule(**bounds)))


async def loyalty(backend: Backend, scope: Scope) -> TraitGroup:
    (found,) = [one for one in await backend.list_trait_groups(scope) if one.display_name == "Loyalty"]
    return found


async def test_every_store_has_the_contact_group(backend: Backend, scope: Scope) -> None:
    (contact,) = await backend.list_trait_groups(scope)

    promoted = {one.name: one.id_type_promotion for one in contact.definitions if one.id_type_promotion}
    assert promoted == {name: name for name in ("email", "phone", "whatsapp", "chat")}
    assert (contact.display_name, contact.version) == ("Contact", 1)


async def test_a_group_is_created_changed_and_deleted(backend: Backend, scope: Scope) -> None:
    created = await backend.create_trait_group(scope, group(trait("tier"), trait("points", "NUMBER")))
    assert created == await loyalty(backend, scope) and created.version == 1

    changes = TraitGroupChanges(
        description="Who is how loyal", definitions={"points": None, "member_since": trait("x", description="Year")}
    )
    changed = await backend.update_trait_group(scope, "Loyalty", changes, if_version=1)
    assert [one.name for one in changed.definitions] == ["memberSince", "tier"]
    assert (changed.version, changed.description) == (2, "Who is how loyal")
    assert changed == await loyalty(backend, scope)

    await backend.delete_trait_group(scope, "Loyalty")
    assert [one.display_name for one in await backend.list_trait_groups(scope)] == ["Contact"]


async def test_a_group_changed_meanwhile_is_not_changed_over(backend: Backend, scope: Scope) -> None:
    await backend.create_trait_group(scope, group(trait("tier")))
    await backend.update_trait_group(scope, "Loyalty", TraitGroupChanges(description="A"), if_version=1)

    late = backend.update_trait_group(scope, "Loyalty", TraitGroupChanges(description="B"), if_version=1)

    assert "version is 2, not 1" in await refused(Stale, late)
    assert (await loyalty(backend, scope)).description == "A"


@pytest.mark.parametrize(
    ("new", "kind", "complaint"),
    [
        (TraitGroup(display_name="Loy alty"), Invalid, "display_name: a group's name must be 1 to 64"),
        (TraitGroup(display_name=""), Invalid, "display_name"),
        (TraitGroup(display_name="contact"), Taken, "There is a trait group Contact already"),
        (group(description="x" * 1025), Invalid, "description is 1025 characters long, the limit is 1024"),
        (group(*(trait(f"t{n}") for n in range(96))), Invalid, "the group would have 96 traits, the limit is 95"),
        (group(trait("1st")), Invalid, "a trait's name must be 1 to 64"),
        (group(trait("tags", "ARRAY", id_type_promotion="user_id")), Invalid, "a ARRAY can't identify anybody"),
        (group(trait("id", id_type_promotion="x" * 31)), Invalid, "traits.id.id_type_promotion must be 2 to 30"),
        (rule("STRING", pattern="(" * 3), Invalid, "pattern is not a regular expression of RE2"),
        (rule("STRING", pattern="(?=a)b"), Invalid, "which has no look-around"),
        (rule("STRING", pattern="a" * 1001), Invalid, "pattern is 1001 characters long, the limit is 1000"),
        (rule("STRING", min=1), Invalid, "validation_rule.min is no rule for a STRING. Rules: pattern, min_length"),
        (rule("BOOLEAN", min=1), Invalid, "validation_rule.min is no rule for a BOOLEAN. Rules: none"),
        (rule("STRING", min_length=-1), Invalid, "validation_rule.min_length must be from 0 to 2147483647"),
        (rule("STRING", max_length=0), Invalid, "validation_rule.max_length must be from 1 to 2147483647"),
        (rule("NUMBER", min=5, max=4), Invalid, "min is greater than max"),
        (rule("NUMBER", min=float("nan")), Invalid, "validation_rule.min must be a number from -2147483647"),
        (rule("STRING", min_length=10**400), Invalid, "validation_rule.min_length must be from 0 to 2147483647"),
        (rule("STRING", pattern="(x?){1000}(x?){1000}"), Invalid, "pattern is too large to be tried on every value"),
        (rule("STRING", pattern="a\x1b\nb"), Invalid, "pattern has blanks around it, or characters that nobody sees"),
        (group(trait("id", id_type_promotion="user id")), Invalid, "traits.id.id_type_promotion must be 2 to 30"),
    ],
)
async def test_a_group_against_the_rules_is_refused_by_name(
    backend: Backend, scope: Scope, new: TraitGroup, kind: type[Error], complaint: str
) -> None:
    assert complaint in await refused(kind, backend.create_trait_group(scope, new))
    assert len(await backend.list_trait_groups(scope)) == 1


async def test_a_store_has_only_so_many_groups(backend: Backend, scope: Scope) -> None:
    for number in range(49):
        await backend.create_trait_group(scope, TraitGroup(display_name=f"G{number}"))

    said = await refused(Full, backend.create_trait_group(scope, group()))

    assert "The store has 50 trait groups, the limit is 50" in said


@pytest.mark.parametrize(
    ("bounds", "value", "complaint"),
    [
        ({"pattern": "[A-Z]{2}-[0-9]+"}, "xx-1", 'does not match the pattern declared for it: "[A-Z]{2}-[0-9]+"'),
        ({"pattern": "a+", "max_length": 3}, "aaaa", "is 4 characters, declared are at most 3"),
        ({"min_length": 2}, "a", "is 1 characters, declared are at least 2"),
        ({"min": 1, "max": 10}, 11, "is 11, declared are at least 1 and at most 10"),
        ({"min": 0.5}, 0.25, "is 0.25, declared are at least 0.5"),
        ({"min_items": 1}, [], "is 0 elements, declared are at least 1"),
        ({"max_items": 1}, ["a", "b"], "is 2 elements, declared are at most 1"),
    ],
)
async def test_a_value_against_its_rule_is_refused(
    backend: Backend, scope: Scope, bounds: dict[str, Any], value: Any, complaint: str
) -> None:
    kind: DataType = "STRING" if isinstance(value, str) else "ARRAY" if isinstance(value, list) else "NUMBER"
    await backend.create_trait_group(scope, group(trait("x", kind, validation_rule=ValidationRule(**bounds))))

    said = await refused(
        Invalid, backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Loyalty": {"x": value}}, None)
    )

    assert said == f"traits.Loyalty.x {complaint}" or said.startswith(f"traits.Loyalty.x {complaint}")
    assert await how_many(backend, scope) == 0


async def test_a_hostile_pattern_takes_no_longer_than_another(backend: Backend, scope: Scope) -> None:
    hostile = ValidationRule(pattern="(a|a|aa)+(a+)+b")
    await backend.create_trait_group(scope, group(trait("x", validation_rule=hostile)))

    said = await refused(
        Invalid, backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Loyalty": {"x": "a" * 1000}}, None)
    )

    assert "does not match the pattern" in said


@pytest.mark.parametrize("name", ["phone", "email", "whatsapp", "chat"])
async def test_what_is_reserved_stays_as_it_is(backend: Backend, scope: Scope, name: str) -> None:
    for new in (None, trait(name), trait(name, "NUMBER", id_type_promotion=name)):
        changes = TraitGroupChanges(definitions={name: new})
        said = await refused(Conflict, backend.update_trait_group(scope, "Contact", changes))
        assert f"Contact.{name} is reserved" in said
    assert "can't be removed" in await refused(Conflict, backend.delete_trait_group(scope, "Contact"))


async def test_groups_that_are_not_there_are_not_found(backend: Backend, scope: Scope) -> None:
    await refused(NotFound, backend.delete_trait_group(scope, "Loyalty"))
    await refused(NotFound, backend.update_trait_group(scope, "Loyalty", TraitGroupChanges(description="A")))
    removal = TraitGroupChanges(definitions={"tier": None})
    await backend.create_trait_group(scope, group())
    assert "not declared in Loyalty" in await refused(Invalid, backend.update_trait_group(scope, "Loyalty", removal))


async def test_a_type_changes_only_while_there_are_no_values(backend: Backend, scope: Scope) -> None:
    await backend.create_trait_group(scope, group(trait("tier")))
    await backend.update_trait_group(scope, "Loyalty", TraitGroupChanges(definitions={"tier": trait("tier", "NUMBER")}))
    await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Loyalty": {"tier": 3}}, None)

    back = TraitGroupChanges(definitions={"tier": trait("tier")})

    assert "Loyalty.tier has values" in await refused(Conflict, backend.update_trait_group(scope, "Loyalty", back))


async def test_a_trait_that_goes_takes_its_values_and_identifiers_along(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, phone=PHONE, user_id="u-1")

    await backend.delete_trait_group(scope, "Account")

    after = await backend.get_profile(scope, dana.profile_id)
    assert (after.traits, after.identifiers) == ({"Contact": {"phone": PHONE}}, {"phone": [PHONE]})
    assert await find(backend, scope, "u-1", "user_id") is None


async def test_what_another_trait_still_says_outlives_a_group(backend: Backend, scope: Scope) -> None:
    await work_email(backend, scope)
    dana = await person(backend, scope, email=EMAIL)
    lee = await backend.upsert_traits(scope, {"Work": {"email": "lee@work.co"}, "Contact": {"phone": PHONE}}, None)
    await backend.upsert_traits(scope, {"Work": {"email": EMAIL}}, dana.profile_id)
    await backend.upsert_traits(scope, {"Contact": {"email": "lee@work.co"}}, lee.profile.profile_id)

    await backend.delete_trait_group(scope, "Work")

    assert await find(backend, scope, EMAIL) == dana.profile_id
    assert await find(backend, scope, "lee@work.co") == lee.profile.profile_id


async def test_a_number_that_identifies_stays_a_number(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="no"), rules=("no", "phone"))
    number = TraitDefinition(group="Account", name="no", data_type="NUMBER", id_type_promotion="no")
    await backend.create_trait_group(scope, TraitGroup(display_name="Account", definitions=(number,)))

    whole, broken = [(await backend.upsert_traits(scope, {"Account": {"no": no}}, None)).profile for no in (42, 42.0)]

    assert whole.profile_id == broken.profile_id
    assert (whole.traits, whole.identifiers) == ({"Account": {"no": 42}}, {"no": ["42"]})


async def test_traits_an_agent_makes_up_have_a_group_too(backend: Backend, scope: Scope) -> None:
    await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Loyalty": {"tier": "gold"}}, None)

    assert [one.name for one in (await loyalty(backend, scope)).definitions] == ["tier"]
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))
    assert "Loyalty.level" in await refused(
        Invalid, backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Loyalty": {"level": 1}}, None)
    )


# Promotion and demotion


async def work_email(backend: Backend, scope: Scope) -> None:
    definition = TraitDefinition(group="Work", name="email", data_type="STRING", id_type_promotion="email")
    await backend.create_trait_group(scope, TraitGroup(display_name="Work", definitions=(definition,)))


async def test_a_removed_trait_takes_only_its_own_identifiers(backend: Backend, scope: Scope) -> None:
    await work_email(backend, scope)
    dana = await person(backend, scope, phone=PHONE, email=EMAIL)
    await backend.upsert_traits(scope, {"Work": {"email": "dana@work.co"}}, dana.profile_id)
    await backend.upsert_traits(scope, {"Contact": {"email": "dana@new.co"}}, dana.profile_id)

    after = (await backend.upsert_traits(scope, {"Contact": {"email": None}}, dana.profile_id)).profile

    assert after.identifiers == {"phone": [PHONE], "email": ["dana@work.co"]}
    assert after.traits == {"Contact": {"phone": PHONE}, "Work": {"email": "dana@work.co"}}


async def test_what_another_trait_still_says_goes_on_identifying(backend: Backend, scope: Scope) -> None:
    await work_email(backend, scope)
    dana = await person(backend, scope, phone=PHONE, email=EMAIL)
    await backend.upsert_traits(scope, {"Work": {"email": EMAIL}}, dana.profile_id)

    for removed in ("Contact", "Work"):
        after = (await backend.upsert_traits(scope, {removed: {"email": None}}, dana.profile_id)).profile
        assert after.identifiers.get("email", []) == ([EMAIL] if removed == "Contact" else [])


async def test_a_value_that_was_replaced_goes_on_identifying(backend: Backend, scope: Scope) -> None:
    dana = await person(backend, scope, phone=PHONE, email=EMAIL)
    after = (await backend.upsert_traits(scope, {"Contact": {"email": "new@x.co"}}, dana.profile_id)).profile

    assert sorted(after.identifiers["email"]) == [EMAIL, "new@x.co"]
    assert await find(backend, scope, EMAIL) == dana.profile_id


async def test_a_trait_can_be_removed_whatever_another_one_says(backend: Backend, scope: Scope) -> None:
    plain = TraitDefinition(group="Work", name="email", data_type="STRING")
    await backend.create_trait_group(scope, TraitGroup(display_name="Work", definitions=(plain,)))
    dana = await person(backend, scope, phone=PHONE, chat="web-1")
    await backend.upsert_traits(scope, {"Work": {"email": "n/a"}}, dana.profile_id)
    promoted = TraitGroupChanges(definitions={"email": replace(plain, id_type_promotion="email")})
    await backend.update_trait_group(scope, "Work", promoted)

    after = await backend.upsert_traits(scope, {"Contact": {"phone": None}}, dana.profile_id)

    assert after.profile.identifiers == {"chat": ["web-1"]}


async def test_what_comes_back_identifies_as_long_as_before(backend: Backend, scope: Scope, clock: Clock) -> None:
    await work_email(backend, scope)
    await settings(backend, scope, IdentifierConfig(id_type="email", normalization="email", limit=2))
    dana = await person(backend, scope, phone=PHONE, email=EMAIL)
    clock.pass_(hours=1)
    await backend.upsert_traits(scope, {"Work": {"email": EMAIL}, "Contact": {"email": "b@x.co"}}, dana.profile_id)
    clock.pass_(hours=1)
    await backend.upsert_traits(scope, {"Contact": {"email": None}}, dana.profile_id)

    after = await backend.upsert_traits(scope, {"Contact": {"email": "c@x.co"}}, dana.profile_id)

    assert after.profile.identifiers["email"] == [EMAIL, "c@x.co"]


async def test_a_trait_removed_from_a_merged_profile_is_gone_on_both_sides(backend: Backend, scope: Scope) -> None:
    await person(backend, scope, phone=PHONE, city="Gary")
    await person(backend, scope, email=EMAIL, city="Boone")
    merged = await event(backend, scope, phone=PHONE, email=EMAIL)

    after = await backend.upsert_traits(scope, {"Contact": {"city": None, "email": None}}, merged.profile.profile_id)

    assert after.profile.traits == {"Contact": {"phone": PHONE}}
    assert after.profile.identifiers == {"phone": [PHONE]}
