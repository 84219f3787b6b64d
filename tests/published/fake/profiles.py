"""Profiles and what is declared about them; who is found by an identifier."""

from .call import Call, Handler, Reply
from .identity import attach, drop_one, matched, merge, normalised, owners
from .paging import paged
from .refusals import bad_request, conflict, not_found
from .state import Json, Profile, Store
from .traits import Traits, change_traits, check_traits, identifiers_in

MOST_FOUND = 100  # profiles in the answer of a lookup


def list_profiles(call: Call) -> Reply:
    return Reply(200, paged(call, "profiles", [(id, id) for id in call.store.profiles], most=1000))


def resolve(call: Call, store: Store, traits: Traits) -> str:
    """Who it is, at once; what else is said of them, later."""
    pairs = identifiers_in(store, traits)
    if not pairs:
        raise bad_request("At least one trait must be promoted to an identifier")
    found = matched(store, pairs)
    if not found:
        found = [Profile(call.new_id("mem_profile"), call.now)]
        store.profiles[found[0].id] = found[0]
    profile = attach(store, merge(store, found), pairs)
    call.later(lambda: change_traits(store, profile.id, traits, call.now))
    return profile.id


def create_profile(call: Call) -> Reply:
    traits = call.body.get("traits", {})
    check_traits(call.store, traits)
    id = resolve(call, call.store, traits)
    return Reply(202, {"id": id, "message": "Profile resolved and accepted for processing."})


def update_bulk(call: Call) -> Reply:
    store, every = call.store, [one.get("traits", {}) for one in call.body.get("profiles", [])]
    for traits in every:
        check_traits(store, traits)
        if not identifiers_in(store, traits):
            raise bad_request("At least one trait must be promoted to an identifier")

    def upsert() -> None:
        for traits in every:
            resolve(call, store, traits)

    return call.accepted("Profile batch accepted for processing.", upsert)


def look_up(call: Call) -> Reply:
    store, id_type = call.store, call.body["idType"]
    value = normalised(store, id_type, call.body["value"])
    found = sorted(one.id for one in owners(store, id_type, value))
    return Reply(200, {"normalizedValue": value, **({"profiles": found[:MOST_FOUND]} if found else {})})


def _wanted(call: Call) -> list[str] | None:
    asked: str | None = call.query.get("traitGroups")
    return asked.split(",") if asked is not None else None


def fetch_profile(call: Call) -> Reply:
    profile, groups = call.profile, _wanted(call)
    traits = {
        group: {name: value for name, (value, _) in values.items()}
        for group, values in profile.traits.items()
        if groups is None or group in groups
    }
    body: Json = {"id": profile.id, "createdAt": profile.created_at}
    if traits or not call.spare:
        body["traits"] = traits
    return call.of_profile(body)


def patch_traits(call: Call) -> Reply:
    store, profile, traits = call.store, call.profile, call.body.get("traits", {})
    check_traits(store, traits)
    return call.accepted(
        "Trait modifications accepted for processing.", lambda: change_traits(store, profile.id, traits, call.now)
    )


def delete_profile(call: Call) -> Reply:
    store, id = call.store, call.profile.id

    def delete() -> None:
        store.profiles.pop(id, None)
        store.moved = {old: to for old, to in store.moved.items() if to != id}

    return call.accepted("Profile accepted for deletion.", delete)


def list_traits(call: Call) -> Reply:
    groups = _wanted(call)
    found = [
        (f"{at} {group} {name}", {"name": name, "value": value, "traitGroup": group, "timestamp": at})
        for group, values in call.profile.traits.items()
        if groups is None or group in groups
        for name, (value, at) in values.items()
    ]
    return Reply(200, paged(call, "traits", found, most=100))


def list_identifiers(call: Call) -> Reply:
    kept = [{"idType": id_type, "values": values} for id_type, values in call.profile.identifiers.items() if values]
    return Reply(200, {} if call.spare and not kept else {"identifiers": kept})


def create_identifier(call: Call) -> Reply:
    store, id, id_type = call.store, call.profile.id, call.body["idType"]
    pair = (id_type, normalised(store, id_type, call.body["value"]))
    return call.accepted("Identifier accepted for processing.", lambda: _attach(store, id, pair))


def _attach(store: Store, profile_id: str, pair: tuple[str, str]) -> None:
    profile = store.profiles.get(store.moved.get(profile_id, profile_id))
    if profile is not None:
        attach(store, profile, [pair])


def _values(call: Call) -> list[str]:
    values = call.profile.identifiers.get(call.path["idType"])
    if not values:
        raise not_found("identifier")
    return values


def fetch_identifier(call: Call) -> Reply:
    return Reply(200, {"idType": call.path["idType"], "values": _values(call)})


def patch_identifier(call: Call) -> Reply:
    store, id, id_type, values = call.store, call.profile.id, call.path["idType"], _values(call)
    if call.body["idType"] != id_type:
        raise bad_request("idType is not the one in the path")
    old, new = (normalised(store, id_type, call.body[name]) for name in ("oldValue", "newValue"))
    if old not in values:
        raise not_found("identifier value")
    if new in values:
        raise conflict("The profile has this identifier")

    def change() -> None:
        if old in values:
            values.remove(old)
            _attach(store, id, (id_type, new))

    return call.accepted("Identifier update accepted.", change)


def delete_identifier(call: Call) -> Reply:
    values, config = _values(call), call.store.settings.config(call.path["idType"])

    def delete() -> None:
        if call.query["removeAll"] or config is None:
            values.clear()
        elif values:
            drop_one(config, values)

    return call.accepted("Identifier removal accepted.", delete)


HANDLERS: dict[str, Handler] = {
    "ListProfiles": list_profiles,
    "CreateProfile": create_profile,
    "UpdateProfilesBulk": update_bulk,
    "CreateProfilesLookup": look_up,
    "FetchProfile": fetch_profile,
    "PatchProfileTraits": patch_traits,
    "DeleteProfile": delete_profile,
    "ListProfileTraits": list_traits,
    "ListProfileIdentifiers": list_identifiers,
    "CreateProfileIdentifier": create_identifier,
    "FetchProfileIdentifier": fetch_identifier,
    "PatchProfileIdentifier": patch_identifier,
    "DeleteProfileIdentifier": delete_identifier,
}
