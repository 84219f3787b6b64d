"""Our own document at /openapi.json: all there is stands in it, and what is answered is as it says."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcp_memory.http.api.document import NAMED
from tests.http_api.accounts import PHONE, Account, note, recap
from tests.http_api.talks import AGENT, CONFIGURATIONS, CONVERSATIONS, at, begun, customer, post, said
from tests.published.document import Operation, conversations_document, memory_document

pytestmark = pytest.mark.anyio

EXTENSIONS = {
    *("ListProfileImportRemarks", "ListObservationHistory", "UndoObservation", "ListSummaryHistory"),
    *(
        "ListTraitHistory",
        "ListProfileChanges",
        "ListProfileDiscarded",
        "ListExtractions",
        "FetchExtraction",
        "RetryExtraction",
    ),
    *("FetchLearningSettings", "UpdateLearningSettings"),
    *("ListProfileTraitProposals", "AcceptProfileTraitProposal", "RejectProfileTraitProposal"),
}  # what only we have
SENDING = {"CreateConversationAction", "FetchConversationAction"}  # refused, and so there is none to be read
METHODS = ("get", "post", "put", "patch", "delete")


async def described(account: Account) -> dict[str, Any]:
    document: dict[str, Any] = (await account.http.get("/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, of_path in document["paths"].items()
        for method, operation in of_path.items()
        if method in METHODS and path.startswith(("/v1/", "/v2/"))
    }


def published() -> list[Operation]:
    return [*memory_document().operations, *conversations_document().operations]


async def test_each_published_operation_is_where_it_is_published(shared: Account) -> None:
    ours = {name: (method, path) for name, (method, path, _) in operations(await described(shared)).items()}
    theirs = {one.id: (one.method, one.path) for one in published() if one.id != "FetchConversationAction"}

    assert len(theirs) == len(published()) - 1
    assert {name: place for name, place in ours.items() if name not in EXTENSIONS} == theirs
    assert set(ours) == set(theirs) | EXTENSIONS


async def test_each_published_success_and_parameter_is_described(shared: Account) -> None:
    ours = operations(await described(shared))
    for one in published():
        if one.id in SENDING:
            continue
        _, _, operation = ours[one.id]
        statuses = {status for status in one.answers if status < 400}
        assert statuses == {int(status) for status in operation["responses"] if int(status) < 400}, one.id
        given = {(parameter["name"], parameter["in"]) for parameter in operation["parameters"]}
        missing = {(parameter.name, parameter.place) for parameter in one.parameters} - given
        assert missing <= {("Accept-Encoding", "header")}, one.id
        for status in statuses:
            headers = set(operation["responses"][str(status)].get("headers", {}))
            assert set(one.answers[status].headers) - {"Content-Encoding"} <= headers, one.id
        refused = operation["responses"].get("409", {}).get("headers", {})
        assert ("X-Conflicting-Resource-Id" in refused) == (one.id in NAMED), one.id


async def test_that_nothing_is_sent_is_described(shared: Account) -> None:
    _, _, operation = operations(await described(shared))["CreateConversationAction"]

    assert {int(status) for status in operation["responses"]} >= {400, 404}
    assert min(int(status) for status in operation["responses"]) == 400


async def test_every_refusal_has_the_one_shape(shared: Account) -> None:
    for name, (_, _, operation) in operations(await described(shared)).items():
        assert {"400", "401", "404", "500", "503"} <= set(operation["responses"]), name
        head = operation["responses"].pop("431")  # refused before anybody knows what was asked
        assert head["content"] == {"text/plain": {"schema": {"type": "string"}}}, name
        for status, answer in operation["responses"].items():
            schema = answer["content"]["application/json"]["schema"]
            if int(status) >= 400:
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}, name
            assert answer["description"], name
        assert operation["security"] == [{"key": []}]


async def test_headers_of_writes_are_described(shared: Account) -> None:
    for name, (method, path, operation) in operations(await described(shared)).items():
        parameters = {one["name"] for one in operation["parameters"]}
        writes = method != "GET" and not path.endswith(("/Lookup", "/Recall"))
        assert ("Idempotency-Key" in parameters) == writes, name
        assert ("409" in operation["responses"]) == writes, name
        assert ("Content-Encoding" in parameters) == ("requestBody" in operation), name


async def test_what_is_answered_is_as_our_document_says(acme: Account) -> None:
    document = await described(acme)
    live, part = await acme.merged()
    (observation,), (summary,) = await acme.observed(live, "Has a dog"), await acme.summarised(live, "Talk")
    profile = f"{acme.data}/Profiles/{live}"
    asked: list[tuple[str, str, str, Any]] = [
        ("ListStores", "GET", "/v1/ControlPlane/Stores", None),
        ("FetchStore", "GET", acme.control, None),
        ("PatchStore", "PATCH", acme.control, {}),
        ("FetchIdentityResolutionSettings", "GET", f"{acme.control}/IdentityResolutionSettings", None),
        ("FetchLearningSettings", "GET", f"{acme.control}/LearningSettings", None),
        ("ListTraitGroups", "GET", f"{acme.control}/TraitGroups?includeTraits=true", None),
        ("FetchTraitGroup", "GET", f"{acme.control}/TraitGroups/Contact", None),
        ("ListDataMappings", "GET", f"{acme.control}/DataMappings", None),
        ("ListProfiles", "GET", f"{acme.data}/Profiles", None),
        ("CreateProfile", "POST", f"{acme.data}/Profiles", {"traits": {"Contact": {"phone": PHONE}}}),
        ("CreateProfilesLookup", "POST", f"{acme.data}/Profiles/Lookup", {"idType": "phone", "value": PHONE}),
        ("FetchProfile", "GET", profile, None),
        ("FetchProfile", "GET", f"{acme.data}/Profiles/{part}", None),
        ("ListProfileTraits", "GET", f"{profile}/Traits", None),
        ("ListProfileIdentifiers", "GET", f"{profile}/Identifiers", None),
        ("FetchProfileIdentifier", "GET", f"{profile}/Identifiers/email", None),
        ("ListProfileObservations", "GET", f"{profile}/Observations", None),
        ("FetchProfileObservation", "GET", f"{profile}/Observations/{observation}", None),
        ("ListObservationRevisions", "GET", f"{profile}/Observations/{observation}/Revisions", None),
        ("CreateProfileObservation", "POST", f"{profile}/Observations", {"observations": [note("x")]}),
        ("ListProfileConversationSummaries", "GET", f"{profile}/ConversationSummaries", None),
        ("FetchProfileConversationSummary", "GET", f"{profile}/ConversationSummaries/{summary}", None),
        ("CreateProfileConversationSummary", "POST", f"{profile}/ConversationSummaries", {"summaries": [recap("x")]}),
        ("CreateFetchProfileMemory", "POST", f"{profile}/Recall", {"query": "pets"}),
        ("CreateFetchProfileMemory", "POST", f"{profile}/Recall", {"query": 5}),
    ]
    talk = await begun(acme)
    message = (await post(acme, talk)).json()["id"]
    who = talk["participants"][0]["id"]
    configuration = f"{CONFIGURATIONS}/{talk['configurationId']}"
    again = {"configurationId": talk["configurationId"], "participants": [customer(), AGENT]}
    heard = said(content={"type": "TRANSCRIPTION", "text": "Hi", "transcription": {"words": [{"text": "Hi"}]}})
    asked += [
        ("ListConfiguration", "GET", CONFIGURATIONS, None),
        ("FetchConfiguration", "GET", configuration, None),
        ("PatchConfiguration", "PATCH", configuration, {"channelSettings": {"SMS": {"captureRules": []}}}),
        ("ListConversationByAccount", "GET", CONVERSATIONS, None),
        ("CreateConversationWithConfig", "POST", CONVERSATIONS, again),
        ("CreateConversationWithConfig", "POST", CONVERSATIONS, {"configurationId": talk["configurationId"]}),
        ("FetchConversation", "GET", at(talk), None),
        ("UpdateConversationById", "PUT", at(talk), {"status": "INACTIVE"}),
        ("PatchConversationById", "PATCH", at(talk), {"name": "x"}),
        ("CreateConversationAction", "POST", at(talk, "Actions"), {}),
        ("ListParticipantByConversation", "GET", at(talk, "Participants"), None),
        ("CreateParticipantInConversation", "POST", at(talk, "Participants"), customer()),
        ("CreateParticipantInConversation", "POST", at(talk, "Participants"), customer("+13175550199")),
        ("FetchParticipant", "GET", at(talk, "Participants", who), None),
        ("UpdateParticipantInConversation", "PUT", at(talk, "Participants", who), customer()),
        ("ListCommunicationByConversation", "GET", at(talk, "Communications"), None),
        ("CreateCommunicationInConversation", "POST", at(talk, "Communications"), heard),
        ("FetchCommunication", "GET", at(talk, "Communications", message), None),
        ("DeleteConversationAsync", "DELETE", at(talk), None),
        ("DeleteConfiguration", "DELETE", configuration, None),
    ]
    found = operations(document)
    for name, method, path, body in asked:
        response = await acme.http.request(method, path, **({} if body is None else {"json": body}))
        answer = found[name][2]["responses"][str(response.status_code)]
        schema = {**answer["content"]["application/json"]["schema"], "components": document["components"]}
        wrong = [error.message for error in Draft202012Validator(schema).iter_errors(response.json())]
        assert wrong == [], f"{name}: {wrong}"
        told = {one.lower() for one in answer.get("headers", {})} | {"content-length", "content-type"}
        assert {one for one in response.headers if one not in told} <= {"vary"}, name


async def test_each_schema_is_one_and_closed_where_the_published_one_is(shared: Account) -> None:
    schemas = (await described(shared))["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert "ValidationError" not in json.dumps(schemas)
    for name in ("TraitsBody", "BulkBody", "IdentifierBody", "IdentifierUpdateBody", "NewTraitGroupBody"):
        assert schemas[name]["additionalProperties"] is False
    for name in ("NewStoreBody", "NewObservationBody", "RecallRequestBody", "NewDataMappingBody"):
        assert schemas[name].get("additionalProperties") is not False
