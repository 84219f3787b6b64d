"""A profile that is part of another: where each of its routes leads."""

from typing import Any

import pytest

from mcp_memory import app as wiring
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.service import Memory
from tests.doors import guarded
from tests.http_api.accounts import Account, note, recap
from tests.http_api.conftest import BASE, Open

pytestmark = pytest.mark.anyio

OBSERVATION = "mem_observation_01kammq7gwf5sb8d9r2hkjx3e4"
SUMMARY = "mem_summary_01kammq7gwf5sb8d9r2hkjx3e4"
SWAP = {"idType": "email", "oldValue": "a@example.com", "newValue": "b@example.com"}

MOVED: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PATCH", "", {"traits": {"Contact": {"city": "Bern"}}}),
    ("DELETE", "", None),
    ("GET", "/Traits?pageSize=5&traitGroups=Contact%2CLoyalty", None),
    ("GET", "/Identifiers", None),
    ("POST", "/Identifiers", {"idType": "email", "value": "b@example.com"}),
    ("GET", "/Identifiers/email", None),
    ("PATCH", "/Identifiers/email", SWAP),
    ("DELETE", "/Identifiers/email?removeAll=true", None),
    ("GET", "/Observations?orderBy=ASC", None),
    ("POST", "/Observations", {"observations": [note("x")]}),
    ("PATCH", f"/Observations/{OBSERVATION}", {"content": "x"}),
    ("DELETE", f"/Observations/{OBSERVATION}", None),
    ("GET", "/ConversationSummaries", None),
    ("POST", "/ConversationSummaries", {"summaries": [recap("x")]}),
    ("PATCH", f"/ConversationSummaries/{SUMMARY}", {"content": "x"}),
    ("DELETE", f"/ConversationSummaries/{SUMMARY}", None),
    ("POST", "/Recall", {}),
]


@pytest.fixture
def transparent(memory: Memory, credentials: Authenticator, opened: Open, acme: Account) -> Account:
    """The same account, where merged profiles go unseen."""
    api = build_api(Front(memory=memory, now=wiring.now, transparent=True))
    return opened(guarded(api, credentials), like=acme)


async def test_every_route_of_it_leads_to_the_same_place_of_the_other(acme: Account) -> None:
    live, part = await acme.merged()
    for method, below, body in MOVED:
        status = 301 if method == "GET" else 308
        moved = await acme.write(method, f"{acme.data}/Profiles/{part}{below}", body, status)

        there = f"{BASE}{acme.data}/Profiles/{live}{below}"
        assert moved.headers["location"] == there
        assert moved.headers["canonical-profile-id"] == live
        assert moved.json() == {"message": "This resource has moved.", "uri": there}


async def test_odd_letters_of_a_path_are_as_odd_in_where_it_leads(acme: Account) -> None:
    live, part = await acme.merged()
    for odd in ("a%20b", "%0D%0ASet-Cookie:%20a%3Db", "%C3%A4%F0%9F%99%82", "a%3Fb%23c", "a%25b", "%00%7F"):
        for path in (f"Identifiers/{odd}", f"Traits?traitGroups={odd}"):
            moved = await acme.write("GET", f"{acme.data}/Profiles/{part}/{path}", status=301)

            assert moved.headers["location"] == f"{BASE}{acme.data}/Profiles/{live}/{path}"


async def test_who_follows_gets_there(acme: Account) -> None:
    live, part = await acme.merged()
    followed = await acme.write("GET", f"{acme.data}/Profiles/{part}", status=200, follow_redirects=True)
    body = {"observations": [note("Has a dog")]}
    await acme.write("POST", f"{acme.data}/Profiles/{part}/Observations", body, follow_redirects=True)

    assert followed.json()["id"] == live
    assert len((await acme.get(f"{acme.data}/Profiles/{live}/Observations"))["observations"]) == 1


async def test_items_by_id_are_answered_in_place(acme: Account) -> None:
    live, part = await acme.merged()
    (observation,), (summary,) = await acme.observed(live, "Has a dog"), await acme.summarised(live, "Talked of it")
    for below in (
        f"Observations/{observation}",
        f"Observations/{observation}/Revisions",
        f"ConversationSummaries/{summary}",
    ):
        old = await acme.ask("GET", f"{acme.data}/Profiles/{part}/{below}")
        new = await acme.ask("GET", f"{acme.data}/Profiles/{live}/{below}")

        assert old.json() == new.json()
        assert old.headers["canonical-profile-id"] == live and "canonical-profile-id" not in new.headers


async def test_merged_profiles_may_go_unseen(acme: Account, transparent: Account) -> None:
    live, part = await acme.merged()
    path = f"{acme.data}/Profiles/{part}"
    for below in ("", "/Traits", "/Identifiers", "/Identifiers/email", "/Observations", "/ConversationSummaries"):
        shown = await transparent.ask("GET", path + below)
        assert shown.headers["canonical-profile-id"] == live
        assert shown.json() == (await acme.ask("GET", f"{acme.data}/Profiles/{live}{below}")).json()
    written = await transparent.write("POST", f"{path}/Observations", {"observations": [note("Has a dog")]})
    recalled = await transparent.ask("POST", f"{path}/Recall", json={"query": "pets"})

    assert written.headers["canonical-profile-id"] == recalled.headers["canonical-profile-id"] == live
    assert recalled.json()["observations"][0]["content"] == "Has a dog"
    assert "canonical-profile-id" not in (await transparent.ask("GET", f"{acme.data}/Profiles/{live}")).headers


async def test_the_older_paths_lead_to_the_same_place(
    acme: Account, opened: Open, memory: Memory, credentials: Authenticator
) -> None:
    api = build_api(Front(memory=memory, now=wiring.now), services_alias=True)
    older = opened(guarded(api, credentials), like=acme, checked=False)
    live, part = await acme.merged()
    services = f"/v1/Services/{acme.store_id}"

    assert (await older.get("/v1/Services"))["stores"] == [acme.store_id]
    assert (await older.get(services))["id"] == acme.store_id
    assert (await older.get(f"{services}/TraitGroups/Contact"))["traitGroup"]["displayName"] == "Contact"
    assert (await older.get(f"{services}/Profiles"))["profiles"] == [live]
    assert (await older.get(f"{services}/Profiles/{live}"))["id"] == live
    moved = await older.write("GET", f"{services}/Profiles/{part}", status=301)
    assert moved.headers["location"] == f"{BASE}{services}/Profiles/{live}"
    created = await older.write("POST", "/v1/Services", {"displayName": "second"})
    assert await acme.made(created) in (await acme.get("/v1/ControlPlane/Stores"))["stores"]
    wrong = await older.ask("PUT", "/v1/Services", 405)
    assert wrong.headers["allow"] == "GET, POST"
    await opened(like=acme, checked=False).refused("GET", "/v1/Services", 404)
