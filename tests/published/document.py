"""The published documents of the two APIs: which operation a method and a path are, and what they say of them.

They are not ours to hand on, so they lie beside the repository. Without them, what needs them is skipped.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from .schemas import to_json_schema

Json = dict[str, Any]

FOLDER = Path(__file__).parents[2].parent / "shared" / "openapi"
MEMORY, CONVERSATIONS = FOLDER / "twilio_memory_v1.json", FOLDER / "twilio_conversations_v2.json"
METHODS = ("get", "post", "put", "patch", "delete")
REASON = f"the published OpenAPI documents are not in {FOLDER}: nothing is held against them"


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str  # path, query or header
    required: bool
    schema: Json


@dataclass(frozen=True)
class Answer:
    """What is published about one status of one operation."""

    schema: Json | None  # None: no body
    headers: dict[str, Json]
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Json | None  # the schema; None: it takes no body
    body_required: bool
    body_examples: tuple[Any, ...]
    answers: dict[int, Answer]

    def match(self, path: str) -> dict[str, str] | None:
        """The values in a path of this operation, still percent-encoded."""
        found = self._pattern.fullmatch(path)
        return found and found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))

    def has_header(self, name: str) -> bool:
        return any(one.place == "header" and one.name == name for one in self.parameters)


@dataclass(frozen=True)
class Document:
    operations: tuple[Operation, ...]

    def find(self, method: str, path: str) -> Operation | None:
        """Of two paths that fit, the one with fewer variables: Profiles/Lookup is no profile."""
        fit = [one for one in self.operations if one.method == method.upper() and one.match(path) is not None]
        return min(fit, key=lambda one: one.path.count("{"), default=None)

    def named(self, operation_id: str) -> Operation:
        return next(one for one in self.operations if one.id == operation_id)

    @property
    def failure(self) -> "Answer":
        """All failures have one shape."""
        return next(one.answers[404] for one in self.operations if 404 in one.answers)


def memory_document() -> Document:
    """Skips the test that asks for it when there is no document."""
    return _read(MEMORY)


def conversations_document() -> Document:
    return _read(CONVERSATIONS)


def document_of(path: str) -> Document:
    """Of the API that the path is of."""
    return conversations_document() if path.startswith("/v2/") else memory_document()


@cache
def _read(file: Path) -> Document:
    if not file.exists():
        pytest.skip(REASON)
    return Document(tuple(_operations(json.loads(file.read_text(encoding="utf-8")))))


def operation_ids() -> list[str]:
    """To parametrise tests with; none when there is no document."""
    return sorted(one.id for one in memory_document().operations) if MEMORY.exists() else []


def _operations(raw: Json) -> Iterator[Operation]:
    for path, item in raw["paths"].items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                yield _operation(raw, method.upper(), path, item[method], shared)


def _operation(raw: Json, method: str, path: str, described: Json, shared: list[Json]) -> Operation:
    parameters = [_resolved(raw, one) for one in [*shared, *described.get("parameters", [])]]
    body = _resolved(raw, described.get("requestBody", {}))
    return Operation(
        id=described["operationId"],
        method=method,
        path=path,
        parameters=tuple(
            Parameter(one["name"], one["in"], one.get("required", False), to_json_schema(one["schema"]))
            for one in parameters
        ),
        body=_content(body),
        body_required=body.get("required", False),
        body_examples=_examples(body),
        answers={int(status): _answer(_resolved(raw, one)) for status, one in described["responses"].items()},
    )


def _answer(described: Json) -> Answer:
    headers = {name: to_json_schema(one["schema"]) for name, one in described.get("headers", {}).items()}
    return Answer(_content(described), headers, _examples(described))


def _content(described: Json) -> Json | None:
    return to_json_schema(described["content"]["application/json"]["schema"]) if "content" in described else None


def _examples(described: Json) -> tuple[Any, ...]:
    content = described.get("content", {}).get("application/json", {})
    single = (content["example"],) if "example" in content else ()
    return (*single, *(one["value"] for one in content.get("examples", {}).values()))


def _resolved(raw: Json, value: Any) -> Any:
    """With what each $ref points to in its place; the document has no circles."""
    if isinstance(value, list):
        return [_resolved(raw, one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target: Any = raw
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _resolved(raw, target)
    return {key: one if key in ("example", "examples") else _resolved(raw, one) for key, one in value.items()}
