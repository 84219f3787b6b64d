"""Traits as they are declared, and as they are set."""

from typing import Any

from .identity import attach, normalised
from .refusals import bad_request
from .state import Json, Profile, Store

INT_32 = range(-(2**31), 2**31)
LONGEST = 1024

Traits = dict[str, dict[str, Any]]


def check_traits(store: Store, traits: Traits) -> None:
    """The service says that it is wrong, and not what is."""
    for group, values in traits.items():
        declared = store.groups[group].traits if group in store.groups else {}
        for name, value in values.items():
            if name not in declared or not (value is None or _fits(declared[name], value)):
                raise bad_request("Failed to complete request due to a bad request")
    for id_type, value in store.promotions(traits):
        normalised(store, id_type, value)


def _fits(definition: Json, value: Any) -> bool:
    match definition["dataType"]:
        case "STRING":
            return isinstance(value, str) and len(value) <= LONGEST
        case "NUMBER":
            return _is_number(value)
        case "BOOLEAN":
            return isinstance(value, bool)
    return isinstance(value, list) and len(value) <= 100 and not any(isinstance(one, list | dict) for one in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and value in INT_32)


def identifiers_in(store: Store, traits: Traits) -> list[tuple[str, str]]:
    return [(id_type, normalised(store, id_type, value)) for id_type, value in store.promotions(traits)]


def set_traits(profile: Profile, traits: Traits, now: str) -> None:
    for group, values in traits.items():
        mine = profile.traits.setdefault(group, {})
        for name, value in values.items():
            if value is None:
                mine.pop(name, None)
            else:
                mine[name] = (value, now)
        if not mine:
            del profile.traits[group]


def change_traits(store: Store, profile_id: str, traits: Traits, now: str) -> None:
    """Nothing, if the profile is gone by now."""
    profile = store.profiles.get(store.moved.get(profile_id, profile_id))
    if profile is not None:
        set_traits(profile, traits, now)
        attach(store, profile, identifiers_in(store, traits))
