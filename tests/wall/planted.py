"""What the one tenant has, each piece of it marked, so that wherever any of it comes to light it is recognised."""

import base64
import json
import re
from dataclasses import dataclass, fields

from mcp_memory.conversation_ids import to_api
from mcp_memory.model import Caller
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
    proposal_id: str
    other_proposal_id: str
    group: str
    ticket: str
    idempotency_key: str = "the-key-of-their-request"

    @property
    def in_path(self) -> dict[str, str]:
        return {
            "storeId": self.store_id,
            "profileId": self.profile_id,
            "observationId": self.observation_id,
            "summaryId": self.summary_id,
            "importId": self.import_id,
            "proposalId": self.proposal_id,
            "dataMappingId": self.mapping_id,
            "operationId": self.operation_id,
            "traitGroupName": self.group,
            "idType": "email",
            "ticket": self.ticket,
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
    proposal_id=f"mem_proposal_{SUFFIX}",
    other_proposal_id=f"mem_proposal_{SUFFIX[:-1]}5",
    group="NobodysGroup",
    ticket=base64.urlsafe_b64encode(
        json.dumps(["nobody", f"mem_store_{SUFFIX}", f"mem_import_{SUFFIX}", "x" * 32]).encode()
    )
    .decode()
    .rstrip("="),
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
        proposal_id=stated[0],
        other_proposal_id=stated[1],
        group=label,
        ticket=imported["url"].rpartition("/")[2],
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
