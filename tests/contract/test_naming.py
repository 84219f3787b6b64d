"""Identifiers by themselves: added, replaced and removed, as if traits had brought and taken them."""

from dataclasses import replace

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict, Invalid, NotFound
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import Identifier, Profile, Scope, TraitDefinition, ValidationRule
from tests.contract.conftest import Clock
from tests.contract.people import CHAT, EMAIL, PHONE, USER_ID, event, find, person, refused, settings, with_user_ids

pytestmark = pytest.mark.anyio

OTHER_PHONE = "+13175550143"


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


async def get(backend: Backend, scope: Scope, profile_id: str) -> Profile:
    return await backend.get_profile(scope, profile_id)


# Added


async def test_an_identifier_is_added_normalised_and_comes_from_no_trait(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    done = await backend.add_identifier(scope, dana, "email", "  Dana@Example.COM ")

    assert (done.outcome, [*done.merges], [*done.kept_apart], [*done.dropped]) == ("updated", [], [], [])
    assert done.before is not None and "email" not in done.before.identifiers
    assert done.profile == await get(backend, scope, dana)
    assert done.profile.identifiers == {"phone": [PHONE], "email": [EMAIL]}
    assert done.profile.traits == {"Contact": {"phone": PHONE}}
    assert await find(backend, scope, EMAIL) == dana
    holdings = (await backend.explain_identity(scope, dana)).holdings
    assert [(one.identifier.id_type, one.trait) for one in holdings] == [
        ("phone", ("Contact", "phone")),
        ("email", None),
    ]


async def test_an_identifier_that_is_there_is_added_once(backend: Backend, scope: Scope, dana: str) -> None:
    for _ in range(2):
        done = await backend.add_identifier(scope, dana, "phone", "317-555-0142")
        assert done.profile.identifiers == {"phone": [PHONE]}
    holdings = (await backend.explain_identity(scope, dana)).holdings
    assert [one.trait for one in holdings] == [("Contact", "phone")]  # it still says so


async def test_an_identifier_of_somebody_else_makes_the_two_one(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, email=EMAIL)).profile_id

    done = await backend.add_identifier(scope, lee, "phone", PHONE)

    assert [(one.merged_id, one.into_id) for one in done.merges] == [(lee, dana)]
    assert done.profile.profile_id == dana
    assert done.profile.identifiers == {"phone": [PHONE], "email": [EMAIL]}


async def test_an_identifier_that_stays_with_somebody_else_is_not_added(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    await with_user_ids(backend, scope)
    dana = (await person(backend, scope, user_id="u-1", phone=PHONE)).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, user_id="u-2")).profile_id

    done = await backend.add_identifier(scope, lee, "phone", PHONE)

    assert [(one.identifier, one.holder_id, one.reason) for one in done.kept_apart] == [
        (Identifier("phone", PHONE), dana, "limit")
    ]
    assert "phone" not in done.profile.identifiers and await find(backend, scope, PHONE) == dana
    assert len((await backend.explain_identity(scope, lee)).conflicts) == 1


async def test_a_limit_holds_for_what_is_added(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="phone", limit=2, normalization="phone"))
    for number in (3, 4):
        clock.pass_(seconds=1)
        done = await backend.add_identifier(scope, dana, "phone", f"+1317555014{number}")

    assert done.profile.identifiers == {"phone": ["+13175550143", "+13175550144"]}
    assert await find(backend, scope, PHONE) is None


@pytest.mark.parametrize(
    ("id_type", "value"), [("phone", "tomorrow"), ("email", "x"), ("loyalty", "4711"), ("chat", " ")]
)
async def test_what_is_no_identifier_is_refused(
    backend: Backend, scope: Scope, dana: str, id_type: str, value: str
) -> None:
    await refused(Invalid, backend.add_identifier(scope, dana, id_type, value))

    assert (await get(backend, scope, dana)).identifiers == {"phone": [PHONE]}


async def test_two_who_are_given_one_identifier_at_once_become_one(backend: Backend, scope: Scope) -> None:
    ids = [(await person(backend, scope, chat=name)).profile_id for name in ("dana", "lee")]

    async with anyio.create_task_group() as tasks:
        for id in ids:
            tasks.start_soon(backend.add_identifier, scope, id, "email", EMAIL)

    profiles = [await get(backend, scope, id) for id in ids]
    assert profiles[0] == profiles[1] and profiles[0].identifiers["email"] == [EMAIL]


# Replaced


async def test_a_replaced_identifier_identifies_nobody_and_its_trait_says_the_new_one(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    done = await backend.replace_identifier(scope, dana, "phone", "317-555-0142", "317-555-0143")

    assert done.before is not None and done.before.identifiers == {"phone": [PHONE]}
    assert done.profile == await get(backend, scope, dana)
    assert done.profile.identifiers == {"phone": [OTHER_PHONE]}
    assert done.profile.traits == {"Contact": {"phone": OTHER_PHONE}}
    assert await find(backend, scope, PHONE) is None and await find(backend, scope, OTHER_PHONE) == dana


async def test_a_value_that_no_trait_says_any_more_is_replaced_alone(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    await event(backend, scope, dana, phone=OTHER_PHONE)
    clock.pass_(seconds=1)

    done = await backend.replace_identifier(scope, dana, "phone", PHONE, "+13175550144")

    assert done.profile.traits == {"Contact": {"phone": OTHER_PHONE}}
    assert done.profile.identifiers == {"phone": [OTHER_PHONE, "+13175550144"]}


async def test_a_replaced_identifier_may_make_two_one(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, phone=OTHER_PHONE)).profile_id

    done = await backend.replace_identifier(scope, lee, "phone", OTHER_PHONE, PHONE)

    assert [(one.merged_id, one.into_id) for one in done.merges] == [(lee, dana)]
    assert done.profile.identifiers == {"phone": [PHONE]} and await find(backend, scope, OTHER_PHONE) is None


async def test_where_the_new_value_stays_with_somebody_else_so_does_the_old_one(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    await with_user_ids(backend, scope)
    dana = (await person(backend, scope, user_id="u-1", phone=PHONE)).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, user_id="u-2", phone=OTHER_PHONE)).profile_id
    before = await get(backend, scope, lee)

    done = await backend.replace_identifier(scope, lee, "phone", OTHER_PHONE, PHONE)

    assert [(one.holder_id, one.reason) for one in done.kept_apart] == [(dana, "limit")]
    assert (done.profile.identifiers, done.profile.traits) == (before.identifiers, before.traits)
    assert await find(backend, scope, OTHER_PHONE) == lee and await find(backend, scope, PHONE) == dana
    assert len((await backend.explain_identity(scope, lee)).conflicts) == 1


async def test_only_what_is_there_is_replaced_and_only_by_what_is_not(
    backend: Backend, scope: Scope, dana: str
) -> None:
    await event(backend, scope, dana, email=EMAIL)
    replaced = backend.replace_identifier

    await refused(NotFound, replaced(scope, dana, "phone", OTHER_PHONE, "+13175550144"))
    await refused(NotFound, replaced(scope, dana, "chat", CHAT, "web-1"))
    await refused(Conflict, replaced(scope, dana, "phone", PHONE, "317-555-0142"))
    await refused(Invalid, replaced(scope, dana, "phone", PHONE, "tomorrow"))
    await refused(Invalid, replaced(scope, dana, "loyalty", "1", "2"))

    assert (await get(backend, scope, dana)).identifiers == {"phone": [PHONE], "email": [EMAIL]}


async def test_the_rule_of_its_trait_holds_for_the_new_value(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, USER_ID, rules=("user_id", "email"))
    rule = ValidationRule(pattern="u-[0-9]+")
    trait = TraitDefinition(
        group="Account", name="userId", data_type="STRING", id_type_promotion="user_id", validation_rule=rule
    )
    await backend.create_trait_group(scope, TraitGroup(display_name="Account", definitions=(trait,)))
    dana = (await person(backend, scope, user_id="u-1")).profile_id
    before = await get(backend, scope, dana)

    await refused(Invalid, backend.replace_identifier(scope, dana, "user_id", "u-1", "nobody"))
    assert await get(backend, scope, dana) == before
    done = await backend.replace_identifier(scope, dana, "user_id", "u-1", "u-2")
    assert done.profile.traits == {"Account": {"userId": "u-2"}}


# Removed


async def test_of_several_the_one_goes_that_the_limit_would_take(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in (3, 4):
        clock.pass_(seconds=1)
        await event(backend, scope, dana, phone=f"+1317555014{number}")
    clock.pass_(seconds=1)

    after = await backend.remove_identifiers(scope, dana, "phone", all=False)
    assert after.identifiers == {"phone": ["+13175550143", "+13175550144"]}
    assert after.traits == {"Contact": {"phone": "+13175550144"}}

    config = IdentifierConfig(id_type="phone", normalization="phone", limit_policy="lifo")
    await settings(backend, scope, config)
    last = await backend.remove_identifiers(scope, dana, "phone", all=False)
    assert last.identifiers == {"phone": ["+13175550143"]} and last.traits == {}


async def test_what_is_added_or_removed_changes_the_profile(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    assert (await backend.add_identifier(scope, dana, "email", EMAIL)).profile.updated_at == clock.time
    clock.pass_(seconds=1)

    after = await backend.remove_identifiers(scope, dana, "phone", all=False)

    assert after.updated_at == clock.time


async def test_all_of_a_type_go_with_the_trait_that_said_so(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    await event(backend, scope, dana, phone=OTHER_PHONE, email=EMAIL, city="Gary")

    after = await backend.remove_identifiers(scope, dana, "phone", all=True)

    assert after.identifiers == {"email": [EMAIL]}
    assert after.traits == {"Contact": {"city": "Gary", "email": EMAIL}}
    assert await find(backend, scope, PHONE) is None and await find(backend, scope, OTHER_PHONE) is None
    await refused(NotFound, backend.remove_identifiers(scope, dana, "phone", all=True))
    await refused(NotFound, backend.remove_identifiers(scope, dana, "phone", all=False))
    assert (await person(backend, scope, phone=PHONE)).profile_id != dana


async def test_of_merged_profiles_only_the_trait_of_that_value_goes(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, phone=OTHER_PHONE)).profile_id
    await backend.merge_profiles(scope, dana, lee)

    after = await backend.remove_identifiers(scope, lee, "phone", all=False)

    assert after.identifiers == {"phone": [OTHER_PHONE]} and after.traits == {"Contact": {"phone": OTHER_PHONE}}
    apart = await backend.unmerge_profile(scope, lee)
    assert (apart.restored.identifiers, apart.remaining.identifiers) == ({"phone": [OTHER_PHONE]}, {})
    assert (apart.restored.traits, apart.remaining.traits) == ({"Contact": {"phone": OTHER_PHONE}}, {})


async def test_what_there_is_room_for_again_identifies_again(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope, replace(USER_ID, limit_policy="fifo"))
    dana = (await person(backend, scope, user_id="u-1")).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, user_id="u-2")).profile_id
    await backend.merge_profiles(scope, dana, lee)
    assert (await get(backend, scope, dana)).identifiers == {"user_id": ["u-2"]}

    after = await backend.remove_identifiers(scope, dana, "user_id", all=False)
    assert after.identifiers == {"user_id": ["u-1"]}

    gone = await backend.remove_identifiers(scope, dana, "user_id", all=True)
    assert gone.identifiers == {} and gone.traits == {}
