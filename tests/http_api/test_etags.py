"""Nobody overwrites what they have not seen: ETag and If-Match, for each resource that has a version."""

import base64
import json
from typing import Any

import pytest

from tests.http_api.accounts import Account

pytestmark = pytest.mark.anyio

TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "city"}]}
MAPPING = {"displayName": "Map", "mappingFrom": {"type": "INGRESS", "columns": ["a"]}, "mappingTo": TO}
PHONE_ONLY = {"identifierConfigs": [{"idType": "phone", "normalization": "phone"}], "matchingRules": ["phone"]}

CHANGES: dict[str, tuple[str, Any]] = {
    "": ("PATCH", {"description": "d"}),
    "/IdentityResolutionSettings": ("PUT", PHONE_ONLY),
    "/LearningSettings": ("PUT", {"reconcileApiWrites": True, "traits": "off"}),
    "/TraitGroups/Contact": ("PATCH", {"description": "d"}),
    "/DataMappings": ("PATCH", {"isEnabled": False}),
}


@pytest.fixture(params=CHANGES)
async def versioned(request: pytest.FixtureRequest, acme: Account) -> tuple[str, str, Any]:
    """Where it is, how it is changed."""
    below: str = request.param
    method, body = CHANGES[below]
    if below == "/DataMappings":
        below += "/" + await acme.made(await acme.write("POST", acme.control + below, MAPPING))
    return acme.control + below, method, body


async def version(account: Account, path: str) -> int:
    shown = await account.get(path)
    return int(shown.get("traitGroup", shown)["version"])


async def test_what_was_seen_may_be_changed_once(acme: Account, versioned: tuple[str, str, Any]) -> None:
    path, method, body = versioned
    shown = await acme.ask("GET", path)
    etag = shown.headers["etag"]
    assert etag.startswith('"') and etag.endswith('"') and len(etag) <= 100

    await acme.write(method, path, body, headers={"If-Match": etag})
    assert await version(acme, path) == 2
    stale = await acme.write(method, path, body, 412, headers={"If-Match": etag})
    assert stale.json()["code"] == 520043
    assert await version(acme, path) == 2
    after = (await acme.ask("GET", path)).headers["etag"]
    assert after != etag
    await acme.write(method, path, body, headers={"If-Match": after})


async def test_who_did_not_look_may_change_it_all_the_same(acme: Account, versioned: tuple[str, str, Any]) -> None:
    path, method, body = versioned
    await acme.write(method, path, body)
    await acme.write(method, path, body, headers={"If-Match": "*"})


async def test_what_is_no_etag_of_it_matches_nothing(
    acme: Account, globex: Account, versioned: tuple[str, str, Any]
) -> None:
    path, method, body = versioned
    own = (await acme.ask("GET", path)).headers["etag"]
    foreign = (await globex.ask("GET", globex.control)).headers["etag"]
    made_up = [{"id": acme.store_id, "v": 99}, {"id": acme.store_id, "v": "1"}, {"id": acme.store_id}, [], 5, None]
    wrong = [foreign, "e1", '"e1"', '""', "", '"' + "x" * 90 + '"', ",", "W/", "\xe4", '"[[[["']
    wrong += ['"' + base64.urlsafe_b64encode(json.dumps(one).encode()).decode() + '"' for one in made_up]
    for etag in wrong:
        refused = await acme.write(method, path, body, 412, headers={"If-Match": etag.encode("latin-1")})
        assert refused.json()["code"] == 520043
    assert await version(acme, path) == 1

    assert "If-Match" in await acme.refused(method, path, json=body, headers={"If-Match": '"' + "x" * 600 + '"'})
    await acme.write(method, path, body, headers={"If-Match": f"{foreign}, {own}"})


async def test_an_etag_is_of_its_store(acme: Account, globex: Account) -> None:
    for below in ("/IdentityResolutionSettings", "/LearningSettings", "/TraitGroups/Contact"):
        assert (await acme.ask("GET", acme.control + below)).headers["etag"] != (
            await globex.ask("GET", globex.control + below)
        ).headers["etag"]
