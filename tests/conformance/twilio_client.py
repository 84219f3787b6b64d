"""Drives every resource of the Memory API with the package `twilio`, in the environment that has it.

python -m tests.conformance.twilio_client ADDRESS KEY_ID KEY_SECRET
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.memory.v1.bulk import BulkList
from twilio.rest.memory.v1.conversation_summary import ConversationSummaryList
from twilio.rest.memory.v1.data_mapping import DataMappingList
from twilio.rest.memory.v1.identifier import IdentifierList
from twilio.rest.memory.v1.identity_resolution_setting import IdentityResolutionSettingList
from twilio.rest.memory.v1.import_ import ImportList
from twilio.rest.memory.v1.lookup import LookupList
from twilio.rest.memory.v1.observation import ObservationList
from twilio.rest.memory.v1.profile import ProfileList
from twilio.rest.memory.v1.recall import RecallList
from twilio.rest.memory.v1.store import StoreList
from twilio.rest.memory.v1.trait_group import TraitGroupList

from .lines import arguments, say
from .loopback import stay

PHONE, EMAIL = "+13175550142", "dana@example.com"
NOON = "2026-05-04T12:00:00Z"
TALK = "conv_conversation_" + "0" * 26
WAIT_SECONDS = 10

MAPPINGS = [{"expression": "city", "traitGroup": "Contact", "traitName": "city"}]
COLUMNS = [
    {"columnName": "Phone", "traitGroup": "Contact", "traitName": "phone"},
    {"columnName": "First", "traitGroup": "Contact", "traitName": "firstName"},
]
CONFIGS = [
    {"idType": "email", "normalization": "email"},
    {"idType": "phone", "normalization": "phone"},
    {"idType": "vip", "normalization": "trim"},
]


class NeverShown(Exception):
    """It was accepted, and that was the last that was seen of it."""


class Recorder(TwilioHttpClient):
    """Keeps what went over the wire, which the package does not show."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def request(self, method: str, url: str, *others: Any, **more: Any) -> Any:
        response = super().request(method, url, *others, **more)
        headers = more.get("headers") or {}
        self.seen.append(
            {
                "method": method,
                "path": urlsplit(url).path,
                "form": "form" in headers.get("Content-Type", ""),
                "body": more.get("data"),
                "status": response.status_code,
                "headers": {name.lower(): value for name, value in (response.headers or {}).items()},
                "text": response.text,
            }
        )
        return response


class Story:
    def __init__(self, address: str, key_id: str, secret: str) -> None:
        self.wire = Recorder()
        client = Client(key_id, secret, account_sid="AC" + "0" * 32, http_client=self.wire)
        client.memory.base_url = address
        self.v1 = client.memory.v1
        self.store = self.profile = self.observation = self.summary = ""

    def tell(self) -> None:
        """What never shows ends its chapter, and not the story."""
        for chapter in (
            *(self.stores, self.settings, self.trait_groups, self.data_mappings, self.profiles, self.identifiers),
            *(self.observations, self.summaries, self.recall, self.merged, self.bulk, self.imports, self.endings),
        ):
            with suppress(NeverShown):
                chapter()

    # Saying what happened

    def try_(self, call: str, action: Callable[[], Any]) -> Any:
        before = len(self.wire.seen)
        result, error = None, None
        try:
            result = action()
        except TwilioException as refused:
            error = {"type": type(refused).__name__, **shown_by(refused)}
        say(call, wire=self.wire.seen[before:], result=result, error=error)
        return result

    def settled(self, call: str, condition: Callable[[], Any]) -> Any:
        """What was accepted, once it shows: the service may take its time."""
        give_up = time.monotonic() + WAIT_SECONDS
        while not (found := condition()):
            if time.monotonic() > give_up:
                say(call, wire=[], result=None, error={"type": "NeverShown"})
                raise NeverShown(call)
            time.sleep(0.05)
        return found

    def resource(self, call: str, action: Callable[[], Any]) -> str:
        """The id of what a write of the control plane made: its operation tells it."""
        self.try_(call, action)
        headers = self.wire.seen[-1]["headers"]
        operation = headers["operation-id"]
        self.settled(call, lambda: self.v1.operations(operation).fetch().status == "COMPLETED")
        done = self.try_("operations.fetch", lambda: self.v1.operations(operation).fetch())
        return str(done.result["id"])

    def etag(self) -> str:
        return str(self.wire.seen[-1]["headers"]["etag"])

    # The control plane

    def stores(self) -> None:
        stores = self.v1.stores
        sandbox = StoreList.ServiceRequest({"displayName": "sandbox", "description": "to try"})
        self.store = self.resource("stores.create", lambda: stores.create(sandbox))
        self.resource("stores.create again", lambda: stores.create(StoreList.ServiceRequest({"displayName": "other"})))
        self.try_("stores.create taken", lambda: stores.create(sandbox))
        self.try_("stores.list", lambda: stores.list(page_size=1))
        self.try_("stores.stream", lambda: list(stores.stream(order_by="ASC", page_size=1)))
        self.try_("stores.list limit", lambda: stores.list(limit=1))
        self.try_("stores.fetch", lambda: stores(self.store).fetch())
        etag = self.etag()
        change = StoreList.PatchStoreRequest({"description": "tried"})
        self.resource("stores.patch", lambda: stores(self.store).patch(patch_store_request=change, if_match=etag))
        self.try_("stores.patch stale", lambda: stores(self.store).patch(patch_store_request=change, if_match=etag))
        self.try_("stores.fetch changed", lambda: stores(self.store).fetch())
        self.try_("stores.fetch nowhere", lambda: stores("mem_store_" + "7" * 26).fetch())
        self.try_("operations.fetch nowhere", lambda: self.v1.operations("nowhere").fetch())

    def settings(self) -> None:
        settings = self.v1.identity_resolution_settings(self.store)
        self.try_("identity_resolution_settings.fetch", settings.fetch)
        etag = self.etag()
        core = IdentityResolutionSettingList.IdentityResolutionSettingsCore(
            {"identifierConfigs": CONFIGS, "matchingRules": ["email", "phone", "vip"]}
        )
        self.resource("identity_resolution_settings.update", lambda: settings.update(core, if_match=etag))
        self.try_("identity_resolution_settings.update stale", lambda: settings.update(core, if_match=etag))

    def trait_groups(self) -> None:
        groups = self.v1.trait_groups(self.store)
        traits = {"tier": {"dataType": "STRING"}, "number": {"dataType": "STRING", "idTypePromotion": "vip"}}
        loyalty = TraitGroupList.TraitGroupRequest({"displayName": "Loyalty", "traits": traits})
        self.resource("trait_groups.create", lambda: groups.create(trait_group_request=loyalty))
        self.try_("trait_groups.list", lambda: groups.list(include_traits=True, page_size=1))
        self.try_("trait_groups.stream", lambda: list(groups.stream(page_size=1)))
        one = self.v1.trait_groups(self.store).get("Loyalty")
        self.try_("trait_groups.fetch", lambda: one.fetch(include_traits=True))
        change = TraitGroupList.PatchTraitGroupRequest(
            {"traits": {"tier": {"dataType": ""}, "points": {"dataType": "NUMBER"}}}
        )
        etag = self.etag()
        self.resource("trait_groups.patch", lambda: one.patch(patch_trait_group_request=change, if_match=etag))
        self.try_("trait_groups.fetch changed", lambda: one.fetch())

    def data_mappings(self) -> None:
        mappings = self.v1.data_mappings(self.store)
        new = DataMappingList.CreateDataMappingInput(
            {
                "displayName": "crm",
                "mappingFrom": {"type": "INGRESS", "columns": ["city"]},
                "mappingTo": {"type": "TRAITS", "mappings": MAPPINGS},
            }
        )
        id = self.resource("data_mappings.create", lambda: mappings.create(new))
        self.try_("data_mappings.list", lambda: mappings.list(type="INGRESS", page_size=1))
        self.try_("data_mappings.fetch", lambda: mappings.get(id).fetch())
        etag = self.etag()
        change = DataMappingList.DataMappingCore({"description": "from the CRM"})
        self.resource("data_mappings.patch", lambda: mappings.get(id).patch(data_mapping_core=change, if_match=etag))
        self.resource("data_mappings.delete", lambda: mappings.get(id).delete())

    # Profiles

    def created(self, call: str, **traits: dict[str, Any]) -> str:
        data = ProfileList.ProfileData({"traits": traits})
        return str(self.try_(call, lambda: self.v1.profiles(self.store).create(data)).id)

    def profiles(self) -> None:
        profiles = self.v1.profiles(self.store)
        self.profile = self.created("profiles.create", Contact={"phone": "1-317-555-0142", "firstName": "Dana"})
        self.created("profiles.create again", Contact={"phone": PHONE, "email": EMAIL})
        self.created("profiles.create other", Contact={"email": "kim@example.com"}, Loyalty={"points": 7})
        self.settled("profiles.create", lambda: profiles.get(self.profile).fetch().traits["Contact"].get("email"))
        self.try_("profiles.create nobody", lambda: profiles.create(ProfileList.ProfileData({"traits": {}})))
        self.try_("profiles.list", lambda: profiles.list(page_size=1))
        self.try_("profiles.stream", lambda: list(profiles.stream(order_by="ASC", page_size=1)))
        self.try_("profiles.fetch", lambda: profiles.get(self.profile).fetch(trait_groups="Contact,Loyalty"))
        patch = ProfileList.ProfilePatch({"traits": {"Contact": {"lastName": "Ortiz", "firstName": None}}})
        self.try_("profiles.patch", lambda: profiles.get(self.profile).patch(patch))
        self.settled("profiles.patch", lambda: "lastName" in profiles.get(self.profile).fetch().traits["Contact"])
        traits = self.v1.traits(self.store, self.profile)
        self.try_("traits.list", lambda: traits.list(trait_groups="Contact", page_size=2))
        self.look_up("lookup.create", "phone", "317-555-0142")
        self.look_up("lookup.create nobody", "email", "nobody@example.com")

    def look_up(self, call: str, id_type: str, value: str) -> None:
        wanted = LookupList.Identifier({"idType": id_type, "value": value})
        self.try_(call, lambda: self.v1.lookup(self.store).create(wanted))

    def identifiers(self) -> None:
        identifiers = self.v1.identifiers(self.store, self.profile)
        new = IdentifierList.Identifier({"idType": "vip", "value": "V-1"})
        self.try_("identifiers.create", lambda: identifiers.create(new))
        self.settled("identifiers.create", lambda: len(identifiers.list()) > 2)
        self.try_("identifiers.list", identifiers.list)
        change = IdentifierList.IdentifierUpdate({"idType": "vip", "oldValue": "V-1", "newValue": "V-2"})
        self.try_("identifiers.patch", lambda: identifiers.get("vip").patch(change))
        self.settled("identifiers.patch", lambda: identifiers.get("vip").fetch().values == ["V-2"])
        self.try_("identifiers.fetch", lambda: identifiers.get("vip").fetch())
        self.try_("identifiers.delete", lambda: identifiers.get("vip").delete(remove_all=True))

    # Memories

    def observations(self) -> None:
        observations = self.v1.observations(self.store, self.profile)
        items = [{"content": f"likes tea {n}", "source": "desk", "occurredAt": NOON} for n in range(3)]
        items[0]["conversationIds"] = [TALK]  # type: ignore[assignment]
        batch = ObservationList.CreateObservationsRequest({"observations": items})
        self.try_("observations.create", lambda: observations.create(batch))
        self.settled("observations.create", lambda: len(observations.list()) == 3)
        self.try_("observations.list", lambda: observations.list(page_size=2, order_by="ASC", source="desk"))
        self.try_("observations.stream", lambda: list(observations.stream(conversation_id=TALK)))
        self.observation = observations.list()[0].id
        one = observations.get(self.observation)
        self.try_("observations.fetch", one.fetch)
        self.try_("observations.patch", lambda: one.patch(ObservationList.ObservationBase({"content": "likes coffee"})))
        self.settled("observations.patch", lambda: one.fetch().content == "likes coffee")
        revisions = self.v1.revisions(self.store, self.profile, self.observation)
        self.try_("revisions.list", lambda: revisions.list(page_size=1))

    def summaries(self) -> None:
        summaries = self.v1.conversation_summaries(self.store, self.profile)
        items = [{"content": f"asked {n}", "conversationId": TALK, "occurredAt": NOON} for n in range(2)]
        batch = ConversationSummaryList.CreateSummariesRequest({"summaries": items})
        self.try_("conversation_summaries.create", lambda: summaries.create(batch))
        self.settled("conversation_summaries.create", lambda: len(summaries.list()) == 2)
        self.try_("conversation_summaries.list", lambda: summaries.list(page_size=1, conversation_id=TALK))
        self.summary = summaries.list()[0].id
        one = summaries.get(self.summary)
        self.try_("conversation_summaries.fetch", one.fetch)
        change = ConversationSummaryList.SummaryCorePatch({"source": "desk"})
        self.try_("conversation_summaries.patch", lambda: one.patch(change))

    def recall(self) -> None:
        self.recalled("recall.create")
        self.recalled("recall.create query", query="coffee", observationsLimit=2, summariesLimit=0)
        self.recalled("recall.create no conversation", communicationsLimit=1)

    def recalled(self, call: str, **asked: Any) -> None:
        request = RecallList.MemoryRetrievalRequest(asked)
        self.try_(call, lambda: self.v1.recall(self.store, self.profile).create(request))

    # Those who turn out to be one, those who come in numbers, and those who go

    def merged(self) -> None:
        """The package follows no redirect: what it makes of one is theirs, that there is one is ours."""
        other = self.created("profiles.create second", Contact={"phone": "+13175550199"})
        shared = IdentifierList.Identifier({"idType": "email", "value": EMAIL})
        self.try_("identifiers.create shared", lambda: self.v1.identifiers(self.store, other).create(shared))
        profile = self.v1.profiles(self.store).get(other)
        self.settled("identifiers.create shared", lambda: profile.fetch().id != other)
        self.try_("profiles.fetch merged", profile.fetch)
        patch = ProfileList.ProfilePatch({"traits": {"Contact": {"city": "Troy"}}})
        self.try_("profiles.patch merged", lambda: profile.patch(patch))
        observation = self.v1.observations(self.store, other).get(self.observation)
        self.try_("observations.fetch merged", observation.fetch)
        self.look_up("lookup.create merged", "phone", "+13175550199")

    def bulk(self) -> None:
        people = [{"traits": {"Contact": {"phone": f"+1317555016{n}", "city": "Troy"}}} for n in range(2)]
        batch = BulkList.UpdateProfilesBulkRequest({"profiles": people})
        self.try_("bulk.update", lambda: self.v1.bulk(self.store).update(batch))

    def imports(self) -> None:
        imports = self.v1.imports(self.store)
        announced = ImportList.CreateProfilesImportV2Request(
            {"filename": "people.csv", "fileSize": 29, "columnMappings": COLUMNS}
        )
        made = self.try_("imports.create", lambda: imports.create(announced))
        put = requests.put(made.url, data=b"Phone,First\n+13175550177,Lee\n", timeout=WAIT_SECONDS)
        say("imports put", wire=[], result={"status": put.status_code}, error=None)
        one = imports.get(made.import_id)
        self.settled("imports.create", lambda: one.fetch().status == "COMPLETED")
        self.try_("imports.fetch", one.fetch)
        self.try_("imports.list", lambda: imports.list(page_size=1))

    def endings(self) -> None:
        observation = self.v1.observations(self.store, self.profile).get(self.observation)
        self.try_("observations.delete", observation.delete)
        summary = self.v1.conversation_summaries(self.store, self.profile).get(self.summary)
        self.try_("conversation_summaries.delete", summary.delete)
        self.try_("profiles.delete", lambda: self.v1.profiles(self.store).get(self.profile).delete())
        self.try_("trait_groups.delete contact", lambda: self.v1.trait_groups(self.store).get("Contact").delete())
        self.resource("trait_groups.delete", lambda: self.v1.trait_groups(self.store).get("Loyalty").delete())
        self.resource("stores.delete", lambda: self.v1.stores(self.store).delete())


def shown_by(refused: TwilioException) -> dict[str, Any]:
    names = ("status", "code", "msg", "method", "uri")
    shown = {name: getattr(refused, name) for name in names if hasattr(refused, name)}
    return shown or {"msg": str(refused)}


if __name__ == "__main__":
    stay()
    Story(*arguments()).tell()
    say("done", wire=[], result=True, error=None)
