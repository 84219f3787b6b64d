from collections.abc import Awaitable
from typing import Any

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import Error, Invalid, NotFound
from mcp_memory.ids import PROFILE
from mcp_memory.model import Identifier, NewObservation, Profile, Scope, TraitDefinition, Upserted
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import how_many

pytestmark = pytest.mark.anyio

PHONE, EMAIL = "+13175550142", "dana@example.com"


async def create(backend: Backend, scope: Scope, **contact: Any) -> Profile:
    return (await backend.upsert_traits(scope, {"Contact": contact}, None)).profile


async def find(backend: Backend, scope: Scope, id_type: str, value: str) -> str | None:
    lookup = await backend.lookup_profile(scope, value, id_type)
    return lookup.profile.profile_id if lookup.profile else None


async def refused(kind: type[Error], work: Awaitable[object]) -> str:
    with pytest.raises(kind) as caught:
        await work
    return str(caught.value)


async def test_a_new_identifier_creates_a_profile(backend: Backend, scope: Scope) -> None:
    upserted = await backend.upsert_traits(scope, {"Contact": {"phone": "(317) 555-0142", "firstName": "Dana"}}, None)

    profile = upserted.profile
    assert upserted.outcome == "created"
    assert profile.traits == {"Contact": {"phone": PHONE, "firstName": "Dana"}}
    assert profile.identifiers == {"phone": [PHONE]}
    assert profile.created_at == profile.last_activity_at == MONDAY


@pytest.mark.parametrize("spelling", ["+1 317 555 0142", "1-317-555-0142", "(317) 555-0142", "tel:+13175550142"])
async def test_a_known_identifier_in_any_spelling_updates_its_profile(
    backend: Backend, scope: Scope, spelling: str
) -> None:
    first = await create(backend, scope, phone=PHONE)

    again = await backend.upsert_traits(scope, {"Contact": {"phone": spelling, "city": "Gary"}}, None)

    assert (again.outcome, again.profile.profile_id) == ("updated", first.profile_id)
    assert await find(backend, scope, "phone", spelling) == first.profile_id


async def test_a_second_identifier_links_a_second_channel(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE)
    await backend.upsert_traits(scope, {"Contact": {"email": "Dana@Example.COM"}}, profile.profile_id)

    assert await find(backend, scope, "email", EMAIL) == profile.profile_id
    assert (await backend.get_profile(scope, profile.profile_id)).identifiers == {"phone": [PHONE], "email": [EMAIL]}


async def test_a_former_phone_still_finds_the_customer(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE)
    await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550143"}}, profile.profile_id)

    assert await find(backend, scope, "phone", PHONE) == profile.profile_id
    assert await find(backend, scope, "phone", "+13175550143") == profile.profile_id


async def test_a_removed_identifying_trait_no_longer_finds_the_customer(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE, email="former@example.com", firstName="Dana")
    await backend.upsert_traits(scope, {"Contact": {"email": EMAIL}}, profile.profile_id)
    after = await backend.upsert_traits(scope, {"Contact": {"email": None, "firstName": None}}, profile.profile_id)

    assert after.profile.traits == {"Contact": {"phone": PHONE}}
    assert after.profile.identifiers == {"phone": [PHONE]}
    assert await find(backend, scope, "email", EMAIL) is None
    assert await find(backend, scope, "email", "former@example.com") is None


async def test_nobody_found_is_an_answer_with_the_value_as_it_is_compared(backend: Backend, scope: Scope) -> None:
    lookup = await backend.lookup_profile(scope, " Dana@Example.COM ", "email")

    assert (lookup.profile, lookup.identifier) == (None, Identifier("email", EMAIL))


async def test_the_first_type_that_somebody_has_answers(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, whatsapp=PHONE)
    lookup = await backend.lookup_profile(scope, PHONE, None)

    assert lookup.profile is not None and lookup.profile.profile_id == profile.profile_id
    assert lookup.identifier.id_type == "whatsapp"


async def test_without_an_identifying_trait_nobody_is_created(backend: Backend, scope: Scope) -> None:
    said = await refused(Invalid, backend.upsert_traits(scope, {"Contact": {"firstName": "Dana"}}, None))

    assert "Contact.phone" in said and "profile_id" in said
    assert await how_many(backend, scope) == 0


@pytest.mark.parametrize(
    ("traits", "complaint"),
    [
        ({}, "traits has 0 groups"),
        ({"Contact": {}}, "traits.Contact has 0 traits"),
        ({"Contact": {"phone": "12"}}, "traits.Contact.phone is not a phone number"),
        ({"Contact": {"email": "dana"}}, "traits.Contact.email is not an email address"),
        ({"Contact": {"firstName": 7}}, "traits.Contact.firstName is declared STRING, the value given is NUMBER"),
        ({"Contact": {"firstName": {"a": 1}}}, "traits.Contact.firstName must be a string"),
        ({"Contact": {"first_name": "A", "firstName": "B"}}, "traits.Contact.firstName is given twice"),
        ({"Contact": {"": "A"}}, "a trait's name must be"),
        ({"Con tact": {"a": "A"}}, "a group's name must be"),
        ({"Contact": {"city": "x" * 1025}}, "traits.Contact.city is 1025 characters long, the limit is 1024"),
        ({"Plan": {"seats": 2**31}}, "traits.Plan.seats is out of range"),
        ({"Plan": {"score": float("nan")}}, "traits.Plan.score is not a number"),
        ({"Plan": {"tags": ["x"] * 101}}, "traits.Plan.tags has 101 elements, the limit is 100"),
        ({"Plan": {f"t{n}": 1 for n in range(96)}}, "traits.Plan has 96 traits"),
        ({f"G{n}": {"a": 1} for n in range(51)}, "traits has 51 groups"),
        ({f"G{n}": {"a": 1} for n in range(50)}, "the store would have 51 trait groups"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_name_and_writes_nothing(
    backend: Backend, scope: Scope, traits: dict[str, Any], complaint: str
) -> None:
    profile = await create(backend, scope, phone=PHONE)
    mixed = {"Loyalty": {"level": "gold"}, **traits} if 0 < len(traits) < 50 else traits

    said = await refused(Invalid, backend.upsert_traits(scope, mixed, profile.profile_id))

    assert complaint in said
    assert (await backend.get_profile(scope, profile.profile_id)).traits == {"Contact": {"phone": PHONE}}
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))
    assert "Loyalty.level" in await refused(
        Invalid, backend.upsert_traits(scope, {"Loyalty": {"level": "gold"}}, profile.profile_id)
    )


async def test_new_traits_are_declared_with_the_type_they_show(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE)
    given = {"Plan": {"name": "pro", "seats": 3, "trial": False, "tags": ["a", "b"], "rate": 1.5}}

    after = await backend.upsert_traits(scope, given, profile.profile_id)

    assert after.profile.traits["Plan"] == {"name": "pro", "seats": 3, "trial": False, "tags": ("a", "b"), "rate": 1.5}
    said = await refused(Invalid, backend.upsert_traits(scope, {"Plan": {"seats": "three"}}, profile.profile_id))
    assert "traits.Plan.seats is declared NUMBER" in said


async def test_spellings_of_a_name_are_one_trait(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE)
    for group, name in (("contact", "First Name"), ("CONTACT", "first_name"), ("Contact", "firstname")):
        after = await backend.upsert_traits(scope, {group: {name: "Dana"}}, profile.profile_id)

    assert after.profile.traits == {"Contact": {"phone": PHONE, "firstName": "Dana"}}


async def test_a_store_can_refuse_traits_nobody_declared(backend: Backend, scope: Scope) -> None:
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))

    said = await refused(
        Invalid, backend.upsert_traits(scope, {"Contact": {"phone": PHONE}, "Plan": {"name": "pro"}}, None)
    )

    assert "Plan.name" in said and "Contact.phone (STRING)" in said
    assert await how_many(backend, scope) == 0


async def test_an_unknown_profile_is_not_found(backend: Backend, scope: Scope, clock: Clock) -> None:
    nobody = clock.make_id(PROFILE)

    await refused(NotFound, backend.get_profile(scope, nobody))
    await refused(NotFound, backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, nobody))

    assert await find(backend, scope, "phone", PHONE) is None


async def test_one_person_arriving_sixteen_times_at_once_is_one_profile(
    backend: Backend, scope: Scope, tells_the_first: bool
) -> None:
    upserted: list[Upserted] = []

    async def arrive(number: int) -> None:
        traits = {"Contact": {"phone": PHONE if number % 2 else "(317) 555-0142", "city": f"City {number}"}}
        upserted.append(await backend.upsert_traits(scope, traits, None))

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(arrive, number)

    assert len({one.profile.profile_id for one in upserted}) == 1
    outcomes = [one.outcome for one in upserted]
    assert 1 <= outcomes.count("created") <= (1 if tells_the_first else 16)
    assert await how_many(backend, scope) == 1


async def test_profile_ids_complete_from_an_id_or_an_identifier(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await create(backend, scope, phone=PHONE, email=EMAIL)
    clock.pass_(hours=1)
    lee = await create(backend, scope, email="lee@example.com")

    async def complete(start: str, limit: int = 10) -> list[str]:
        return await backend.complete_profile_ids(scope, start, limit)

    assert await complete("") == [lee.profile_id, dana.profile_id]
    assert await complete("", limit=1) == [lee.profile_id]
    assert await complete(dana.profile_id) == [dana.profile_id]
    same = [dana.profile_id[:end] == lee.profile_id[:end] for end in range(len(dana.profile_id))]
    assert await complete(dana.profile_id[: sum(same)]) == [dana.profile_id]
    assert await complete("mem_pro") == [lee.profile_id, dana.profile_id]
    assert await complete("Dana@example.com") == await complete(PHONE) == [dana.profile_id]
    assert await complete("mem_profile_ilou") == await complete("nobody") == await complete("mem_profile_8") == []
    assert await complete("mem_profile_" + "0" * 40) == await complete("%' or 1=1 --") == []


async def test_profile_ids_complete_from_the_beginning_of_an_identifier(backend: Backend, scope: Scope) -> None:
    dana = await create(backend, scope, phone=PHONE, email=EMAIL)
    chat = await create(backend, scope, chat="Lee-42")

    for start, found in (("Dana@", dana), ("+1317", dana), ("Lee-4", chat)):
        assert await backend.complete_profile_ids(scope, start, 10) == [found.profile_id]


async def test_last_activity_is_when_it_happened_not_when_it_was_learned(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    profile = await create(backend, scope, phone=PHONE)
    clock.pass_(days=10)
    last_week = MONDAY.replace(day=7)
    await backend.add_observations(
        scope, profile.profile_id, [NewObservation(content="Called.", occurred_at=last_week)]
    )

    after = await backend.get_profile(scope, profile.profile_id)

    assert (after.last_activity_at, after.updated_at, after.created_at) == (last_week, clock.time, MONDAY)

    earlier = NewObservation(content="Wrote.", occurred_at=MONDAY.replace(day=1))
    await backend.add_observations(scope, profile.profile_id, [earlier])
    assert (await backend.get_profile(scope, profile.profile_id)).last_activity_at == last_week


async def test_a_change_of_traits_is_an_update(backend: Backend, scope: Scope, clock: Clock) -> None:
    profile = await create(backend, scope, phone=PHONE)
    clock.pass_(hours=2)
    changed = await backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, profile.profile_id)

    assert changed.profile.updated_at == clock.time
    assert changed.before == profile


async def test_with_a_clock_that_goes_back_no_update_is_earlier_than_another(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    profile = await create(backend, scope, phone=PHONE)
    clock.pass_(hours=2)
    changed = await backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, profile.profile_id)
    clock.pass_(hours=-1)
    again = await backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, profile.profile_id)

    assert changed.profile.updated_at == again.profile.updated_at


async def test_a_profile_carries_only_so_many_traits(backend: Backend, scope: Scope) -> None:
    profile = await create(backend, scope, phone=PHONE)
    long = {f"t{number}": "x" * 1000 for number in range(90)}
    traits = tuple(TraitDefinition(group="Plan", name=name, data_type="STRING") for name in long)
    await backend.create_trait_group(scope, TraitGroup(display_name="Plan", definitions=traits))

    said = await refused(Invalid, backend.upsert_traits(scope, {"Plan": long}, profile.profile_id))

    assert "the limit is 65536" in said
    assert (await backend.get_profile(scope, profile.profile_id)).traits == {"Contact": {"phone": PHONE}}
