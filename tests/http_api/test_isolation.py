"""Who may see what: nobody without a key, and nobody anything of somebody else's, not even that it is there."""

import base64
import re
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from mcp_memory import app as wiring
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.listing import PageQuery
from mcp_memory.model import Caller, NewMessage
from mcp_memory.service import Memory
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.keys import Key, digest
from mcp_memory.tenancy.tenants import Tenant
from tests.doors import Catalog, credentials, directory, guarded
from tests.http_api.accounts import Account, note, queued, recap
from tests.http_api.conftest import BASE, SECRET, Open
from tests.http_api.talks import CONFIGURATIONS, CONVERSATIONS, begun, customer, post, said
from tests.paths import filled

pytestmark = pytest.mark.anyio

SUFFIX = "01kammq7gwf5sb8d9r2hkjx3e4"
IDS = {
    "storeId": f"mem_store_{SUFFIX}",
    "profileId": f"mem_profile_{SUFFIX}",
    "observationId": f"mem_observation_{SUFFIX}",
    "summaryId": f"mem_summary_{SUFFIX}",
    "importId": f"mem_import_{SUFFIX}",
    "proposalId": f"mem_proposal_{SUFFIX}",
    "dataMappingId": f"mem_datamapping_{SUFFIX}",
    "extractionId": f"mem_extraction_{SUFFIX}",
    "operationId": f"mem_operation_{SUFFIX}",
    "traitGroupName": "Loyalty",
    "idType": "user_id",
    "configurationId": f"conv_configuration_{SUFFIX}",
    "conversationId": f"conv_conversation_{SUFFIX}",
    "participantId": f"conv_participant_{SUFFIX}",
    "communicationId": f"conv_communication_{SUFFIX}",
}
TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "city"}]}
MAPPING = {"displayName": "Map", "mappingFrom": {"type": "INGRESS", "columns": ["a"]}, "mappingTo": TO}
COLUMNS = [{"columnName": name, "traitGroup": "Contact", "traitName": name} for name in ("phone", "city")]
TRAITS = {"traits": {"Contact": {"phone": "+13175550142"}}}
WHOSE = {
    "displayName": "x",
    "description": "d",
    "conversationGroupingType": "GROUP_BY_PROFILE",
    "memoryStoreId": IDS["storeId"],
}
BODIES: dict[str, Any] = {
    "CreateStore": {"displayName": "mine"},
    "PatchStore": {"description": "d"},
    "UpdateIdentityResolutionSettings": {"identifierConfigs": [{"idType": "phone"}], "matchingRules": ["phone"]},
    "UpdateLearningSettings": {"reconcileApiWrites": True, "traits": "off"},
    "CreateTraitGroup": {"displayName": "Mine"},
    "PatchTraitGroup": {"description": "d"},
    "CreateDataMapping": MAPPING,
    "PatchDataMapping": {"isEnabled": True},
    "CreateProfile": TRAITS,
    "UpdateProfilesBulk": {"profiles": [TRAITS]},
    "CreateProfilesLookup": {"idType": "phone", "value": "+13175550142"},
    "CreateProfilesImportV2": {"filename": "a.csv", "fileSize": 9, "columnMappings": COLUMNS},
    "PatchProfileTraits": TRAITS,
    "CreateProfileIdentifier": {"idType": "phone", "value": "+13175550142"},
    "PatchProfileIdentifier": {"idType": "user_id", "oldValue": "a", "newValue": "b"},
    "CreateProfileObservation": {"observations": [note("x")]},
    "PatchProfileObservation": {"content": "x"},
    "CreateProfileConversationSummary": {"summaries": [recap("x")]},
    "PatchProfileConversationSummary": {"content": "x"},
    "CreateFetchProfileMemory": {},
    "CreateConfiguration": WHOSE,
    "UpdateConfiguration": {**WHOSE, "channelSettings": {}},
    "PatchConfiguration": {"description": "d"},
    "CreateConversationWithConfig": {"configurationId": IDS["configurationId"]},
    "UpdateConversationById": {"status": "CLOSED"},
    "PatchConversationById": {"name": "x"},
    "CreateConversationAction": {},
    "CreateParticipantInConversation": customer(),
    "UpdateParticipantInConversation": customer(),
    "CreateCommunicationInConversation": said(),
}


ALONE = ("FetchOperation", "FetchOperationStatus", "FetchConfiguration", "FetchConversation")  # of no store


async def operations(account: Account) -> dict[str, tuple[str, str]]:
    """operationId → method and path, of all there are."""
    document = (await account.http.get("/openapi.json")).json()
    found = {
        operation["operationId"]: (method.upper(), path)
        for path, described in document["paths"].items()
        for method, operation in described.items()
        if path.startswith(("/v1/", "/v2/"))
    }
    assert len(found) >= 67
    return found


async def owned(acme: Account, memory: Memory) -> dict[str, str]:
    """Ids of all that an account can have."""
    profile_id = await acme.profile()
    path = f"{acme.control}/IdentityResolutionSettings"
    settings = await acme.get(path)
    settings["identifierConfigs"].append({"idType": "user_id"})
    settings["matchingRules"].append("user_id")
    operation = (await acme.write("PUT", path, settings)).headers["operation-id"]
    await acme.write("POST", f"{acme.data}/Profiles/{profile_id}/Identifiers", {"idType": "user_id", "value": "a"})
    await acme.write("POST", f"{acme.control}/TraitGroups", {"displayName": "Loyalty"})
    imported = await acme.write("POST", f"{acme.data}/Profiles/Imports", BODIES["CreateProfilesImportV2"], 201)
    talk = await begun(acme)
    return {
        "configurationId": talk["configurationId"],
        "conversationId": talk["id"],
        "participantId": talk["participants"][0]["id"],
        "communicationId": (await post(acme, talk)).json()["id"],
        "storeId": acme.store_id,
        "profileId": profile_id,
        "observationId": (await acme.observed(profile_id, "Has a dog"))[0],
        "summaryId": (await acme.summarised(profile_id, "Talk"))[0],
        "importId": imported.json()["importId"],
        "extractionId": await queued(acme, memory, profile_id),
        "proposalId": await _proposed(memory, Caller(tenant=acme.tenant, store=acme.store_id), profile_id),
        "dataMappingId": await acme.made(await acme.write("POST", f"{acme.control}/DataMappings", MAPPING)),
        "operationId": operation,
        "traitGroupName": "Loyalty",
        "idType": "user_id",
    }


async def _proposed(memory: Memory, caller: Caller, profile_id: str) -> str:
    said = [NewMessage(text="I speak French.", role="customer")]
    await memory.record_messages(caller, profile_id, "c-1", said)
    await memory.close_conversation(caller, profile_id, "c-1")
    await memory.learn(caller)
    (one,) = (await memory.list_trait_proposals(caller, profile_id, "PROPOSED", PageQuery(limit=2))).items
    return one.proposal_id


async def answered(account: Account, name: str, method: str, path: str, ids: dict[str, str]) -> tuple[int, bytes]:
    more = {"json": BODIES[name]} if name in BODIES else {}
    response = await account.http.request(method, filled(path, ids), **more)
    return response.status_code, response.content


async def test_what_is_anothers_is_not_there(acme: Account, globex: Account, opened: Open, memory: Memory) -> None:
    theirs, globex = await owned(acme, memory), opened(like=globex, checked=False)
    talk = f"{CONVERSATIONS}/{theirs['conversationId']}"
    paths = (
        acme.control,
        f"{acme.data}/Profiles/{theirs['profileId']}",
        CONFIGURATIONS,
        talk,
        f"{talk}/Communications",
    )
    before = {path: await acme.get(path) for path in paths}
    for name, (method, path) in (await operations(globex)).items():
        if "{" not in path:
            continue
        foreign = await answered(globex, name, method, path, theirs)
        absent = await answered(globex, name, method, path, IDS)

        assert foreign[0] == 404, f"{name}: {foreign}"
        assert foreign == absent, name
    assert before == {path: await acme.get(path) for path in before}


async def test_what_is_in_anothers_store_is_not_in_mine(
    acme: Account, globex: Account, opened: Open, memory: Memory
) -> None:
    theirs, globex = await owned(acme, memory), opened(like=globex, checked=False)
    mixed = {**theirs, "storeId": globex.store_id, "traitGroupName": "Nothing"}
    for name, (method, path) in (await operations(globex)).items():
        if path.count("{") < 2 and name not in ALONE:
            continue
        foreign = await answered(globex, name, method, path, mixed)
        absent = await answered(globex, name, method, path, {**IDS, **mixed, **IDS, "storeId": globex.store_id})

        assert foreign[0] == absent[0] == 404 and foreign == absent, f"{name}: {foreign} {absent}"


async def test_lists_are_of_ones_own(acme: Account, globex: Account, opened: Open, memory: Memory) -> None:
    await owned(acme, memory)

    assert (await globex.get("/v1/ControlPlane/Stores"))["stores"] == [globex.store_id]
    assert (await globex.get(f"{globex.data}/Profiles"))["profiles"] == []
    assert (await globex.get(f"{globex.data}/Profiles/Imports"))["imports"] == []
    assert (await globex.get(f"{globex.control}/DataMappings"))["dataMappings"] == []
    unpublished = opened(like=globex, checked=False)
    assert (await unpublished.get(f"{globex.data}/Extractions"))["extractions"] == []
    assert (await globex.get(CONFIGURATIONS))["configurations"] == []
    assert (await globex.get(CONVERSATIONS))["conversations"] == []


async def test_a_conversation_is_not_begun_by_anothers_configuration(
    acme: Account, globex: Account, memory: Memory
) -> None:
    theirs = await owned(acme, memory)
    absent = {"configurationId": IDS["configurationId"]}
    said = await globex.refused("POST", CONVERSATIONS, 404, json={"configurationId": theirs["configurationId"]})

    assert said == await globex.refused("POST", CONVERSATIONS, 404, json=absent)
    assert (await globex.get(CONVERSATIONS))["conversations"] == []


async def test_a_key_of_one_store_reaches_no_conversation_of_another(memory: Memory) -> None:
    """Not by its id, and not in a list; its page tokens and its operations neither."""
    keys = [Key(key_id=f"SK{one}", tenant="two-stores", digest=digest(SECRET), store=one) for one in ("one", "two")]
    keys.append(Key(key_id="SKall", tenant="two-stores", digest=digest(SECRET)))
    hosting = Hosting(tenants={"two-stores": Tenant(name="two-stores")}, keys={one.key_id: one for one in keys})
    api = guarded(build_api(Front(memory=memory, now=wiring.now)), credentials(directory(Catalog(), hosting)))
    transport = httpx2.ASGITransport(api)
    async with AsyncExitStack() as stack:
        clients = [httpx2.AsyncClient(transport=transport, base_url=BASE, auth=(one.key_id, SECRET)) for one in keys]
        one, two, all = [Account(await stack.enter_async_context(http), api, "two-stores") for http in clients]
        for account, name in ((one, "one"), (two, "two")):
            await all.settle(name)
            account.store_id = all.store_id
        talks = [await begun(account) for account in (one, two)]

        assert [await walked(account) for account in (one, two)] == [[talks[0]["id"]], [talks[1]["id"]]]
        assert sorted(await walked(all)) == sorted(talk["id"] for talk in talks)
        for path in (f"{CONVERSATIONS}/{talks[1]['id']}", f"{CONFIGURATIONS}/{talks[1]['configurationId']}"):
            nothing = re.sub("_[0-9a-z]{26}$", f"_{SUFFIX}", path)
            for method in ("GET", "PATCH", "DELETE"):
                assert await one.refused(method, path, 404) == await one.refused(method, nothing, 404)
        said = await one.refused("POST", CONFIGURATIONS, json={**WHOSE, "memoryStoreId": two.store_id})
        assert said == await one.refused("POST", CONFIGURATIONS, json=WHOSE)
        found = await one.get(CONFIGURATIONS, memoryStoreId=two.store_id)
        assert found["configurations"] == []


async def walked(account: Account) -> list[str]:
    found, token = [], None
    while True:
        page = await account.get(CONVERSATIONS, pageSize=1, **({"pageToken": token} if token else {}))
        found += [one["id"] for one in page["conversations"]]
        token = page["meta"].get("nextToken")
        if token is None:
            return found


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode("latin-1")).decode()


async def test_no_route_answers_without_a_key_or_with_a_wrong_one(acme: Account, opened: Open, memory: Memory) -> None:
    theirs, stranger = await owned(acme, memory), opened(checked=False)
    key_id = acme.tenant.replace("tenant-", "SK")
    wrong = [basic(f"{key_id}:"), basic(f"{key_id}:wrong"), basic(f"SK-nobody:{SECRET}"), basic(key_id)]
    wrong += ["", "Basic", "Basic !", f"Bearer {SECRET}", basic(f"{key_id}:{SECRET} "), basic(f" {key_id}:{SECRET}")]
    wrong += ["Basic " + "x" * 5000, basic("\xff\xfe:x"), "Basic " + base64.b64encode(b"\xff:\xff").decode()]
    said = set()
    for name, (method, path) in (await operations(acme)).items():
        for authorization in wrong if name in ("FetchStore", "CreateStore") else wrong[1:2]:
            response = await stranger.http.request(
                method, filled(path, theirs), headers={"Authorization": authorization}, auth=None, content=b"{"
            )
            assert response.status_code == 401 and response.json()["code"] == 20003, f"{name} {authorization[:20]}"
            assert response.headers["www-authenticate"].startswith("Basic ")
            said.add(response.text)
    assert len(said) == 2 and SECRET not in str(said) and key_id not in str(said)


async def test_a_key_may_be_sent_as_clients_write_it(acme: Account, opened: Open) -> None:
    key_id = acme.tenant.replace("tenant-", "SK")
    for authorization in (basic(f"{key_id}:{SECRET}"), basic(f"{key_id}:{SECRET}").replace("Basic", "basic")):
        response = await acme.http.get(acme.control, headers={"Authorization": authorization}, auth=None)
        assert response.status_code == 200
