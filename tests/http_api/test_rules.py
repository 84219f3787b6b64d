"""Identity resolution settings and trait groups."""

from typing import Any

import pytest

from tests.http_api.accounts import PHONE, Account

pytestmark = pytest.mark.anyio

PHONE_ONLY = {"identifierConfigs": [{"idType": "phone", "normalization": "phone"}], "matchingRules": ["phone"]}


async def test_a_new_store_tells_people_apart_by_four_identifiers(acme: Account) -> None:
    settings = await acme.get(f"{acme.control}/IdentityResolutionSettings")

    assert {one["idType"] for one in settings["identifierConfigs"]} >= {"email", "phone", "whatsapp", "chat"}
    phone = next(one for one in settings["identifierConfigs"] if one["idType"] == "phone")
    assert phone == {
        "idType": "phone",
        "matchingAlgo": "exact",
        "matchingThreshold": 75,
        "limit": 100,
        "limitPolicy": "fifo",
        "enforceUnique": True,
        "normalization": "phone",
    }
    assert settings["version"] == 1


async def test_identity_settings_are_replaced_as_a_whole(acme: Account) -> None:
    path = f"{acme.control}/IdentityResolutionSettings"
    shown = await acme.get(path)
    shown["identifierConfigs"].append({"idType": "user_id", "limit": 1})
    shown["matchingRules"].insert(0, "user_id")
    written = await acme.write("PUT", path, shown)
    after = await acme.get(path)

    assert written.json()["statusUrl"] and await acme.made(written) == acme.store_id
    assert after["version"] == 2 and after["matchingRules"][0] == "user_id"
    added = next(one for one in after["identifierConfigs"] if one["idType"] == "user_id")
    assert added["limit"] == 1 and added["normalization"] == "trim"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"matchingRules": []}, "matchingRules"),
        ({"matchingRules": None}, "matchingRules"),
        ({"matchingRules": ["nobody"]}, "matchingRules"),
        ({"matchingRules": ["x" * 31]}, "matchingRules[0]"),
        ({"matchingRules": ["phone"] * 16}, "matchingRules"),
        ({"identifierConfigs": []}, "identifierConfigs"),
        ({"identifierConfigs": [{"idType": f"type_{at}"} for at in range(16)]}, "identifierConfigs"),
        ({"identifierConfigs": [{"idType": "x"}]}, "identifierConfigs[0].idType"),
        ({"identifierConfigs": [{"idType": "x" * 31}]}, "identifierConfigs[0].idType"),
        ({"identifierConfigs": [{"idType": "phone", "limit": 0}]}, "identifierConfigs[0].limit"),
        ({"identifierConfigs": [{"idType": "phone", "limit": 101}]}, "identifierConfigs[0].limit"),
        ({"identifierConfigs": [{"idType": "phone", "limit": True}]}, "identifierConfigs[0].limit"),
        ({"identifierConfigs": [{"idType": "phone", "limit": "5"}]}, "identifierConfigs[0].limit"),
        ({"identifierConfigs": [{"idType": "phone", "limitPolicy": "FIFO"}]}, "limitPolicy"),
        ({"identifierConfigs": [{"idType": "phone", "matchingThreshold": 49}]}, "matchingThreshold"),
        ({"identifierConfigs": [{"idType": "phone", "more": 1}]}, "identifierConfigs[0].more"),
    ],
)
async def test_settings_that_break_a_rule_are_refused_by_the_name_of_the_field(
    shared: Account, change: Any, field: str
) -> None:
    path = f"{shared.control}/IdentityResolutionSettings"

    assert field in await shared.refused("PUT", path, json={**PHONE_ONLY, **change})
    assert (await shared.get(path))["version"] == 1


async def test_a_group_is_declared_shown_changed_and_removed(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"
    tier = {"dataType": "STRING", "description": "how loyal", "validationRule": {"ruleType": "STRING", "maxLength": 9}}
    created = await acme.write("POST", path, {"displayName": "Loyalty", "description": "d", "traits": {"tier": tier}})
    group = await acme.get(f"{path}/Loyalty")

    assert await acme.made(created) == "Loyalty"
    assert group["traitGroup"] == {"displayName": "Loyalty", "description": "d", "traits": {"tier": tier}, "version": 1}
    assert group["meta"]["key"] == "traits"

    points = {"dataType": "NUMBER", "validationRule": {"ruleType": "NUMBER", "min": 0}}
    await acme.write("PATCH", f"{path}/Loyalty", {"traits": {"points": points, "tier": {"dataType": ""}}})
    assert set((await acme.get(f"{path}/Loyalty"))["traitGroup"]["traits"]) == {"points"}

    await acme.write("DELETE", f"{path}/Loyalty")
    assert (await acme.ask("GET", f"{path}/Loyalty", 404)).json()["code"] == 520047


async def test_groups_are_listed_without_their_traits_unless_these_are_asked_for(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"
    await acme.write("POST", path, {"displayName": "Loyalty", "traits": {"tier": {"dataType": "STRING"}}})
    plain, full = await acme.get(path), await acme.get(path, includeTraits="true")

    assert plain["meta"]["key"] == "traitGroups"
    assert all("traits" not in one for one in plain["traitGroups"])
    assert {one["displayName"]: len(one["traits"]) for one in full["traitGroups"]} == {"Contact": 12, "Loyalty": 1}
    assert "traits" not in (await acme.get(f"{path}/Contact", includeTraits="false"))["traitGroup"]


async def test_a_group_of_a_taken_name_is_refused_with_its_code(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"
    for name in ("Contact", "contact"):
        assert (await acme.ask("POST", path, 400, json={"displayName": name})).json()["code"] == 520055


async def test_a_store_has_fifty_groups_and_a_group_ninety_five_traits_at_most(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"
    traits = {f"trait{at}": {"dataType": "STRING"} for at in range(95)}
    await acme.write("POST", path, {"displayName": "Full", "traits": traits})
    more = {"traits": {"more": {"dataType": "STRING"}}}
    too_many = {**traits, "more": {"dataType": "STRING"}}

    assert "95" in await acme.refused("PATCH", f"{path}/Full", json=more)
    assert "95" in await acme.refused("POST", path, json={"displayName": "Fuller", "traits": too_many})
    for at in range(48):
        await acme.write("POST", path, {"displayName": f"Group{at}"})
    refused = (await acme.ask("POST", path, 400, json={"displayName": "OneMore"})).json()
    assert refused["code"] == 520053 and "50" in refused["message"]
    listed = await acme.get(path, pageSize=100)
    assert len(listed["traitGroups"]) == 50 and "nextToken" not in listed["meta"]


async def test_a_group_that_is_needed_stays(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"
    await acme.refused("DELETE", f"{path}/Contact", 409)
    await acme.write("POST", path, {"displayName": "Mapped", "traits": {"one": {"dataType": "STRING"}}})
    to = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Mapped", "traitName": "one"}]}
    body = {"displayName": "Map", "mappingFrom": {"type": "INGRESS", "columns": ["a"]}, "mappingTo": to}
    await acme.write("POST", f"{acme.control}/DataMappings", body)

    assert "mapping" in await acme.refused("DELETE", f"{path}/Mapped", 409)
    await acme.refused("DELETE", f"{path}/Absent", 404)


@pytest.mark.parametrize(
    ("traits", "field"),
    [
        ({"tier": {}}, "traits.tier.dataType"),
        ({"tier": {"dataType": "TEXT"}}, "traits.tier.dataType"),
        ({"tier": {"dataType": "STRING", "more": 1}}, "traits.tier.more"),
        ({"tier": {"dataType": "STRING", "description": "d" * 1025}}, "traits.tier.description"),
        ({"tier": {"dataType": "STRING", "idTypePromotion": "x" * 31}}, "traits.tier.idTypePromotion"),
        ({"tier": {"dataType": "ARRAY", "idTypePromotion": "phone"}}, "traits.tier"),
        ({"tier": {"dataType": "NUMBER", "validationRule": {"ruleType": "STRING"}}}, "traits.tier.validationRule"),
        ({"tier": {"dataType": "STRING", "validationRule": {"ruleType": "STRING", "pattern": "("}}}, "pattern"),
        ({"tier": {"dataType": "STRING", "validationRule": {"ruleType": "STRING", "pattern": "a" * 1001}}}, "pattern"),
        ({"tier": {"dataType": "STRING", "validationRule": {"ruleType": "STRING", "min": 1}}}, "min"),
        ({"tier": {"dataType": "STRING", "validationRule": {"ruleType": "STRING", "maxLength": 0}}}, "maxLength"),
        ({"tier": {"dataType": "STRING", "validationRule": {"minLength": 1}}}, "ruleType"),
        ({"ti er!": None}, "traits"),
        ([], "traits"),
    ],
)
async def test_definitions_that_break_a_rule_are_refused_by_the_name_of_the_field(
    shared: Account, traits: Any, field: str
) -> None:
    said = await shared.refused(
        "POST", f"{shared.control}/TraitGroups", json={"displayName": "Group", "traits": traits}
    )

    assert field in said


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "ä", "a\n", None])
async def test_a_name_of_another_form_is_no_name(shared: Account, name: Any) -> None:
    assert "displayName" in await shared.refused("POST", f"{shared.control}/TraitGroups", json={"displayName": name})


async def test_what_the_document_closes_takes_no_unknown_fields(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups"

    assert "more is unknown" in await acme.refused("POST", path, json={"displayName": "Group", "more": 1})
    assert "more is unknown" in await acme.refused("PATCH", f"{path}/Contact", json={"more": 1})
    await acme.write("PUT", f"{acme.control}/IdentityResolutionSettings", {**PHONE_ONLY, "more": 1})


async def test_a_group_without_a_change_may_be_patched_without_a_body(acme: Account) -> None:
    await acme.write("PATCH", f"{acme.control}/TraitGroups/Contact")


async def test_a_trait_that_is_promoted_identifies(acme: Account) -> None:
    path = f"{acme.control}/IdentityResolutionSettings"
    settings = await acme.get(path)
    settings["identifierConfigs"].append({"idType": "user_id"})
    settings["matchingRules"].append("user_id")
    await acme.write("PUT", path, settings)
    account_id = {"dataType": "STRING", "idTypePromotion": "user_id"}
    await acme.write(
        "POST", f"{acme.control}/TraitGroups", {"displayName": "Shop", "traits": {"accountId": account_id}}
    )
    profile_id = await acme.profile(PHONE)
    await acme.write("PATCH", f"{acme.data}/Profiles/{profile_id}", {"traits": {"Shop": {"accountId": " u-1 "}}})
    found = await acme.ask("POST", f"{acme.data}/Profiles/Lookup", json={"idType": "user_id", "value": "u-1"})

    assert found.json() == {"normalizedValue": "u-1", "profiles": [profile_id]}
