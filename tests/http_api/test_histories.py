"""What was, who made it so and why, and going back to it, over HTTP."""

import pytest

from mcp_memory.history import EXTRACTION
from mcp_memory.model import Caller, NewObservation
from mcp_memory.service import Memory
from tests.http_api.accounts import CONVERSATION, MONDAY, NOBODY, Account, note, recap
from tests.http_api.conftest import Open

pytestmark = pytest.mark.anyio


@pytest.fixture
async def plain(acme: Account, opened: Open) -> Account:
    """The same account; what is not published is held to no document."""
    return opened(like=acme, checked=False)


async def test_each_revision_says_who_made_it_and_why(acme: Account, plain: Account, memory: Memory) -> None:
    profile = await acme.profile()
    caller = Caller(tenant=acme.tenant, store=acme.store_id)
    for content in ("Lives in Porto.", "Moved to Lisbon."):
        await memory.reconcile_observations(caller, profile, [NewObservation(content=content)], EXTRACTION)
    path = f"{acme.data}/Profiles/{profile}/Observations"
    (id,) = [one["id"] for one in (await acme.get(path))["observations"]]
    await acme.write("PATCH", f"{path}/{id}", {"content": "Moved to Lisbon in May."})
    history = (await plain.get(f"{path}/{id}/History"))["history"]

    assert [one["revision"] for one in history] == [3, 2, 1]
    assert [one["by"]["cause"] for one in history] == ["corrected", "reconciled", "created"]
    assert [one["by"]["actor"].split()[0] for one in history] == ["api", "extraction", "extraction"]
    assert history[1]["by"]["rule"] and history[1]["by"]["reason"]
    assert [one["observation"]["content"] for one in history][1:] == ["Moved to Lisbon.", "Lives in Porto."]
    assert history[0]["observation"] == await acme.get(f"{path}/{id}")

    await plain.write("POST", f"{path}/{id}/Undo")
    assert (await acme.get(f"{path}/{id}"))["content"] == "Moved to Lisbon."
    await plain.write("POST", f"{path}/{id}/Undo", {"revision": 2})
    assert (await acme.get(f"{path}/{id}"))["content"] == "Lives in Porto."
    assert [one["by"]["cause"] for one in (await plain.get(f"{path}/{id}/History"))["history"]][:2] == ["undone"] * 2
    pages = await plain.get(f"{path}/{id}/History", pageSize=2)
    rest = await plain.get(f"{path}/{id}/History", pageSize=2, pageToken=pages["meta"]["nextToken"])
    assert [one["revision"] for one in (*pages["history"], *rest["history"])] == [5, 4, 3, 2]


async def test_summaries_and_traits_have_a_history_and_all_of_it_is_what_changed(acme: Account, plain: Account) -> None:
    profile = await acme.profile()
    data = f"{acme.data}/Profiles/{profile}"
    await acme.write("POST", f"{data}/ConversationSummaries", {"summaries": [recap("Asked for a refund.")]})
    (id,) = [one["id"] for one in (await acme.get(f"{data}/ConversationSummaries"))["summaries"]]
    await acme.write("PATCH", f"{data}/ConversationSummaries/{id}", {"content": "Got a refund."})
    for city in ("Porto", "Lisbon"):
        await acme.write("PATCH", data, {"traits": {"Contact": {"city": city}}})
    summaries = (await plain.get(f"{data}/ConversationSummaries/{id}/History"))["history"]
    traits = [one for one in (await plain.get(f"{data}/TraitHistory"))["history"] if one["traitName"] == "city"]
    changes = (await plain.get(f"{data}/Changes", since="2020-01-01T00:00:00Z"))["changes"]

    assert [one["summary"]["content"] for one in summaries] == ["Got a refund.", "Asked for a refund."]
    assert summaries[0]["summary"]["conversationId"] == CONVERSATION
    assert [one["value"] for one in traits] == ["Lisbon", "Porto"]
    assert {one["by"]["actor"].split()[0] for one in traits} == {"api"}
    assert {one["kind"] for one in changes} >= {"summary", "trait"}
    (city,) = [one for one in changes if one.get("before") == "Porto"]
    assert city["trait"]["value"] == "Lisbon"
    (summed,) = [one for one in changes if one.get("before") == "Asked for a refund."]
    assert summed["summary"]["summary"]["id"] == id
    assert (await plain.get(f"{data}/Changes", since="2020-01-01T00:00:00Z", limit=1))["changes"] == changes[:1]
    assert (await plain.get(f"{data}/Changes", since="2099-01-01T00:00:00Z"))["changes"] == []


async def test_what_was_left_out_says_why(acme: Account, plain: Account, memory: Memory) -> None:
    profile = await acme.profile()
    caller = Caller(tenant=acme.tenant, store=acme.store_id)
    new = [NewObservation(content="Has two cats.", conversation_ids=("c-1",))]
    for _ in range(2):
        await memory.reconcile_observations(caller, profile, new, EXTRACTION)
    (one,) = (await plain.get(f"{acme.data}/Profiles/{profile}/Discarded"))["discarded"]
    (known,) = (await acme.get(f"{acme.data}/Profiles/{profile}/Observations"))["observations"]

    assert (one["content"], one["observationId"], one["actor"].split()[0]) == (
        "Has two cats.",
        known["id"],
        "extraction",
    )
    assert one["rule"] == "same_statement" and one["reason"]
    await plain.refused("GET", f"{acme.data}/Profiles/{NOBODY}/Discarded", 404)


async def test_recall_tells_what_was_known_then(acme: Account) -> None:
    profile = await acme.profile()
    await acme.observed(profile, "Likes sushi")
    asked = {"query": "sushi", "asOf": MONDAY}
    then = await acme.write("POST", f"{acme.data}/Profiles/{profile}/Recall", asked, 200)
    now = await acme.write("POST", f"{acme.data}/Profiles/{profile}/Recall", {"query": "sushi"}, 200)

    assert then.json()["observations"] == [] and len(now.json()["observations"]) == 1


async def test_what_there_is_none_of(acme: Account, plain: Account) -> None:
    profile = await acme.profile()
    data = f"{acme.data}/Profiles/{profile}"
    nothing = "mem_observation_01kammq7gwf5sb8d9r2hkjx3e4"
    await plain.refused("GET", f"{data}/Observations/{nothing}/History", 404)
    await plain.refused("POST", f"{data}/Observations/{nothing}/Undo", 404)
    await plain.refused("GET", f"{data}/ConversationSummaries/mem_summary_01kammq7gwf5sb8d9r2hkjx3e4/History", 404)
    assert "since" in await plain.refused("GET", f"{data}/Changes")
    assert "since" in await plain.refused("GET", f"{data}/Changes", params={"since": "yesterday"})
    assert "limit" in await plain.refused("GET", f"{data}/Changes", params={"since": MONDAY, "limit": 0})
    (id,) = await acme.observed(profile, note("Likes tea")["content"])
    assert "revision" in await plain.refused("POST", f"{data}/Observations/{id}/Undo", json={"revision": 0})
    assert "go back" in await plain.refused("POST", f"{data}/Observations/{id}/Undo")
