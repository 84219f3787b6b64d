"""How each route of the API is attacked: what is sent to it. Ids in paths are filled in by their names."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from mcp_memory.identity import DEFAULT_SETTINGS
from mcp_memory.wire.rules import IdentitySettingsBody
from tests.paths import filled
from tests.wall.planted import COLUMNS, FILE, MONDAY, Ids
from tests.wall.speaking import Said, said
from tests.wall.world import Client, World

Json = dict[str, Any]
Body = Callable[[Ids], Any]

TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "city"}]}
WIRED = "conv_conversation_00000000000000000000000001"


def _nothing(their: Ids) -> None:
    return None


def _observation(their: Ids) -> Json:
    return {"content": "Was here", "source": "wall", "occurredAt": MONDAY}


def _summary(their: Ids) -> Json:
    return {"content": "They called", "conversationId": WIRED, "occurredAt": MONDAY}


def _settings(their: Ids) -> Json:
    return {
        "displayName": "Wall",
        "description": "Was here",
        "conversationGroupingType": "GROUP_BY_PROFILE",
        "memoryStoreId": their.store_id,
    }


def _party(their: Ids) -> Json:
    return {"channel": "SMS", "address": their.phone}


def _somebody(their: Ids) -> Json:
    return {"type": "CUSTOMER", "addresses": [_party(their)]}


# By operation. Bodies hold what identifies somebody of theirs wherever anything can.
BODIES: Mapping[str, Body] = {
    "ListStores": _nothing,
    "CreateStore": lambda their: {"displayName": f"Wall-{their.phone[1:]}"},
    "FetchStore": _nothing,
    "PatchStore": lambda their: {"description": "Was here"},
    "DeleteStore": _nothing,
    "FetchOperation": _nothing,
    "FetchIdentityResolutionSettings": _nothing,
    "UpdateIdentityResolutionSettings": lambda their: IdentitySettingsBody.of(DEFAULT_SETTINGS).body(),
    "FetchLearningSettings": _nothing,
    "UpdateLearningSettings": lambda their: {"reconcileApiWrites": True, "traits": "off"},
    "ListTraitGroups": _nothing,
    "CreateTraitGroup": lambda their: {"displayName": "Walled"},
    "FetchTraitGroup": _nothing,
    "PatchTraitGroup": lambda their: {"description": "Was here"},
    "DeleteTraitGroup": _nothing,
    "ListDataMappings": _nothing,
    "CreateDataMapping": lambda their: {
        "displayName": "Wall",
        "mappingFrom": {"type": "INGRESS", "columns": ["a"]},
        "mappingTo": TO,
    },
    "FetchDataMapping": _nothing,
    "PatchDataMapping": lambda their: {"isEnabled": True},
    "DeleteDataMapping": _nothing,
    "ListProfileImportsV2": _nothing,
    "CreateProfilesImportV2": lambda their: {
        "filename": "a.csv",
        "fileSize": len(FILE),
        "columnMappings": COLUMNS,
    },
    "FetchProfileImportV2": _nothing,
    "ListProfileImportRemarks": _nothing,
    "CreateProfilesLookup": lambda their: {"idType": "email", "value": their.email},
    "ListProfileIdentifiers": _nothing,
    "CreateProfileIdentifier": lambda their: {"idType": "email", "value": their.email},
    "FetchProfileIdentifier": _nothing,
    "PatchProfileIdentifier": lambda their: {
        "idType": "email",
        "oldValue": their.email,
        "newValue": "wall@example.com",
    },
    "DeleteProfileIdentifier": _nothing,
    "ListProfiles": _nothing,
    "CreateProfile": lambda their: {"traits": {"Contact": {"email": their.email}}},
    "UpdateProfilesBulk": lambda their: {"profiles": [{"traits": {"Contact": {"email": their.email}}}]},
    "FetchProfile": _nothing,
    "PatchProfileTraits": lambda their: {"traits": {"Contact": {"city": "Rome"}}},
    "DeleteProfile": _nothing,
    "ListProfileTraits": _nothing,
    "ListProfileTraitProposals": _nothing,
    "AcceptProfileTraitProposal": _nothing,
    "RejectProfileTraitProposal": _nothing,
    "ListProfileObservations": _nothing,
    "CreateProfileObservation": lambda their: {"observations": [_observation(their)]},
    "FetchProfileObservation": _nothing,
    "PatchProfileObservation": lambda their: {"content": "Was here"},
    "DeleteProfileObservation": _nothing,
    "ListObservationRevisions": _nothing,
    "ListObservationHistory": _nothing,
    "UndoObservation": _nothing,
    "ListSummaryHistory": _nothing,
    "ListTraitHistory": _nothing,
    "ListProfileChanges": _nothing,
    "ListProfileDiscarded": _nothing,
    "ListProfileConversationSummaries": _nothing,
    "CreateProfileConversationSummary": lambda their: {"summaries": [_summary(their)]},
    "FetchProfileConversationSummary": _nothing,
    "PatchProfileConversationSummary": lambda their: {"content": "They called"},
    "DeleteProfileConversationSummary": _nothing,
    "ListExtractions": _nothing,
    "FetchExtraction": _nothing,
    "RetryExtraction": _nothing,
    "CreateFetchProfileMemory": lambda their: {"query": "what of canary", "communicationsLimit": 20},
    "ListConfiguration": _nothing,
    "CreateConfiguration": _settings,
    "FetchConfiguration": _nothing,
    "UpdateConfiguration": lambda their: {**_settings(their), "channelSettings": {}},
    "PatchConfiguration": lambda their: {"description": "Was here"},
    "DeleteConfiguration": _nothing,
    "FetchOperationStatus": _nothing,
    "ListConversationByAccount": _nothing,
    "CreateConversationWithConfig": lambda their: {
        "configurationId": their.configuration_id,
        "participants": [_somebody(their)],
    },
    "FetchConversation": _nothing,
    "UpdateConversationById": lambda their: {"status": "INACTIVE"},
    "PatchConversationById": lambda their: {"name": "Was here"},
    "DeleteConversationAsync": _nothing,
    "CreateConversationAction": lambda their: {"type": "SEND_MESSAGE"},
    "ListParticipantByConversation": _nothing,
    "CreateParticipantInConversation": _somebody,
    "FetchParticipant": _nothing,
    "UpdateParticipantInConversation": _somebody,
    "ListCommunicationByConversation": _nothing,
    "CreateCommunicationInConversation": lambda their: {
        "author": _party(their),
        "recipients": [{"channel": "CHAT", "address": "wall"}],
        "content": {"type": "TEXT", "text": "Was here"},
    },
    "FetchCommunication": _nothing,
}
QUERIES: Mapping[str, dict[str, str]] = {"ListProfileChanges": {"since": MONDAY}}  # without which it is refused
UPLOADING = "PutProfilesImportFile"  # its address is the credential: see test_uploads.py


@dataclass(frozen=True)
class Call:
    operation: str
    method: str
    path: str

    @property
    def reads(self) -> bool:
        return self.method == "GET" or self.path.endswith(("/Lookup", "/Recall"))

    @property
    def about(self) -> set[str]:
        """What its path names, but for the store."""
        return {part[1:-1] for part in self.path.split("/") if part.startswith("{")} - {"storeId"}

    async def of(self, client: Client, ids: Ids, store_id: str | None = None, **more: Any) -> Said:
        path = filled(self.path, replace(ids, store_id=store_id or ids.store_id).in_path)
        body = BODIES[self.operation](ids)
        given = {**more, **({} if body is None else {"json": body})}
        if self.operation in QUERIES:
            given["params"] = {**QUERIES[self.operation], **more.get("params", {})}
        return said(await client.http.request(self.method, path, **given))


def routes(world: World) -> Iterator[APIRoute]:
    """All that are registered, the older names too, in no order."""
    api = world.app.router.default
    assert isinstance(api, FastAPI)
    for route in api.routes:
        if isinstance(route, APIRoute):
            yield route


def calls(world: World) -> list[Call]:
    """But for those that bring files. What deletes comes last, and what deletes most the very last."""
    found = [
        Call(str(route.operation_id), method, route.path)
        for route in routes(world)
        for method in route.methods or ()
        if route.operation_id != UPLOADING
    ]
    return sorted(found, key=_turn)


def _turn(call: Call) -> tuple[bool, bool, int]:
    """Conversations go before those who talked in them, with whom they would go as well."""
    deletes = call.method == "DELETE"
    return deletes, deletes and call.path.startswith("/v1/"), -call.path.count("{") * deletes
