"""Stores, and the operations that say what became of a change."""

from typing import Any

import pytest

from tests.http_api.accounts import Account
from tests.http_api.conftest import Open

pytestmark = pytest.mark.anyio

STORES = "/v1/ControlPlane/Stores"


async def test_a_store_is_made_and_its_operation_says_which(opened: Open) -> None:
    account = opened()
    created = await account.write("POST", STORES, {"displayName": "Sandbox-1", "description": "to try"})
    operation = await account.get(created.headers["location"])
    store_id = operation["result"]["id"]

    assert created.json() == {
        "message": "Memory Store creation accepted for processing.",
        "statusUrl": created.headers["location"],
    }
    assert created.headers["operation-id"] == operation["operationId"] and created.headers["retry-after"] == "0"
    assert operation["status"] == "COMPLETED" and operation["result"]["type"] == "RESOURCE_ID"
    assert operation["createdAt"].endswith("Z") and len(operation["createdAt"]) == 20
    assert await account.get(f"{STORES}/{store_id}") == {
        "id": store_id,
        "displayName": "Sandbox-1",
        "description": "to try",
        "status": "ACTIVE",
        "intelligenceServiceId": None,
        "version": 1,
    }


async def test_a_store_is_changed_and_its_version_counts_the_changes(acme: Account) -> None:
    changed = await acme.write("PATCH", acme.control, {"description": "mine"})
    nothing = await acme.write("PATCH", acme.control)
    store = await acme.get(acme.control)

    assert changed.json()["message"] == "Memory Store update request accepted for processing."
    assert await acme.made(changed) == await acme.made(nothing) == acme.store_id
    assert store["description"] == "mine" and store["displayName"] == "sandbox" and store["version"] >= 2


async def test_a_store_that_is_deleted_is_gone_with_all_that_was_in_it(acme: Account) -> None:
    profile_id = await acme.profile()
    deleted = await acme.write("DELETE", acme.control)

    assert deleted.json()["message"] == "Memory Store deletion request accepted for processing."
    assert await acme.made(deleted) == acme.store_id
    for path in (acme.control, f"{acme.data}/Profiles", f"{acme.data}/Profiles/{profile_id}"):
        assert "store" in await acme.refused("GET", path, 404)
    assert (await acme.get(STORES))["stores"] == []


async def test_two_stores_of_one_account_have_no_name_in_common(acme: Account, globex: Account) -> None:
    said = await acme.refused("POST", STORES, json={"displayName": "sandbox"})
    code = (await acme.ask("POST", STORES, 400, json={"displayName": "sandbox"})).json()["code"]

    assert "sandbox" in said or "displayName" in said
    assert code == 520045
    assert (await globex.get(globex.control))["displayName"] == "sandbox"


async def test_an_account_has_fifteen_stores_at_most(opened: Open) -> None:
    account = opened()
    made = [await account.settle(f"store-{at}") for at in range(15)]
    refused = (await account.ask("POST", STORES, 400, json={"displayName": "one-more"})).json()

    assert refused["code"] == 520044 and "15" in refused["message"]
    assert (await account.get(STORES, orderBy="ASC"))["stores"] == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "displayName"),
        ({"displayName": ""}, "displayName"),
        ({"displayName": "a_b"}, "displayName"),
        ({"displayName": "a" * 65}, "displayName"),
        ({"displayName": "ab\n"}, "displayName"),
        ({"displayName": None}, "displayName"),
        ({"displayName": 5}, "displayName"),
        ({"displayName": "ok", "description": ""}, "description"),
        ({"displayName": "ok", "description": "d" * 129}, "description"),
        ({"displayName": "ok", "description": "\u200b"}, "description"),
    ],
)
async def test_a_store_that_breaks_a_rule_is_refused_by_the_name_of_the_field(
    opened: Open, body: Any, field: str
) -> None:
    assert field in await opened().refused("POST", STORES, json=body)


async def test_names_and_descriptions_may_be_as_long_as_published(opened: Open) -> None:
    body = {"displayName": "a" * 64, "description": "d" * 128, "unknown": "passed over"}

    await opened().write("POST", STORES, body)


async def test_the_older_name_of_a_store_is_as_good(acme: Account) -> None:
    older = acme.control.replace("mem_store", "mem_service")

    assert (await acme.get(older))["id"] == acme.store_id
    etag = (await acme.ask("GET", older)).headers["etag"]
    await acme.write("PATCH", older, {"description": "x"}, headers={"If-Match": etag})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{STORES}/mem_store_01kammq7gwf5sb8d9r2hkjx3e4", 404, 520041),
        (f"{STORES}/mem_store_01kammq7gwf5sb8d9r2hkjx3el", 404, 520041),  # the form is right, the letter l is none
        (f"{STORES}/mem_profile_01kammq7gwf5sb8d9r2hkjx3e4", 400, 520049),
        (f"{STORES}/mem_store_8zkammq7gwf5sb8d9r2hkjx3e4", 400, 520049),
        (f"{STORES}/sandbox", 400, 520049),
        ("/v1/Stores/sandbox/Profiles", 400, 520049),
        ("/v1/Stores/mem_store_01kammq7gwf5sb8d9r2hkjx3e4/Profiles", 404, 520041),
        ("/v1/ControlPlane/Operations/mem_operation_01kammq7gwf5sb8d9r2hkjx3e4", 404, 520052),
        ("/v1/ControlPlane/Operations/nonsense", 400, 520051),
        ("/v1/ControlPlane/Operations/" + "x" * 513, 400, 520051),
        ("/v1/ControlPlane/Operations/mem_store_01kammq7gwf5sb8d9r2hkjx3e4", 400, 520051),
    ],
)
async def test_ids_of_nothing_are_told_apart_from_what_is_no_id(
    opened: Open, path: str, status: int, code: int
) -> None:
    account = opened()
    await account.refused("GET", path, status)

    assert (await account.ask("GET", path, status)).json()["code"] == code


async def test_what_is_there_no_path_for_says_so(opened: Open) -> None:
    account = opened(checked=False)

    for path in ("/", "/v1", "/v1/", "/v1/Stores", "/v1/Services", "/v1/ControlPlane/Stores/", "/v1/nowhere", "/docs"):
        assert "no such path" in await account.refused("GET", path, 404)
    for path in ("/v2", "/v2/", "/v2/ControlPlane/Stores", "/v2/Conversations/", "/v2/Conversations/x/Actions/y"):
        assert "no such path" in await account.refused("GET", path, 404)
    for path, allowed in (("", "GET, POST"), ("/x", "DELETE, GET, PATCH, PUT"), ("/x/Actions", "POST")):
        assert (await account.ask("LINK", f"/v2/Conversations{path}", 405)).headers["allow"] == allowed
    response = await account.ask("PUT", STORES, 405)
    assert response.json()["status"] == 405 and response.headers["allow"] == "GET, POST"
    assert (await account.ask("PUT", "/v1/Stores/x/Profiles/Lookup", 405)).headers["allow"] == "POST"
    assert (await account.ask("PUT", "/v1/Stores/x/Profiles/y", 405)).headers["allow"] == "DELETE, GET, PATCH"
