"""The document at /openapi.json: FastAPI's, with what is true of every call and stands in no route."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mcp_memory.http.api.problems import CONFLICTING
from mcp_memory.http.api.route import CANONICAL, MAX_KEY, READS_BY_POST, REPLAYED, WRITES
from mcp_memory.metering import HEADER
from mcp_memory.wire import outcomes
from mcp_memory.wire.receipts import HEADER as RECEIPTS

Json = dict[str, Any]

DESCRIPTION = """\
The Memory API of one memory: stores, profiles, and what is remembered of them; and the Conversations API, whose \
conversations are remembered. Writes are made before they are answered, 202 or not. Every refusal has the shape of \
`ErrorBody` and says what to do.
"""
SAID = {
    "ETag": "The version that is shown: send it as If-Match to change nothing else",
    "Location": "Where the operation, or what moved, is found",
    "Operation-Id": "Of the operation that says what became of it",
    "Retry-After": "Seconds to wait",
    "WWW-Authenticate": "How to send a key",
    HEADER: "Of the request, as it was sent or else made here: the log has it",
    CANONICAL: "The profile that the one asked for is part of",
    REPLAYED: "`true`: it was made before, and is answered again",
    RECEIPTS: "What became of each item, in its order: `mem_observation_…;outcome=added, …;outcome=duplicate`, and "
    "where it is reconciled `updated` and `discarded`",
    outcomes.OUTCOME: "`created` or `updated`",
    outcomes.PROFILE: "Whose the identifiers are",
    outcomes.APART: "Identifiers that stay with other profiles: `phone;held-by=mem_profile_…;reason=…`",
    CONFLICTING: "The one that this would be as well, or that has what this would have",
    "Memory-Refused": "Places, from 0 on, of the profiles that were not taken",
}
OF_UPSERTS = (outcomes.OUTCOME, outcomes.PROFILE, outcomes.APART)
SENT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "FetchStore",
            "FetchIdentityResolutionSettings",
            "FetchLearningSettings",
            "FetchTraitGroup",
            "FetchDataMapping",
        ),
        ("ETag",),
    ),
    **dict.fromkeys(("CreateProfileObservation", "CreateProfileConversationSummary"), (RECEIPTS,)),
    **dict.fromkeys(
        ("CreateProfile", "PatchProfileTraits", "CreateProfileIdentifier", "PatchProfileIdentifier"), OF_UPSERTS
    ),
    "UpdateProfilesBulk": ("Memory-Refused",),
    "FetchOperation": ("Operation-Id", "Retry-After"),
    "DeleteConversationAsync": ("Operation-Id", "Location", "Retry-After"),
}
NAMED = ("CreateConversationWithConfig", "CreateParticipantInConversation")  # whose 409 says what is there already
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again within a day with the same request, it is answered again and not made again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
}
ENCODING: Json = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "enum": ["gzip", "deflate", "identity"]},
}

TOO_LONG_A_HEAD: Final[Json] = {
    "description": "The request has too many headers, or too long ones",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


def of(api: FastAPI) -> Json:
    """Made once."""
    if api.openapi_schema is None:
        found = get_openapi(title=api.title, version=api.version, description=DESCRIPTION, routes=api.routes)
        for path, operations in found["paths"].items():
            for method, operation in operations.items():
                _complete(operation, method.upper(), path)
        schemas = found["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "basic"}}
        _drop_titles(found)
        api.openapi_schema = found
    return api.openapi_schema


def _complete(operation: Json, method: str, path: str) -> None:
    answers, parameters = operation["responses"], operation.setdefault("parameters", [])
    operation.setdefault("security", [{"key": []}])
    answers.pop("422", None)
    answers["431"] = TOO_LONG_A_HEAD
    if operation["security"] == []:
        return  # an upload: what holds of the others does not hold of it
    if "requestBody" in operation:
        parameters.append(ENCODING)
    else:
        for status in ("408", "413", "415"):
            answers.pop(status, None)
    if method in WRITES and not path.endswith(READS_BY_POST):
        parameters.append(KEY)
        answers.setdefault("409", {**answers["400"], "description": "The key is another request's, or under way"})
    for status, answer in answers.items():
        if answer is TOO_LONG_A_HEAD:
            continue  # it comes to no operation, so that no id is told
        sent = list(_headers(operation["operationId"], method, path, status))
        if sent:
            answer["headers"] = {name: {"description": SAID[name], "schema": {"type": "string"}} for name in sent}
    operation["responses"] = dict(sorted(answers.items()))


def _headers(operation_id: str, method: str, path: str, status: str) -> Iterator[str]:
    yield HEADER
    if status in ("301", "308"):
        yield from ("Location", CANONICAL)
    elif status == "401":
        yield "WWW-Authenticate"
    elif status == "503":
        yield "Retry-After"
    elif status == "409" and operation_id in NAMED:
        yield CONFLICTING
    elif status.startswith("2"):
        yield from SENT.get(operation_id, ())
        if "{profileId}" in path:
            yield CANONICAL
        if method in WRITES and "ControlPlane" in path:
            yield from ("Operation-Id", "Location", "Retry-After")
        if method in WRITES and not path.endswith(READS_BY_POST):
            yield REPLAYED


def _drop_titles(value: Any) -> None:
    """Those that were made from names, which stand beside them."""
    if isinstance(value, dict):
        if isinstance(value.get("title"), str) and "version" not in value:
            del value["title"]
        for one in value.values():
            _drop_titles(one)
    elif isinstance(value, list):
        for one in value:
            _drop_titles(one)
