"""A server with something in it, so that calls have something to be about. `/{id}` is of the noun before it."""

from typing import Any

import httpx2

Json = dict[str, Any]

MONDAY = "2026-05-04T09:00:00Z"
CONVERSATION = "conv_conversation_00000000000000000000000001"
TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "firstName"}]}
COLUMNS = [{"columnName": name, "traitGroup": "Contact", "traitName": name} for name in ("phone", "firstName")]


def seeded(http: httpx2.Client) -> Json:
    """What stays, and what may be deleted: by the names of the path's parameters."""
    seeds = _Seeds(http)
    store, elsewhere, *unwanted = [seeds.store(f"fuzzed-{at}") for at in range(4)]
    kept = seeds.profile(store, 0)
    observations, summaries, mappings = seeds.observations(store, kept), seeds.summaries(store, kept), []
    for at in range(6):
        seeds.control("POST", f"{store}/TraitGroups", {"displayName": f"Group{at}"})
        new = {"displayName": f"Map{at}", "mappingFrom": {"type": "INGRESS", "columns": ["a"]}, "mappingTo": TO}
        mappings.append(seeds.control("POST", f"{store}/DataMappings", new))
    talk, configuration = seeds.talk(store, "+13175550142"), seeds.configuration
    return {
        "kept": {
            "ConversationId": [talk["id"]],
            "Conversations/{id}": [talk["id"]],
            "Configurations/{id}": [configuration],
            "Operations/{id}": [seeds.operation],
            "Participants/{id}": [one["id"] for one in talk["participants"]],
            "Communications/{id}": [seeds.said(talk) for _ in range(3)],
            "storeId": [store],
            "profileId": [kept],
            "observationId": observations[:5],
            "summaryId": summaries[:5],
            "importId": [seeds.imported(store)],
            "dataMappingId": mappings[:2],
            "operationId": [seeds.operation],
            "traitGroupName": ["Contact", "Group0"],
            "idType": ["phone", "email"],
        },
        "doomed": {
            "Conversations/{id}": [seeds.talk(elsewhere, f"+13175552{at:03}")["id"] for at in range(10)],
            "Configurations/{id}": [seeds.configured(elsewhere) for _ in range(3)],
            "storeId": [elsewhere, *unwanted],
            "profileId": [seeds.profile(elsewhere, at) for at in range(20)],
            "observationId": observations[5:],
            "summaryId": summaries[5:],
            "dataMappingId": mappings[2:],
            "traitGroupName": [f"Group{at}" for at in range(1, 6)],
            "idType": ["email", "chat"],
        },
    }


class _Seeds:
    def __init__(self, http: httpx2.Client) -> None:
        self._http, self.operation, self.configuration = http, "", ""

    def control(self, method: str, path: str, body: Json) -> str:
        """The id of what was changed."""
        written = self._written(method, f"/v1/ControlPlane/Stores/{path}".rstrip("/"), body)
        self.operation = written.headers["operation-id"]
        operation: Json = self._http.get(f"/v1/ControlPlane/Operations/{self.operation}").json()
        return str(operation["result"]["id"])

    def store(self, name: str) -> str:
        return self.control("POST", "", {"displayName": name})

    def profile(self, store: str, number: int) -> str:
        body = {"traits": {"Contact": {"phone": f"+1317555{number:04}", "email": f"a{number}@example.com"}}}
        return str(self._written("POST", f"/v1/Stores/{store}/Profiles", body).json()["id"])

    def observations(self, store: str, profile: str) -> list[str]:
        items = [{"content": f"Likes tea {at}", "source": "seed", "occurredAt": MONDAY} for at in range(10)]
        return self._items(f"/v1/Stores/{store}/Profiles/{profile}/Observations", {"observations": items})

    def summaries(self, store: str, profile: str) -> list[str]:
        items = [{"content": f"Talk {at}", "conversationId": CONVERSATION, "occurredAt": MONDAY} for at in range(10)]
        return self._items(f"/v1/Stores/{store}/Profiles/{profile}/ConversationSummaries", {"summaries": items})

    def imported(self, store: str) -> str:
        body = {"filename": "a.csv", "fileSize": 10, "columnMappings": COLUMNS}
        return str(self._written("POST", f"/v1/Stores/{store}/Profiles/Imports", body).json()["importId"])

    def configured(self, store: str) -> str:
        settings = {"displayName": "Fuzz", "description": "", "conversationGroupingType": "GROUP_BY_PROFILE"}
        made = self._written("POST", "/v2/ControlPlane/Configurations", {**settings, "memoryStoreId": store})
        return str(made.json()["related"]["configurationId"])

    def talk(self, store: str, number: str) -> Json:
        """All of a configuration that stays."""
        self.configuration = self.configuration or self.configured(store)
        people = [{"type": "CUSTOMER", "addresses": [{"channel": "SMS", "address": number}]}]
        new = {"configurationId": self.configuration, "participants": people}
        opened: Json = self._written("POST", "/v2/Conversations", new).json()
        return opened

    def said(self, talk: Json) -> str:
        (them,) = talk["participants"][0]["addresses"]
        new = {"author": them, "recipients": [them], "content": {"type": "TEXT", "text": "Hello"}}
        return str(self._written("POST", f"/v2/Conversations/{talk['id']}/Communications", new).json()["id"])

    def _items(self, path: str, body: Json) -> list[str]:
        receipts = self._written("POST", path, body).headers["memory-receipts"]
        return [one.partition(";")[0] for one in receipts.split(", ")]

    def _written(self, method: str, path: str, body: Json) -> httpx2.Response:
        response = self._http.request(method, path, json=body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response
