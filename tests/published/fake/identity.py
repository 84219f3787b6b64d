"""Who is who: identifiers as they are kept, profiles that share one, and what becomes of them."""

from collections.abc import Iterable

import phonenumbers

from .refusals import bad_request
from .state import Json, Profile, Store

Pair = tuple[str, str]  # id type, value
REGION = "US"  # of numbers without a country code


def normalised(store: Store, id_type: str, value: str) -> str:
    config = store.settings.config(id_type)
    if config is None:
        raise bad_request(f"{id_type!r} is no identifier type of this store")
    match config["normalization"]:
        case "phone":
            return _phone(value)
        case "email":
            return "".join(value.split()).lower()
        case "trim":
            return value.strip()
    return value


def _phone(value: str) -> str:
    for written in (value, f"+{value.strip()}"):
        try:
            number = phonenumbers.parse(written, REGION)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    raise bad_request("not a phone number")


def owners(store: Store, id_type: str, value: str) -> list[Profile]:
    return [one for one in store.profiles.values() if value in one.identifiers.get(id_type, ())]


def matched(store: Store, pairs: Iterable[Pair]) -> list[Profile]:
    """Whose are these, by the rules of the store; a value that may be shared counts only beside another one."""
    found: dict[str, set[str]] = {}
    sure: set[str] = set()
    for id_type, value in pairs:
        config = store.settings.config(id_type)
        if config is None or id_type not in store.settings.rules:
            continue
        for owner in owners(store, id_type, value):
            found.setdefault(owner.id, set()).add(id_type)
            if config["enforceUnique"]:
                sure.add(owner.id)
    return [store.profiles[one] for one, types in found.items() if one in sure or len(types) > 1]


def merge(store: Store, profiles: Iterable[Profile]) -> Profile:
    """Into the earliest, whose ids sort first. Of two values of a trait the later one stays."""
    first, *others = sorted(profiles, key=lambda one: one.id)
    for other in others:
        for id_type, values in other.identifiers.items():
            for value in values:
                _add(store, first, id_type, value)
        _merge_traits(first, other)
        first.observations.update(other.observations)
        first.summaries.update(other.summaries)
        del store.profiles[other.id]
        store.moved = {old: first.id if to == other.id else to for old, to in store.moved.items()}
        store.moved[other.id] = first.id
    return first


def _merge_traits(first: Profile, other: Profile) -> None:
    for group, traits in other.traits.items():
        mine = first.traits.setdefault(group, {})
        for name, (value, at) in traits.items():
            if name not in mine or at >= mine[name][1]:
                mine[name] = (value, at)


def attach(store: Store, profile: Profile, pairs: Iterable[Pair]) -> Profile:
    """The profile that has them all in the end: another one, if it was earlier and had one of them."""
    pairs = list(pairs)
    for id_type, value in pairs:
        _add(store, profile, id_type, value)
    return merge(store, {one.id: one for one in (profile, *matched(store, pairs))}.values())


def _add(store: Store, profile: Profile, id_type: str, value: str) -> None:
    values = profile.identifiers.setdefault(id_type, [])
    if value in values:
        return
    config = store.settings.config(id_type)
    if config is not None and len(values) >= config["limit"]:
        drop_one(config, values)
    values.append(value)


def drop_one(config: Json, values: list[str]) -> None:
    del values[0 if config["limitPolicy"] == "fifo" else -1]
