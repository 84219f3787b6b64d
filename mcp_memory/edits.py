"""A store to be made, and what is to be changed of what there is: None leaves a field as it is."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from mcp_memory.errors import Invalid
from mcp_memory.model import MAX_STORE_DESCRIPTION, MAX_STORE_NAME, UndeclaredTraits
from mcp_memory.text import required_text

_STORE_NAME = re.compile(r"[a-zA-Z0-9-]+")
EditT = TypeVar("EditT", "NewStore", "StoreChanges")


@dataclass(frozen=True, kw_only=True)
class NewStore:
    """`undeclared_traits`: what becomes of a trait that no group declares."""

    display_name: str
    description: str | None = None
    undeclared_traits: UndeclaredTraits = "refuse"


@dataclass(frozen=True, kw_only=True)
class StoreChanges:
    display_name: str | None = None
    description: str | None = None
    undeclared_traits: UndeclaredTraits | None = None


@dataclass(frozen=True, kw_only=True)
class ObservationChanges:
    content: str | None = None
    occurred_at: datetime | None = None
    source: str | None = None
    conversation_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SummaryChanges:
    content: str | None = None
    occurred_at: datetime | None = None
    source: str | None = None
    conversation_id: str | None = None


def checked(edit: EditT) -> EditT:
    """As it is stored."""
    name, description = edit.display_name, edit.description
    if name is not None and (len(name) > MAX_STORE_NAME or not _STORE_NAME.fullmatch(name)):
        raise Invalid(f"displayName must be 1 to {MAX_STORE_NAME} ASCII letters, digits or dashes.")
    if description is not None:
        description = required_text(description, MAX_STORE_DESCRIPTION, "description")
    return replace(edit, description=description)
