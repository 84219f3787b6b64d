"""Three weeks of one customer over SMS, voice, chat and email, all of it through the API, and what is known in the end;
and conversations as no channel should send them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_memory.backends.sql import orchestrating
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.history import EXTRACTION
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.model import Caller
from mcp_memory.orchestrator import Content, NewCommunication, Party
from mcp_memory.service import Memory
from mcp_memory.wire import write_time
from tests.contract.conftest import Clock
from tests.contract.test_story import WEEKS
from tests.doors import guarded, held_by
from tests.http_api.accounts import Account, Json

pytestmark = pytest.mark.anyio

PHONE, MAIL, CHAT = "+13175550142", "dana@example.com", "web-8841"
SHOP: Json = {
    "SMS": {"channel": "SMS", "address": "+18005550100"},
    "VOICE": {"channel": "VOICE", "address": "+18005550100"},
    "CHAT": {"channel": "CHAT", "address": "shop"},
    "EMAIL": {"channel": "EMAIL", "address": "help@shop.example"},
}
DANA: Json = {
    "SMS": {"channel": "SMS", "address": PHONE},
    "VOICE": {"channel": "VOICE", "address": PHONE},
    "CHAT": {"channel": "CHAT", "address": CHAT},
    "EMAIL": {"channel": "EMAIL", "address": MAIL},
}
LINKED: Json = {"CHAT": [DANA["SMS"]], "EMAIL": [DANA["CHAT"]]}
"""By what a channel knows the customer besides, so that its address is hers too."""
TIMES = {
    "SMS": {"statusTimeouts": {"inactive": 15, "closed": 1440}},
    "VOICE": {"statusTimeouts": {"inactive": 2, "closed": 15}},
}
CONVERSATIONS = "/v2/Conversations"
MANY = 10_000
CHATTER = ("Hello?", "Yes, I am here.", "One moment.", "Fine.", "Is it raining?", "A little.", "OK.", "See you.")


class Shop:
    """Somebody's account, on a clock."""

    def __init__(self, account: Account, backend: SqlBackend, memory: Memory, clock: Clock) -> None:
        self.account, self.backend, self.memory, self.clock = account, backend, memory, clock
        self.configuration = ""

    async def configure(self, grouping: str = "GROUP_BY_PROFILE") -> None:
        await self.account.settle()
        made = await self.account.write(
            "POST",
            "/v2/ControlPlane/Configurations",
            {
                "displayName": "support",
                "description": "All channels of the shop",
                "conversationGroupingType": grouping,
                "memoryStoreId": self.account.store_id,
                "channelSettings": TIMES,
                "memoryExtractionEnabled": True,
            },
        )
        self.configuration = made.json()["related"]["configurationId"]

    async def begin(self, channel: str, status: int = 201) -> Any:
        people = [
            {"type": "CUSTOMER", "name": "Dana", "addresses": [DANA[channel], *LINKED.get(channel, [])]},
            {"type": "HUMAN_AGENT", "name": "Ada", "addresses": [SHOP[channel]]},
        ]
        body = {"configurationId": self.configuration, "participants": people}
        return (await self.account.write("POST", CONVERSATIONS, body, status)).json()

    async def say(self, conversation: str, channel: str, text: str, status: int = 201, **more: Any) -> Any:
        """What begins so is the agent's."""
        by_agent = text.startswith("Agent: ")
        sides = (SHOP[channel], DANA[channel]) if by_agent else (DANA[channel], SHOP[channel])
        content = {"type": "TRANSCRIPTION" if channel == "VOICE" else "TEXT", "text": text.removeprefix("Agent: ")}
        body = {"author": sides[0], "content": content, "recipients": [sides[1]], **more}
        return (await self.account.write("POST", f"{CONVERSATIONS}/{conversation}/Communications", body, status)).json()

    async def close(self, conversation: str) -> None:
        await self.account.write("PUT", f"{CONVERSATIONS}/{conversation}", {"status": "CLOSED"}, 200)
        await self.learn()

    async def learn(self) -> int:
        """What the background does."""
        return await self.memory.learn(Caller(tenant=self.account.tenant, store=self.account.store_id))

    async def listed(self, path: str, key: str) -> list[Any]:
        return list((await self.account.get(path, pageSize=50))[key])

    async def observations(self, profile: str) -> list[Any]:
        return await self.listed(f"{self.account.data}/Profiles/{profile}/Observations", "observations")


@pytest.fixture
async def shop(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Shop]:
    clock = Clock()
    backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=clock, make_id=clock.make_id, region="US")
    memory = Memory(backend, clock)
    door = guarded(build_api(Front(memory=memory, now=clock)), held_by({"SK0": "acme"}, "only-for-tests"))
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://memory.test", auth=("SK0", "only-for-tests")
    ) as http:
        yield Shop(Account(http, door, "acme"), backend, memory, clock)
    await memory.close()


async def lived_through(shop: Shop) -> tuple[str, list[str]]:
    """Her profile, and all conversations."""
    held, profiles = [], set()
    for name, _, days, *texts in WEEKS:
        channel = str(name).upper()
        shop.clock.pass_(days=float(days))
        begun = await shop.begin(channel)
        held.append(begun["id"])
        profiles.add(begun["participants"][0]["profileId"])
        for at, text in enumerate(texts):
            await shop.say(begun["id"], channel, str(text), resourceId=f"{name}-{at}")
            await shop.say(begun["id"], channel, str(text), resourceId=f"{name}-{at}")  # as channels do
            shop.clock.pass_(minutes=1)
        shop.clock.pass_(hours=5)
        await shop.learn()
        if channel != "VOICE":
            shop.clock.pass_(hours=20)
            await shop.learn()
        if channel == "EMAIL":
            await shop.close(begun["id"])
    (profile,) = profiles
    return profile, held


async def test_three_weeks_over_four_channels_through_the_api(shop: Shop) -> None:
    await shop.configure()
    dana, held = await lived_through(shop)
    data = f"{shop.account.data}/Profiles/{dana}"

    async def best(question: str) -> str:
        body = {"query": question, "observationsLimit": 1}
        return str((await shop.account.write("POST", f"{data}/Recall", body, 200)).json()["observations"][0]["content"])

    profile = await shop.account.get(data)
    assert profile["traits"]["Contact"]["phone"] == PHONE
    for id_type, value in (("phone", PHONE), ("email", MAIL), ("chat", CHAT)):
        body = {"idType": id_type, "value": value}
        found = (await shop.account.write("POST", f"{shop.account.data}/Profiles/Lookup", body, 200)).json()
        assert found["profiles"] == [dana], id_type
    statuses = {one["id"]: one["status"] for one in await shop.listed(CONVERSATIONS, "conversations")}
    assert statuses == dict.fromkeys(held, "CLOSED")
    summaries = await shop.listed(f"{data}/ConversationSummaries", "summaries")
    assert sorted(one["conversationId"] for one in summaries) == sorted(held)

    said = [one["content"] for one in await shop.observations(dana)]
    assert "Lisbon" in await best("Where does the customer live?")
    assert not any("Porto" in one for one in said), "what was true before is a revision, and no second truth"
    assert "evening" in await best("When does the customer like to be called?")
    assert "B-2077" in await best("Which order arrived damaged?")
    assert "Ana" in await best("What about her daughter?")
    assert any("replacement" in one and "agent" in one.lower() for one in said)
    assert all('"' in one for one in said if "discount" in one), "what she tells us to do is her words"
    (home,) = [one for one in await shop.observations(dana) if "Lisbon" in one["content"]]
    revisions = await shop.listed(f"{data}/Observations/{home['id']}/Revisions", "revisions")
    assert ["Lisbon" in one["content"] for one in revisions] == [True, False]
    assert "Porto" in revisions[1]["content"] and revisions[1]["conversationIds"] == [held[0]]
    assert set(home["conversationIds"]) == {held[0], held[3]}
    recalled = {"conversationId": held[0], "communicationsLimit": 50, "observationsLimit": 0, "summariesLimit": 0}
    communications = (await shop.account.write("POST", f"{data}/Recall", recalled, 200)).json()["communications"]
    posted = await shop.listed(f"{CONVERSATIONS}/{held[0]}/Communications", "communications")
    assert [one["id"] for one in reversed(communications)] == [one["id"] for one in posted] and len(posted) == 3


# As no channel should send them


async def test_a_conversation_in_which_nothing_was_said_teaches_nothing(shop: Shop) -> None:
    await shop.configure()
    begun = await shop.begin("SMS")
    await shop.close(begun["id"])
    profile = begun["participants"][0]["profileId"]

    assert await shop.observations(profile) == []
    assert await shop.listed(f"{shop.account.data}/Profiles/{profile}/ConversationSummaries", "summaries") == []
    said = await shop.account.refused(
        "POST",
        f"{CONVERSATIONS}/{begun['id']}/Communications",
        json={"author": DANA["SMS"], "content": {"type": "TEXT", "text": " \u200b "}, "recipients": [SHOP["SMS"]]},
    )
    assert "content.text" in said


async def test_two_conversations_sent_interleaved_and_twice_stay_two(shop: Shop) -> None:
    await shop.configure("GROUP_BY_PARTICIPANT_ADDRESSES_AND_CHANNEL_TYPE")
    sms, voice = await shop.begin("SMS"), await shop.begin("VOICE")
    lines = [("I live in Porto.", "I have two cats."), ("I prefer email.", "I work at Northwind as a welder.")]
    for _ in range(2):
        for at, (one, other) in enumerate(lines):
            await shop.say(sms["id"], "SMS", one, resourceId=f"a{at}")
            await shop.say(voice["id"], "VOICE", other, resourceId=f"a{at}")
    for begun in (sms, voice):
        await shop.close(begun["id"])

    profile = sms["participants"][0]["profileId"]
    assert voice["participants"][0]["profileId"] == profile
    of: dict[str, list[str]] = {conversation: [] for conversation in (sms["id"], voice["id"])}
    for one in await shop.observations(profile):
        (conversation,) = one["conversationIds"]
        of[conversation].append(one["content"])
    assert [any("Porto" in text for text in of[sms["id"]]), any("cats" in text for text in of[sms["id"]])] == [
        True,
        False,
    ]
    assert any("cats" in text for text in of[voice["id"]]) and any("Northwind" in text for text in of[voice["id"]])
    for begun, at in ((sms, 0), (voice, 1)):
        posted = await shop.listed(f"{CONVERSATIONS}/{begun['id']}/Communications", "communications")
        assert [one["content"]["text"] for one in posted] == [line[at] for line in lines]


async def test_what_is_said_in_the_future_is_refused_and_says_so(shop: Shop) -> None:
    await shop.configure()
    begun = await shop.begin("SMS")
    later = write_time(shop.clock() + timedelta(days=2))
    said = (await shop.say(begun["id"], "SMS", "I will be there.", 400, occurredAt=later))["message"]

    assert "occurredAt" in said and "future" in said
    assert await shop.listed(f"{CONVERSATIONS}/{begun['id']}/Communications", "communications") == []


async def test_messages_out_of_order_are_learned_in_the_order_they_were_said(shop: Shop) -> None:
    await shop.configure()
    begun = await shop.begin("SMS")
    shop.clock.pass_(hours=3)

    def at(minutes: int) -> str:
        return write_time(shop.clock() - timedelta(minutes=minutes))

    await shop.say(begun["id"], "SMS", "I moved to Lisbon.", occurredAt=at(10))
    await shop.say(begun["id"], "SMS", "I live in Porto.", occurredAt=at(60))
    await shop.close(begun["id"])
    contents = [one["content"] for one in await shop.observations(begun["participants"][0]["profileId"])]

    assert len(contents) == 1 and "Lisbon" in contents[0]


async def test_who_is_unknown_is_heard_and_taught_from_only_when_he_is_known(shop: Shop) -> None:
    await shop.configure()
    body = {"configurationId": shop.configuration}
    begun = (await shop.account.write("POST", CONVERSATIONS, body, 201)).json()
    await shop.say(begun["id"], "SMS", "I live in Porto.")
    people = f"{CONVERSATIONS}/{begun['id']}/Participants"
    found = await shop.listed(people, "participants")
    assert [one["type"] for one in found] == ["UNKNOWN", "UNKNOWN"] and "profileId" not in found[0]
    lookup = f"{shop.account.data}/Profiles/Lookup"
    assert (await shop.account.write("POST", lookup, {"idType": "phone", "value": PHONE}, 200)).json()["profiles"] == []

    known = {"type": "CUSTOMER", "name": "Dana", "addresses": found[0]["addresses"]}
    promoted = (await shop.account.write("PUT", f"{people}/{found[0]['id']}", known, 200)).json()
    await shop.close(begun["id"])
    (learned,) = await shop.observations(promoted["profileId"])
    assert "Porto" in learned["content"]


async def test_ten_thousand_messages_are_all_there_and_learned_from(shop: Shop) -> None:
    """The calls that the API makes, in one transaction: ten thousand requests would take minutes."""
    await shop.configure()
    begun = await shop.begin("SMS")
    scope = await shop.backend.find_store(shop.account.tenant, shop.account.store_id)
    mouths = Party(channel="SMS", address=PHONE), Party(channel="SMS", address=SHOP["SMS"]["address"])

    def post(upserts: Upserts) -> None:
        for at in range(MANY):
            author, hearer = mouths[:: 1 if at % 2 == 0 else -1]
            new = NewCommunication(
                author=author,
                content=Content(text=CHATTER[at % len(CHATTER)]),
                recipients=(hearer,),
                resource_id=str(at),
            )
            orchestrating.post(upserts, begun["id"], new, lambda *told: None)

    await shop.backend._upsert(scope, post, EXTRACTION)
    await shop.say(begun["id"], "SMS", "I moved to Lisbon last week.")
    shop.clock.pass_(hours=25)
    await shop.learn()
    profile = begun["participants"][0]["profileId"]
    path, found, asked = f"{CONVERSATIONS}/{begun['id']}/Communications", list[str](), {"pageSize": "1000"}
    while True:
        page = (await shop.account.ask("GET", path, params=asked)).json()
        found += [one["id"] for one in page["communications"]]
        if "nextToken" not in page["meta"]:
            break
        asked["pageToken"] = page["meta"]["nextToken"]

    assert (await shop.account.get(f"{CONVERSATIONS}/{begun['id']}"))["status"] == "CLOSED"
    assert any("Lisbon" in one["content"] for one in await shop.observations(profile))
    assert len(set(found)) == len(found) == MANY + 1
    counted = await shop.backend.get_profile(scope, profile)
    assert counted.communication_count == MANY + 1
