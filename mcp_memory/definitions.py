"""Pure: trait groups, and what may be declared in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_memory.errors import Conflict, Full, Invalid, Taken
from mcp_memory.identity import check_id_type
from mcp_memory.model import TraitDefinition, ValidationRule
from mcp_memory.text import clean
from mcp_memory.traits import (
    CONTACT,
    DEFAULT_DEFINITIONS,
    MAX_GROUPS,
    MAX_TRAITS,
    check_group_name,
    compiled,
    trait_name,
)

MAX_DESCRIPTION = 1024  # published, as the next
MAX_PATTERN = 1000
MAX_BOUND = 2**31 - 1  # ours: that of whole numbers

RESERVED = {(one.group, one.name): one for one in DEFAULT_DEFINITIONS if one.id_type_promotion}
"""They identify in every store, and stay as they are."""


@dataclass(frozen=True, kw_only=True)
class TraitGroup:
    """`version` counts the changes."""

    display_name: str
    description: str | None = None
    definitions: tuple[TraitDefinition, ...] = ()
    version: int = 1

    def definition(self, name: str) -> TraitDefinition | None:
        return next((one for one in self.definitions if one.name == name), None)


@dataclass(frozen=True, kw_only=True)
class TraitGroupChanges:
    """What is left out stays as it is. `definitions`: by name, complete; None removes one."""

    description: str | None = None
    definitions: Mapping[str, TraitDefinition | None] = field(default_factory=dict)


def new_group(given: TraitGroup, groups: Sequence[TraitGroup]) -> TraitGroup:
    """As it is stored. Raises Taken where there is one of this name, in any spelling, Full where there are as many as
    there may be."""
    check_group_name(given.display_name, "display_name")
    taken = find(groups, given.display_name)
    if taken is not None:
        raise Taken(f"There is a trait group {taken.display_name} already: update it instead.")
    if len(groups) >= MAX_GROUPS:
        raise Full(f"The store has {len(groups)} trait groups, the limit is {MAX_GROUPS}.")
    empty = replace(given, definitions=(), version=1, description=_description(given.description, "description"))
    return _with(empty, {one.name: one for one in given.definitions})


def changed_group(group: TraitGroup, changes: TraitGroupChanges) -> TraitGroup:
    """As it is stored then. Raises Invalid for what breaks a rule, Conflict for what is reserved."""
    description = group.description if changes.description is None else changes.description
    return replace(
        _with(group, changes.definitions),
        description=_description(description, "description"),
        version=group.version + 1,
    )


def retyped(before: TraitGroup, after: TraitGroup) -> list[str]:
    """Traits whose values, where there are any, would not be of the declared type any more."""
    old = {one.name: one.data_type for one in before.definitions}
    return [one.name for one in after.definitions if old.get(one.name, one.data_type) != one.data_type]


def check_removable(name: str) -> None:
    if name == CONTACT:
        raise Conflict(f"{CONTACT} is in every store and can't be removed.")


def find(groups: Sequence[TraitGroup], name: str) -> TraitGroup | None:
    return next((one for one in groups if one.display_name.lower() == name.lower()), None)


def _with(group: TraitGroup, changes: Mapping[str, TraitDefinition | None]) -> TraitGroup:
    definitions = {one.name.lower(): one for one in group.definitions}
    seen = set()
    for raw_name, given in changes.items():
        where = f"traits.{raw_name}"
        name = trait_name(raw_name, "traits")
        known = definitions.get(name.lower())
        name = known.name if known else name
        if name in seen:
            raise Invalid(f"{where} is given twice, in different spellings: give it once.")
        seen.add(name)
        new = None if given is None else _definition(replace(given, group=group.display_name, name=name), where)
        _refuse_reserved(group.display_name, name, new)
        if new is not None:
            definitions[name.lower()] = new
        elif definitions.pop(name.lower(), None) is None:
            raise Invalid(f"{where} is not declared in {group.display_name}, so it can't be removed.")
    if len(definitions) > MAX_TRAITS:
        raise Invalid(f"traits: the group would have {len(definitions)} traits, the limit is {MAX_TRAITS}.")
    return replace(group, definitions=tuple(sorted(definitions.values(), key=lambda one: one.name)))


def _refuse_reserved(group: str, name: str, new: TraitDefinition | None) -> None:
    reserved = RESERVED.get((group, name))
    if reserved is None:
        return
    if new is None or replace(new, description=None, validation_rule=None) != reserved:
        raise Conflict(
            f"{group}.{name} is reserved: it is a STRING promoted to {reserved.id_type_promotion} in every store."
        )


def _definition(given: TraitDefinition, where: str) -> TraitDefinition:
    promotion = given.id_type_promotion
    if promotion is not None:
        check_id_type(promotion, f"{where}.id_type_promotion")
    if promotion is not None and given.data_type not in ("STRING", "NUMBER"):
        raise Invalid(f"{where}.id_type_promotion: a {given.data_type} can't identify anybody. Promote a STRING.")
    if given.validation_rule is not None:
        _check_rule(given.validation_rule, given.data_type, f"{where}.validation_rule")
    return replace(given, description=_description(given.description, f"{where}.description"))


_RULES = {
    "STRING": ("pattern", "min_length", "max_length"),
    "NUMBER": ("min", "max"),
    "BOOLEAN": (),
    "ARRAY": ("min_items", "max_items"),
}
_LEAST = {"min_length": 0, "max_length": 1, "min_items": 0, "max_items": 0}


def _check_rule(rule: ValidationRule, data_type: str, where: str) -> None:
    given = {name: value for name, value in vars(rule).items() if value is not None}
    for name, value in given.items():
        if name not in _RULES[data_type]:
            raise Invalid(
                f"{where}.{name} is no rule for a {data_type}. Rules: {', '.join(_RULES[data_type]) or 'none'}."
            )
        if name in _LEAST and not _LEAST[name] <= value <= MAX_BOUND:
            raise Invalid(f"{where}.{name} must be from {_LEAST[name]} to {MAX_BOUND}.")
        if name in ("min", "max") and not abs(value) <= MAX_BOUND:
            raise Invalid(f"{where}.{name} must be a number from -{MAX_BOUND} to {MAX_BOUND}.")
    for least, most in (("min_length", "max_length"), ("min", "max"), ("min_items", "max_items")):
        if least in given and most in given and given[least] > given[most]:
            raise Invalid(f"{where}.{least} is greater than {most}: no value could ever be valid.")
    if rule.pattern is not None:
        if clean(rule.pattern) != rule.pattern or not rule.pattern.isprintable():
            raise Invalid(f"{where}.pattern has blanks around it, or characters that nobody sees: write them as \\x….")
        if len(rule.pattern) > MAX_PATTERN:
            raise Invalid(f"{where}.pattern is {len(rule.pattern)} characters long, the limit is {MAX_PATTERN}.")
        compiled(rule.pattern, f"{where}.pattern")


def _description(text: str | None, name: str) -> str | None:
    cleaned = clean(text or "")
    if len(cleaned) > MAX_DESCRIPTION:
        raise Invalid(f"{name} is {len(cleaned)} characters long, the limit is {MAX_DESCRIPTION}.")
    return cleaned or None
