"""Observations, their revisions, and summaries."""

from typing import Any

import pytest

from tests.http_api.accounts import CONVERSATION, MONDAY, OTHER_CONVERSATION, Account, note, recap, receipts

pytestmark = pytest.mark.anyio

MISSING = {"Observations": "mem_observation_", "ConversationSummaries": "mem_summary_"}


async def test_observations_come_back_as_they_were_written(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    given = note("Likes tea ☕", conversationIds=[CONVERSATION], occurredAt="2026-05-04T11:00:00.613097+02:00")
    written = await acme.write("POST", path, {"observations": [given, given, note("Has a dog")]})
    (first, _), (again, outcome), (dog, _) = receipts(written)
    shown = await acme.get(f"{path}/{first}")

    assert written.json() == {"message": "Observations creation accepted"}
    assert (again, outcome) == (first, "duplicate")
    assert shown == {
        "id": first,
        "content": "Likes tea ☕",
        "source": "test",
        "occurredAt": "2026-05-04T09:00:00Z",
        "conversationIds": [CONVERSATION],
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    listed = await acme.get(path)
    assert {one["id"] for one in listed["observations"]} == {first, dog}
    assert listed["meta"] == {"key": "observations", "pageSize": listed["meta"]["pageSize"]}


async def test_an_observation_is_corrected_and_what_it_was_stays_as_a_revision(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    (id,) = await acme.observed(path.split("/")[5], "Likes sushi")
    assert (await acme.write("PATCH", f"{path}/{id}", {"content": "Likes pizza"})).json() == {
        "message": "Observation update accepted"
    }
    await acme.write("PATCH", f"{path}/{id}", {"conversationIds": [CONVERSATION], "source": "other"})
    revisions = await acme.get(f"{path}/{id}/Revisions")

    assert [one["content"] for one in revisions["revisions"]] == ["Likes pizza", "Likes pizza", "Likes sushi"]
    assert revisions["revisions"][0] == await acme.get(f"{path}/{id}")
    assert {one["id"] for one in revisions["revisions"]} == {id} and revisions["meta"]["key"] == "revisions"
    assert revisions["revisions"][2]["source"] == "test"


async def test_a_change_that_changes_nothing_makes_no_revision(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    (id,) = await acme.observed(path.split("/")[5], "Likes sushi")
    await acme.write("PATCH", f"{path}/{id}", {})
    await acme.write("PATCH", f"{path}/{id}", {"content": "Likes sushi"})

    assert len((await acme.get(f"{path}/{id}/Revisions"))["revisions"]) == 1


async def test_a_list_of_observations_is_of_what_is_asked_for(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    both = [
        note("one", source="a b", conversationIds=[CONVERSATION]),
        note("two", conversationIds=[OTHER_CONVERSATION]),
    ]
    await acme.write("POST", path, {"observations": both})

    async def found(**asked: Any) -> list[str]:
        return sorted(one["content"] for one in (await acme.get(path, **asked))["observations"])

    assert await found(source="a b") == ["one"]
    assert await found(source="A B") == []
    assert await found(conversationId=OTHER_CONVERSATION) == ["two"]
    assert await found(createdAfter="2020-01-01T00:00:00Z", createdBefore="2099-01-01T00:00:00Z") == ["one", "two"]
    assert await found(createdBefore="2020-01-01T00:00:00+02:00") == []
    assert await found(createdAfter="2099-01-01T00:00:00Z") == []
    for name in ("createdAfter", "createdBefore"):
        for wrong in ("yesterday", "2026-05-04", "2026-05-04T09:00:00", "", "20260504"):
            assert name in await acme.refused("GET", path, params={name: wrong})
    assert "conversationId" in await acme.refused("GET", path, params={"conversationId": "mine"})
    assert "source" in await acme.refused("GET", path, params={"source": "a;b"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": "x" * 4097}, "content"),
        ({"content": None}, "content"),
        ({"content": 5}, "content"),
        ({"content": "\u200b \n"}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"source": ""}, "source"),
        ({"source": "x" * 101}, "source"),
        ({"source": "a;b"}, "source"),
        ({"source": "a\n"}, "source"),
        ({"occurredAt": None}, "occurredAt"),
        ({"occurredAt": "yesterday"}, "occurredAt"),
        ({"occurredAt": "2026-05-04"}, "occurredAt"),
        ({"occurredAt": "2026-05-04T09:00:00"}, "occurredAt"),
        ({"occurredAt": 1_777_000_000}, "occurredAt"),
        ({"occurredAt": "2026-13-04T09:00:00Z"}, "occurredAt"),
        ({"occurredAt": "9999-12-31T23:59:59-23:59"}, "occurredAt"),
        ({"occurredAt": "0001-01-01T00:00:00+23:59"}, "occurredAt"),
        ({"occurredAt": "2999-01-01T00:00:00Z"}, "occurredAt"),
        ({"conversationIds": [CONVERSATION] * 11}, "conversationIds"),
        ({"conversationIds": ["mine"]}, "conversationIds[0]"),
        ({"conversationIds": CONVERSATION}, "conversationIds"),
    ],
)
async def test_an_observation_that_breaks_a_rule_is_refused_and_nothing_is_written(
    shared: Account, change: Any, field: str
) -> None:
    path = f"{shared.data}/Profiles/{await shared.profile()}/Observations"
    said = await shared.refused("POST", path, json={"observations": [note("good"), note("bad") | change]})

    assert "observations[1]." + field in said
    assert (await shared.get(path))["observations"] == []


async def test_a_change_that_breaks_a_rule_is_refused(acme: Account) -> None:
    profile_id = await acme.profile()
    (observation,), (summary,) = await acme.observed(profile_id, "good"), await acme.summarised(profile_id, "good")
    wrong: list[dict[str, Any]] = [{"content": ""}, {"content": "x" * 4097}, {"source": "a;b"}, {"content": 5}]
    wrong += [{"occurredAt": "2999-01-01T00:00:00Z"}, {"occurredAt": "yesterday"}, {"content": "\u200b"}]
    for below in (f"Observations/{observation}", f"ConversationSummaries/{summary}"):
        path = f"{acme.data}/Profiles/{profile_id}/{below}"
        for change in wrong:
            assert next(iter(change)) in await acme.refused("PATCH", path, json=change)
        await acme.refused("PATCH", path, json=[])
        await acme.refused("PATCH", path)
        await acme.write("PATCH", path, {"unknown": "passed over"})
        assert (await acme.get(path))["content"] == "good"


@pytest.mark.parametrize("noun", ["Observations", "ConversationSummaries"])
async def test_a_batch_holds_ten(acme: Account, noun: str) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/{noun}"
    key, make = ("observations", note) if noun == "Observations" else ("summaries", recap)
    items = [make(f"number {at} is a word apart") for at in range(11)]

    for wrong in ([], items, None, {}, items[0]):
        assert key in await acme.refused("POST", path, json={key: wrong})
    assert key in await acme.refused("POST", path, json=items[0])
    assert "more is unknown" in await acme.refused("POST", path, json={key: items[:1], "more": 1})
    written = await acme.write("POST", path, {key: items[:10]})
    assert len(receipts(written)) == 10


async def test_the_longest_texts_there_may_be_are_taken(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}"
    ids = [f"conv_conversation_{at:026}" for at in range(10)]
    longest = note("ä" * 4096, source="s" * 100, conversationIds=ids, passed="over")
    written = await acme.write("POST", f"{path}/Observations", {"observations": [longest]})
    shown = await acme.get(f"{path}/Observations/{receipts(written)[0][0]}")

    assert shown["content"] == longest["content"] and shown["conversationIds"] == ids
    await acme.write("POST", f"{path}/ConversationSummaries", {"summaries": [recap("ö" * 4096, source="s" * 100)]})


async def test_summaries_are_written_shown_corrected_and_removed(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/ConversationSummaries"
    written = await acme.write("POST", path, {"summaries": [recap("Talked of tea", source="crm")]})
    id = receipts(written)[0][0]
    shown = await acme.get(f"{path}/{id}")

    assert written.json() == {"message": "Summaries creation accepted"}
    assert shown == {
        "id": id,
        "content": "Talked of tea",
        "conversationId": CONVERSATION,
        "source": "crm",
        "occurredAt": MONDAY,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    assert (await acme.get(path))["summaries"] == [shown]
    assert (await acme.get(path, conversationId=OTHER_CONVERSATION))["summaries"] == []

    changes = {"content": "Talked of coffee", "conversationId": OTHER_CONVERSATION, "occurredAt": MONDAY, "source": "x"}
    assert (await acme.write("PATCH", f"{path}/{id}", changes)).json()["message"] == (
        "Conversation summary update accepted"
    )
    assert (await acme.get(f"{path}/{id}")).items() >= changes.items()
    assert (await acme.write("DELETE", f"{path}/{id}")).json()["message"] == "Conversation summary deletion accepted"
    await acme.refused("GET", f"{path}/{id}", 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": "x" * 4097}, "content"),
        ({"conversationId": None}, "conversationId"),
        ({"conversationId": "mine"}, "conversationId"),
        ({"occurredAt": None}, "occurredAt"),
        ({"occurredAt": "2999-01-01T00:00:00Z"}, "occurredAt"),
        ({"source": "a;b"}, "source"),
    ],
)
async def test_a_summary_that_breaks_a_rule_is_refused_and_nothing_is_written(
    shared: Account, change: Any, field: str
) -> None:
    path = f"{shared.data}/Profiles/{await shared.profile()}/ConversationSummaries"
    said = await shared.refused("POST", path, json={"summaries": [recap("bad") | change]})

    assert "summaries[0]." + field in said
    assert (await shared.get(path))["summaries"] == []


@pytest.mark.parametrize("noun", ["Observations", "ConversationSummaries"])
async def test_an_item_of_another_profile_is_no_item_of_this_one(acme: Account, noun: str) -> None:
    mine, other = await acme.profile(), await acme.profile("+13175550199")
    make = acme.observed if noun == "Observations" else acme.summarised
    (id,) = await make(other, "Has a dog")
    path = f"{acme.data}/Profiles/{mine}/{noun}"

    for absent in (id, MISSING[noun] + "01kammq7gwf5sb8d9r2hkjx3e4", MISSING[noun] + "01kammq7gwf5sb8d9r2hkjx3el"):
        said = {await acme.refused("GET", f"{path}/{absent}", 404)}
        said.add(await acme.refused("PATCH", f"{path}/{absent}", 404, json={"content": "mine now"}))
        said.add(await acme.refused("DELETE", f"{path}/{absent}", 404))
        if noun == "Observations":
            said.add(await acme.refused("GET", f"{path}/{absent}/Revisions", 404))
    await acme.refused("GET", f"{path}/{mine}", 400)
    assert (await acme.get(f"{acme.data}/Profiles/{other}/{noun}/{id}"))["content"] == "Has a dog"
