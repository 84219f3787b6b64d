"""Pure: which column of a CSV file is which trait, and what its rows say. The rules are those published for imports."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mcp_memory import traits
from mcp_memory.errors import Invalid
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import ColumnMapping, ImportRow
from mcp_memory.model import DataType, TraitDefinition, UndeclaredTraits
from mcp_memory.text import clean
from mcp_memory.traits import Raw

# Limits published for the Memory API.
MAX_FILE = 104_857_600  # bytes
MAX_ROWS = 1_000_000
MAX_COLUMNS = 100
MAX_COLUMN_NAME = 64
LEAST_MAPPED = 2  # columns

READING = 1  # counts up when rows are told apart otherwise, so that no import goes on at another row

DELETE = r"\N"  # the cell that removes a trait

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_QUALIFIED = re.compile(r"([a-zA-Z0-9_.-]+)\.([a-zA-Z][a-zA-Z0-9_-]*)")  # Group.trait
_OTHER_SEPARATORS = re.compile(r"[;\t|]")


# What a file must be like


def check_size(size: int) -> None:
    if size == 0:
        raise Invalid("The file is empty: it needs a line with the names of its columns, and rows.")
    if size > MAX_FILE:
        raise Invalid(f"The file has {size} bytes, the limit is {MAX_FILE}: split it, each part with the header.")


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """Raises Invalid naming the column that breaks a rule, and how."""
    names = tuple(_one_line(cell) for cell in header)
    if len(names) > MAX_COLUMNS:
        raise Invalid(f"The file has {len(names)} columns, the limit is {MAX_COLUMNS}: leave some out.")
    if len(names) == 1 and _OTHER_SEPARATORS.search(header[0]):
        raise Invalid("The header is one column: separate columns by commas, not by semicolons, tabs or bars.")
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not name:
            raise Invalid(f"Column {place} of the header has no name: name it, or remove the column.")
        if len(name) > MAX_COLUMN_NAME:
            raise Invalid(
                f"Column {place} of the header has a name of {len(name)} characters, the limit is {MAX_COLUMN_NAME}: "
                "shorten it."
            )
        if name in places:
            raise Invalid(f"Columns {places[name]} and {place} are both named {name}: rename or remove one.")
        places[name] = place
    return names


def digest(content: bytes, mappings: Sequence[ColumnMapping], keep_empty: bool = False) -> bytes:
    """Of a file and how it is read. `content`: the SHA-256 of all its bytes."""
    read_as = json.dumps([READING, keep_empty, *(asdict(one) for one in mappings)])
    return hashlib.sha256(content + read_as.encode()).digest()


# Which column is which trait


@dataclass(frozen=True, kw_only=True)
class Column:
    """A mapped one. `promoted`: its values become identifiers; `matched`: by which customers are recognised."""

    position: int
    mapping: ColumnMapping
    data_type: DataType
    promoted: bool
    matched: bool

    @property
    def trait(self) -> str:
        return f"{self.mapping.trait_group}.{self.mapping.trait_name}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the rows of a file are read. `ignored`: the names of the columns that are no trait.

    `keep_empty`: an empty cell leaves the trait as it is; else, as is published, it empties it.
    """

    width: int
    columns: tuple[Column, ...]
    ignored: tuple[str, ...]
    keep_empty: bool = False

    @property
    def mappings(self) -> tuple[ColumnMapping, ...]:
        return tuple(one.mapping for one in self.columns)

    def row(self, cells: Sequence[str]) -> ImportRow:
        """What cells say, or why they say nothing; never their content."""
        try:
            return ImportRow(traits=self._traits(cells))
        except Invalid as exc:
            return ImportRow(traits={}, refusal=str(exc))

    def _traits(self, cells: Sequence[str]) -> Raw:
        if len(cells) != self.width:
            raise Invalid(f"It has {len(cells)} cells, the header has {self.width}: put cells with commas in quotes.")
        given: dict[str, dict[str, Any]] = {}
        somebody = False
        for column in self.columns:
            text = _one_line(cells[column.position])
            if not text and (column.promoted or self.keep_empty):
                continue  # not known of this customer, which is no reason to forget it
            value = _value(text, column)
            somebody = somebody or (column.matched and value is not None)
            given.setdefault(column.mapping.trait_group, {})[column.mapping.trait_name] = value
        if not somebody:
            which = ", ".join(one.trait for one in self.columns if one.matched)
            raise Invalid(f"It does not say who the customer is: give at least one of {which}.")
        return given


def reading(
    names: Sequence[str],
    asked: Sequence[str],
    declared: Iterable[TraitDefinition],
    settings: IdentitySettings,
    policy: UndeclaredTraits,
    keep_empty: bool = False,
) -> Reading:
    """`asked`: what columns are, as in "Mobile=Contact.phone". Others are what their name says, where it says a trait.

    Raises Invalid naming the column, or what the file lacks.
    """
    known = _Known(declared, policy)
    chosen = _asked(names, asked, known)
    found = {name: one for name in names if name not in chosen and (one := known.by_name(name)) is not None}
    taken = {_key(one) for one in chosen.values()}  # what is asked for comes before what a name says
    chosen |= {name: one for name, one in found.items() if _key(one) not in taken}
    _refuse_doubles(chosen)
    _check_room(chosen.values(), known)
    made = _made(names, chosen, settings, keep_empty)
    _check_enough(made.columns, names, known, settings)
    return made


def reading_as(
    names: Sequence[str],
    given: Sequence[ColumnMapping],
    declared: Iterable[TraitDefinition],
    settings: IdentitySettings,
    policy: UndeclaredTraits,
) -> Reading:
    """By these mappings and no other: what a column is named says nothing.

    Raises Invalid as `check_mappings` does, and where the file lacks a column.
    """
    chosen = check_mappings(given, declared, settings, policy)
    for place, (name, one) in enumerate(chosen.items()):
        if name not in names:
            raise Invalid(
                f"columnMappings[{place}] is about a column {name}, for {one.group}.{one.name}, that the file does not "
                f"have. Columns: {', '.join(names)}."
            )
    return _made(names, chosen, settings, keep_empty=False)


def check_mappings(
    given: Sequence[ColumnMapping],
    declared: Iterable[TraitDefinition],
    settings: IdentitySettings,
    policy: UndeclaredTraits,
) -> dict[str, TraitDefinition]:
    """Which trait each column is, in their order. Raises Invalid naming the mapping that no file could be read by."""
    known = _Known(declared, policy)
    chosen: dict[str, TraitDefinition] = {}
    places: dict[str | tuple[str, str], int] = {}
    for place, mapping in enumerate(given):
        where, column = f"columnMappings[{place}]", _one_line(mapping.column_name)
        if not column:
            raise Invalid(f"{where}.columnName is blank: give the column's name as it is in the header.")
        one = known.trait(mapping.trait_group, mapping.trait_name, where)
        if not (known.open or known.has(one)):
            raise Invalid(
                f"{where}: {one.group}.{one.name} is not declared, and this store refuses undeclared traits: declare "
                "it first, or leave it out."
            )
        for key, what in ((column, "the same column"), (_key(one), f"the trait {one.group}.{one.name}")):
            first = places.setdefault(key, place)
            if first != place:
                raise Invalid(f"{where} maps {what}, as columnMappings[{first}] does: map it once.")
        chosen[column] = one
    _check_room(chosen.values(), known)
    if not any(_matched(one, settings) for one in chosen.values()):
        raise Invalid(
            "columnMappings has no column that says who a customer is: map one to "
            f"{' or '.join(_who(known, settings))}."
        )
    return chosen


def _made(
    names: Sequence[str], chosen: Mapping[str, TraitDefinition], settings: IdentitySettings, keep_empty: bool
) -> Reading:
    columns = tuple(
        Column(
            position=position,
            mapping=ColumnMapping(column_name=name, trait_group=one.group, trait_name=one.name),
            data_type=one.data_type,
            promoted=one.id_type_promotion is not None,
            matched=_matched(one, settings),
        )
        for position, name in enumerate(names)
        if (one := chosen.get(name)) is not None
    )
    ignored = tuple(one for one in names if one not in chosen)
    return Reading(width=len(names), columns=columns, ignored=ignored, keep_empty=keep_empty)


def _check_room(chosen: Iterable[TraitDefinition], known: "_Known") -> None:
    traits.check_room(known.declared, [one for one in chosen if not known.has(one)])


def _check_enough(columns: Sequence[Column], names: Sequence[str], known: "_Known", settings: IdentitySettings) -> None:
    if len(columns) < LEAST_MAPPED:
        raise Invalid(
            f"Of the columns {', '.join(names)}, {len(columns)} can be told to be a trait, and it takes at least "
            f'{LEAST_MAPPED}: say which they are with --map "COLUMN=Group.trait".'
        )
    if not any(one.matched for one in columns):
        raise Invalid(
            f"No column says who a customer is. These traits do: {', '.join(_who(known, settings))}. "
            'Say which column is one of them with --map "COLUMN=Group.trait".'
        )


class _Known:
    def __init__(self, declared: Iterable[TraitDefinition], policy: UndeclaredTraits) -> None:
        self.declared = tuple(declared)
        self.open = policy == "declare"
        self._traits = {_key(one): one for one in self.declared}
        self._groups = {one.group.lower(): one.group for one in self.declared}

    def has(self, trait: TraitDefinition) -> bool:
        return _key(trait) in self._traits

    def trait(self, group: str, name: str, where: str) -> TraitDefinition:
        """As it is declared, whatever the spelling; else as it will be, which is a STRING."""
        group = self._groups.setdefault(group.lower(), group)
        traits.check_group_name(group, where)
        new = TraitDefinition(group=group, name=traits.trait_name(name, where), data_type="STRING")
        return self._traits.get(_key(new), new)

    def by_name(self, column: str) -> TraitDefinition | None:
        """The trait that a column is by its own name: Group.trait, or one declared in Contact."""
        qualified = _QUALIFIED.fullmatch(column)
        try:
            if qualified is not None:
                one = self.trait(qualified[1], qualified[2], column)
                return one if self.open or self.has(one) else None
            one = self.trait(traits.CONTACT, column, column)
        except Invalid:
            return None
        return one if self.has(one) else None


def _asked(names: Sequence[str], asked: Sequence[str], known: _Known) -> dict[str, TraitDefinition]:
    chosen: dict[str, TraitDefinition] = {}
    for text in asked:
        left, _, target = text.rpartition("=")
        column = _one_line(left)
        group, _, name = target.strip().rpartition(".")
        if not (column and group and name):
            raise Invalid(f"--map {clean(text)}: write it as COLUMN=Group.trait, like Mobile=Contact.phone.")
        if column not in names:
            raise Invalid(f"--map: there is no column {column} in the file. Columns: {', '.join(names)}.")
        if column in chosen:
            raise Invalid(f"--map: the column {column} is mapped twice: map it once.")
        one = known.trait(group, name, f"--map, column {column}")
        if not (known.open or known.has(one)):
            raise Invalid(
                f"--map: {one.group}.{one.name}, for the column {column}, is not declared, and this store refuses "
                "undeclared traits: declare it first, or leave it out."
            )
        chosen[column] = one
    return chosen


def _refuse_doubles(chosen: Mapping[str, TraitDefinition]) -> None:
    columns: dict[tuple[str, str], str] = {}
    for column, one in chosen.items():
        other = columns.setdefault(_key(one), column)
        if other != column:
            raise Invalid(
                f"The columns {other} and {column} are both {one.group}.{one.name}: map just one of them to it, as in "
                f'--map "{column}={one.group}.{one.name}".'
            )


def _who(known: "_Known", settings: IdentitySettings) -> list[str]:
    """The traits that say who a customer is."""
    return [f"{one.group}.{one.name}" for one in known.declared if _matched(one, settings)]


def _matched(trait: TraitDefinition, settings: IdentitySettings) -> bool:
    return trait.id_type_promotion is not None and settings.matches(trait.id_type_promotion)


def _key(trait: TraitDefinition) -> tuple[str, str]:
    return trait.group.lower(), trait.name.lower()


# What a cell says


def _value(text: str, column: Column) -> Any:
    """None where the trait is to go."""
    if text == DELETE:
        return None
    match column.data_type:
        case "STRING":
            return text  # published: an empty cell overwrites
        case _ if not text:
            return None
        case "NUMBER":
            return _number(text, column)
        case "BOOLEAN":
            return _boolean(text, column)
        case "ARRAY":
            return _array(text, column)


def _number(text: str, column: Column) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    raise Invalid(f"traits.{column.trait} is not a number: write it like 12 or 9.5.")


def _boolean(text: str, column: Column) -> bool:
    if text.lower() not in ("true", "false"):
        raise Invalid(f"traits.{column.trait} must be true or false.")
    return text.lower() == "true"


def _array(text: str, column: Column) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise Invalid(f'traits.{column.trait} is not a list: write it in JSON, like ["gold", "early"].')
    return found


def _one_line(text: str) -> str:
    """Published files have no blanks around or in a row. Who has them meant none: they go, the row stays."""
    return " ".join(clean(text).split())
