"""The fake behaves as Twilio's pages say the service does: what is remembered, who is who, what is found."""

import gzip
import json
from urllib.parse import urlsplit

import httpx2
import pytest

from .conftest import client
from .fake.app import Fake
from .world import EMAIL, NOON, PHONE, TALK, World, observation, summary

pytestmark = pytest.mark.anyio

LATER = "2026-05-05T12:00:00Z"


# Profiles


async def test_a_number_is_one_person_however_it_is_written(world: World) -> None:
    again = await world.new_profile(phone="317-555-0142", lastName="Ortiz")
    profile = await world.get(world.profile)

    assert again == world.ids["profileId"]
    assert profile["traits"]["Contact"] == {"phone": "317-555-0142", "email": EMAIL, "firstName": "Dana"} | {
        "lastName": "Ortiz"
    }


async def test_a_lookup_tells_ids_and_how_it_understood(world: World) -> None:
    found = await world.send(
        "POST", f"{world.store}/Profiles/Lookup", {"idType": "email", "value": " DANA@Example.com "}
    )
    nobody = await world.send("POST", f"{world.store}/Profiles/Lookup", {"idType": "email", "value": "x@example.com"})

    assert found == {"normalizedValue": EMAIL, "profiles": [world.ids["profileId"]]}
    assert nobody == {"normalizedValue": "x@example.com"}


async def test_an_empty_lookup_can_say_null(fake: Fake, world: World) -> None:
    """Seen live, though the document has no word of it."""
    fake.null_profiles = True
    with pytest.raises(AssertionError, match="body /profiles: None is not of type 'array'"):
        await world.send("POST", f"{world.store}/Profiles/Lookup", {"idType": "email", "value": "x@example.com"})


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"Contact": {"firstName": "Dana"}},
        {"Contact": {"phone": "12"}},
        {"Contact": {"phone": PHONE, "shoeSize": "42"}},
        {"Shoes": {"size": "42"}},
        {"Contact": {"phone": PHONE}, "Loyalty": {"points": "many"}},
        {"Contact": {"phone": PHONE}, "Loyalty": {"tags": [["nested"]]}},
    ],
)
async def test_a_profile_that_cannot_be_is_refused(world: World, traits: dict[str, object]) -> None:
    response = await world.http.post(f"{world.store}/Profiles", json={"traits": traits})

    assert response.status_code == 400


async def test_null_takes_a_trait_away_and_leaves_the_identifier(world: World) -> None:
    await world.send("PATCH", world.profile, {"traits": {"Contact": {"phone": None, "firstName": None}}})

    assert (await world.get(world.profile))["traits"] == {"Contact": {"email": EMAIL}}
    assert (await world.get(f"{world.profile}/Identifiers/phone"))["values"] == [PHONE]


async def test_who_shares_an_identifier_becomes_the_earliest_of_them(world: World) -> None:
    first, other = world.ids["profileId"], await world.new_profile(phone="+13175550199", city="Springfield")
    await world.send("POST", f"{world.store}/Profiles/{other}/Observations", {"observations": [observation("new")]})

    await world.send(
        "POST", f"{world.store}/Profiles/{other}/Identifiers", {"idType": "email", "value": "Dana@example.com"}
    )

    profile = await world.get(world.profile)
    assert profile["id"] == first and profile["traits"]["Contact"]["city"] == "Springfield"
    assert len((await world.get(f"{world.profile}/Observations"))["observations"]) == 2
    assert (await world.get(f"{world.profile}/Identifiers"))["identifiers"][0]["values"] == [PHONE, "+13175550199"]


@pytest.fixture
async def old(world: World) -> str:
    """An id that was merged away."""
    old = await world.new_profile(phone="+13175550199")
    await world.send("POST", f"{world.store}/Profiles/{old}/Identifiers", {"idType": "email", "value": EMAIL})
    return old


async def test_a_merged_profile_has_moved(world: World, old: str) -> None:
    path = f"{world.store}/Profiles/{old}/Observations"
    read = await world.http.get(path, params={"pageSize": 5})
    write = await world.http.post(path, json={"observations": [observation("new")]}, follow_redirects=True)

    assert read.status_code == 301
    assert urlsplit(read.headers["Location"]).path == f"{world.profile}/Observations"
    assert read.json()["uri"] == read.headers["Location"] and read.headers["Location"].endswith("?pageSize=5")
    assert read.headers["Canonical-Profile-Id"] == world.ids["profileId"]
    assert [one.status_code for one in write.history] == [308] and write.status_code == 202


async def test_what_has_no_redirect_is_served_for_who_it_is_now(world: World, old: str) -> None:
    path = f"{world.store}/Profiles/{old}/Observations/{world.ids['observationId']}"
    for served in (await world.http.get(path), await world.http.get(f"{path}/Revisions")):
        assert (served.status_code, served.headers["Canonical-Profile-Id"]) == (200, world.ids["profileId"])


async def test_a_merged_profile_can_be_served_instead(fake: Fake, world: World, old: str) -> None:
    fake.transparent = True
    served = await world.http.get(f"{world.store}/Profiles/{old}")
    recalled = await world.http.post(f"{world.store}/Profiles/{old}/Recall", json={})
    named = await world.http.get(f"{world.store}/Profiles/{old}/Identifiers")

    assert served.headers["Canonical-Profile-Id"] == served.json()["id"] == world.ids["profileId"]
    assert recalled.json()["observations"]
    assert named.status_code == 301


async def test_a_batch_is_one_after_the_other(world: World) -> None:
    people = [{"phone": "+13175550111"}, {"email": "kim@example.com"}, {"phone": "+13175550111"} | {"city": "Troy"}]
    await world.send("PUT", f"{world.store}/Profiles/Bulk", {"profiles": [{"traits": {"Contact": p}} for p in people]})

    assert len((await world.get(f"{world.store}/Profiles"))["profiles"]) == 3


async def test_an_identifier_is_changed_and_removed(world: World) -> None:
    phone, new = f"{world.profile}/Identifiers/phone", "+13175550143"
    changed = {"idType": "phone", "oldValue": PHONE, "newValue": new}
    await world.send("PATCH", phone, changed)
    twice = await world.http.patch(phone, json={**changed, "oldValue": new})
    values = (await world.get(phone))["values"]
    await world.send("DELETE", f"{phone}?removeAll=true")

    assert twice.status_code == 409 and values == [new]
    assert (await world.http.get(phone)).status_code == 404


async def test_a_deleted_profile_is_gone(world: World) -> None:
    await world.send("DELETE", world.profile)

    assert (await world.http.get(world.profile)).status_code == 404


async def test_a_file_of_people_is_read_when_it_has_come(world: World) -> None:
    columns = [
        {"columnName": "Phone", "traitGroup": "Contact", "traitName": "phone"},
        {"columnName": "First", "traitGroup": "Contact", "traitName": "firstName"},
    ]
    made = await world.send(
        "POST", f"{world.store}/Profiles/Imports", {"filename": "p.csv", "fileSize": 9, "columnMappings": columns}
    )
    before = await world.get(f"{world.store}/Profiles/Imports/{made['importId']}")
    put = await world.http.put(made["url"], content=b"Phone,First\n+13175550142,\\N\n+13175550144,Kim\n,Nobody\n")
    after = await world.get(f"{world.store}/Profiles/Imports/{made['importId']}")

    assert (before["status"], put.status_code, after["status"]) == ("PENDING", 200, "COMPLETED")
    assert after["summary"] == {"errors": 1, "warnings": 0}
    assert "firstName" not in (await world.get(world.profile))["traits"]["Contact"]


# Memories


async def test_a_write_tells_no_id(world: World) -> None:
    told = await world.send("POST", f"{world.profile}/Observations", {"observations": [observation()]})

    assert told == {"message": "Observations creation accepted"}


async def test_times_are_kept_to_the_second(world: World) -> None:
    await world.send(
        "POST", f"{world.profile}/Observations", {"observations": [observation(at="2026-05-04T09:00:00.613097+02:00")]}
    )

    assert (await world.get(f"{world.profile}/Observations"))["observations"][0]["occurredAt"] == "2026-05-04T07:00:00Z"


async def test_an_observation_keeps_what_it_was(world: World) -> None:
    path = world.path("/v1/Stores/{storeId}/Profiles/{profileId}/Observations/{observationId}")
    await world.send("PATCH", path, {"content": "prefers the phone"})
    revisions = (await world.get(f"{path}/Revisions"))["revisions"]

    assert [one["content"] for one in revisions] == ["prefers the phone", "prefers email"]
    assert (await world.get(path)) == revisions[0]


async def test_lists_come_in_pages_and_by_what_is_asked(world: World) -> None:
    path = f"{world.profile}/Observations"
    more = [{**observation(f"number {n}"), "conversationIds": [TALK], "source": "chat"} for n in range(4)]
    await world.send("POST", path, {"observations": more})
    first = f"{path}?pageSize=2&orderBy=ASC&source=chat&conversationId={TALK}"
    page = await world.get(first)
    seen = [one["content"] for one in page["observations"]]
    while "nextToken" in page["meta"]:
        page = await world.get(f"{first}&pageToken={page['meta']['nextToken']}")
        seen += [one["content"] for one in page["observations"]]

    assert seen == [f"number {n}" for n in range(4)]
    assert (await world.http.get(path, params={"pageToken": "nonsense"})).status_code == 400
    assert (await world.get(f"{path}?createdBefore=2020-01-01T00:00:00Z"))["observations"] == []


async def test_recall_without_a_question_is_the_newest_first(world: World) -> None:
    await world.send("POST", f"{world.profile}/Observations", {"observations": [observation("later", LATER)]})
    recalled = await world.recall()

    assert [one["content"] for one in recalled["observations"]] == ["later", "prefers email"]
    assert "score" not in recalled["observations"][0] and len(recalled["summaries"]) == 1
    assert recalled["communications"] == [] and isinstance(recalled["meta"]["queryTime"], int)


async def test_recall_with_a_question_is_by_words(world: World) -> None:
    await world.send("POST", f"{world.profile}/Observations", {"observations": [observation("later", LATER)]})
    scores = [one["score"] for one in (await world.recall(query="email or phone"))["observations"]]
    close = await world.recall(query="email", relevanceThreshold=0.5, beginDate=NOON, endDate=LATER, summariesLimit=0)

    assert scores == [1 / 3, 0]
    assert [one["content"] for one in close["observations"]] == ["prefers email"] and close["summaries"] == []


async def test_messages_are_those_of_a_conversation(world: World) -> None:
    refused = await world.http.post(f"{world.profile}/Recall", json={"communicationsLimit": 1})

    assert refused.status_code == 400 and "conversation_id is required" in refused.json()["message"]
    assert (await world.recall(communicationsLimit=1, conversationId=TALK))["communications"] == []


async def test_a_body_may_come_compressed(world: World) -> None:
    body = gzip.compress(json.dumps({"summaries": [summary("zipped")]}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = await world.http.post(f"{world.profile}/ConversationSummaries", content=body, headers=headers)

    assert response.status_code == 202
    newest = (await world.get(f"{world.profile}/ConversationSummaries?conversationId={TALK}"))["summaries"][0]
    assert newest["content"] == "zipped"


# The control plane


async def test_a_list_of_stores_is_of_ids(world: World) -> None:
    assert (await world.get("/v1/ControlPlane/Stores"))["stores"] == [world.ids["storeId"]]


async def test_a_name_is_taken_once(world: World) -> None:
    store = await world.http.post("/v1/ControlPlane/Stores", json={"displayName": "sandbox"})
    group = await world.http.post(f"{world.control}/TraitGroups", json={"displayName": "Contact"})

    assert [(one.status_code, one.json()["code"]) for one in (store, group)] == [(400, 520045), (400, 520055)]


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("", "PATCH", {"description": "d"}),
        ("/IdentityResolutionSettings", "PUT", {"identifierConfigs": [{"idType": "vip"}], "matchingRules": ["vip"]}),
        ("/TraitGroups/Loyalty", "PATCH", {"description": "d"}),
        ("/DataMappings/{dataMappingId}", "PATCH", {"description": "d"}),
    ],
)
async def test_a_version_that_is_no_more_is_not_changed(world: World, path: str, method: str, body: object) -> None:
    path = f"{world.control}{world.path(path)}"
    match = {"If-Match": (await world.http.get(path)).headers["ETag"]}
    first = await world.http.request(method, path, json=body, headers=match)
    second = await world.http.request(method, path, json=body, headers=match)

    assert (first.status_code, second.status_code, second.json()["code"]) == (202, 412, 520043)


async def test_a_group_is_shown_with_its_traits_or_without(world: World) -> None:
    groups = f"{world.control}/TraitGroups"
    await world.send(
        "PATCH", f"{groups}/Loyalty", {"traits": {"tier": {"dataType": ""}, "vip": {"dataType": "BOOLEAN"}}}
    )
    page = await world.get(f"{groups}/Loyalty?pageSize=2&orderBy=ASC")

    assert list(page["traitGroup"]["traits"]) == ["member", "number"] and page["meta"]["nextToken"]
    assert "traits" not in (await world.get(groups))["traitGroups"][0]
    assert {"vip", "tier"} & set((await world.get(f"{groups}/Loyalty"))["traitGroup"]["traits"]) == {"vip"}
    assert (await world.http.delete(f"{groups}/Contact")).status_code == 409


async def test_whose_key_it_is_sees_what_is_theirs() -> None:
    fake = Fake(accounts={"SKone": "1", "SKtwo": "2"})
    async with client(fake, auth=("SKone", "1")) as one, client(fake, auth=("SKtwo", "2")) as two:
        accepted = await one.post("/v1/ControlPlane/Stores", json={"displayName": "sandbox"})
        seen = (await two.get("/v1/ControlPlane/Stores")).json()["stores"]
        operation = await two.get(accepted.headers["Location"])

    assert seen == [] and operation.status_code == 404


# Nasty on purpose


async def test_a_write_is_seen_so_many_requests_later(world: World, fake: Fake) -> None:
    fake.lag(2)
    path = f"{world.profile}/Observations"
    await world.send("POST", path, {"observations": [observation("new")]})
    seen = [len((await world.get(path))["observations"]) for _ in range(4)]

    assert seen == [1, 1, 2, 2]


async def test_a_write_is_seen_when_told(fake: Fake, http: httpx2.AsyncClient) -> None:
    fake.lag(None)
    accepted = await http.post("/v1/ControlPlane/Stores", json={"displayName": "slow"})
    store = (await http.get("/v1/ControlPlane/Stores")).json()["stores"][0]
    pending = (await http.get(accepted.headers["Location"])).json()
    early = await http.get(f"/v1/Stores/{store}/Profiles")
    fake.settle()
    done = (await http.get(accepted.headers["Location"])).json()

    assert (pending["status"], "result" in pending, early.status_code) == ("PENDING", False, 400)
    assert (done["status"], done["result"]["id"]) == ("COMPLETED", store)
    assert (await http.get(f"/v1/ControlPlane/Stores/{store}")).json()["status"] == "ACTIVE"


async def test_an_operation_can_fail(world: World, fake: Fake) -> None:
    fake.fail_operation()
    accepted = await world.http.delete(f"{world.control}/TraitGroups/Loyalty")
    operation = await world.get(accepted.headers["Location"])

    assert (operation["status"], operation["error"]["code"]) == ("FAILED", 20500)
    assert (await world.http.get(f"{world.control}/TraitGroups/Loyalty")).status_code == 200


async def test_a_profile_is_known_at_once_and_its_traits_later(world: World, fake: Fake) -> None:
    fake.lag(None)
    new = await world.new_profile(phone="+13175550177", firstName="Kim")
    known = await world.get(f"{world.store}/Profiles/{new}")
    fake.settle()

    assert "traits" not in known
    assert (await world.get(f"{world.store}/Profiles/{new}"))["traits"]["Contact"]["firstName"] == "Kim"


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_lost_connection_does_not_say_what_was_done(world: World, fake: Fake, after_effect: bool) -> None:
    fake.drop(operation="CreateProfileObservation", after_effect=after_effect)
    path = f"{world.profile}/Observations"
    with pytest.raises(httpx2.RemoteProtocolError):
        await world.http.post(path, json={"observations": [observation("new")]})

    assert len((await world.get(path))["observations"]) == (2 if after_effect else 1)


async def test_what_was_asked_can_be_looked_at(world: World, fake: Fake) -> None:
    await world.recall(query="email")

    assert (fake.requests[-1].method, json.loads(fake.requests[-1].body)) == ("POST", {"query": "email"})
