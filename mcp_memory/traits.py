"""Pure: trait names, values and types; which traits identify a person."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from mcp_memory.errors import Invalid
from mcp_memory.model import DataType, TraitChanges, TraitDefinition, Traits, TraitValue, ValidationRule
from mcp_memory.text import clean

# Limits published for the Memory API.
MAX_GROUPS = 50
MAX_TRAITS = 95  # in one group
MAX_NAME = 64
MAX_STRING = 1024
MAX_ARRAY = 100
MAX_INTEGER = 2**31 - 1
MAX_PROGRAM = 2_000  # ours: instructions of a pattern; a long value takes it a few milliseconds then
MAX_SIZE = 65_536  # ours: characters of all traits of a profile as JSON

CONTACT = "Contact"
DEFAULT_DEFINITIONS = (
    *(
        TraitDefinition(group=CONTACT, name=name, data_type="STRING", id_type_promotion=name)
        for name in ("email", "phone", "whatsapp", "chat")
    ),
    *(
        TraitDefinition(group=CONTACT, name=name, data_type="STRING")
        for name in ("firstName", "lastName", "street", "city", "state", "postalCode", "country", "preferredLanguage")
    ),
)
"""What every store starts with."""

_GROUP = re.compile(r"[a-zA-Z0-9_.-]+")
_WORDS = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[a-z][a-zA-Z0-9]*")

Raw = Mapping[str, Mapping[str, Any]]


class Declared:
    """The definitions of a store. Names are found in any case."""

    def __init__(self, definitions: Iterable[TraitDefinition]) -> None:
        self.definitions = tuple(definitions)
        self._known = {(one.group.lower(), one.name.lower()): one for one in self.definitions}
        self._groups = {one.group.lower(): one.group for one in self.definitions}
        self.promotions = {
            (one.group, one.name): one.id_type_promotion for one in self.definitions if one.id_type_promotion
        }

    def changes(self, given: Raw) -> TraitChanges:
        """Check what a caller wants changed; names come out as declared, or in lowerCamelCase where they are new.

        Raises Invalid naming the trait for every value of a wrong type or size.
        """
        if not 1 <= len(given) <= MAX_GROUPS:
            raise Invalid(
                f'traits has {len(given)} groups: give 1 to {MAX_GROUPS}, like {{"Contact": {{"phone": "…"}}}}.'
            )
        values: dict[str, dict[str, TraitValue]] = {}
        removed: set[tuple[str, str]] = set()
        for group, name, raw in self._named(given):
            if raw is None:
                removed.add((group, name))
            else:
                definition = self._known.get((group.lower(), name.lower()))
                values.setdefault(group, {})[name] = _value(raw, definition, f"traits.{group}.{name}")
        return TraitChanges(values=values, removed=frozenset(removed))

    def undeclared(self, wanted: TraitChanges) -> list[TraitDefinition]:
        """Definitions, with the type their values show, for what is set but not declared."""
        return [
            TraitDefinition(group=group, name=name, data_type=data_type(value))
            for group, members in wanted.values.items()
            for name, value in members.items()
            if (group.lower(), name.lower()) not in self._known
        ]

    def identifying(self, values: Traits) -> dict[tuple[str, str], tuple[str, str]]:
        """(group, name) -> (identifier type, value as given), for the traits that are promoted to identifiers."""
        return {
            (group, name): (id_type, _as_text(values[group][name]))
            for (group, name), id_type in self.promotions.items()
            if name in values.get(group, ())
        }

    def _named(self, given: Raw) -> Iterator[tuple[str, str, Any]]:
        """(group, name, value as given), each name once and as it is kept."""
        groups: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        for raw_group, members in given.items():
            lower = raw_group.lower()
            group = self._groups.get(lower) or groups.setdefault(lower, raw_group)
            check_group_name(group, "traits")
            if not 1 <= len(members) <= MAX_TRAITS:
                raise Invalid(f"traits.{group} has {len(members)} traits: give 1 to {MAX_TRAITS}.")
            for raw_name, raw in members.items():
                name = trait_name(raw_name, f"traits.{group}")
                key = lower, name.lower()
                if key in seen:
                    raise Invalid(f"traits.{group}.{name} is given twice, in different spellings: give it once.")
                seen.add(key)
                yield group, self._known[key].name if key in self._known else name, raw


def check_room(declared: Iterable[TraitDefinition], new: Iterable[TraitDefinition]) -> None:
    """Raise Invalid where the new definitions would pass the limits of a store."""
    groups: dict[str, int] = {}
    for one in (*declared, *new):
        groups[one.group] = groups.get(one.group, 0) + 1
    if len(groups) > MAX_GROUPS:
        raise Invalid(f"traits: the store would have {len(groups)} trait groups, the limit is {MAX_GROUPS}.")
    for group, count in groups.items():
        if count > MAX_TRAITS:
            raise Invalid(f"traits.{group}: the group would have {count} traits, the limit is {MAX_TRAITS}.")


def latest(rows: Iterable[tuple[Any, str, str, TraitValue]]) -> Traits:
    """Of (when, group, name, value) the latest per trait: what the members of a merged profile say, as one."""
    found: dict[str, dict[str, tuple[Any, TraitValue]]] = {}
    for when, group, name, value in sorted(rows, key=lambda row: row[:3]):
        found.setdefault(group, {})[name] = when, value
    return {group: {name: members[name][1] for name in sorted(members)} for group, members in sorted(found.items())}


def _as_text(value: TraitValue) -> str:
    """42 and 42.0 are one number."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def data_type(value: TraitValue) -> DataType:
    match value:
        case bool():
            return "BOOLEAN"
        case int() | float():
            return "NUMBER"
        case str():
            return "STRING"
        case _:
            return "ARRAY"


def trait_name(name: str, where: str) -> str:
    """lowerCamelCase, so that first_name, First Name and firstName are one trait."""
    if len(name) <= MAX_NAME and _NAME.fullmatch(name):
        return name
    words = _WORDS.findall(clean(name))
    joined = "".join(word[0].upper() + word[1:] for word in words)
    joined = joined[:1].lower() + joined[1:]
    if len(joined) > MAX_NAME or not _NAME.fullmatch(joined):
        raise Invalid(f"{where}: a trait's name must be 1 to {MAX_NAME} ASCII letters and digits, a letter first.")
    return joined


def check_size(values: Traits, before: Traits) -> None:
    """Raise Invalid where a profile would carry more traits than belong into an answer. A merge may bring it there."""
    size = len(json.dumps(values, ensure_ascii=False))
    if size > MAX_SIZE and size > len(json.dumps(before, ensure_ascii=False)):
        raise Invalid(f"traits: the profile would have {size} characters of traits, the limit is {MAX_SIZE}.")


def check_group_name(name: str, where: str) -> None:
    if len(name) > MAX_NAME or not _GROUP.fullmatch(name):
        raise Invalid(
            f"{where}: a group's name must be 1 to {MAX_NAME} ASCII letters, digits, dots, dashes or underscores."
        )


@lru_cache(maxsize=256)
def compiled(pattern: str, where: str) -> Any:
    """RE2, whose time grows with the text and not with the pattern's malice."""
    import re2  # only stores with patterns need it

    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as exc:
        raise Invalid(
            f"{where} is not a regular expression of RE2, which has no look-around or back-reference."
        ) from exc
    if program.programsize > MAX_PROGRAM:
        raise Invalid(
            f"{where} is too large to be tried on every value: repeat less, or use min_length and max_length."
        )
    return program


def _value(raw: object, definition: TraitDefinition | None, where: str) -> TraitValue:
    value: TraitValue
    if isinstance(raw, list | tuple):
        if len(raw) > MAX_ARRAY:
            raise Invalid(f"{where} has {len(raw)} elements, the limit is {MAX_ARRAY}.")
        value = tuple(_scalar(one, where) for one in raw)
    else:
        value = _scalar(raw, where)
    if definition and definition.data_type != data_type(value):
        declared = definition.data_type
        raise Invalid(f"{where} is declared {declared}, the value given is {data_type(value)}: give a {declared}.")
    if definition and definition.validation_rule:
        _check_rule(value, definition.validation_rule, where)
    return value


def _check_rule(value: TraitValue, rule: ValidationRule, where: str) -> None:
    size: float
    least: float | None
    most: float | None
    match value:
        case bool():
            return
        case str():
            size, least, most, unit = len(value), rule.min_length, rule.max_length, " characters"
            if rule.pattern is not None and not compiled(rule.pattern, where).fullmatch(value):
                raise Invalid(f"{where} does not match the pattern declared for it: {json.dumps(rule.pattern)}")
        case int() | float():
            size, least, most, unit = value, rule.min, rule.max, ""
        case _:
            size, least, most, unit = len(value), rule.min_items, rule.max_items, " elements"
    if (least is not None and size < least) or (most is not None and size > most):
        bounds = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", most)) if bound is not None
        )
        raise Invalid(f"{where} is {size:g}{unit}, declared are {bounds}.")


def _scalar(raw: object, where: str) -> str | int | float | bool:
    match raw:
        case bool():
            return raw
        case int() if abs(raw) > MAX_INTEGER:
            raise Invalid(f"{where} is out of range: whole numbers go to ±{MAX_INTEGER}; give it as a string.")
        case float() if raw != raw or raw in (float("inf"), float("-inf")):
            raise Invalid(f"{where} is not a number.")
        case int() | float():
            return raw
        case str():
            cleaned = clean(raw)
            if len(cleaned) > MAX_STRING:
                raise Invalid(f"{where} is {len(cleaned)} characters long, the limit is {MAX_STRING}.")
            return cleaned
        case _:
            raise Invalid(f"{where} must be a string, number, boolean, null, or a list of those: no nested objects.")
