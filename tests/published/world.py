"""A store of the fake with one of everything in it."""

from dataclasses import dataclass
from typing import Any

import httpx2

from .document import Operation

Json = dict[str, Any]

NOON = "2026-05-04T12:00:00Z"
TALK = "conv_conversation_" + "0" * 26
PHONE, EMAIL = "+13175550142", "dana@example.com"
MAPPING = {
    "displayName": "crm",
    "mappingFrom": {"type": "INGRESS", "columns": ["tier"]},
    "mappingTo": {
        "type": "TRAITS",
        "mappings": [{"expression": "tier", "traitGroup": "Contact", "traitName": "city"}],
    },
}
COLUMNS = [
    {"columnName": "Phone", "traitGroup": "Contact", "traitName": "phone"},
    {"columnName": "First", "traitGroup": "Contact", "traitName": "firstName"},
]
IMPORT = {"filename": "people.csv", "fileSize": 10, "columnMappings": COLUMNS}
DATA_TYPES = {"tier": "STRING", "points": "NUMBER", "member": "BOOLEAN", "tags": "ARRAY", "number": "STRING"}
CONTACT = {"traits": {"Contact": {"phone": PHONE, "lastName": "Ortiz"}}}


def observation(content: str = "prefers email", at: str = NOON) -> Json:
    return {"content": content, "source": "desk", "occurredAt": at}


def summary(content: str = "asked for a refund") -> Json:
    return {"content": content, "conversationId": TALK, "occurredAt": NOON}


# What is asked; the operations that are not here take no body.
BODIES: dict[str, Any] = {
    "CreateStore": {"displayName": "another", "description": "one more"},
    "PatchStore": {"description": "for trying"},
    "UpdateIdentityResolutionSettings": {"identifierConfigs": [{"idType": "phone"}], "matchingRules": ["phone"]},
    "CreateTraitGroup": {"displayName": "Support", "traits": {"open": {"dataType": "BOOLEAN"}}},
    "PatchTraitGroup": {"traits": {"tier": {"dataType": ""}}},
    "CreateDataMapping": {**MAPPING, "displayName": "warehouse"},
    "PatchDataMapping": {"isEnabled": False},
    "CreateProfile": CONTACT,
    "UpdateProfilesBulk": {"profiles": [CONTACT]},
    "CreateProfilesLookup": {"idType": "phone", "value": PHONE},
    "CreateProfilesImportV2": IMPORT,
    "PatchProfileTraits": {"traits": {"Loyalty": {"points": 7}}},
    "CreateProfileIdentifier": {"idType": "chat", "value": "dana"},
    "PatchProfileIdentifier": {"idType": "phone", "oldValue": PHONE, "newValue": "+13175550143"},
    "CreateProfileObservation": {"observations": [observation()]},
    "PatchProfileObservation": {"content": "prefers the phone"},
    "CreateProfileConversationSummary": {"summaries": [summary()]},
    "PatchProfileConversationSummary": {"source": "desk"},
    "CreateFetchProfileMemory": {"query": "email"},
}


@dataclass
class World:
    http: httpx2.AsyncClient
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)

    @property
    def store(self) -> str:
        return self.path("/v1/Stores/{storeId}")

    @property
    def control(self) -> str:
        return self.path("/v1/ControlPlane/Stores/{storeId}")

    @property
    def profile(self) -> str:
        return self.path("/v1/Stores/{storeId}/Profiles/{profileId}")

    async def get(self, path: str) -> Json:
        return self._told(await self.http.get(path))

    async def send(self, method: str, path: str, body: Json | None = None) -> Json:
        return self._told(await self.http.request(method, path, json=body))

    def _told(self, response: httpx2.Response) -> Json:
        assert response.is_success, response.text
        told: Json = response.json()
        return told

    async def made(self, path: str, body: Json) -> str:
        """The id of a resource of the control plane, which only its operation knows."""
        accepted = await self.http.post(path, json=body)
        assert accepted.status_code == 202, accepted.text
        self.ids["operationId"] = accepted.headers["Operation-Id"]
        id: str = (await self.get(accepted.headers["Location"]))["result"]["id"]
        return id

    async def new_profile(self, **contact: str) -> str:
        id: str = (await self.send("POST", f"{self.store}/Profiles", {"traits": {"Contact": contact}}))["id"]
        return id

    async def recall(self, **asked: Any) -> Json:
        return await self.send("POST", f"{self.profile}/Recall", asked)


async def furnished(http: httpx2.AsyncClient, name: str = "sandbox") -> World:
    world = World(http, {"idType": "phone", "traitGroupName": "Loyalty"})
    world.ids["storeId"] = await world.made("/v1/ControlPlane/Stores", {"displayName": name})
    traits: Json = {trait: {"dataType": kind} for trait, kind in DATA_TYPES.items()}
    await world.made(f"{world.control}/TraitGroups", {"displayName": "Loyalty", "traits": traits})
    world.ids["dataMappingId"] = await world.made(f"{world.control}/DataMappings", MAPPING)
    world.ids["profileId"] = await world.new_profile(phone=PHONE, email=EMAIL, firstName="Dana")
    await world.send("POST", f"{world.profile}/Observations", {"observations": [observation()]})
    await world.send("POST", f"{world.profile}/ConversationSummaries", {"summaries": [summary()]})
    seen = await world.get(f"{world.profile}/Observations")
    world.ids["observationId"] = seen["observations"][0]["id"]
    world.ids["summaryId"] = (await world.get(f"{world.profile}/ConversationSummaries"))["summaries"][0]["id"]
    world.ids["importId"] = (await world.send("POST", f"{world.store}/Profiles/Imports", IMPORT))["importId"]
    return world


async def ask(http: httpx2.AsyncClient, world: World, operation: Operation) -> httpx2.Response:
    return await http.request(operation.method, world.path(operation.path), json=BODIES.get(operation.id))
