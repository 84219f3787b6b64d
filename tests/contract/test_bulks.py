"""Many profiles in one call."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.model import Scope
from tests.contract.people import EMAIL, PHONE, how_many

pytestmark = pytest.mark.anyio


def phone(number: int) -> str:
    return f"+1317555{number:04}"


async def test_a_thousand_entries_with_overlaps_become_as_many_profiles_as_there_are_people(
    backend: Backend, scope: Scope
) -> None:
    people = [number * 7 % 400 for number in range(1000)]
    entries = [{"Contact": {"phone": phone(person), "city": f"City {n}"}} for n, person in enumerate(people)]

    outcomes = await backend.upsert_profiles(scope, entries)

    ids = {person: one.profile_id for person, one in zip(people, outcomes, strict=True)}
    found = await backend.lookup_profile(scope, phone(people[999]), None)
    assert [one.outcome for one in outcomes].count("created") == 400
    assert [one.outcome for one in outcomes].count("updated") == 600
    assert [one.profile_id for one in outcomes] == [ids[person] for person in people]
    assert len(set(ids.values())) == await how_many(backend, scope) == 400
    assert found.profile is not None
    assert found.profile.traits["Contact"]["city"] == "City 999"


async def test_an_entry_that_is_refused_is_refused_alone(backend: Backend, scope: Scope) -> None:
    outcomes = await backend.upsert_profiles(
        scope, [{"Contact": {"phone": phone(1)}}, {"Contact": {"phone": "nobody's"}}, {"Contact": {"phone": phone(2)}}]
    )

    assert [one.outcome for one in outcomes] == ["created", "refused", "created"]
    assert outcomes[1].profile_id is None
    assert "Contact.phone" in outcomes[1].reason
    assert await how_many(backend, scope) == 2


async def test_in_one_bulk_the_later_entry_is_the_later_write(backend: Backend, scope: Scope) -> None:
    entries = [
        {"Contact": {"phone": PHONE, "city": "first"}},
        {"Contact": {"email": EMAIL, "city": "second"}},
        {"Contact": {"phone": PHONE, "email": EMAIL}},
        {"Contact": {"phone": PHONE, "city": "third"}},
        {"Contact": {"email": EMAIL, "city": "fourth"}},
    ]

    outcomes = await backend.upsert_profiles(scope, entries)

    profile = await backend.get_profile(scope, outcomes[0].profile_id or "")
    assert profile.traits["Contact"]["city"] == "fourth"
    assert {one.profile_id for one in outcomes[2:]} == {profile.profile_id}


async def test_a_bulk_tells_how_many_became_one(backend: Backend, scope: Scope) -> None:
    entries = [
        {"Contact": {"phone": PHONE}},
        {"Contact": {"email": EMAIL}},
        {"Contact": {"phone": PHONE, "email": EMAIL}},
    ]

    outcomes = await backend.upsert_profiles(scope, entries)

    assert [one.merges for one in outcomes] == [0, 0, 1]


async def test_what_a_refused_entry_would_have_declared_is_not_declared(backend: Backend, scope: Scope) -> None:
    entries: list[dict[str, dict[str, object]]] = [
        {"Contact": {"phone": PHONE}, "Plan": {"seats": 3}, "Other": {"x": float("nan")}},
        {"Contact": {"phone": PHONE}, "Plan": {"seats": 4, "score": 1}, "Loyalty": {"t" * 65: 1}},
        {"Contact": {"phone": PHONE}, "Plan": {"seats": "three"}},
    ]

    outcomes = await backend.upsert_profiles(scope, entries)

    assert [one.outcome for one in outcomes] == ["refused", "refused", "created"]
    assert (await backend.get_profile(scope, outcomes[2].profile_id or "")).traits["Plan"] == {"seats": "three"}
