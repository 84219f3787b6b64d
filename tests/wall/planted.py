"""What the one tenant has, each piece of it marked, so that wherever any of it comes to light it is recognised."""

import base64
import json
import re
from dataclasses import dataclass, fields, replace

import anyio.to_thread

from mcp_memory.backends.sql.database import Transaction
from mcp_memory.conversation_ids import to_api
from mcp_memory.model import Caller, Scope
from tests.wall.speaking import Legacy, Said, legacy_speaker
from tests.wall.world import Client

CANARY = "canary-7f3a91"  # in every text of theirs; nobody else says it
COLUMNS = [{"columnName": name, "traitGroup": "Contact", "traitName": name} for name in ("phone", "city")]
FILE = b"phone,city\n+13175550199,Canarytown\n"
MONDAY = "2026-05-04T09:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Whatever names something of somebody's."""

    store_id: str
    profile_id: str
    merged_id: str
    observation_id: str
    summary_id: str
    conversation: str
    phone: str
    email: str
    chat: str
    operation_id: str
    mapping_id: str
    import_id: str
    extraction_id: str
    proposal_id: str
    other_proposal_id: str
    group: str
    ticket: str
    configuration_id: str
    talk_id: str
    participant_id: str
    communication_id: str
    idempotency_key: str = "the-key-of-their-request"

    @property
    def in_path(self) -> dict[str, str]:
        return {
            "storeId": self.store_id,
            "profileId": self.profile_id,
            "observationId": self.observation_id,
            "summaryId": self.summary_id,
            "importId": self.import_id,
            "extractionId": self.extraction_id,
            "proposalId": self.proposal_id,
            "dataMappingId": self.mapping_id,
            "operationId": self.operation_id,
            "traitGroupName": self.group,
            "idType": "email",
            "ticket": self.ticket,
            "configurationId": self.configuration_id,
            "conversationId": self.talk_id,
            "participantId": self.participant_id,
            "communicationId": self.communication_id,
        }

    @property
    def all(self) -> list[str]:
        return [getattr(self, one.name) for one in fields(self)]


SUFFIX = "01kammq7gwf5sb8d9r2hkjx3e4"
ABSENT = Ids(
    store_id=f"mem_store_{SUFFIX}",
    profile_id=f"mem_profile_{SUFFIX}",
    merged_id=f"mem_profile_{SUFFIX[:-1]}5",
    observation_id=f"mem_observation_{SUFFIX}",
    summary_id=f"mem_summary_{SUFFIX}",
    conversation="nobodys conversation",
    phone="+13175550198",
    email="nobody@example.com",
    chat="nobodys-chat",
    operation_id=f"mem_operation_{SUFFIX}",
    mapping_id=f"mem_datamapping_{SUFFIX}",
    import_id=f"mem_import_{SUFFIX}",
    extraction_id=f"mem_extraction_{SUFFIX}",
    proposal_id=f"mem_proposal_{SUFFIX}",
    other_proposal_id=f"mem_proposal_{SUFFIX[:-1]}5",
    group="NobodysGroup",
    ticket=base64.urlsafe_b64encode(
        json.dumps(["nobody", f"mem_store_{SUFFIX}", f"mem_import_{SUFFIX}", "x" * 32]).encode()
    )
    .decode()
    .rstrip("="),
    configuration_id=f"conv_configuration_{SUFFIX}",
    talk_id=f"conv_conversation_{SUFFIX}",
    participant_id=f"conv_participant_{SUFFIX}",
    communication_id=f"conv_communication_{SUFFIX}",
    idempotency_key="a-key-of-nobody",
)
"""Of the same form; there is nothing of this name anywhere."""


async def plant(client: Client, store_name: str, mark: str = CANARY, number: str = "+13175550142") -> Ids:
    """Everything a store can hold, by whoever may fill it. `number`: what the people in it are told apart by."""
    http, label, last = client.http, mark.replace("-", ""), number[-4:]
    async with legacy_speaker(client) as agent:
        await agent.call("lookup_profile", value=number)  # makes the store, if it is not there
        names = await _named_stores(client)
        control, data = f"/v1/ControlPlane/Stores/{names[store_name]}", f"/v1/Stores/{names[store_name]}"
        group = {"displayName": label, "description": mark, "traits": {"plan": {"dataType": "STRING"}}}
        assert (await http.post(f"{control}/TraitGroups", json=group)).status_code == 202
        about = {"phone": number, "email": f"ann{last}@example.com", "chat": f"ann-{last}", "firstName": mark}
        found = await agent.call("upsert_traits", traits={"Contact": about, label: {"plan": mark}})
        found |= await _remembered(agent, found["profile_id"], mark, f"talk-{last}")
        other = await agent.call("upsert_traits", traits={"Contact": {"chat": f"bob-{last}", "city": mark}})
        stated = await _stated(client, agent, names[store_name], found["profile_id"], mark)
        await agent.call("merge_profiles", profile_id=found["profile_id"], other_id=other["profile_id"])
    created = {"columnMappings": COLUMNS, "filename": f"{mark}.csv", "fileSize": len(FILE)}
    imported = (await http.post(f"{data}/Profiles/Imports", json=created)).json()
    mapping = await _mapping(client, control, mark)
    talk = await _talk(client, names[store_name], mark, number)
    extraction_id = await _failed_extraction(client, found["profile_id"], names[store_name], mark)
    note = f"{data}/Profiles/{found['profile_id']}/Observations/{found['observation']}"
    changed = await http.patch(note, json={"content": f"Likes {mark} no more"})
    assert changed.status_code == 202, changed.text
    return Ids(
        store_id=names[store_name],
        profile_id=found["profile_id"],
        merged_id=other["profile_id"],
        observation_id=found["observation"],
        summary_id=found["summary"],
        conversation=f"talk-{last}",
        phone=number,
        email=about["email"],
        chat=about["chat"],
        operation_id=mapping["operation"],
        mapping_id=mapping["id"],
        import_id=imported["importId"],
        extraction_id=extraction_id,
        proposal_id=stated[0],
        other_proposal_id=stated[1],
        group=label,
        ticket=imported["url"].rpartition("/")[2],
        **talk,
    )


async def _named_stores(client: Client) -> dict[str, str]:
    ids = (await client.http.get("/v1/ControlPlane/Stores")).json()["stores"]
    read = [(await client.http.get(f"/v1/ControlPlane/Stores/{one}")).json() for one in ids]
    return {one["displayName"]: one["id"] for one in read}


async def _remembered(agent: Legacy, profile_id: str, mark: str, talk: str) -> dict[str, str]:
    about = {"profile_id": profile_id}
    seen = await agent.call(
        "add_observation", observations=[{"content": f"Likes {mark} {at}", "source": mark} for at in range(3)], **about
    )
    said = await agent.call("write_summary", conversation_id=talk, content=f"Talked of {mark}", **about)
    words = [{"text": f"I say {mark} {at}", "role": "customer", "author": mark} for at in range(3)]
    await agent.call("record_messages", conversation_id=talk, messages=words, **about)
    return {"observation": seen["observations"][0]["id"], "summary": said["id"]}


async def _talk(client: Client, store_id: str, mark: str, number: str) -> dict[str, str]:
    """Of several people: lists of it have two of each."""
    settings = {"displayName": "Support", "conversationGroupingType": "GROUP_BY_PROFILE", "memoryStoreId": store_id}
    told = {"statusCallbacks": [{"url": f"https://example.com/{mark}"}]}
    made = await client.http.post("/v2/ControlPlane/Configurations", json={**settings, **told, "description": mark})
    assert made.status_code == 202, made.text
    configuration_id: str = made.json()["related"]["configurationId"]
    them = {"channel": "SMS", "address": number}
    ours = {"channel": "CHAT", "address": mark}
    people = [{"type": "CUSTOMER", "name": mark, "addresses": [them]}, {"type": "AGENT", "addresses": [ours]}]
    body = {"configurationId": configuration_id, "name": mark, "participants": people}
    opened = await client.http.post("/v2/Conversations", json=body)
    assert opened.status_code == 201, opened.text
    await client.http.post("/v2/Conversations", json={"configurationId": configuration_id, "name": mark})
    path = f"/v2/Conversations/{opened.json()['id']}/Communications"
    for at in range(2):
        words = {"type": "TEXT", "text": f"Told {mark} {at}"}
        said = await client.http.post(path, json={"author": them, "recipients": [ours], "content": words})
        assert said.status_code == 201, said.text
    return {
        "configuration_id": configuration_id,
        "talk_id": opened.json()["id"],
        "participant_id": opened.json()["participants"][0]["id"],
        "communication_id": said.json()["id"],
    }


async def _failed_extraction(client: Client, profile_id: str, store_id: str, mark: str) -> str:
    """Of a conversation that is over, which could not be learned from."""
    async with legacy_speaker(client) as agent:
        about = {"profile_id": profile_id, "conversation_id": f"lost {mark}"}
        await agent.call("record_messages", messages=[{"text": f"I like {mark}.", "role": "customer"}], **about)
        closed = await agent.call("close_conversation", **about)
    extraction_id: str = closed["extraction_id"]

    def give_up(tx: Transaction) -> None:
        row = tx.find_extraction(extraction_id)
        assert row is not None
        tx.put_extraction(replace(row, status="FAILED", due_at=None, error=f"Nobody can read {mark}"))

    scope = Scope(tenant=client.tenant, store_id=store_id)
    await anyio.to_thread.run_sync(client.world.database.write, scope, give_up)
    return extraction_id


async def _stated(client: Client, agent: Legacy, store_id: str, profile_id: str, mark: str) -> list[str]:
    """The ids of traits that were stated in a conversation that is over."""
    about = {"profile_id": profile_id, "conversation_id": f"stated-{mark}"}
    words = [{"text": f"My email is {mark}@example.com. I speak French.", "role": "customer"}]
    await agent.call("record_messages", messages=words, **about)
    await agent.call("close_conversation", **about)
    await client.world.host.memory.learn(Caller(tenant=client.tenant, store=store_id))
    found = await client.http.get(f"/v1/Stores/{store_id}/Profiles/{profile_id}/TraitProposals")
    return [str(one["id"]) for one in found.json()["traitProposals"]]


async def _mapping(client: Client, control: str, mark: str) -> dict[str, str]:
    to = {"type": "TRAITS", "mappings": [{"expression": mark, "traitGroup": "Contact", "traitName": "city"}]}
    body = {"displayName": mark, "mappingFrom": {"type": "INGRESS", "columns": [mark]}, "mappingTo": to}
    made = await client.http.post(f"{control}/DataMappings", json=body)
    assert made.status_code == 202, made.text
    operation: str = made.headers["operation-id"]
    read = (await client.http.get(f"/v1/ControlPlane/Operations/{operation}")).json()
    return {"operation": operation, "id": read["result"]["id"]}


# What may differ between two answers that are the same

ID = re.compile(r"(?:mem|conv)_[a-z]+_[0-7][0-9a-z]{25}|twin-[0-9a-f]{16}")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)|\"query_?[tT]ime_?(ms|MS|Ms)?\": ?\d+")
NEW_EACH_TIME = ("mcp-session-id", "content-length", "date", "x-request-id", "request-id", "etag")


def alike(said: Said, *sent: Ids) -> tuple[int, str]:
    """An answer without what was sent, and without ids and times, which are new each time."""
    headers = {name: value for name, value in said.headers.items() if name not in NEW_EACH_TIME}
    text = ID.sub("<id>", f"{sorted(headers.items())}\n{said.text}")
    for name, value in _named(*sent):
        text = text.replace(value, f"<{name}>")
    return said.status, TIMES.sub("<time>", text)


def leaks(said: Said, theirs: Ids, sent: Ids) -> list[str]:
    """What of theirs is in an answer that was not in the question."""
    text = f"{said.headers}\n{said.text}"
    for _, value in _named(sent):
        text = text.replace(value, "")
    marks = [CANARY, CANARY.replace("-", ""), "Canarytown", *theirs.all]
    return [mark for mark in marks if mark in text]


def _named(*sent: Ids) -> list[tuple[str, str]]:
    """The longest first: one may be in another."""
    given = [(one.name, str(getattr(ids, one.name))) for ids in sent for one in fields(ids)]
    given += [("conversation", to_api(ids.conversation)) for ids in sent]
    return sorted(given, key=lambda one: -len(one[1]))
