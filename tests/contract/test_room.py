"""How many identifiers a profile keeps, through merges and their undoing in any order."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import Identifier, Profile, Scope, TraitDefinition
from tests.contract.conftest import Clock
from tests.contract.people import event, find, note, person, settings, with_user_ids

pytestmark = pytest.mark.anyio

ONE_CHAT, TWO_CHATS = (IdentifierConfig(id_type="chat", limit=limit) for limit in (1, 2))
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


async def test_a_removal_counts_for_the_call_that_asks_for_it(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    _, b = await three(backend, scope, clock, {"user_id": "u-1", "phone": P1}, {"user_id": "u-2"})

    for merged in ([b.profile_id], []):
        after = await event(backend, scope, b.profile_id, user_id=None, phone=P1)

        assert [one.merged_id for one in after.merges] == merged
        assert after.profile.identifiers == {"phone": [P1]}


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


def _mobile() -> TraitGroup:
    trait = TraitDefinition(group="Zed", name="mobile", data_type="STRING", id_type_promotion="phone")
    return TraitGroup(display_name="Zed", definitions=(trait,))
