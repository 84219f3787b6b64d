"""Trait groups, and data mappings into them."""

from .call import Call, Handler, Reply
from .control import check_version, etag, operation
from .paging import paged
from .refusals import bad_request, conflict, not_found
from .state import Group, Json

MOST_GROUPS, MOST_TRAITS = 50, 95
RESERVED = "Contact"
DELETED = ""  # the data type of a trait that shall be no more


def list_groups(call: Call) -> Reply:
    with_traits = call.query["includeTraits"]
    groups = [(name, _shown(group, group.traits if with_traits else None)) for name, group in call.store.groups.items()]
    return Reply(200, paged(call, "traitGroups", groups))


def _shown(group: Group, traits: dict[str, Json] | None) -> Json:
    shown: Json = {"displayName": group.name, "version": group.version}
    if group.description is not None:
        shown["description"] = group.description
    if traits is not None:
        shown["traits"] = traits
    return shown


def create_group(call: Call) -> Reply:
    store, name = call.store, call.body["displayName"]
    if name in store.groups:
        raise bad_request("The store has a trait group of this name", 520055)
    if len(store.groups) >= MOST_GROUPS:
        raise bad_request("The store has as many trait groups as it may have", 520053)
    _check_promotions(call)

    def create() -> str:
        store.groups[name] = Group(name, call.body.get("description"), call.body.get("traits", {}))
        return str(name)

    return operation(call, "TraitGroup creation request accepted.", create)


def _check_promotions(call: Call) -> None:
    for trait in call.body.get("traits", {}).values():
        if "idTypePromotion" in trait and call.store.settings.config(trait["idTypePromotion"]) is None:
            raise bad_request("idTypePromotion names no identifier type of this store", 520046)


def fetch_group(call: Call) -> Reply:
    """The pages are pages of its traits."""
    group = call.group
    page = paged(call, "traits", [(name, name) for name in group.traits], most=100)
    traits = {name: group.traits[name] for name in page["traits"]}
    shown = _shown(group, traits if call.query["includeTraits"] else None)
    return Reply(200, {"traitGroup": shown, "meta": page["meta"]}, {"ETag": etag(group.name, group.version)})


def patch_group(call: Call) -> Reply:
    group, changes = call.group, call.body.get("traits", {})
    check_version(call, group.name, group.version)
    _check_promotions(call)
    if len(group.traits | changes) > MOST_TRAITS:
        raise bad_request("The group has as many traits as it may have", 520046)

    def change() -> str:
        group.description = call.body.get("description", group.description)
        every = {**group.traits, **changes}
        group.traits = {name: trait for name, trait in every.items() if trait["dataType"] != DELETED}
        group.version += 1
        return group.name

    return operation(call, "TraitGroup update request accepted.", change)


def delete_group(call: Call) -> Reply:
    store, group = call.store, call.group
    mapped = {one["traitGroup"] for mapping in store.mappings.values() for one in mapping["mappingTo"]["mappings"]}
    if group.name == RESERVED or group.name in mapped:
        raise conflict("The trait group is in use")

    def delete() -> str:
        store.groups.pop(group.name, None)
        for profile in store.profiles.values():
            profile.traits.pop(group.name, None)
        return group.name

    return operation(call, "TraitGroup deletion request accepted.", delete)


def list_mappings(call: Call) -> Reply:
    kind = call.query.get("type")
    found = [(id, one) for id, one in call.store.mappings.items() if kind in (None, one["mappingFrom"]["type"])]
    return Reply(200, paged(call, "dataMappings", found, most=100))


def create_mapping(call: Call) -> Reply:
    store, id, now = call.store, call.new_id("mem_datamapping"), call.now
    if any(one["displayName"] == call.body["displayName"] for one in store.mappings.values()):
        raise conflict("The store has a data mapping of this name")
    mapping = {"isEnabled": True, **call.body, "id": id, "createdAt": now, "updatedAt": now, "version": 1}

    def create() -> str:
        store.mappings[id] = mapping
        return id

    return operation(call, "Data mapping creation request accepted for processing.", create)


def _mapping(call: Call) -> Json:
    found = call.store.mappings.get(call.path["dataMappingId"])
    if found is None:
        raise not_found("data mapping", 520048)
    return found


def fetch_mapping(call: Call) -> Reply:
    mapping = _mapping(call)
    return Reply(200, mapping, {"ETag": etag(mapping["id"], mapping["version"])})


def patch_mapping(call: Call) -> Reply:
    mapping, now = _mapping(call), call.now
    check_version(call, mapping["id"], mapping["version"])

    def change() -> str:
        mapping.update({**call.body, "updatedAt": now, "version": mapping["version"] + 1})
        return str(mapping["id"])

    return operation(call, "Data mapping update request accepted for processing.", change)


def delete_mapping(call: Call) -> Reply:
    store, id = call.store, _mapping(call)["id"]

    def delete() -> str:
        store.mappings.pop(id, None)
        return str(id)

    return operation(call, "Data mapping deletion request accepted for processing.", delete)


HANDLERS: dict[str, Handler] = {
    "ListTraitGroups": list_groups,
    "CreateTraitGroup": create_group,
    "FetchTraitGroup": fetch_group,
    "PatchTraitGroup": patch_group,
    "DeleteTraitGroup": delete_group,
    "ListDataMappings": list_mappings,
    "CreateDataMapping": create_mapping,
    "FetchDataMapping": fetch_mapping,
    "PatchDataMapping": patch_mapping,
    "DeleteDataMapping": delete_mapping,
}
