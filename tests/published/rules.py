"""Requests and responses held against the published document. Each complaint names the operation and the place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from .document import Answer, Document, Operation
from .schemas import complaints, read_text

# Real, though the control plane does not list the first two, and 412 only where Twilio's own pages tell of it.
UNLISTED = frozenset({401, 403})
PRECONDITION_FAILED = 412

# Listed, and yet not always there. Every other header that is listed is a promise.
NOT_ALWAYS = frozenset(
    {
        ("Content-Encoding", 200),
        ("Content-Encoding", 202),
        ("Canonical-Profile-Id", 200),  # only where the profile that was asked for is no more
        ("Retry-After", 200),  # of an operation: only until it has ended
        ("X-Conflicting-Resource-Id", 409),  # only where it is another one that is in the way, and not their number
    }
)


@dataclass(frozen=True)
class Request:
    """`headers` by lower-case name; `body` decoded if it came compressed."""

    method: str
    path: str  # still percent-encoded
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


def check_request(document: Document, request: Request) -> None:
    """Raises AssertionError with all that is wrong."""
    _assert_none(list(request_complaints(document, request)))


def check_response(
    document: Document, method: str, path: str, response: Response, also: frozenset[int] = frozenset()
) -> None:
    """Raises AssertionError with all that is wrong. `also`: failures that are no surprise though nobody lists them."""
    _assert_none(list(response_complaints(document, method, path, response, also)))


def _assert_none(found: list[str]) -> None:
    if found:
        raise AssertionError("\n".join(found))


def request_complaints(document: Document, request: Request) -> Iterator[str]:
    operation = document.find(request.method, request.path)
    if operation is None:
        yield f"{request.method} {request.path}: no such operation is published"
        return
    for wrong in (*_in_parameters(operation, request), *_in_request_body(operation, request)):
        yield f"{operation.id}: request {wrong}"


def _in_parameters(operation: Operation, request: Request) -> Iterator[str]:
    query = parse_qsl(request.query, keep_blank_values=True)
    given = {
        "path": {name: unquote(value) for name, value in (operation.match(request.path) or {}).items()},
        "query": dict(query),
        "header": request.headers,
    }
    known = {one.name for one in operation.parameters if one.place == "query"}
    yield from (f"query: {name!r} is no parameter" for name in given["query"] if name not in known)
    several = {one.name for one in operation.parameters if one.schema.get("type") == "array"}
    once = [name for name, _ in query if name not in several]
    if len(once) > len(set(once)):
        yield "query: a parameter is given twice"
    for one in operation.parameters:
        if one.name in several:
            each = [text for name, text in query if name == one.name]
            yield from (f"query {one.name}{wrong}" for text in each for wrong in _in_text(one.schema["items"], text))
            continue
        text = given[one.place].get(one.name.lower() if one.place == "header" else one.name)
        if text is not None:
            yield from (f"{one.place} {one.name}{wrong}" for wrong in _in_text(one.schema, text))
        elif one.required:
            yield f"{one.place} {one.name}: is missing"


def _in_text(schema: dict[str, Any], text: str) -> Iterator[str]:
    return (wrong.removeprefix("/") for wrong in complaints(schema, read_text(schema, text)))


def _in_request_body(operation: Operation, request: Request) -> Iterator[str]:
    if not request.body:
        if operation.body_required:
            yield "body: is missing"
    elif operation.body is None:
        yield "body: there is one, and none is published"
    elif not _is_json(request.headers):
        yield f"body: is {request.headers.get('content-type')!r}, not JSON"
    else:
        yield from (f"body {wrong}" for wrong in _in_json(operation.body, request.body))


def response_complaints(
    document: Document, method: str, path: str, response: Response, also: frozenset[int] = frozenset()
) -> Iterator[str]:
    operation = document.find(method, path)
    if operation is None:
        yield f"{method} {path}: no such operation is published"
        return
    answer = _published(document, operation, response.status, also)
    found = _in_answer(answer, response) if answer else [": this status is not published"]
    for wrong in found:
        yield f"{operation.id}: response {response.status}{wrong}"


def _published(document: Document, operation: Operation, status: int, also: frozenset[int]) -> Answer | None:
    unlisted = UNLISTED | also | ({PRECONDITION_FAILED} if operation.has_header("If-Match") else set())
    if status in operation.answers or status not in unlisted:
        return operation.answers.get(status)
    return document.failure


def _in_answer(answer: Answer, response: Response) -> Iterator[str]:
    for name, schema in answer.headers.items():
        text = response.headers.get(name.lower())
        if text is not None:
            yield from (f" header {name}{wrong}" for wrong in _in_text(schema, text))
        elif (name, response.status) not in NOT_ALWAYS:
            yield f" header {name}: is missing"
    if answer.schema is None:
        if response.body:
            yield " body: there is one, and none is published"
    elif not _is_json(response.headers):
        yield f" body: is {response.headers.get('content-type')!r}, not JSON"
    else:
        yield from (f" body {wrong}" for wrong in _in_json(answer.schema, response.body))


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _in_json(schema: dict[str, Any], body: bytes) -> Iterator[str]:
    try:
        value = json.loads(body)
    except ValueError:
        yield ": is no JSON"
    else:
        yield from complaints(schema, value)
