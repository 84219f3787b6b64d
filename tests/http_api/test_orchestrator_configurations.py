"""Configurations of conversations, and the operations that say what became of a change."""

from typing import Any

import pytest

from tests.http_api.accounts import Account
from tests.http_api.conftest import Open
from tests.http_api.talks import CONFIGURATIONS, SUFFIX, begun, configured, settings

pytestmark = pytest.mark.anyio

NOWHERE = f"{CONFIGURATIONS}/conv_configuration_{SUFFIX}"
OPERATIONS = "/v2/ControlPlane/Operations"
SMS = {"statusTimeouts": {"inactive": 10, "closed": 30}, "captureRules": [{"from": "*", "to": "+1", "metadata": {}}]}
WHOLE = {
    "channelSettings": {"SMS": SMS, "VOICE": {"captureRules": []}},
    "statusCallbacks": [{"url": "https://example.com/told", "method": "GET"}],
    "intelligenceConfigurationIds": ["one", "two"],
    "memoryExtractionEnabled": True,
    "conversationsV1Bridge": {"serviceId": "IS" + "0" * 32},
}


async def read(account: Account, id: str) -> dict[str, Any]:
    found: dict[str, Any] = await account.get(f"{CONFIGURATIONS}/{id}")
    return found


async def test_a_configuration_is_made_and_its_operation_says_which(acme: Account) -> None:
    made = await acme.write("POST", CONFIGURATIONS, settings(acme, **WHOLE))
    id = made.json()["related"]["configurationId"]
    operation = await acme.get(made.headers["location"])
    shown = await read(acme, id)

    assert made.json() == {"statusUrl": made.headers["location"], "related": {"configurationId": id}}
    assert made.headers["retry-after"] == "0" and "/v2/ControlPlane/Operations/" in made.headers["location"]
    assert operation == {
        "operationId": made.headers["operation-id"],
        "status": "COMPLETED",
        "createdAt": operation["createdAt"],
        "completedAt": operation["createdAt"],
        **made.json(),
    }
    assert shown == {
        **settings(acme, **WHOLE),
        "id": id,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
        "version": 1,
    }
    assert len(shown["createdAt"]) == 20 and shown["createdAt"].endswith("Z")


async def test_what_is_left_out_has_the_published_default(acme: Account) -> None:
    shown = await read(acme, await configured(acme))

    assert shown["channelSettings"] == {} and shown["statusCallbacks"] == shown["intelligenceConfigurationIds"] == []
    assert shown["memoryExtractionEnabled"] is False and "conversationsV1Bridge" not in shown
    told = await read(
        acme, await configured(acme, statusCallbacks=[{"url": "https://example.com/x"}], more="passed by")
    )
    assert told["statusCallbacks"] == [{"url": "https://example.com/x", "method": "POST"}] and "more" not in told


async def test_a_put_replaces_all_but_a_name_that_is_left_out(acme: Account) -> None:
    id = await configured(acme, **WHOLE)
    body = {**settings(acme, description="new", channelSettings={"CHAT": {}})}
    del body["displayName"]
    put = await acme.write("PUT", f"{CONFIGURATIONS}/{id}", body)
    shown = await read(acme, id)

    assert put.json()["related"] == {"configurationId": id}
    assert {**body, "displayName": "Support"}.items() <= {**shown, "channelSettings": {"CHAT": {}}}.items()
    assert shown["channelSettings"] == {"CHAT": {"captureRules": []}} and shown["version"] == 2
    assert shown["statusCallbacks"] == [] and not shown["memoryExtractionEnabled"]
    await acme.write("PUT", f"{CONFIGURATIONS}/{id}", {**body, "displayName": "Other"})
    assert (await read(acme, id))["displayName"] == "Other"


async def test_a_patch_changes_what_it_names(acme: Account) -> None:
    id = await configured(acme, **WHOLE)
    before = await read(acme, id)
    path = f"{CONFIGURATIONS}/{id}"
    await acme.write("PATCH", path)
    await acme.write("PATCH", path, {})
    await acme.write("PATCH", path, {"displayName": None, "description": None, "memoryStoreId": None})
    assert await read(acme, id) == before

    changes = {"description": "new", "channelSettings": {"SMS": None, "CHAT": {"statusTimeouts": {"closed": 5}}}}
    patched = await acme.write("PATCH", path, changes)
    after = await read(acme, id)
    assert patched.json()["related"] == {"configurationId": id}
    assert after["channelSettings"] == {
        "VOICE": {"captureRules": []},
        "CHAT": {"statusTimeouts": {"closed": 5}, "captureRules": []},
    }
    assert after | {name: before[name] for name in ("channelSettings", "description", "version", "updatedAt")} == before
    await acme.write("PATCH", path, {"channelSettings": {"VOICE": {"statusTimeouts": {"inactive": 1}}}})
    assert (await read(acme, id))["channelSettings"]["VOICE"]["statusTimeouts"] == {"inactive": 1}


async def test_a_null_removes_what_need_not_be_there(acme: Account) -> None:
    id = await configured(acme, **WHOLE)
    nulls = {"statusCallbacks": None, "intelligenceConfigurationIds": None, "conversationsV1Bridge": None}
    await acme.write("PATCH", f"{CONFIGURATIONS}/{id}", {**nulls, "memoryExtractionEnabled": None})
    shown = await read(acme, id)

    assert shown["statusCallbacks"] == shown["intelligenceConfigurationIds"] == []
    assert "conversationsV1Bridge" not in shown and shown["memoryExtractionEnabled"] is True


async def test_a_configuration_that_is_deleted_is_gone_and_its_conversations_go_on(acme: Account) -> None:
    id = await configured(acme)
    talk = await begun(acme, configurationId=id)
    deleted = await acme.write("DELETE", f"{CONFIGURATIONS}/{id}")

    assert deleted.json()["related"] == {"configurationId": id}
    assert (await acme.get(deleted.headers["location"]))["related"] == {"configurationId": id}
    for method, body in (("GET", None), ("PUT", settings(acme, channelSettings={})), ("PATCH", {}), ("DELETE", None)):
        more = {} if body is None else {"json": body}
        assert "configuration" in await acme.refused(method, f"{CONFIGURATIONS}/{id}", 404, **more)
    assert "configuration" in await acme.refused("POST", "/v2/Conversations", 404, json={"configurationId": id})
    assert (await acme.get(f"/v2/Conversations/{talk['id']}"))["configuration"]["displayName"] == "Support"


async def test_what_groups_conversations_is_not_changed_later(acme: Account) -> None:
    path = f"{CONFIGURATIONS}/{await configured(acme)}"
    other = {"conversationGroupingType": "GROUP_BY_PARTICIPANT_ADDRESSES"}

    for method, body in (("PATCH", other), ("PUT", settings(acme, channelSettings={}, **other))):
        assert "conversationGroupingType" in await acme.refused(method, path, 409, json=body)


async def test_there_are_ten_at_most(acme: Account) -> None:
    ids = [await configured(acme) for _ in range(10)]

    assert "10" in await acme.refused("POST", CONFIGURATIONS, 409, json=settings(acme))
    await acme.write("DELETE", f"{CONFIGURATIONS}/{ids[4]}")
    ids = [*ids[:4], *ids[5:], await configured(acme)]
    listed = await acme.get(CONFIGURATIONS)
    assert [one["id"] for one in listed["configurations"]] == ids
    assert listed["meta"] == {"key": "configurations", "pageSize": 50}


async def test_a_list_may_be_of_one_store(acme: Account) -> None:
    first, first_store = await configured(acme), acme.store_id
    await acme.settle("second")
    second = await configured(acme)

    async def of(store_id: str) -> list[str]:
        found = await acme.get(CONFIGURATIONS, memoryStoreId=store_id)
        return [one["id"] for one in found["configurations"]]

    assert await of(acme.store_id) == [second] and await of(first_store.replace("store", "service", 1)) == [first]
    assert await of(f"mem_store_{SUFFIX}") == []
    assert "memoryStoreId" in await acme.refused("GET", CONFIGURATIONS, params={"memoryStoreId": "sandbox"})


async def test_a_configuration_is_of_a_store_that_is_there(acme: Account, globex: Account) -> None:
    path = f"{CONFIGURATIONS}/{await configured(acme)}"
    for store_id in (globex.store_id, f"mem_store_{SUFFIX}", f"mem_store_{SUFFIX[:-1]}l", "sandbox", 5, None):
        body = settings(acme, memoryStoreId=store_id, channelSettings={})
        assert "memoryStoreId" in await acme.refused("POST", CONFIGURATIONS, json=body)
        assert "memoryStoreId" in await acme.refused("PUT", path, json=body)
        if store_id is not None:
            assert "memoryStoreId" in await acme.refused("PATCH", path, json={"memoryStoreId": store_id})
    older = acme.store_id.replace("store", "service", 1)
    assert (await read(acme, await configured(acme, memoryStoreId=older)))["memoryStoreId"] == acme.store_id


TIMES = "channelSettings.SMS.statusTimeouts"


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"displayName": ""}, "displayName", ""),
        ({"displayName": "a" * 33}, "displayName", "32"),
        ({"displayName": "a.b"}, "displayName", "dashes or underscores"),
        ({"displayName": "ab\n"}, "displayName", ""),
        ({"displayName": 5}, "displayName", "string"),
        ({"description": "d" * 513}, "description", "512"),
        ({"conversationGroupingType": "GROUP_BY_MOOD"}, "conversationGroupingType", "GROUP_BY_PROFILE"),
        ({"channelSettings": {"FAX": {}}}, "channelSettings.FAX", "SMS"),
        ({"channelSettings": []}, "channelSettings", "dictionary"),
        ({"channelSettings": {"SMS": 5}}, "channelSettings.SMS", "object"),
        ({"channelSettings": {"SMS": {"statusTimeouts": {"inactive": 0}}}}, f"{TIMES}.inactive", "1"),
        ({"channelSettings": {"SMS": {"statusTimeouts": {"closed": 10**9}}}}, f"{TIMES}.closed", "1576800"),
        ({"channelSettings": {"SMS": {"statusTimeouts": {"closed": 1.5}}}}, f"{TIMES}.closed", "integer"),
        ({"channelSettings": {"SMS": {"captureRules": [{"from": "*"}]}}}, "captureRules[0].to", "required"),
        ({"channelSettings": {"SMS": {"captureRules": [{"from": "", "to": "*"}]}}}, "captureRules[0].from", "1"),
        ({"channelSettings": {"SMS": {"captureRules": [{"from": "*", "to": "*"}] * 101}}}, "captureRules", "100"),
        ({"statusCallbacks": [{"url": "https://example.com"}] * 3}, "statusCallbacks", "2"),
        ({"statusCallbacks": [{}]}, "statusCallbacks[0].url", "required"),
        ({"statusCallbacks": [{"url": "https://example.com/" + "x" * 2048}]}, "statusCallbacks[0].url", "2048"),
        ({"statusCallbacks": [{"url": "https://example.com", "method": "PUT"}]}, "method", "POST"),
        ({"intelligenceConfigurationIds": ["x"] * 6}, "intelligenceConfigurationIds", "5"),
        ({"memoryExtractionEnabled": "yes"}, "memoryExtractionEnabled", "boolean"),
        ({"conversationsV1Bridge": {"serviceId": "IS0"}}, "conversationsV1Bridge.serviceId", "IS and 32"),
        ({"conversationsV1Bridge": {}}, "conversationsV1Bridge.serviceId", "required"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_the_name_of_the_field_and_its_limit(
    shared: Account, change: dict[str, Any], field: str, limit: str
) -> None:
    said = await shared.refused("POST", CONFIGURATIONS, json=settings(shared, **change))

    assert field in said and limit in said, said
    assert await shared.refused("PATCH", NOWHERE, json=change) == said
    assert (await shared.get(CONFIGURATIONS))["configurations"] == []


@pytest.mark.parametrize(
    "url", ["example.com", "http://example.com", "https://127.0.0.1/x", "https://a:b@example.com", ""]
)
async def test_nobody_is_told_where_nobody_may_be_reached(acme: Account, url: str) -> None:
    path, told = f"{CONFIGURATIONS}/{await configured(acme)}", {"statusCallbacks": [{"url": url}]}
    body = settings(acme, channelSettings={}, **told)
    talk = await begun(acme)

    for method, where, sent in (
        ("POST", CONFIGURATIONS, body),
        ("PUT", path, body),
        ("PATCH", path, told),
        ("PATCH", f"/v2/Conversations/{talk['id']}", {"configuration": told}),
    ):
        assert "statusCallbacks[0].url" in await acme.refused(method, where, json=sent)


@pytest.mark.parametrize("field", ["displayName", "description", "conversationGroupingType", "memoryStoreId"])
async def test_four_things_are_required(shared: Account, field: str) -> None:
    body = settings(shared)
    del body[field]

    assert await shared.refused("POST", CONFIGURATIONS, json=body) == f"{field} is required."


async def test_to_replace_one_takes_its_channels(shared: Account) -> None:
    assert "channelSettings is required" in await shared.refused("PUT", NOWHERE, json=settings(shared))


@pytest.mark.parametrize("id", [f"conv_configuration_{SUFFIX}", f"mem_store_{SUFFIX}", "x", "x" * 5000, "%00"])
async def test_what_is_no_configuration_is_not_there(shared: Account, id: str) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        assert "no such configuration" in await shared.refused(method, f"{CONFIGURATIONS}/{id}", 404)


@pytest.mark.parametrize("id", [f"mem_operation_{SUFFIX}", f"conv_configuration_{SUFFIX}", "x", "%F0"])
async def test_what_is_no_operation_is_not_there(shared: Account, id: str) -> None:
    assert "no such operation" in await shared.refused("GET", f"{OPERATIONS}/{id}", 404)


async def test_operations_of_both_planes_are_told_in_the_words_of_each(acme: Account) -> None:
    made = await acme.write("POST", CONFIGURATIONS, settings(acme))
    stored = await acme.write("PATCH", acme.control, {"description": "d"})
    as_memory = await acme.get(f"/v1/ControlPlane/Operations/{made.headers['operation-id']}")
    as_conversations = await acme.get(f"{OPERATIONS}/{stored.headers['operation-id']}")

    assert as_memory["result"]["id"] == made.json()["related"]["configurationId"]
    assert as_conversations["status"] == "COMPLETED" and "related" not in as_conversations


async def test_email_is_a_channel_here_though_it_is_published_for_none(acme: Account, opened: Open) -> None:
    id = await configured(acme, channelSettings={"EMAIL": {"statusTimeouts": {"closed": 600}}})

    assert (await read(acme, id))["channelSettings"]["EMAIL"]["statusTimeouts"] == {"closed": 600}
