"""One person, one profile: matching, merging, and what is kept apart."""

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict, Invalid, NotFound
from mcp_memory.identity import IdentifierConfig
from mcp_memory.ids import PROFILE
from mcp_memory.model import Identifier, RecallQuery, Scope, TraitDefinition
from tests.contract.conftest import Clock
from tests.contract.people import (
    CHAT,
    EMAIL,
    PHONE,
    event,
    find,
    how_many,
    items_of,
    note,
    notes,
    person,
    refused,
    settings,
    with_user_ids,
)

pytestmark = pytest.mark.anyio


async def test_one_who_texts_mails_and_chats_becomes_one_profile(backend: Backend, scope: Scope, clock: Clock) -> None:
    texts = await person(backend, scope, phone=PHONE, firstName="Dana")
    clock.pass_(hours=1)
    mails = await person(backend, scope, email=EMAIL, city="Gary")
    clock.pass_(hours=1)
    chats = await person(backend, scope, chat=CHAT)
    clock.pass_(hours=1)

    upserted = await event(backend, scope, phone="(317) 555-0142", email="Dana@Example.com", chat=CHAT, city="Boone")

    assert upserted.outcome == "updated"
    assert {one.merged_id for one in upserted.merges} == {mails.profile_id, chats.profile_id}
    assert upserted.profile.profile_id == texts.profile_id  # the earliest
    assert upserted.profile.identifiers == {"phone": [PHONE], "email": [EMAIL], "chat": [CHAT]}
    assert upserted.profile.traits["Contact"] == {
        "phone": PHONE,
        "email": EMAIL,
        "chat": CHAT,
        "firstName": "Dana",
        "city": "Boone",
    }
    assert await how_many(backend, scope) == 1


async def test_a_merged_id_goes_on_naming_the_person_everywhere(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await note(backend, scope, dana.profile_id, "Prefers the evening.")
    await note(backend, scope, lee.profile_id, "Is allergic to wool.")

    await event(backend, scope, phone=PHONE, email=EMAIL)

    for id in (dana.profile_id, lee.profile_id):
        assert (await backend.get_profile(scope, id)).profile_id == dana.profile_id
        assert await notes(backend, scope, id) == {"Prefers the evening.", "Is allergic to wool."}
        recall = await backend.recall(scope, id, RecallQuery(query="Which materials are bad?"))
        assert recall.profile_id == dana.profile_id
        assert recall.observations[0].item.content == "Is allergic to wool."
        assert (await event(backend, scope, id, city=id[-5:])).profile.profile_id == dana.profile_id
    added = await backend.add_observations(scope, lee.profile_id, [])
    assert added.profile_ids[0] == dana.profile_id
    assert await backend.complete_profile_ids(scope, lee.profile_id, 10) == [dana.profile_id]
    assert await backend.complete_profile_ids(scope, EMAIL, 10) == [dana.profile_id]
    assert await backend.complete_profile_ids(scope, "", 10) == [dana.profile_id]
    assert await items_of(backend, scope, lee.profile_id) == (2, 0)


async def test_a_profile_says_by_which_ids_it_was_known(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)

    await event(backend, scope, phone=PHONE, email=EMAIL)

    found = await backend.get_profile(scope, lee.profile_id)
    assert found.all_ids == [dana.profile_id, lee.profile_id]


async def test_what_is_said_twice_is_a_duplicate_also_after_a_merge(backend: Backend, scope: Scope) -> None:
    dana, lee = await person(backend, scope, phone=PHONE), await person(backend, scope, email=EMAIL)
    await note(backend, scope, lee.profile_id, "Is allergic to wool.")
    await event(backend, scope, phone=PHONE, email=EMAIL)

    for id in (dana.profile_id, lee.profile_id):
        await note(backend, scope, id, "is allergic to wool.")

    assert len(await notes(backend, scope, dana.profile_id)) == 1


async def test_the_latest_write_of_a_trait_holds(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE, city="Gary", country="US")
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL, city="Boone")
    clock.pass_(hours=1)
    await event(backend, scope, dana.profile_id, country="CA")

    merged = await event(backend, scope, phone=PHONE, email=EMAIL)
    assert merged.profile.traits["Contact"] == {"phone": PHONE, "email": EMAIL, "city": "Boone", "country": "CA"}

    clock.pass_(hours=-5)  # a clock that is wrong
    for id, city in ((dana.profile_id, "Peru"), (lee.profile_id, "Rome"), (dana.profile_id, "Oslo")):
        assert (await event(backend, scope, id, city=city)).profile.traits["Contact"]["city"] == city


async def test_a_profile_that_is_named_merges_with_the_one_its_new_identifier_belongs_to(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)

    upserted = await event(backend, scope, lee.profile_id, phone=PHONE)

    (merge,) = upserted.merges
    assert (merge.merged_id, merge.into_id) == (lee.profile_id, dana.profile_id)
    assert merge.identifier == Identifier("phone", PHONE)


async def test_the_reason_of_a_merge_is_the_weaker_match(backend: Backend, scope: Scope) -> None:
    await person(backend, scope, phone=PHONE)
    await person(backend, scope, email=EMAIL)

    (merge,) = (await event(backend, scope, phone=PHONE, email=EMAIL)).merges

    assert merge.identifier == Identifier("phone", PHONE)  # email is the stronger rule


async def test_a_type_of_which_a_person_has_one_keeps_two_people_apart(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1", phone=PHONE)
    lee = await person(backend, scope, user_id="u-2", email=EMAIL)

    upserted = await event(backend, scope, user_id="u-2", phone=PHONE, city="Gary")

    (apart,) = upserted.kept_apart
    assert (apart.identifier, apart.holder_id, apart.reason) == (Identifier("phone", PHONE), dana.profile_id, "limit")
    assert (upserted.profile.profile_id, upserted.merges) == (lee.profile_id, [])
    assert upserted.profile.traits["Contact"] == {"email": EMAIL, "city": "Gary"}  # not the phone
    assert await find(backend, scope, PHONE) == dana.profile_id
    assert (await backend.get_profile(scope, dana.profile_id)).identifiers == {"user_id": ["u-1"], "phone": [PHONE]}


async def test_a_new_user_id_on_a_known_phone_is_a_new_person(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1", phone=PHONE)

    for outcome in ("created", "updated"):
        upserted = await event(backend, scope, user_id="u-2", phone=PHONE)
        assert upserted.outcome == outcome
        assert upserted.profile.identifiers == {"user_id": ["u-2"]}
        assert [one.holder_id for one in upserted.kept_apart] == [dana.profile_id]


async def test_what_was_kept_apart_is_explained(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1", phone=PHONE)
    lee = await person(backend, scope, user_id="u-2", email=EMAIL)

    for _ in range(2):
        await event(backend, scope, user_id="u-2", phone=PHONE)

    for id in (dana.profile_id, lee.profile_id):
        (conflict,) = (await backend.explain_identity(scope, id)).conflicts
        assert (conflict.for_id, conflict.holder_id, conflict.reason) == (lee.profile_id, dana.profile_id, "limit")
        assert conflict.times == 2


async def test_a_named_profile_keeps_its_only_user_id_from_anothers(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1", phone=PHONE)
    lee = await person(backend, scope, user_id="u-2", email=EMAIL)

    by_email = await event(backend, scope, dana.profile_id, email=EMAIL)
    by_user = await event(backend, scope, dana.profile_id, user_id="u-2")

    assert [one.holder_id for one in (*by_email.kept_apart, *by_user.kept_apart)] == [lee.profile_id] * 2
    assert by_user.profile.identifiers == {"user_id": ["u-1"], "phone": [PHONE]}
    assert await how_many(backend, scope) == 2


async def test_a_stronger_rule_than_the_limited_one_does_merge(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    await settings(
        backend, scope, IdentifierConfig(id_type="user_id", limit=1), rules=("email", "phone", "user_id", "chat")
    )
    dana = await person(backend, scope, user_id="u-1", phone=PHONE)
    lee = await person(backend, scope, user_id="u-2", email=EMAIL)

    upserted = await event(backend, scope, email=EMAIL, phone=PHONE)

    assert {one.merged_id for one in upserted.merges} < {dana.profile_id, lee.profile_id}
    assert len(upserted.profile.identifiers["user_id"]) == 1  # within its limit


@pytest.mark.parametrize(("policy", "kept"), [("fifo", ["b@x.co", "c@x.co"]), ("lifo", ["a@x.co", "b@x.co"])])
async def test_past_its_limit_a_type_drops_the_oldest_or_the_newest(
    backend: Backend, scope: Scope, clock: Clock, policy: str, kept: list[str]
) -> None:
    await settings(
        backend,
        scope,
        IdentifierConfig(id_type="email", normalization="email", limit=2, limit_policy=policy),  # type: ignore[arg-type]
    )
    dana = await person(backend, scope, phone=PHONE)
    for email in ("a@x.co", "b@x.co", "c@x.co"):
        clock.pass_(hours=1)
        after = await event(backend, scope, dana.profile_id, email=email)

    assert after.profile.identifiers["email"] == kept
    assert [email for email in ("a@x.co", "b@x.co", "c@x.co") if await find(backend, scope, email)] == kept


async def test_more_values_than_the_limit_in_one_call_are_refused(backend: Backend, scope: Scope) -> None:
    await with_user_ids(backend, scope)
    trait = {"Account": {"userId": "u-1"}, "Contact": {"phone": PHONE}}
    await backend.upsert_traits(scope, trait, None)
    legacy = TraitDefinition(group="Old", name="userId", data_type="STRING", id_type_promotion="user_id")
    await backend.create_trait_group(scope, TraitGroup(display_name="Old", definitions=(legacy,)))

    said = await refused(
        Invalid, backend.upsert_traits(scope, {"Account": {"userId": "u-1"}, "Old": {"userId": "u-2"}}, None)
    )

    assert "traits.Account.userId, traits.Old.userId are 2 identifiers of the type user_id" in said


async def test_what_many_may_share_merges_nobody_by_itself(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="phone", normalization="phone", enforce_unique=False))
    ann = await person(backend, scope, phone=PHONE, email="ann@x.co")
    bob = await person(backend, scope, phone=PHONE, email="bob@x.co")

    assert ann.profile_id != bob.profile_id
    lookup = await backend.lookup_profile(scope, PHONE, None)
    assert lookup.profile is not None
    assert {lookup.profile.profile_id, *lookup.sharers} == {ann.profile_id, bob.profile_id}
    said = await refused(Conflict, event(backend, scope, phone=PHONE, city="Gary"))
    assert ann.profile_id in said and bob.profile_id in said and "name the profile_id" in said
    again = await event(backend, scope, phone=PHONE, email="bob@x.co")
    assert (again.profile.profile_id, again.merges) == (bob.profile_id, [])


async def test_what_many_may_share_identifies_while_one_has_it(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, IdentifierConfig(id_type="phone", normalization="phone", enforce_unique=False))
    ann = await person(backend, scope, phone=PHONE, chat=CHAT)

    assert (await event(backend, scope, phone=PHONE, city="Gary")).profile.profile_id == ann.profile_id


async def test_two_shared_values_together_do_merge(backend: Backend, scope: Scope) -> None:
    shared = [
        IdentifierConfig(id_type="phone", normalization="phone", enforce_unique=False),
        IdentifierConfig(id_type="chat", enforce_unique=False),
    ]
    await settings(backend, scope, *shared)
    await event(backend, scope, phone=PHONE, chat=CHAT, email="a@x.co")
    await event(backend, scope, phone=PHONE, chat=CHAT, email="b@x.co")

    assert await how_many(backend, scope) == 1


async def test_a_type_without_a_rule_identifies_and_matches_nobody(backend: Backend, scope: Scope) -> None:
    await settings(backend, scope, rules=("email", "phone"))
    dana = await person(backend, scope, phone=PHONE, chat=CHAT)

    upserted = await event(backend, scope, email=EMAIL, chat=CHAT)

    assert upserted.outcome == "created"
    assert [(one.holder_id, one.reason) for one in upserted.kept_apart] == [(dana.profile_id, "no_rule")]
    assert await find(backend, scope, CHAT) == dana.profile_id
    assert "Contact.phone" in await refused(Invalid, event(backend, scope, chat="other"))


async def test_sixteen_at_once_who_each_know_two_channels_make_one_person(backend: Backend, scope: Scope) -> None:
    known = {"phone": PHONE, "email": EMAIL, "chat": CHAT, "whatsapp": "+13175550199"}
    names = list(known)

    async def arrive(number: int) -> None:
        two = {name: known[name] for name in (names[number % 4], names[(number + 1 + number // 4 % 3) % 4])}
        upserted = await event(backend, scope, **two)
        await note(backend, scope, upserted.profile.profile_id, f"Note {number}.")

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(arrive, number)

    assert await how_many(backend, scope) == 1
    id = await find(backend, scope, PHONE)
    assert id is not None and len(await notes(backend, scope, id)) == 16


async def test_merging_by_hand_overrules_what_keeps_apart(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    dana = await person(backend, scope, user_id="u-1")
    clock.pass_(hours=1)
    lee = await person(backend, scope, user_id="u-2")

    merged = await backend.merge_profiles(scope, lee.profile_id, dana.profile_id)

    assert merged.entry.by == "curator" and merged.entry.identifier is None
    assert merged.profile.profile_id == dana.profile_id
    assert merged.profile.identifiers == {"user_id": ["u-2"]}  # the later one, within the limit
    assert await find(backend, scope, "u-1", "user_id") is None


async def test_merges_that_make_no_sense_are_refused_and_change_nothing(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    elsewhere = await backend.open_store("acme", "staging")
    stranger = await person(backend, elsewhere, phone=PHONE)

    await refused(Invalid, backend.merge_profiles(scope, dana.profile_id, dana.profile_id))
    await refused(NotFound, backend.merge_profiles(scope, dana.profile_id, stranger.profile_id))
    await refused(NotFound, backend.merge_profiles(scope, clock.make_id(PROFILE), dana.profile_id))
    said = await refused(Conflict, backend.unmerge_profile(scope, dana.profile_id))
    assert "is not merged with another" in said
    assert await how_many(backend, scope) == 2

    await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)
    for one, other in ((dana, lee), (lee, dana)):
        assert "one profile already" in await refused(
            Conflict, backend.merge_profiles(scope, one.profile_id, other.profile_id)
        )
    assert lee.profile_id in await refused(Conflict, backend.unmerge_profile(scope, dana.profile_id))
    assert len((await backend.get_profile(scope, dana.profile_id)).merges) == 1


async def test_two_shared_values_tell_one_of_very_many(backend: Backend, scope: Scope) -> None:
    shared = [
        IdentifierConfig(id_type=kind, normalization="phone", enforce_unique=False) for kind in ("phone", "whatsapp")
    ]
    await settings(backend, scope, *shared)
    crowd = [{"Contact": {"phone": PHONE, "email": f"p{number}@x.co"}} for number in range(130)]
    await backend.upsert_profiles(scope, crowd)
    last = await find(backend, scope, "p129@x.co")
    await event(backend, scope, last, whatsapp="+13175550199")

    found = await event(backend, scope, phone=PHONE, whatsapp="+13175550199", city="Gary")

    assert (found.profile.profile_id, found.merges) == (last, [])
    assert len((await backend.lookup_profile(scope, PHONE, "phone")).sharers) == 99


async def test_more_profiles_than_a_person_had_are_not_merged(
    backend: Backend, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_memory.resolution.MAX_MEMBERS", 2)
    monkeypatch.setattr("mcp_memory.backends.sql.merging.MAX_MEMBERS", 2)
    for number in range(3):
        await person(backend, scope, chat=f"web-{number}", email=f"p{number}@x.co")
    await event(backend, scope, chat="web-0", email="p1@x.co")

    refused_ = await event(backend, scope, chat="web-2", email="p1@x.co")

    assert [(one.identifier.value, one.reason) for one in refused_.kept_apart] == [("web-2", "size")]


async def test_more_profiles_than_a_person_had_are_not_merged_by_hand(
    backend: Backend, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_memory.backends.sql.merging.MAX_MEMBERS", 2)
    people = [await person(backend, scope, chat=f"web-{number}") for number in range(3)]
    await backend.merge_profiles(scope, people[0].profile_id, people[1].profile_id)

    said = await refused(Conflict, backend.merge_profiles(scope, people[2].profile_id, people[0].profile_id))
    assert "the limit is 2" in said


async def test_a_merge_and_its_undoing_are_changes_of_both(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    clock.pass_(hours=1)
    assert (await backend.merge_profiles(scope, dana.profile_id, lee.profile_id)).profile.updated_at == clock.time
    clock.pass_(hours=1)

    undone = await backend.unmerge_profile(scope, lee.profile_id)

    assert undone.restored.updated_at == undone.remaining.updated_at == clock.time


async def test_the_ledger_names_the_two_whose_identifiers_met(backend: Backend, scope: Scope, clock: Clock) -> None:
    ids = []
    for name in ("a", "b", "c", "d"):
        ids.append((await person(backend, scope, email=f"{name}@x.co", chat=name)).profile_id)
        clock.pass_(hours=1)
    await event(backend, scope, email="a@x.co", chat="b")
    await event(backend, scope, email="c@x.co", chat="d")

    await event(backend, scope, email="b@x.co", chat="d")

    entries = (await backend.explain_identity(scope, ids[0])).entries
    assert [{one.one, one.other} for one in entries] == [{ids[0], ids[1]}, {ids[2], ids[3]}, {ids[1], ids[3]}]


@pytest.mark.parametrize("turned", [False, True])
async def test_a_curator_reunites_two_named_in_either_order(
    backend: Backend, scope: Scope, clock: Clock, turned: bool
) -> None:
    dana = await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await event(backend, scope, phone=PHONE, email=EMAIL)
    await backend.unmerge_profile(scope, lee.profile_id)
    two = [dana.profile_id, lee.profile_id]

    await backend.merge_profiles(scope, *(reversed(two) if turned else two))

    assert (await backend.explain_identity(scope, dana.profile_id)).separations == []


async def test_those_taken_apart_stay_so_when_one_of_them_is_merged_into_a_third(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    third = await person(backend, scope, chat=CHAT)
    clock.pass_(hours=1)
    await person(backend, scope, phone=PHONE)
    clock.pass_(hours=1)
    lee = await person(backend, scope, email=EMAIL)
    await event(backend, scope, phone=PHONE, email=EMAIL)
    await backend.unmerge_profile(scope, lee.profile_id)
    await backend.merge_profiles(scope, third.profile_id, lee.profile_id)

    again = await event(backend, scope, phone=PHONE, email=EMAIL)

    assert [one.reason for one in again.kept_apart] == ["unmerged"]
