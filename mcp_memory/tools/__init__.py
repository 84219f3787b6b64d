"""What a tool is. The tools are in profiles.py and memories.py; `toolsets.py` says which there are."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.types import ToolAnnotations
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mcp_memory.session import Session


class Arguments(BaseModel):
    """What a model may send: unknown names are refused, or a slip in an optional one would be lost in silence."""

    model_config = ConfigDict(extra="forbid")


class Result(BaseModel):
    """The structured content; what is None is left out."""


@dataclass(frozen=True)
class Answer:
    """A result twice: for programs, and as text that stands alone, since hosts differ in what they show a model."""

    result: Result
    text: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    annotations: ToolAnnotations
    right: str
    """What who calls it must hold."""
    run: Callable[[Session, Any], Awaitable[Answer]]


def _loaded(value: object) -> object:
    """Some hosts send nested arguments as JSON in a string."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):  # not JSON, or nested without end
            return value
    return value


def _whole(value: object) -> object:
    """To JSON, 5.0 is a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Loaded, Whole = BeforeValidator(_loaded), BeforeValidator(_whole)

ProfileId = Annotated[str, Field(description="From lookup_profile or upsert_traits: mem_profile_…")]
Source = Annotated[str | None, Field(description="Channel or system it came from: sms, email, crm. Default agent")]
OccurredAt = Annotated[
    str | None,
    Field(description="When it happened, e.g. 2026-05-03T14:30:00Z. Default now"),
]
