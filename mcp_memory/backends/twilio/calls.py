"""Pure: the calls of the Memory API that are made here, and which of them may be repeated.

The law of this file: a call is repeated after an answer that never came only where doing it twice is doing it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from mcp_memory.errors import NotFound

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

SAFELY: Final = "The same call can be made again safely."
LOOK_FIRST: Final = "Look whether it is there before the same call is made again: it could be there twice."


@dataclass(frozen=True, kw_only=True)
class Call:
    """`repeats`: it may be made again though nobody knows whether it was done. `lost`: what else to tell whoever asked
    for one that may not."""

    name: str
    method: Method
    template: str
    repeats: bool = False
    lost: str = SAFELY

    def path(self, at: Sequence[str]) -> str:
        """`at`: what stands for each {} of the template."""
        if any(not part or set(part) == {"."} for part in at):
            raise NotFound("There is no such thing in this store.")  # on the way it would be read as another place
        return self.template.format(*(quote(part, safe="") for part in at))


def _get(name: str, template: str) -> Call:
    return Call(name=name, method="GET", template=template, repeats=True)


def _post(name: str, template: str, *, repeats: bool = False, lost: str = SAFELY) -> Call:
    return Call(name=name, method="POST", template=template, repeats=repeats, lost=lost)


def _put(name: str, template: str) -> Call:
    return Call(name=name, method="PUT", template=template, repeats=True)


def _patch(name: str, template: str, lost: str = SAFELY) -> Call:
    return Call(name=name, method="PATCH", template=template, lost=lost)


def _delete(name: str, template: str, *, repeats: bool = True, lost: str = SAFELY) -> Call:
    return Call(name=name, method="DELETE", template=template, repeats=repeats, lost=lost)


STORES = "/v1/ControlPlane/Stores"
STORE = f"{STORES}/{{}}"
SETTINGS = f"{STORE}/IdentityResolutionSettings"
GROUPS, GROUP = f"{STORE}/TraitGroups", f"{STORE}/TraitGroups/{{}}"
MAPPINGS, MAPPING = f"{STORE}/DataMappings", f"{STORE}/DataMappings/{{}}"
PROFILES = "/v1/Stores/{}/Profiles"
PROFILE = f"{PROFILES}/{{}}"
IDENTIFIERS, IDENTIFIER = f"{PROFILE}/Identifiers", f"{PROFILE}/Identifiers/{{}}"
OBSERVATIONS, OBSERVATION = f"{PROFILE}/Observations", f"{PROFILE}/Observations/{{}}"
SUMMARIES, SUMMARY = f"{PROFILE}/ConversationSummaries", f"{PROFILE}/ConversationSummaries/{{}}"

FETCH_OPERATION = _get("FetchOperation", "/v1/ControlPlane/Operations/{}")

LIST_STORES = _get("ListStores", STORES)
CREATE_STORE = _post("CreateStore", STORES)  # a name is given once
FETCH_STORE = _get("FetchStore", STORE)
PATCH_STORE = _patch("PatchStore", STORE)
DELETE_STORE = _delete("DeleteStore", STORE)

FETCH_SETTINGS = _get("FetchIdentityResolutionSettings", SETTINGS)
UPDATE_SETTINGS = _put("UpdateIdentityResolutionSettings", SETTINGS)
LIST_GROUPS = _get("ListTraitGroups", GROUPS)
CREATE_GROUP = _post("CreateTraitGroup", GROUPS)
FETCH_GROUP = _get("FetchTraitGroup", GROUP)
PATCH_GROUP = _patch("PatchTraitGroup", GROUP)
DELETE_GROUP = _delete("DeleteTraitGroup", GROUP)
LIST_MAPPINGS = _get("ListDataMappings", MAPPINGS)
CREATE_MAPPING = _post("CreateDataMapping", MAPPINGS, lost=LOOK_FIRST)
FETCH_MAPPING = _get("FetchDataMapping", MAPPING)
PATCH_MAPPING = _patch("PatchDataMapping", MAPPING)
DELETE_MAPPING = _delete("DeleteDataMapping", MAPPING)

LIST_PROFILES = _get("ListProfiles", PROFILES)
CREATE_PROFILE = _post("CreateProfile", PROFILES, repeats=True)  # it is resolved by its identifiers
UPDATE_PROFILES = _put("UpdateProfilesBulk", f"{PROFILES}/Bulk")
LOOKUP_PROFILES = _post("CreateProfilesLookup", f"{PROFILES}/Lookup", repeats=True)
LIST_IMPORTS = _get("ListProfileImportsV2", f"{PROFILES}/Imports")
FETCH_IMPORT = _get("FetchProfileImportV2", f"{PROFILES}/Imports/{{}}")
FETCH_PROFILE = _get("FetchProfile", PROFILE)
PATCH_TRAITS = _patch("PatchProfileTraits", PROFILE)
DELETE_PROFILE = _delete("DeleteProfile", PROFILE)
LIST_TRAITS = _get("ListProfileTraits", f"{PROFILE}/Traits")

LIST_IDENTIFIERS = _get("ListProfileIdentifiers", IDENTIFIERS)
CREATE_IDENTIFIER = _post("CreateProfileIdentifier", IDENTIFIERS)
PATCH_IDENTIFIER = _patch("PatchProfileIdentifier", IDENTIFIER, "Look at the profile before the same call is made.")
DELETE_IDENTIFIER = _delete(  # each time, one more is removed
    "DeleteProfileIdentifier", IDENTIFIER, repeats=False, lost="Look at the profile before the same call is made."
)
DELETE_IDENTIFIERS = _delete("DeleteProfileIdentifier", IDENTIFIER)  # all of a type

LIST_OBSERVATIONS = _get("ListProfileObservations", OBSERVATIONS)
CREATE_OBSERVATIONS = _post("CreateProfileObservation", OBSERVATIONS, lost=LOOK_FIRST)
FETCH_OBSERVATION = _get("FetchProfileObservation", OBSERVATION)
PATCH_OBSERVATION = _patch("PatchProfileObservation", OBSERVATION)
DELETE_OBSERVATION = _delete("DeleteProfileObservation", OBSERVATION)
LIST_REVISIONS = _get("ListObservationRevisions", f"{OBSERVATION}/Revisions")

LIST_SUMMARIES = _get("ListProfileConversationSummaries", SUMMARIES)
CREATE_SUMMARIES = _post("CreateProfileConversationSummary", SUMMARIES, lost=LOOK_FIRST)
FETCH_SUMMARY = _get("FetchProfileConversationSummary", SUMMARY)
PATCH_SUMMARY = _patch("PatchProfileConversationSummary", SUMMARY)
DELETE_SUMMARY = _delete("DeleteProfileConversationSummary", SUMMARY)

RECALL = _post("CreateFetchProfileMemory", f"{PROFILE}/Recall", repeats=True)
