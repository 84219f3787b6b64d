"""Schemas as OpenAPI 3.0 writes them, held against values by a validator of JSON Schema."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import jsonschema

Json = dict[str, Any]

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
INT_32 = range(-(2**31), 2**31)

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value.upper())
    return RFC_3339.fullmatch(value) is not None


@formats.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or urlsplit(value).scheme != ""


@formats.checks("int32")
def _is_int_32(value: object) -> bool:
    return not isinstance(value, int) or value in INT_32


def to_json_schema(schema: Json) -> Json:
    """The two dialects differ in `nullable`, and in patterns: there a `$` is the end, and not a newline before it."""
    translated = {key: _translated(key, one) for key, one in schema.items() if key not in ("example", "nullable")}
    if schema.get("nullable") and "type" in schema:
        translated["type"] = [schema["type"], "null"]
    return translated


def _translated(key: str, value: Any) -> Any:
    if key == "pattern":
        return re.sub(r"\$$", r"\\Z", value)
    if key == "properties":
        return {name: to_json_schema(one) for name, one in value.items()}
    if key in ("oneOf", "allOf", "anyOf"):
        return [to_json_schema(one) for one in value]
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return to_json_schema(value)
    return value


def complaints(schema: Json, value: Any) -> Iterator[str]:
    """Each says where in the value something is wrong, and what."""
    validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
    for error in sorted(validator.iter_errors(value), key=lambda one: list(map(str, one.absolute_path))):
        deepest = jsonschema.exceptions.best_match([error]) or error
        yield f"/{'/'.join(map(str, deepest.absolute_path))}: {deepest.message}"


def read_text(schema: Json, text: str) -> Any:
    """What a path, a query or a header says, which knows only text, as the type that the schema names."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
