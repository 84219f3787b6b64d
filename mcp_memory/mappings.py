"""Pure: data mappings, which say what the columns of a source are called as traits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mcp_memory.errors import Invalid, Taken
from mcp_memory.text import required_text
from mcp_memory.traits import check_group_name

# Published for the Memory API.
MAX_NAME = 64
MAX_DESCRIPTION = 512
MAX_COLUMNS = 100
MAX_COLUMN = 256
MAX_MAPPINGS = 100
MAX_EXPRESSION = 256
MAX_TRAIT_NAME = 128
MAX_DATA_MAPPINGS = 100  # ours: what one page holds
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9\-.]*")
_TRAIT = re.compile(r"[a-z][a-zA-Z0-9_\-.]*")


@dataclass(frozen=True, kw_only=True)
class TraitMapping:
    """`expression`: the column that the trait is in."""

    expression: str
    trait_group: str
    trait_name: str


@dataclass(frozen=True, kw_only=True)
class NewDataMapping:
    display_name: str
    columns: tuple[str, ...]
    mappings: tuple[TraitMapping, ...]
    description: str | None = None
    is_enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class DataMapping(NewDataMapping):
    """`version` counts the changes."""

    data_mapping_id: str
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class DataMappingChanges:
    """None leaves as it is. `mappings` replace all there are."""

    display_name: str | None = None
    description: str | None = None
    is_enabled: bool | None = None
    mappings: tuple[TraitMapping, ...] | None = None


def check(one: NewDataMapping, others: Sequence[DataMapping]) -> None:
    """Raises Invalid for what breaks a rule, Taken where another one has the name."""
    if len(one.display_name) > MAX_NAME or not _NAME.fullmatch(one.display_name):
        raise Invalid(
            f"displayName must be 1 to {MAX_NAME} letters, digits, dots or dashes, the first of them a letter."
        )
    if one.description is not None:
        required_text(one.description, MAX_DESCRIPTION, "description")
    _check_columns(one.columns)
    if not 1 <= len(one.mappings) <= MAX_MAPPINGS:
        raise Invalid(f"mappingTo.mappings has {len(one.mappings)} entries: give 1 to {MAX_MAPPINGS}.")
    seen = set()
    for at, mapping in enumerate(one.mappings):
        where = f"mappingTo.mappings[{at}]"
        _check_mapping(mapping, one.columns, where)
        if (trait := (mapping.trait_group, mapping.trait_name)) in seen:
            raise Invalid(f"{where}: {trait[0]}.{trait[1]} is mapped twice: map it once.")
        seen.add(trait)
    if any(other.display_name.lower() == one.display_name.lower() for other in others):
        raise Taken(f"displayName: there is a data mapping {one.display_name} already. Choose another name.")


def changed(one: DataMapping, changes: DataMappingChanges, others: Sequence[DataMapping], now: datetime) -> DataMapping:
    given = {name: value for name, value in vars(changes).items() if value is not None}
    after = replace(one, **given, version=one.version + 1, updated_at=now)
    check(after, others)
    return after


def speaks_of(one: DataMapping, group: str) -> bool:
    return any(mapping.trait_group.lower() == group.lower() for mapping in one.mappings)


def _check_columns(columns: Sequence[str]) -> None:
    if not 1 <= len(columns) <= MAX_COLUMNS:
        raise Invalid(f"mappingFrom.columns has {len(columns)} entries: give 1 to {MAX_COLUMNS}.")
    for at, column in enumerate(columns):
        required_text(column, MAX_COLUMN, f"mappingFrom.columns[{at}]")
    if len(set(columns)) < len(columns):
        raise Invalid("mappingFrom.columns names a column twice: name each once.")


def _check_mapping(mapping: TraitMapping, columns: Sequence[str], where: str) -> None:
    expression = required_text(mapping.expression, MAX_EXPRESSION, f"{where}.expression")
    if expression not in columns:
        raise Invalid(f"{where}.expression is none of mappingFrom.columns: name one of them.")
    check_group_name(mapping.trait_group, f"{where}.traitGroup")
    if len(mapping.trait_name) > MAX_TRAIT_NAME or not _TRAIT.fullmatch(mapping.trait_name):
        raise Invalid(
            f"{where}.traitName must be 1 to {MAX_TRAIT_NAME} letters, digits, dashes, dots or underscores, "
            "the first a small letter."
        )
