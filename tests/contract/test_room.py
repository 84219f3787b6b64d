"""How many identifiers a profile keeps, through merges and their undoing in any order."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import Identifier, Profile, Scope, TraitDefinition
from tests.contract.conftest import Clock
from tests.contract.people import event, find, note, person, refused, settings, with_user_ids

pytestmark = pytest.mark.anyio

ONE_CHAT, TWO_CHATS = (IdentifierConfig(id_type="chat", limit=limit) for limit in (1, 2))
ONE_PHONE = IdentifierConfig(id_type="phone", normalization="phone", limit=1)
P1, P2, P3 = (f"+1317555010{number}" for number in (1, 2, 3))


async def known(backend: Backend, scope: Scope, profile: Profile) -> dict[str, list[str]]:
    return {kind: list(v) for kind, v in (await backend.get_profile(scope, profile.profile_id)).identifiers.items()}


async def three(backend: Backend, scope: Scope, clock: Clock, *contacts: dict[str, str]) -> list[Profile]:
    people = []
    for contact in contacts:
        people.append(await person(backend, scope, **contact))
        clock.pass_(hours=1)
    return people


async def test_what_there_was_no_room_for_is_reported(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    dana, lee = await three(backend, scope, clock, {"user_id": "u-1"}, {"user_id": "u-2"})

    merged = await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)

    assert list(merged.entry.dropped) == [Identifier("user_id", "u-1")]
    explained = await backend.explain_identity(scope, lee.profile_id)
    assert [(one.identifier.value, one.profile_id) for one in explained.retired] == [("u-1", dana.profile_id)]
    await person(backend, scope, user_id="u-1")
    undone = await backend.unmerge_profile(scope, lee.profile_id)
    assert undone.lost == [Identifier("user_id", "u-1")]


async def test_what_was_retired_and_is_said_again_identifies_again(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    await settings(backend, scope, ONE_CHAT)
    a, b = await three(backend, scope, clock, {"phone": P1, "chat": "a"}, {"phone": P2, "chat": "b"})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)

    again = await event(backend, scope, phone=P1, chat="a")
    assert again.profile.identifiers["chat"] == ["a"]
    clock.pass_(hours=1)
    another = await event(backend, scope, phone=P2, chat="d")
    assert another.profile.identifiers["chat"] == ["d"]

    await backend.unmerge_profile(scope, b.profile_id)
    assert await known(backend, scope, a) == {"phone": [P1], "chat": ["a"]}
    assert await known(backend, scope, b) == {"phone": [P2], "chat": ["d"]}


async def test_room_is_made_by_undoing_any_of_the_merges(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    a, b, c = await three(backend, scope, clock, {"phone": P1}, {"user_id": "u-2"}, {"user_id": "u-3"})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    await backend.merge_profiles(scope, a.profile_id, c.profile_id)

    await backend.unmerge_profile(scope, b.profile_id)

    assert await known(backend, scope, b) == {"user_id": ["u-2"]}
    assert await known(backend, scope, a) == {"phone": [P1], "user_id": ["u-3"]}


async def test_what_only_a_merge_made_too_much_is_not_dropped(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, TWO_CHATS)
    a, b = await three(backend, scope, clock, {"phone": P1, "chat": "a"}, {"phone": P2, "chat": "b"})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    assert (await event(backend, scope, a.profile_id, chat="a2")).profile.identifiers["chat"] == ["b", "a2"]

    await backend.unmerge_profile(scope, b.profile_id)

    assert await known(backend, scope, a) == {"phone": [P1], "chat": ["a", "a2"]}


async def test_undoing_one_merge_destroys_nothing_that_another_will_give_back(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    await settings(backend, scope, ONE_CHAT)
    a, b, c = await three(backend, scope, clock, {"chat": "a"}, {"phone": P2}, {"chat": "c"})
    await backend.merge_profiles(scope, a.profile_id, c.profile_id)
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    await event(backend, scope, b.profile_id, chat="e")

    await backend.unmerge_profile(scope, c.profile_id)
    await backend.unmerge_profile(scope, b.profile_id)

    assert await known(backend, scope, a) == {"chat": ["a"]}
    assert await known(backend, scope, b) == {"phone": [P2], "chat": ["e"]}
    assert await known(backend, scope, c) == {"chat": ["c"]}


async def test_a_removed_trait_does_not_come_back_by_unmerging(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    a, b = await three(backend, scope, clock, {"user_id": "u-1"}, {"user_id": "u-2"})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    await event(backend, scope, a.profile_id, user_id=None)

    await backend.unmerge_profile(scope, b.profile_id)

    assert await known(backend, scope, a) == await known(backend, scope, b) == {}
    assert await find(backend, scope, "u-1", "user_id") is None


async def test_a_call_keeps_what_it_was_matched_by(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="phone", normalization="phone", limit=2))
    (a,) = await three(backend, scope, clock, {"phone": P1, "email": "a@x.co"})
    await event(backend, scope, a.profile_id, phone=P2)
    clock.pass_(hours=1)
    raw = {"Contact": {"phone": P1}, "Zed": {"mobile": P3}}
    await backend.create_trait_group(scope, _mobile())

    for _ in range(2):
        after = (await backend.upsert_traits(scope, raw, None)).profile
        assert (after.profile_id, sorted(after.identifiers["phone"])) == (a.profile_id, [P1, P3])


async def test_a_call_that_makes_two_one_removes_nothing(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    a, b = await three(backend, scope, clock, {"user_id": "u-1", "phone": P1, "city": "Rome"}, {"user_id": "u-2"})

    for _ in range(2):
        said = await refused(Conflict, event(backend, scope, b.profile_id, user_id=None, city=None, phone=P1))
        assert "nothing was written" in said

    assert await known(backend, scope, a) == {"user_id": ["u-1"], "phone": [P1]}
    assert (await backend.get_profile(scope, a.profile_id)).traits["Contact"]["city"] == "Rome"
    assert await known(backend, scope, b) == {"user_id": ["u-2"]}


async def test_who_is_part_of_whom_is_told_as_it_is_now(backend: Backend, scope: Scope, clock: Clock) -> None:
    a, b, c = await three(backend, scope, clock, {"chat": "a"}, {"chat": "b"}, {"chat": "c"})
    await backend.merge_profiles(scope, b.profile_id, c.profile_id)
    await backend.merge_profiles(scope, a.profile_id, c.profile_id)
    assert (await backend.get_profile(scope, a.profile_id)).all_ids == [a.profile_id, b.profile_id, c.profile_id]

    undone = await backend.unmerge_profile(scope, b.profile_id)

    assert undone.remaining.all_ids == [a.profile_id, c.profile_id]
    assert undone.restored.all_ids == [b.profile_id]


async def test_the_same_call_again_does_not_join_what_it_was_told_to_keep_apart(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    a, b = await three(backend, scope, clock, {"phone": P1}, {"chat": "w"})
    await event(backend, scope, b.profile_id, phone=P1)
    await backend.unmerge_profile(scope, b.profile_id)

    for _ in range(3):
        again = await event(backend, scope, phone=P1, chat="w", email="new@x.co")
        assert [(one.identifier.value, one.reason) for one in again.kept_apart] == [("w", "unmerged")]
        assert again.profile.profile_id == a.profile_id


async def test_a_blocked_value_beside_a_shared_one_is_kept_apart(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="chat", enforce_unique=False))
    a, b = await three(backend, scope, clock, {"email": "a@x.co"}, {"phone": P1, "chat": "desk"})
    await event(backend, scope, email="a@x.co", phone=P1)
    await backend.unmerge_profile(scope, b.profile_id)

    for _ in range(2):
        after = await event(backend, scope, email="a@x.co", phone=P1, chat="desk")
        assert after.profile.profile_id == a.profile_id
        assert [(one.identifier.value, one.reason) for one in after.kept_apart] == [(P1, "unmerged")]


async def test_what_was_learned_under_each_common_id_is_counted(backend: Backend, scope: Scope, clock: Clock) -> None:
    a, b, c = await three(backend, scope, clock, {"chat": "a"}, {"chat": "b"}, {"chat": "c"})
    await backend.merge_profiles(scope, b.profile_id, c.profile_id)
    clock.pass_(hours=1)
    await note(backend, scope, b.profile_id, "Of b or c.")
    await note(backend, scope, a.profile_id, "Of a alone.")
    clock.pass_(hours=1)
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    clock.pass_(hours=1)
    await note(backend, scope, a.profile_id, "Of any.", "Of any of them.")
    await note(backend, scope, b.profile_id, "Of b.")
    await note(backend, scope, c.profile_id, "Of c.")

    undone = await backend.unmerge_profile(scope, c.profile_id)

    assert [(one.profile_id, one.observations) for one in undone.stayed] == [(b.profile_id, 1), (a.profile_id, 2)]


async def test_the_latest_of_three_holds_whatever_their_clocks(backend: Backend, scope: Scope, clock: Clock) -> None:
    people = await three(backend, scope, clock, {"chat": "a"}, {"chat": "b"}, {"chat": "c"})
    for one in people[1:]:
        await backend.merge_profiles(scope, people[0].profile_id, one.profile_id)
    for hours, which, city in ((0, 1, "old"), (2, 0, "newer"), (-1, 2, "newest")):
        clock.pass_(hours=hours)
        after = await event(backend, scope, people[which].profile_id, city=city)

        assert after.profile.traits["Contact"]["city"] == city


async def test_what_is_said_again_goes_with_its_trait_to_the_one_who_brought_it(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    await settings(backend, scope, ONE_PHONE)
    a, b = await three(backend, scope, clock, {"email": "a@x.co", "phone": P1}, {"email": "b@x.co", "phone": P2})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    await event(backend, scope, b.profile_id, phone=P1)

    undone = await backend.unmerge_profile(scope, b.profile_id)

    assert undone.restored.traits["Contact"] == {"email": "b@x.co", "phone": P2}
    assert undone.remaining.traits["Contact"] == {"email": "a@x.co", "phone": P1}
    assert (await known(backend, scope, b))["phone"] == [P2]


async def test_what_somebody_else_took_can_still_be_removed(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, ONE_PHONE)
    await backend.create_trait_group(scope, _mobile())
    a, b = await three(backend, scope, clock, {"email": "a@x.co", "phone": P1}, {"email": "b@x.co", "phone": P2})
    await backend.upsert_traits(scope, {"Zed": {"mobile": P1}}, a.profile_id)
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    kim = await person(backend, scope, phone=P1)

    await event(backend, scope, a.profile_id, phone=None)

    assert await find(backend, scope, P1) == kim.profile_id


async def test_room_that_a_deleted_group_leaves_is_taken(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, ONE_PHONE)
    await backend.create_trait_group(scope, _mobile())
    (a,) = await three(backend, scope, clock, {"phone": P1})
    b = (await backend.upsert_traits(scope, {"Zed": {"mobile": P2}}, None)).profile
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    assert await find(backend, scope, P1) is None

    await backend.delete_trait_group(scope, "Zed")

    assert await find(backend, scope, P1) == a.profile_id
    shared = IdentifierConfig(id_type="phone", normalization="phone", enforce_unique=False)
    await settings(backend, scope, shared)
    assert await find(backend, scope, P1) == a.profile_id


async def test_a_raised_limit_makes_room(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, ONE_PHONE)
    a, b = await three(backend, scope, clock, {"phone": P1}, {"phone": P2})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)

    await settings(backend, scope, IdentifierConfig(id_type="phone", normalization="phone"))

    assert await find(backend, scope, P1) == await find(backend, scope, P2) == a.profile_id


@pytest.mark.parametrize("goes", ["removed", "replaced", "retired"])
async def test_what_somebody_else_has_no_longer_identifies_again(
    backend: Backend, scope: Scope, clock: Clock, goes: str
) -> None:
    await settings(backend, scope, ONE_PHONE)
    a, b = await three(backend, scope, clock, {"phone": P1}, {"phone": P2})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    kim, lou = await three(backend, scope, clock, {"phone": P1, "chat": "kim"}, {"phone": P3})
    undone = await backend.unmerge_profile(scope, b.profile_id)
    assert undone.lost == [Identifier("phone", P1)]

    if goes == "retired":
        await backend.merge_profiles(scope, kim.profile_id, lou.profile_id)
    else:
        await event(backend, scope, kim.profile_id, phone=None if goes == "removed" else "+13175550177")

    assert await find(backend, scope, P1) == a.profile_id


async def test_what_somebody_else_has_takes_no_room(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(
        backend, scope, IdentifierConfig(id_type="phone", normalization="phone", limit=1, limit_policy="lifo")
    )
    b, a = await three(backend, scope, clock, {"phone": P2}, {"phone": P1, "email": "a@x.co"})
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    await person(backend, scope, phone=P1)
    await backend.unmerge_profile(scope, a.profile_id)

    after = await event(backend, scope, a.profile_id, phone=P3)

    assert after.profile.identifiers["phone"] == [P3]
    assert after.dropped == []


async def test_what_there_is_no_room_for_is_told(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(
        backend, scope, IdentifierConfig(id_type="phone", normalization="phone", limit=1, limit_policy="lifo")
    )
    (a,) = await three(backend, scope, clock, {"phone": P1})

    after = await event(backend, scope, a.profile_id, phone=P2)

    assert list(after.dropped) == [Identifier("phone", P2)]
    assert after.profile.identifiers == {"phone": [P1]}


async def test_a_shared_value_comes_back_though_others_have_it(backend: Backend, scope: Scope, clock: Clock) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="chat", limit=1, enforce_unique=False))
    a, b, c = await three(
        backend,
        scope,
        clock,
        {"email": "a@x.co", "chat": "desk"},
        {"email": "b@x.co", "chat": "hall"},
        {"email": "c@x.co", "chat": "desk"},
    )
    await backend.merge_profiles(scope, a.profile_id, b.profile_id)
    undone = await backend.unmerge_profile(scope, b.profile_id)

    assert undone.lost == []
    for one in (a, c):
        assert (await known(backend, scope, one))["chat"] == ["desk"]


async def test_what_a_limit_kept_apart_leaves_no_separation(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    a, _ = await three(backend, scope, clock, {"user_id": "u-1", "phone": P1}, {"user_id": "u-2", "email": "b@x.co"})

    kept = await event(backend, scope, user_id="u-2", phone=P1, chat="new")

    assert [one.reason for one in kept.kept_apart] == ["limit"]
    assert (await backend.explain_identity(scope, a.profile_id)).separations == []


def _mobile() -> TraitGroup:
    trait = TraitDefinition(group="Zed", name="mobile", data_type="STRING", id_type_promotion="phone")
    return TraitGroup(display_name="Zed", definitions=(trait,))
