"""The judge is judged: what is wrong is said to be wrong, and by name."""

import json
from typing import Any

import pytest

from .document import Document
from .rules import Request, Response, check_request, check_response
from .schemas import complaints

STORE, PROFILE = "mem_store_" + "0" * 26, "mem_profile_" + "0" * 26
OBSERVATION = "mem_observation_" + "0" * 26
STORES, STORE_PATH = "/v1/ControlPlane/Stores", f"/v1/ControlPlane/Stores/{STORE}"
PROFILES, PROFILE_PATH = f"/v1/Stores/{STORE}/Profiles", f"/v1/Stores/{STORE}/Profiles/{PROFILE}"
NOON = "2026-05-04T12:00:00Z"
JSON = {"content-type": "application/json"}
FAILURE = {"code": 20404, "message": "no", "more_info": "https://www.twilio.com/docs/api/errors/20404", "status": 404}
SEEN = {"id": OBSERVATION, "content": "likes tea", "source": "s", "occurredAt": NOON, "createdAt": NOON}


def asked(document: Document, method: str, path: str, body: Any = None, **headers: str) -> None:
    path, _, query = path.partition("?")
    written = b"" if body is None else json.dumps(body).encode()
    check_request(document, Request(method, path, query, JSON | headers, written))


def answered(
    document: Document, method: str, path: str, status: int, body: Any, also: frozenset[int] = frozenset(), **more: str
) -> None:
    headers = JSON | {name.replace("_", "-"): value for name, value in more.items()}
    check_response(document, method, path, Response(status, headers, json.dumps(body).encode()), also)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{STORES}?pageSize=100&orderBy=ASC", None),
        ("POST", STORES, {"displayName": "sandbox"}),
        ("PATCH", STORE_PATH, None),
        ("POST", PROFILES, {"traits": {"Contact": {"phone": "+13175550142"}}}),
        ("POST", f"{PROFILES}/Lookup", {"idType": "phone", "value": "+13175550142"}),
        ("GET", f"{PROFILE_PATH}?traitGroups=Contact%2CLoyalty", None),
        ("DELETE", f"{PROFILE_PATH}/Identifiers/phone?removeAll=true", None),
        ("POST", f"{PROFILE_PATH}/Recall", {}),
    ],
)
def test_a_right_request_passes(document: Document, method: str, path: str, body: Any) -> None:
    asked(document, method, path, body)


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", "/v1/Nowhere", None, "GET /v1/Nowhere: no such operation"),
        ("POST", PROFILE_PATH, {}, "no such operation"),
        ("GET", "/v1/Stores/mine/Profiles", None, "ListProfiles: request path storeId: 'mine' does not match"),
        ("GET", f"{STORES}?pageSize=101", None, "ListStores: request query pageSize: 101 is greater"),
        ("GET", f"{STORES}?pageSize=many", None, "query pageSize: 'many' is not of type 'integer'"),
        ("GET", f"{STORES}?size=5", None, "query: 'size' is no parameter"),
        ("GET", f"{STORES}?orderBy=ASC&orderBy=ASC", None, "query: a parameter is given twice"),
        (
            "GET",
            f"{PROFILE_PATH}/Observations?createdAfter=monday",
            None,
            "createdAfter: 'monday' is not a 'date-time'",
        ),
        ("POST", STORES, None, "CreateStore: request body: is missing"),
        ("POST", STORES, {}, "CreateStore: request body /: 'displayName' is a required property"),
        ("POST", STORES, {"displayName": "sandbox\n"}, "body /displayName: 'sandbox\\n' does not match"),
        ("POST", PROFILES, {"traits": {}, "note": 1}, "body /: Additional properties are not allowed ('note'"),
        ("PUT", f"{PROFILES}/Bulk", {"profiles": []}, "body /profiles: [] should be non-empty"),
        ("POST", f"{PROFILE_PATH}/Observations", {"observations": [{"content": "x"}]}, "body /observations/0: "),
        ("DELETE", PROFILE_PATH, {}, "DeleteProfile: request body: there is one"),
    ],
)
def test_a_wrong_request_is_named(document: Document, method: str, path: str, body: Any, complaint: str) -> None:
    with pytest.raises(AssertionError) as wrong:
        asked(document, method, path, body)

    assert complaint in str(wrong.value)


def test_a_body_is_json_and_says_so(document: Document) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(AssertionError, match="x-www-form-urlencoded', not JSON"):
        check_request(document, Request("POST", STORES, "", form, b"displayName=a"))
    with pytest.raises(AssertionError, match="is no JSON"):
        check_request(document, Request("POST", STORES, "", JSON, b"{"))
    check_request(document, Request("GET", STORES, "", form, b""))  # nothing is in no form at all


def test_a_header_of_a_request_is_looked_at(document: Document) -> None:
    with pytest.raises(AssertionError, match="PatchStore: request header If-Match"):
        asked(document, "PATCH", STORE_PATH, **{"if-match": "x" * 101})


def test_right_answers_pass(document: Document) -> None:
    answered(document, "GET", PROFILE_PATH, 200, {"id": PROFILE, "createdAt": NOON, "traits": {}})
    answered(document, "GET", PROFILE_PATH, 404, FAILURE)
    answered(document, "GET", STORES, 401, FAILURE)
    answered(document, "PATCH", f"{STORE_PATH}/TraitGroups/Contact", 412, FAILURE)
    answered(document, "POST", STORES, 409, FAILURE, also=frozenset({409}))


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "complaint"),
    [
        ("GET", PROFILE_PATH, 200, {"id": "ann"}, "FetchProfile: response 200 body /id: 'ann' does not match"),
        ("GET", PROFILE_PATH, 200, {"id": PROFILE, "score": 1}, "body /: Additional properties are not allowed"),
        ("GET", PROFILE_PATH, 200, {"createdAt": "2026-05-04"}, "body /createdAt: '2026-05-04' is not a 'date-time'"),
        ("GET", PROFILE_PATH, 204, None, "FetchProfile: response 204: this status is not published"),
        ("POST", PROFILES, 200, {}, "CreateProfile: response 200: this status is not published"),
        ("POST", STORES, 409, FAILURE, "CreateStore: response 409: this status is not published"),
        ("GET", PROFILE_PATH, 404, {"error": "no"}, "response 404 body /: Additional properties are not allowed"),
        ("GET", PROFILE_PATH, 429, FAILURE, "response 429 header Retry-After: is missing"),
        ("GET", PROFILE_PATH, 301, {"message": "m", "uri": "u"}, "response 301 header Location: is missing"),
        ("POST", f"{PROFILES}/Lookup", 200, {"profiles": None}, "body /profiles: None is not of type 'array'"),
        ("GET", f"{PROFILE_PATH}/Observations/{OBSERVATION}", 200, SEEN, "'updatedAt' is a required property"),
    ],
)
def test_a_wrong_answer_is_named(
    document: Document, method: str, path: str, status: int, body: Any, complaint: str
) -> None:
    with pytest.raises(AssertionError) as wrong:
        answered(document, method, path, status, body)

    assert complaint in str(wrong.value)


def test_every_thing_that_is_wrong_is_said(document: Document) -> None:
    with pytest.raises(AssertionError) as wrong:
        answered(document, "DELETE", STORE_PATH, 202, {"message": 1, "id": STORE}, retry_after="soon")

    assert len(str(wrong.value).splitlines()) == 5


def test_a_header_of_an_answer_is_looked_at(document: Document) -> None:
    body = {"id": PROFILE, "createdAt": NOON}
    with pytest.raises(AssertionError, match="FetchProfile: response 200 header Canonical-Profile-Id"):
        answered(document, "GET", PROFILE_PATH, 200, body, canonical_profile_id="ann")


def test_an_answer_is_json_and_says_so(document: Document) -> None:
    with pytest.raises(AssertionError, match="'text/html', not JSON"):
        check_response(document, "GET", PROFILE_PATH, Response(404, {"content-type": "text/html"}, b"{}"))


def test_what_the_document_itself_shows_is_right(document: Document) -> None:
    """So that a complaint is about who is judged, and not about the judge."""
    shown = [
        (schema, example)
        for operation in document.operations
        for schema, examples in (
            (operation.body, operation.body_examples),
            *((answer.schema, answer.examples) for answer in operation.answers.values()),
        )
        for example in examples
        if schema is not None
    ]

    assert len(shown) > 300
    assert [wrong for schema, example in shown for wrong in complaints(schema, example)] == []


def test_the_document_has_what_we_think_it_has(document: Document) -> None:
    assert len(document.operations) == 46
    found = document.find("POST", f"{PROFILES}/Lookup")
    assert found is not None and found.id == "CreateProfilesLookup"
