"""Our errors in the published shape: an HTTP status, a code of the product's dictionary, and what to do."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from mcp_memory.errors import (
    Conflict,
    Conflicting,
    Error,
    Full,
    Invalid,
    NoStore,
    NotFound,
    Stale,
    Taken,
    Unavailable,
    Unsupported,
)
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.wire import complaints
from mcp_memory.wire.pages import ErrorBody

MORE_INFO = "https://www.twilio.com/docs/api/errors/{code}"
MAX_MESSAGE = 1024
CONFLICTING = "X-Conflicting-Resource-Id"

# Codes of the published dictionary; those of statuses are its own examples.
INVALID, WRONG_SCHEMA, NOT_JSON = 20001, 520046, 20422
UNAUTHORIZED, NOT_FOUND, CONFLICT, STALE, INTERNAL, UNAVAILABLE = 20003, 20404, 20409, 520043, 20500, 20503
FORBIDDEN, LIMITED = 403, 20429
INVALID_STORE_ID, INVALID_OPERATION_ID, NO_STORE = 520049, 520051, 520041
RETRY_SECONDS = 1

# Fields that the rules call as tools do: here they have their published names.
_FIELDS = re.compile(
    r"\b(configuration_id|conversation_ids|cursor|display_name|enforce_unique|id_type|id_type_promotion"
    r"|identifier_configs|limit_policy|matching_algo|matching_rules|matching_threshold|max_items|max_length|min_items"
    r"|min_length|occurred_at|validation_rule)\b"
)

# Of the nouns, by where they stand in a path: absent, taken, too many. The data plane has no codes of its own.
_NOUNS: Mapping[str, tuple[int, int, int]] = {
    "Stores": (NO_STORE, 520045, 520044),
    "TraitGroups": (520047, 520055, 520053),
    "DataMappings": (520048, CONFLICT, CONFLICT),
    "Operations": (520052, CONFLICT, CONFLICT),
    "Profiles": (NOT_FOUND, CONFLICT, CONFLICT),
}
# By the last word of a path. Elsewhere the documents know no 409: there what contradicts is a bad request.
_CONFLICTS = {
    *(("PATCH", "Identifiers"), ("DELETE", "TraitGroups"), ("POST", "DataMappings")),
    *((method, "Configurations") for method in ("POST", "PUT", "PATCH", "DELETE")),
    *(("POST", "Conversations"), ("DELETE", "Conversations"), ("POST", "Participants"), ("POST", "Retry")),
}


class Refused(Exception):
    """Answered so, by the front door alone."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def refusal(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = ErrorBody(
        code=code, message=message[:MAX_MESSAGE], more_info=MORE_INFO.format(code=code), status=status
    ).body()
    return answer(body, status, headers)


def of_error(error: Error, method: str, path: str) -> Answer:
    """`path`: of the route, with the names of what is in braces."""
    nouns = [part for part in reversed(path.split("/")) if not part.startswith("{")]
    absent, taken, full = next((_NOUNS[part] for part in nouns if part in _NOUNS), _PLAIN)
    conflict = 409 if (method, nouns[0]) in _CONFLICTS else 400
    headers: dict[str, str] = {}
    match error:
        case NoStore():
            status, code = 404, NO_STORE
        case NotFound():
            status, code = 404, absent if "ControlPlane" in path else NOT_FOUND
        case Stale():
            status, code = 412, STALE
        case Taken():
            status, code = conflict, taken
        case Full():
            status, code = conflict, full
        case Conflicting(resource_id=other):
            status, code, headers = conflict, CONFLICT, {CONFLICTING: other}
        case Conflict():
            status, code = conflict, CONFLICT
        case Unavailable():
            status, code, headers = 503, UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)}
        case Invalid() | Unsupported() | _:
            status, code = 400, INVALID
    message = _FIELDS.sub(lambda found: "pageToken" if found[0] == "cursor" else to_camel(found[0]), str(error))
    return refusal(status, code, message, headers)


_PLAIN = (NOT_FOUND, CONFLICT, CONFLICT)


def of_validation(errors: list[Any], path: str) -> Answer:
    """FastAPI's errors begin with where the value stood."""
    where = {one["loc"][-1] for one in errors if one["loc"][0] == "path"}
    code = INVALID_STORE_ID if "storeId" in where else INVALID_OPERATION_ID if "operationId" in where else WRONG_SCHEMA
    return refusal(400, code, complaints([{**one, "loc": one["loc"][1:]} for one in errors]))
