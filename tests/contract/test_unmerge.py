"""A wrong merge can be undone."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import Identifier, NewObservation, NewSummary, Profile, Scope
from tests.contract.conftest import Clock
from tests.contract.people import (
    CHAT,
    EMAIL,
    PHONE,
    event,
    find,
    how_many,
    note,
    notes,
    person,
    settings,
    with_user_ids,
)

pytestmark = pytest.mark.anyio


def said(profile: Profile) -> tuple[object, ...]:
    """What a merge and its undoing leave as it was."""
    return profile.profile_id, profile.traits, profile.identifiers, profile.observation_count, profile.summary_count


async def test_both_sides_get_back_what_they_had(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE, city="Gary")
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL, city="Boone", firstName="Lee")
    await note(backend, scope, dana.profile_id, "Dana's.")
    await note(backend, scope, lee.profile_id, "Lee's.")
    clock.pass_(hours=1)
    await event(backend, scope, phone=PHONE, email=EMAIL)

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert (undone.restored.profile_id, undone.remaining.profile_id) == (lee.profile_id, dana.profile_id)
    assert undone.restored.traits == lee.traits and undone.remaining.traits == dana.traits
    assert await notes(backend, scope, dana.profile_id) == {"Dana's."}
    assert await notes(backend, scope, lee.profile_id) == {"Lee's."}
    assert (await find(backend, scope, PHONE), await find(backend, scope, EMAIL)) == (dana.profile_id, lee.profile_id)
    assert undone.undone.identifier == Identifier("phone", PHONE)
    assert undone.remaining.merges == undone.restored.merges == ()


async def test_what_was_learned_since_stays_with_the_one_it_was_learned_for(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    clock.pass_(hours=1)
    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    clock.pass_(hours=1)
    await note(backend, scope, lee.profile_id, "Under the id of Lee.")
    await event(backend, scope, email=EMAIL, city="Boone", chat=CHAT)  # found by what Lee brought
    await note(backend, scope, dana.profile_id, "Under the id of both.")
    await backend.add_summaries(scope, dana.profile_id, [NewSummary(content="Of whom?", conversation_id="c")])
    await event(backend, scope, dana.profile_id, country="US")

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert undone.restored.traits == {"Contact": {"email": EMAIL, "city": "Boone", "chat": CHAT}}
    assert undone.restored.identifiers == {"email": [EMAIL], "chat": [CHAT]}
    assert await notes(backend, scope, lee.profile_id) == {"Under the id of Lee."}
    assert await notes(backend, scope, dana.profile_id) == {"Under the id of both."}
    (stayed,) = undone.stayed
    assert (stayed.profile_id, stayed.traits, stayed.observations, stayed.summaries) == (dana.profile_id, 1, 1, 1)


async def test_the_same_rule_and_value_do_not_merge_them_again(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await event(backend, scope, phone=PHONE, email=EMAIL)
    await backend.unmerge_profile(scope, lee.profile_id)

    for _ in range(2):
        again = await event(backend, scope, phone=PHONE, email=EMAIL, city="Boone")
        assert again.merges == []
        assert [(one.holder_id, one.reason) for one in again.kept_apart] == [(dana.profile_id, "unmerged")]
        assert again.profile.profile_id == lee.profile_id  # the stronger rule decides
    named = await event(backend, scope, lee.profile_id, phone=PHONE)
    assert [one.reason for one in named.kept_apart] == ["unmerged"]
    (separation,) = (await backend.explain_identity(scope, dana.profile_id)).separations
    assert separation.identifier == Identifier("phone", PHONE)


async def test_another_value_does_merge_them_again(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await event(backend, scope, phone=PHONE, email=EMAIL)
    await backend.unmerge_profile(scope, lee.profile_id)
    await event(backend, scope, dana.profile_id, phone="+13175550999")

    again = await event(backend, scope, phone="+13175550999", email=EMAIL)

    assert [one.merged_id for one in again.merges] == [lee.profile_id]


async def test_a_curator_may_merge_again_what_was_taken_apart(backend: Backend, scope: Scope) -> None:
    dana, lee = await person(backend, scope, phone=PHONE), await person(backend, scope, email=EMAIL)
    await event(backend, scope, phone=PHONE, email=EMAIL)
    older, younger = sorted([dana, lee], key=lambda one: (one.created_at, one.profile_id))
    await backend.unmerge_profile(scope, younger.profile_id)

    merged = await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)

    assert merged.profile.all_ids == [older.profile_id, younger.profile_id]
    explanation = await backend.explain_identity(scope, dana.profile_id)
    assert explanation.separations == []
    assert [one.undone_at is None for one in explanation.entries] == [False, True]


async def test_only_the_branch_that_was_wrong_comes_out(backend: Backend, scope: Scope, clock: Clock) -> None:
    people = []
    for name in ("a", "b", "c", "d"):
        people.append((await person(backend, scope, email=f"{name}@x.co", chat=name)).profile_id)
        clock.pass_(hours=1)
    a, b, c, d = people
    await event(backend, scope, email="a@x.co", chat="b")
    await event(backend, scope, email="b@x.co", chat="c")  # c is one of them because of b
    await event(backend, scope, email="a@x.co", chat="d")
    assert await how_many(backend, scope) == 1

    undone = await backend.unmerge_profile(scope, b)

    assert undone.restored.all_ids == [b, c]
    assert undone.remaining.all_ids == [a, d]
    again = await backend.unmerge_profile(scope, c)
    assert (again.restored.all_ids, again.remaining.all_ids) == ([c], [b])


async def test_the_earlier_one_of_a_branch_becomes_its_id(backend: Backend, scope: Scope, clock: Clock) -> None:
    people = []
    for name in ("a", "b", "c"):
        people.append((await person(backend, scope, email=f"{name}@x.co", chat=name)).profile_id)
        clock.pass_(hours=1)
    a, b, c = people
    await event(backend, scope, email="b@x.co", chat="c")
    await backend.merge_profiles(scope, a, c)  # by the younger of the two

    undone = await backend.unmerge_profile(scope, c)

    assert undone.restored.all_ids == [b, c]
    assert undone.remaining.all_ids == [a]


async def test_identifiers_that_a_merge_had_no_room_for_come_back(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1")
    clock.pass_(hours=1)
    lee = await person(backend, scope, user_id="u-2")
    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    assert await find(backend, scope, "u-1", "user_id") is None

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert undone.remaining.identifiers == {"user_id": ["u-1"]}
    assert undone.restored.identifiers == {"user_id": ["u-2"]}
    assert await find(backend, scope, "u-1", "user_id") == dana.profile_id


async def test_what_somebody_else_took_meanwhile_stays_theirs(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1")
    clock.pass_(hours=1)
    lee = await person(backend, scope, user_id="u-2")
    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    kim = await person(backend, scope, user_id="u-1")
    assert kim.profile_id not in (dana.profile_id, lee.profile_id)

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert undone.remaining.identifiers == {}
    assert await find(backend, scope, "u-1", "user_id") == kim.profile_id


async def test_room_taken_by_the_other_side_comes_back(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="email", normalization="email", limit=2))
    dana = await person(backend, scope, phone=PHONE, email="d1@x.co")
    clock.pass_(hours=1)
    lee = await person(backend, scope, email="l1@x.co")
    clock.pass_(hours=1)
    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    clock.pass_(hours=1)
    await event(backend, scope, lee.profile_id, email="l2@x.co")  # drops Dana's, the oldest
    assert await find(backend, scope, "d1@x.co") is None

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert undone.remaining.identifiers["email"] == ["d1@x.co"]
    assert undone.restored.identifiers["email"] == ["l1@x.co", "l2@x.co"]


async def test_a_writer_that_holds_a_merged_id_strands_nothing(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    clock.pass_(hours=1)

    added = await backend.add_observations(scope, lee.profile_id, [NewObservation(content="Late.")])

    assert added.profile_ids == (dana.profile_id, lee.profile_id)
    assert await notes(backend, scope, dana.profile_id) == {"Late."}
    found = await backend.get_profile(scope, dana.profile_id)
    assert (found.updated_at, found.observation_count) == (clock.time, 1)


async def test_the_ledger_keeps_what_each_side_had(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE, city="Gary")
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await note(backend, scope, lee.profile_id, "One.")
    clock.pass_(hours=1)
    await event(backend, scope, phone=PHONE, email=EMAIL, city="Rome")

    explanation = await backend.explain_identity(scope, lee.profile_id)

    (entry,) = explanation.entries
    assert (entry.merged_id, entry.into_id, entry.by, entry.at) == (
        lee.profile_id,
        dana.profile_id,
        "resolution",
        clock.time,
    )
    sides = explanation.sides[entry.no]
    assert sides.into.traits == {"Contact": {"phone": PHONE, "city": "Gary"}}
    assert (sides.merged.identifiers, sides.merged.observation_count) == ({"email": [EMAIL]}, 1)
    assert [(one.identifier.id_type, one.profile_id, one.trait) for one in explanation.holdings] == [
        ("phone", dana.profile_id, ("Contact", "phone")),
        ("email", lee.profile_id, ("Contact", "email")),
    ]
