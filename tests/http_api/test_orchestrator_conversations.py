"""Conversations of several people, who takes part and what is said: what is asked, and what is answered."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.wire.orchestrator import resource
from tests.http_api.accounts import MONDAY, NOBODY, PHONE, Account, Json
from tests.http_api.conftest import Open
from tests.http_api.talks import (
    AGENT,
    CONVERSATIONS,
    SHOP,
    SUFFIX,
    at,
    begun,
    configured,
    customer,
    party,
    post,
    said,
    settings,
)

pytestmark = pytest.mark.anyio

CONFLICTING = "x-conflicting-resource-id"
BEN = "+13175550143"
HEARD = {
    "channel": 0,
    "confidence": 0.95,
    "engine": "ours",
    "words": [{"text": "Hi", "startTime": "2026-05-04T09:00:00.000Z", "endTime": "2026-05-04T09:00:00.200Z"}],
}


def account_id(account: Account) -> str:
    return f"AC{hashlib.sha256(account.tenant.encode()).hexdigest()[:32]}"


# Conversations


async def test_a_conversation_is_opened_with_the_settings_of_its_configuration(acme: Account) -> None:
    id = await configured(acme, channelSettings={"SMS": {"statusTimeouts": {"closed": 30}}})
    talk = await begun(acme, configurationId=id, name="Refund")
    who, agent = talk["participants"]
    shared = {name: talk[name] for name in ("accountId", "createdAt", "updatedAt")} | {"conversationId": talk["id"]}
    (profile_id,) = (await acme.get(f"{acme.data}/Profiles"))["profiles"]

    assert talk == {
        "id": talk["id"],
        "accountId": account_id(acme),
        "configurationId": id,
        "status": "ACTIVE",
        "name": "Refund",
        "createdAt": talk["createdAt"],
        "updatedAt": talk["createdAt"],
        "configuration": {
            **settings(acme),
            "channelSettings": {"SMS": {"statusTimeouts": {"closed": 30}, "captureRules": []}},
            "statusCallbacks": [],
            "intelligenceConfigurationIds": [],
            "memoryExtractionEnabled": False,
        },
        "participants": [who, agent],
    }
    assert who == {**shared, **customer(), "id": who["id"], "name": PHONE, "profileId": profile_id}
    assert agent == {**shared, **AGENT, "id": agent["id"]}
    assert await acme.get(at(talk)) == talk
    assert (await acme.get(CONVERSATIONS))["conversations"] == [talk]


async def test_a_conversation_may_begin_with_nobody_and_have_models_of_its_own(acme: Account) -> None:
    id = await configured(acme, intelligenceConfigurationIds=["one"])
    body = {"configurationId": id, "configuration": {"intelligenceConfigurationIds": ["two"]}}
    talk = (await acme.write("POST", CONVERSATIONS, body, 201)).json()
    other = (await acme.write("POST", CONVERSATIONS, {"configurationId": id, "configuration": {}}, 201)).json()

    assert talk["participants"] == [] and "name" not in talk
    assert talk["configuration"]["intelligenceConfigurationIds"] == ["two"]
    assert other["configuration"]["intelligenceConfigurationIds"] == ["one"]


async def test_what_would_be_one_with_another_names_it(acme: Account) -> None:
    talk = await begun(acme)
    again = {"configurationId": talk["configurationId"], "participants": [customer()]}
    refused = await acme.write("POST", CONVERSATIONS, again, 409)

    assert refused.headers[CONFLICTING] == talk["id"] and refused.json()["code"] == 20409
    assert len((await acme.get(CONVERSATIONS))["conversations"]) == 1
    await acme.write("PUT", at(talk), {"status": "CLOSED"}, 200)
    assert (await acme.write("POST", CONVERSATIONS, again, 201)).json()["id"] != talk["id"]


async def test_a_status_is_set_and_what_is_closed_stays_so(acme: Account) -> None:
    talk = await begun(acme, name="Refund")
    inactive = (await acme.write("PUT", at(talk), {"status": "INACTIVE"}, 200)).json()
    active = (await acme.write("PATCH", at(talk), {"status": "ACTIVE"}, 200)).json()
    closed = (await acme.write("PUT", at(talk), {"status": "CLOSED", "name": "Refunded"}, 200)).json()

    assert [one["status"] for one in (inactive, active, closed)] == ["INACTIVE", "ACTIVE", "CLOSED"]
    assert [one["name"] for one in (inactive, active, closed)] == ["Refund", "Refund", "Refunded"]
    assert "CLOSED" in await acme.refused("PUT", at(talk), json={"status": "ACTIVE"})
    assert "CLOSED" in await acme.refused("POST", at(talk, "Communications"), json=said())
    assert "CLOSED" in await acme.refused("POST", at(talk, "Participants"), 409, json=customer(BEN))
    assert await acme.get(at(talk)) == closed


async def test_a_patch_changes_what_it_names(acme: Account) -> None:
    told = [{"url": f"https://example.com/{number}", "method": "POST"} for number in range(20)]
    talk = await begun(acme, name="Refund", configurationId=await configured(acme, statusCallbacks=told[:1]))
    nothing: list[Json | None] = [None, {}, {"configuration": {}}]
    for body in nothing:
        same = (await acme.write("PATCH", at(talk), body, 200)).json()
        assert same | {"updatedAt": ""} == talk | {"updatedAt": ""}
    more = (await acme.write("PATCH", at(talk), {"configuration": {"statusCallbacks": told}}, 200)).json()
    none = (await acme.write("PATCH", at(talk), {"configuration": {"statusCallbacks": None}}, 200)).json()
    unnamed = (await acme.write("PATCH", at(talk), {"name": None}, 200)).json()

    assert more["configuration"]["statusCallbacks"] == told and none["configuration"]["statusCallbacks"] == []
    assert none["name"] == "Refund" and "name" not in unnamed
    cleared = await acme.write("PATCH", at(talk), {"configuration": {"statusCallbacks": []}, "name": "New"}, 200)
    assert cleared.json()["name"] == "New"


async def test_a_conversation_that_is_deleted_is_gone(acme: Account) -> None:
    talk = await begun(acme)
    communication = (await post(acme, talk)).json()
    deleted = await acme.write("DELETE", at(talk))

    assert deleted.json() == {"statusUrl": deleted.headers["location"], "related": {"conversationId": talk["id"]}}
    assert (await acme.get(deleted.headers["location"]))["related"] == {"conversationId": talk["id"]}
    who = talk["participants"][0]["id"]
    for rest in (
        (),
        ("Participants",),
        ("Participants", who),
        ("Communications",),
        ("Communications", communication["id"]),
    ):
        assert "no such conversation" in await acme.refused("GET", at(talk, *rest), 404)
    assert "no such conversation" in await acme.refused("DELETE", at(talk), 404)
    assert (await acme.get(CONVERSATIONS))["conversations"] == []


async def test_a_list_may_be_of_some_statuses_or_of_one_channel(acme: Account) -> None:
    id = await configured(acme)
    people = [customer(f"+1317555016{number}") for number in range(3)]
    people[0]["addresses"][0]["channelId"] = "CA1"
    talks = [await begun(acme, one, configurationId=id) for one in people]
    await post(acme, talks[1], said(author=party("+13175550161"), channelId="CA2"))
    for talk, status in zip(talks, ("ACTIVE", "INACTIVE", "CLOSED"), strict=True):
        await acme.write("PUT", at(talk), {"status": status}, 200)

    async def listed(**asked: Any) -> list[int]:
        found = (await acme.ask("GET", CONVERSATIONS, params=asked)).json()
        assert found["meta"] == {"key": "conversations", "pageSize": 50}
        return [[one["id"] for one in talks].index(one["id"]) for one in found["conversations"]]

    assert await listed() == [2, 1, 0]
    assert await listed(status="INACTIVE") == [1] and await listed(status=["CLOSED", "ACTIVE", "ACTIVE"]) == [2, 0]
    assert await listed(channelId="CA1") == [0] and await listed(channelId="CA2") == [1]
    assert await listed(channelId="CA2", status="CLOSED") == await listed(channelId="nothing") == []
    assert "status" in await acme.refused("GET", CONVERSATIONS, params={"status": ["ACTIVE", "OPEN"]})
    assert "channelId" in await acme.refused("GET", CONVERSATIONS, params={"channelId": ["CA1", "CA2"]})
    assert "channelId" in await acme.refused("GET", CONVERSATIONS, params={"channelId": "x" * 256})


async def test_nothing_is_sent_from_here(acme: Account) -> None:
    talk = await begun(acme)
    payload = {"from": {"address": SHOP}, "to": [{"address": PHONE}], "content": {"text": "Hi"}}
    for body in ({"type": "SEND_MESSAGE", "payload": payload}, {"type": "CALL"}, {}):
        assert "channel's own business" in await acme.refused("POST", at(talk, "Actions"), json=body)
    nobody = f"{CONVERSATIONS}/conv_conversation_{SUFFIX}/Actions"
    assert "no such conversation" in await acme.refused("POST", nobody, 404, json={"type": "SEND_MESSAGE"})
    assert (await acme.get(at(talk, "Communications")))["communications"] == []


# Who takes part


async def test_somebody_joins_and_is_told(acme: Account) -> None:
    talk = await begun(acme)
    ben = (await acme.write("POST", at(talk, "Participants"), customer(BEN, name="Ben"), 201)).json()
    nobody = (await acme.write("POST", at(talk, "Participants"), {"addresses": []}, 201)).json()
    listed = await acme.get(at(talk, "Participants"))

    assert {**customer(BEN, name="Ben"), "conversationId": talk["id"]}.items() <= ben.items()
    assert ben["profileId"] not in (talk["participants"][0]["profileId"], NOBODY)
    assert (nobody["type"], nobody["name"], nobody["addresses"]) == ("UNKNOWN", "", []) and "profileId" not in nobody
    assert listed["participants"] == [*talk["participants"], ben, nobody]
    assert listed["meta"] == {"key": "participants", "pageSize": 50}
    assert await acme.get(at(talk, "Participants", ben["id"])) == ben
    assert (await acme.get(at(talk)))["participants"] == listed["participants"]


async def test_two_do_not_have_one_address(acme: Account) -> None:
    talk = await begun(acme)
    who, agent = talk["participants"]
    refused = await acme.write("POST", at(talk, "Participants"), customer(PHONE), 409)

    assert refused.headers[CONFLICTING] == who["id"] and "addresses" in refused.json()["message"]
    taken = {"type": "AI_AGENT", "addresses": [party(PHONE)]}
    assert "addresses" in await acme.refused("PUT", at(talk, "Participants", agent["id"]), json=taken)
    assert (await acme.get(at(talk, "Participants")))["participants"] == talk["participants"]


async def test_a_participant_is_replaced_whole_but_for_the_type(acme: Account) -> None:
    known = await acme.profile(BEN)
    talk = await begun(acme, {"name": "Who?", "addresses": [party(channel="CHAT", address="visitor-1")]}, AGENT)
    who = talk["participants"][0]
    path = at(talk, "Participants", who["id"])
    promoted = {"type": "CUSTOMER", "profileId": known, "addresses": who["addresses"]}
    put = (await acme.write("PUT", path, promoted, 200)).json()
    nothing = (await acme.write("PUT", path, {}, 200)).json()

    assert who["type"] == "UNKNOWN" and "profileId" not in who
    assert put.items() >= {**promoted, "id": who["id"], "name": "visitor-1", "createdAt": who["createdAt"]}.items()
    assert (nothing["type"], nothing["name"], nothing["addresses"]) == ("CUSTOMER", "", [])
    assert await acme.get(path) == nothing


async def test_a_profile_is_of_a_customer_and_of_the_store(acme: Account, globex: Account) -> None:
    talk, theirs = await begun(acme), await globex.profile()
    for profile_id in (theirs, NOBODY, f"mem_profile_{SUFFIX[:-1]}l", "nobody", None):
        body = customer(BEN, profileId=profile_id)
        assert "profileId" in await acme.refused("POST", at(talk, "Participants"), json=body)
    agent = {**AGENT, "addresses": [], "profileId": talk["participants"][0]["profileId"]}
    assert "profileId" in await acme.refused("POST", at(talk, "Participants"), json=agent)


# What is said


async def test_what_is_said_is_told_as_it_was_said(acme: Account) -> None:
    talk = await begun(acme)
    who, agent = (one["id"] for one in talk["participants"])
    text = (await post(acme, talk, said(channelId="CA1", resourceId="SM1", occurredAt=MONDAY))).json()
    content = {"type": "TRANSCRIPTION", "text": "Hi", "transcription": HEARD}
    heard = (await post(acme, talk, said(content=content, author=party(SHOP), recipients=[party()]))).json()
    listed = await acme.get(at(talk, "Communications"))

    assert text == {
        "id": text["id"],
        "conversationId": talk["id"],
        "accountId": account_id(acme),
        "author": party(participantId=who),
        "content": {"type": "TEXT", "text": "Hello"},
        "recipients": [party(SHOP, participantId=agent)],
        "channelId": "CA1",
        "resourceId": "SM1",
        "occurredAt": MONDAY,
        "createdAt": text["createdAt"],
        "updatedAt": text["createdAt"],
    }
    assert heard["content"] == content and heard["author"]["participantId"] == agent
    assert "channelId" not in heard and "resourceId" not in heard and len(heard["occurredAt"]) == 20
    assert listed["communications"] == [text, heard]
    assert listed["meta"] == {"key": "communications", "pageSize": 50}
    assert (await acme.get(at(talk, "Communications"), channelId="CA1"))["communications"] == [text]
    assert await acme.get(at(talk, "Communications", heard["id"])) == heard


async def test_what_is_posted_again_is_the_one_there_is(acme: Account) -> None:
    talk = await begun(acme)
    for body in (said(resourceId="SM1"), said("At nine", occurredAt=MONDAY)):
        first, again = await post(acme, talk, body), await post(acme, talk, body)
        assert first.json() == again.json()
    assert len((await acme.get(at(talk, "Communications")))["communications"]) == 2


async def test_who_has_not_taken_part_does_from_now_on(acme: Account) -> None:
    talk = await begun(acme)
    body = said(author=party(BEN), recipients=[party(SHOP), party("visitor-1", "CHAT")])
    written = (await post(acme, talk, body)).json()
    people = (await acme.get(at(talk, "Participants")))["participants"]

    assert [one["name"] for one in people] == [PHONE, "Ada", BEN, "visitor-1"]
    assert {one["type"] for one in people[2:]} == {"UNKNOWN"}
    assert [one["participantId"] for one in (written["author"], *written["recipients"])] == [
        people[number]["id"] for number in (2, 1, 3)
    ]


async def test_what_is_said_is_in_the_memory_of_the_customer(acme: Account) -> None:
    talk = await begun(acme)
    await post(acme, talk, said("I have a dog called Rex"))
    asked = {"conversationId": talk["id"], "communicationsLimit": 5}
    path = f"{acme.data}/Profiles/{talk['participants'][0]['profileId']}/Recall"
    recalled = (await acme.ask("POST", path, json=asked)).json()

    assert [one["content"]["text"] for one in recalled["communications"]] == ["I have a dog called Rex"]
    assert recalled["communications"][0]["author"]["type"] == "CUSTOMER"


async def test_email_is_a_channel_here_though_it_is_published_for_none(acme: Account, opened: Open) -> None:
    plain = opened(like=acme, checked=False)
    body = {"type": "CUSTOMER", "addresses": [party("dana@example.com", "EMAIL")]}
    id = await configured(plain)
    made = await plain.write("POST", CONVERSATIONS, {"configurationId": id, "participants": [body]}, 201)

    assert made.json()["participants"][0]["addresses"] == body["addresses"]
    assert made.json()["participants"][0]["profileId"]


async def test_a_callback_tells_what_the_api_tells(acme: Account, memory: Memory) -> None:
    talk, caller = await begun(acme), Caller(tenant=acme.tenant)
    message, who = (await post(acme, talk)).json(), talk["participants"][0]
    conversation = await memory.fetch_conversation(caller, talk["id"])
    participant = await memory.get_participant(caller, talk["id"], who["id"])
    posted = await memory.get_posted(caller, talk["id"], message["id"])

    assert resource(acme.tenant, conversation) == await acme.get(at(talk))
    assert (resource(acme.tenant, participant), resource(acme.tenant, posted)) == (who, message)


# What is refused


def without(body: Json, name: str) -> Json:
    return {key: one for key, one in body.items() if key != name}


ADDRESS = party()
WRONG_ADDRESSES: list[tuple[Any, str, str]] = [
    ([{"channel": "SMS"}], "addresses[0].address", "required"),
    ([{"address": PHONE}], "addresses[0].channel", "required"),
    ([party(channel="FAX")], "addresses[0].channel", "WHATSAPP"),
    ([party("")], "addresses[0].address", "1"),
    ([party("\u200b")], "addresses.address", "empty"),
    ([party("x" * 256)], "addresses[0].address", "255"),
    ([party(channelId="")], "addresses[0].channelId", "1"),
    ([party(channelId="x" * 256)], "addresses[0].channelId", "255"),
    ([ADDRESS] * 11, "addresses", "10"),
    (ADDRESS, "addresses", "list"),
    (None, "addresses", "list"),
]
WRONG_PARTICIPANTS: list[tuple[Json, str, str]] = [
    *(({"addresses": one}, field, limit) for one, field, limit in WRONG_ADDRESSES),
    ({"addresses": [], "type": "BOT"}, "type", "AI_AGENT"),
    ({"addresses": [], "name": "x" * 257}, "name", "256"),
    ({"addresses": [], "name": 5}, "name", "string"),
]


@pytest.fixture(scope="module")
async def talk(shared: Account) -> Json:
    """For what is refused."""
    return await begun(shared)


@pytest.mark.parametrize(("body", "field", "limit"), WRONG_PARTICIPANTS)
async def test_a_participant_that_breaks_a_rule_is_refused(
    shared: Account, talk: Json, body: Json, field: str, limit: str
) -> None:
    path = at(talk, "Participants")
    opening = {"configurationId": talk["configurationId"], "participants": [body]}
    for method, where, sent in (
        ("POST", path, body),
        ("PUT", f"{path}/{talk['participants'][0]['id']}", body),
        ("POST", CONVERSATIONS, opening),
    ):
        said = await shared.refused(method, where, json=sent)
        assert field in said and limit in said, said
    assert await shared.get(at(talk)) == talk


async def test_a_new_participant_has_addresses_if_none(shared: Account, talk: Json) -> None:
    assert await shared.refused("POST", at(talk, "Participants"), json={"name": "Ben"}) == "addresses is required."


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        *(({name: None}, name, "") for name in ("author", "content", "recipients")),
        ({"author": {"channel": "SMS"}}, "author.address", "required"),
        ({"author": party(channel="FAX")}, "author.channel", "SMS"),
        ({"author": party("x" * 256)}, "author.address", "255"),
        ({"author": party("\u200b")}, "author.address", "empty"),
        ({"author": party(participantId=f"conv_participant_{SUFFIX}")}, "participantId", "nobody"),
        ({"recipients": []}, "recipients", "1"),
        ({"recipients": [party()] * 51}, "recipients", "50"),
        ({"recipients": [party(SHOP, participantId="x")]}, "participantId", "nobody"),
        ({"content": {"text": "Hello"}}, "content.type", "required"),
        ({"content": {"type": "TEXT"}}, "content.text", "required"),
        ({"content": {"type": "IMAGE", "text": "x"}}, "content.type", "TRANSCRIPTION"),
        ({"content": {"type": "TEXT", "text": " \u200b\n"}}, "content.text", "empty"),
        ({"content": {"type": "TEXT", "text": "x" * 4097}}, "content.text", "4096"),
        ({"channelId": ""}, "channelId", "1"),
        ({"channelId": "x" * 256}, "channelId", "255"),
        ({"resourceId": ""}, "resourceId", "1"),
        ({"resourceId": "x" * 256}, "resourceId", "255"),
        ({"occurredAt": "yesterday"}, "occurredAt", "2026"),
        ({"occurredAt": "2026-05-04T09:00:00"}, "occurredAt", "time zone"),
    ],
)
async def test_what_breaks_a_rule_is_not_said(
    shared: Account, talk: Json, change: Json, field: str, limit: str
) -> None:
    told = await shared.refused("POST", at(talk, "Communications"), json=said(**change))

    assert field in told and limit in told, told
    assert (await shared.get(at(talk, "Communications")))["communications"] == []
    assert await shared.get(at(talk)) == talk


@pytest.mark.parametrize(
    ("heard", "field"),
    [
        (5, "transcription"),
        ({"channel": -1}, "channel"),
        ({"confidence": 1.1}, "confidence"),
        ({"engine": "x" * 256}, "engine"),
        ({"words": [{}]}, "words[0].text"),
        ({"words": [{"text": "Hi", "startTime": "soon"}]}, "words[0].startTime"),
        ({"words": [{"text": "Hi", "endTime": 5}]}, "words[0].endTime"),
        ({"words": [{"text": "Hi"}] * 4097}, "words"),
    ],
)
async def test_how_it_was_heard_is_as_published(shared: Account, talk: Json, heard: Any, field: str) -> None:
    content = {"type": "TRANSCRIPTION", "text": "Hi", "transcription": heard}

    told = await shared.refused("POST", at(talk, "Communications"), json=said(content=content))
    assert f"content.transcription.{field}".replace("n.transcription", "n") in told, told


async def test_nothing_is_said_in_the_future(shared: Account, talk: Json) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()

    assert "occurredAt" in await shared.refused("POST", at(talk, "Communications"), json=said(occurredAt=later))


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("PUT", {}, "status"),
        ("PUT", {"status": "OPEN"}, "status"),
        ("PUT", {"status": "ACTIVE", "name": "x" * 257}, "name"),
        ("PUT", {"status": "ACTIVE", "name": None}, "name"),
        ("PATCH", {"status": None}, "status"),
        ("PATCH", {"name": 5}, "name"),
        ("PATCH", {"configuration": None}, "configuration"),
        ("PATCH", {"configuration": {"statusCallbacks": [{}]}}, "configuration.statusCallbacks[0].url"),
        ("PATCH", {"configuration": {"statusCallbacks": [{"url": "http://x"}] * 21}}, "statusCallbacks"),
    ],
)
async def test_a_change_that_breaks_a_rule_is_refused(
    shared: Account, talk: Json, method: str, body: Json, field: str
) -> None:
    assert field in await shared.refused(method, at(talk), json=body)
    assert await shared.get(at(talk)) == talk


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "configurationId"),
        ({"configurationId": "mine"}, "configurationId"),
        ({"configurationId": 5}, "configurationId"),
        ({"name": "x" * 257}, "name"),
        ({"configuration": {"intelligenceConfigurationIds": ["x"] * 6}}, "intelligenceConfigurationIds"),
        ({"participants": [{}] * 51}, "participants"),
        ({"participants": {}}, "participants"),
    ],
)
async def test_a_conversation_that_breaks_a_rule_is_not_opened(
    shared: Account, talk: Json, body: Json, field: str
) -> None:
    given = {} if field == "configurationId" else {"configurationId": talk["configurationId"]}

    assert field in await shared.refused("POST", CONVERSATIONS, json={**given, **body})
    assert (await shared.get(CONVERSATIONS))["conversations"] == [talk]


@pytest.mark.parametrize("id", ["x", f"mem_profile_{SUFFIX}", "x" * 3000, "%F0%9F"])
async def test_what_is_no_id_names_nothing(shared: Account, talk: Json, id: str) -> None:
    for path, noun in (
        (f"{CONVERSATIONS}/{id}", "conversation"),
        (f"{CONVERSATIONS}/{id}/Participants", "conversation"),
        (f"{CONVERSATIONS}/{id}/Communications", "conversation"),
        (at(talk, "Participants", id), "participant"),
        (at(talk, "Communications", id), "communication"),
    ):
        assert f"no such {noun}" in await shared.refused("GET", path, 404)


async def test_what_is_of_another_conversation_is_not_in_this_one(acme: Account) -> None:
    one, other = await begun(acme), await begun(acme, customer(BEN), AGENT)
    message = (await post(acme, one)).json()
    who = one["participants"][0]["id"]

    assert "participant" in await acme.refused("GET", at(other, "Participants", who), 404)
    assert "participant" in await acme.refused("PUT", at(other, "Participants", who), 404, json=customer())
    assert "communication" in await acme.refused("GET", at(other, "Communications", message["id"]), 404)
