"""Profiles and their traits."""

from typing import Any

import pytest

from tests.http_api.accounts import NOBODY, PHONE, Account

pytestmark = pytest.mark.anyio

WHOLE_SECOND = 20  # characters of 2026-05-04T09:00:00Z


async def test_a_profile_is_created_and_found_again_by_what_identifies_it(acme: Account) -> None:
    path = f"{acme.data}/Profiles"
    body = {"traits": {"Contact": {"phone": "(317) 555-0142", "firstName": "Dana"}}}
    first = await acme.write("POST", path, body)
    again = await acme.write("POST", path, {"traits": {"Contact": {"phone": PHONE, "lastName": "Doe"}}})
    profile = await acme.get(f"{path}/{first.json()['id']}")

    assert first.json() == {"id": profile["id"], "message": "Profile resolved and accepted for processing."}
    assert first.headers["memory-outcome"] == "created" and again.headers["memory-outcome"] != "created"
    assert first.headers["memory-profile-id"] == again.json()["id"] == profile["id"]
    assert profile["traits"] == {"Contact": {"phone": PHONE, "firstName": "Dana", "lastName": "Doe"}}
    assert len(profile["createdAt"]) == WHOLE_SECOND and profile["createdAt"].endswith("Z")


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({}, "traits"),
        ({"Contact": {}}, "Contact"),
        ({"Contact": {"firstName": "Dana"}}, "identif"),
        ({"Contact": {"phone": PHONE, "shoeSize": 9}}, "Contact.shoeSize"),
        ({"Contact": {"phone": PHONE}, "Loyalty": {"tier": "gold"}}, "Loyalty"),
        ({"Contact": {"phone": PHONE, "firstName": 5}}, "Contact.firstName is declared STRING"),
        ({"Contact": {"phone": PHONE, "firstName": "x" * 1025}}, "1024"),
        ({"Contact": {"phone": PHONE, "firstName": {"a": "b"}}}, "Contact.firstName"),
        ({"Contact": {"phone": PHONE, "firstName": [[1]]}}, "Contact.firstName"),
        ({"Contact": {"phone": "x" * 256}}, "phone"),
        ({"Contact": {"phone": "hello"}}, "phone"),
        ({f"Group{at}": {"a": 1} for at in range(51)}, "traits has too many entries: the limit is 50"),
        ({"Contact": {f"trait{at}": "x" for at in range(100)}}, "traits.Contact has too many entries: the limit is 99"),
        ({"Contact": "x"}, "traits.Contact"),
        ([], "traits"),
        (None, "traits"),
    ],
)
async def test_traits_that_break_a_rule_are_refused_by_their_name(shared: Account, traits: Any, said: str) -> None:
    refused = await shared.refused("POST", f"{shared.data}/Profiles", json={"traits": traits})

    assert said in refused
    assert (await shared.get(f"{shared.data}/Profiles"))["profiles"] == []


async def test_a_trait_that_nobody_declared_is_refused_with_what_is_declared(acme: Account) -> None:
    traits = {"Contact": {"phone": PHONE, "shoeSize": 9}}
    said = await acme.refused("POST", f"{acme.data}/Profiles", json={"traits": traits})

    assert "Contact.shoeSize" in said and "firstName" in said and "preferredLanguage" in said


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 10**30])
async def test_whole_numbers_have_32_bits(acme: Account, value: int) -> None:
    traits = {"points": {"dataType": "NUMBER"}}
    await acme.write("POST", f"{acme.control}/TraitGroups", {"displayName": "Loyalty", "traits": traits})
    body: dict[str, Any] = {"traits": {"Contact": {"phone": PHONE}, "Loyalty": {"points": value}}}

    assert "Loyalty.points" in await acme.refused("POST", f"{acme.data}/Profiles", json=body)
    body["traits"]["Loyalty"]["points"] = 2**31 - 1
    await acme.write("POST", f"{acme.data}/Profiles", body)


async def test_values_come_back_as_they_were_given(acme: Account) -> None:
    given = {"string": "ä🙂", "number": -3, "float": 2.5, "yes": True, "no": False, "list": ["a", 1, True], "none": []}
    kinds = dict(zip(given, ("STRING", "NUMBER", "NUMBER", "BOOLEAN", "BOOLEAN", "ARRAY", "ARRAY"), strict=True))
    declared = {name: {"dataType": kind} for name, kind in kinds.items()}
    await acme.write("POST", f"{acme.control}/TraitGroups", {"displayName": "All", "traits": declared})
    body = {"traits": {"Contact": {"phone": PHONE}, "All": given}}
    profile_id = (await acme.write("POST", f"{acme.data}/Profiles", body)).json()["id"]

    assert (await acme.get(f"{acme.data}/Profiles/{profile_id}", traitGroups="All"))["traits"] == {"All": given}
    listed = (await acme.get(f"{acme.data}/Profiles/{profile_id}/Traits", traitGroups="All"))["traits"]
    assert {one["name"]: one["value"] for one in listed} == given
    assert all(one["traitGroup"] == "All" and len(one["timestamp"]) == WHOLE_SECOND for one in listed)


async def test_traits_are_merged_and_a_null_removes_one(acme: Account) -> None:
    profile_id = await acme.profile(firstName="Dana", lastName="Doe")
    path = f"{acme.data}/Profiles/{profile_id}"
    patched = await acme.write("PATCH", path, {"traits": {"Contact": {"firstName": None, "city": "Bern"}}})

    assert patched.json() == {"message": "Trait modifications accepted for processing."}
    assert (await acme.get(path))["traits"]["Contact"] == {"phone": PHONE, "lastName": "Doe", "city": "Bern"}
    nothings: list[dict[str, Any]] = [{}, {"traits": {}}]
    for nothing in nothings:
        await acme.write("PATCH", path, nothing)


async def test_only_the_groups_that_are_asked_for_are_shown(acme: Account) -> None:
    await acme.write("POST", f"{acme.control}/TraitGroups", {"displayName": "Loyalty"})
    path = f"{acme.data}/Profiles/{await acme.profile()}"

    assert (await acme.get(path, traitGroups="Loyalty"))["traits"] == {}
    assert set((await acme.get(path, traitGroups="Loyalty, Contact"))["traits"]) == {"Contact"}
    assert (await acme.get(f"{path}/Traits", traitGroups="Loyalty"))["traits"] == []
    for wrong in ("", "x" * 257):
        assert "traitGroups" in await acme.refused("GET", path, params={"traitGroups": wrong})
        assert "traitGroups" in await acme.refused("GET", f"{path}/Traits", params={"traitGroups": wrong})


async def test_a_deleted_profile_is_gone_and_its_identifiers_are_nobodys(acme: Account) -> None:
    profile_id = await acme.profile()
    path = f"{acme.data}/Profiles/{profile_id}"
    deleted = await acme.write("DELETE", path)

    assert deleted.json() == {"message": "Profile accepted for deletion."}
    for below in ("", "/Traits", "/Identifiers", "/Observations", "/ConversationSummaries"):
        await acme.refused("GET", path + below, 404)
    await acme.refused("DELETE", path, 404)
    found = await acme.ask("POST", f"{acme.data}/Profiles/Lookup", json={"idType": "phone", "value": PHONE})
    assert found.json()["profiles"] == []
    assert await acme.profile() != profile_id


async def test_a_bulk_takes_what_it_can_and_says_what_it_refused(acme: Account) -> None:
    path = f"{acme.data}/Profiles/Bulk"
    entries: list[Any] = [{"traits": {"Contact": {"phone": f"+1317555010{at}"}}} for at in range(3)]
    entries += [{"traits": {"Contact": {"firstName": "Nobody"}}}, {}]
    entries += [{"traits": {"Contact": {"phone": "+13175550100", "firstName": "Dana"}}}]  # the first once more
    written = await acme.write("PUT", path, {"profiles": entries})

    assert written.json() == {"message": "Profile batch accepted for processing."}
    assert written.headers["memory-refused"] == "3, 4"
    assert len((await acme.get(f"{acme.data}/Profiles"))["profiles"]) == 3
    assert "memory-refused" not in (await acme.write("PUT", path, {"profiles": entries[:1]})).headers


async def test_a_bulk_holds_a_thousand_profiles(acme: Account) -> None:
    path = f"{acme.data}/Profiles/Bulk"
    entries = [{"traits": {"Contact": {"email": f"a{at}@example.com"}}} for at in range(1001)]

    assert "1000" in await acme.refused("PUT", path, json={"profiles": entries})
    assert "profiles" in await acme.refused("PUT", path, json={"profiles": []})
    assert "profiles" in await acme.refused("PUT", path, json={})
    assert "none was taken" in await acme.refused("PUT", path, json={"profiles": [{}]})
    await acme.write("PUT", path, {"profiles": entries[:1000]})
    assert len((await acme.get(f"{acme.data}/Profiles", pageSize=1000))["profiles"]) == 1000


async def test_what_the_document_closes_takes_no_unknown_fields(acme: Account) -> None:
    path = f"{acme.data}/Profiles"
    profile_id = await acme.profile()
    body = {"traits": {"Contact": {"phone": PHONE}}, "more": 1}

    assert "more is unknown" in await acme.refused("POST", path, json=body)
    assert "more is unknown" in await acme.refused("PATCH", f"{path}/{profile_id}", json=body)
    assert "more is unknown" in await acme.refused("PUT", f"{path}/Bulk", json={"profiles": [{}], "more": 1})
    assert "profiles[0].more is unknown" in await acme.refused("PUT", f"{path}/Bulk", json={"profiles": [body]})


@pytest.mark.parametrize("id", ["x", "mem_store_01kammq7gwf5sb8d9r2hkjx3e4", "mem_profile_" + "z" * 26, NOBODY + "0"])
async def test_what_is_no_id_of_a_profile_is_refused(shared: Account, id: str) -> None:
    assert "profileId" in await shared.refused("GET", f"{shared.data}/Profiles/{id}")
