from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_memory.tools.complaints import complaints
from mcp_memory.tools.schema import compact


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    size: int | None = None


class Whole(BaseModel):
    """A docstring becomes the description."""

    model_config = ConfigDict(extra="forbid")
    parts: Annotated[list[Part], Field(description="At least one")]
    best: Part | None = None
    kind: Literal["a", "b"] | None = None
    either: int | str | None = None
    limit: int = 5


def test_a_schema_has_no_titles_references_or_null_alternatives() -> None:
    part = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"title": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["title"],
    }

    assert compact(Whole) == {
        "type": "object",
        "description": "A docstring becomes the description.",
        "additionalProperties": False,
        "properties": {
            "parts": {"type": "array", "items": part, "description": "At least one"},
            "best": part,
            "kind": {"enum": ["a", "b"], "type": "string"},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "limit": {"default": 5, "type": "integer"},
        },
        "required": ["parts"],
    }


def test_complaints_name_the_field_and_what_is_known_where_it_is() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"parts": [{"title": "x", "sise": 1}, {"size": "s3cret"}], "limt": 1, "kind": "c"})

    said = complaints(caught.value, Whole)

    assert said.splitlines() == [
        "unknown argument parts[0].sise. Known here: title, size.",
        "parts[1].title is required.",
        "parts[1].size must be a valid integer, unable to parse string as an integer. parts: At least one.",
        "kind must be 'a' or 'b'.",
        "unknown argument limt. Known here: parts, best, kind, either, limit.",
    ]
