"""Stores, their identity resolution settings, and operations."""

from .call import Call, Handler, Reply
from .control import check_version, etag, operation
from .paging import paged
from .refusals import bad_request, not_found
from .state import DEFAULTS, Json, Settings, Store, contact_group

MOST_STORES = 15


def list_stores(call: Call) -> Reply:
    return Reply(200, paged(call, "stores", [(id, id) for id in call.account.stores], most=100))


def create_store(call: Call) -> Reply:
    """There at once, and of use only when the operation is done."""
    _check_name(call, call.body["displayName"])
    if len(call.account.stores) >= MOST_STORES:
        raise bad_request("The account has as many stores as it may have", 520044)
    store = Store(call.new_id("mem_store"), call.body["displayName"], call.body.get("description"))
    store.groups = {"Contact": contact_group(call.account.promoted)}
    call.account.stores[store.id] = store

    def activate() -> str:
        store.active = True
        return store.id

    return operation(call, "Memory Store creation accepted for processing.", activate)


def _check_name(call: Call, name: str, but: Store | None = None) -> None:
    if any(one.name == name for one in call.account.stores.values() if one is not but):
        raise bad_request("The account has a Memory Store of this name", 520045)


def fetch_store(call: Call) -> Reply:
    store = call.store_whatever_its_state
    body: Json = {
        "id": store.id,
        "displayName": store.name,
        "status": "ACTIVE" if store.active else "PROVISIONING",
        "intelligenceServiceId": None,
        "version": store.version,
    }
    if store.description is not None:
        body["description"] = store.description
    return Reply(200, body, {"ETag": etag(store.id, store.version)})


def patch_store(call: Call) -> Reply:
    store = call.store
    check_version(call, store.id, store.version)
    _check_name(call, call.body.get("displayName", store.name), but=store)

    def change() -> str:
        store.name = call.body.get("displayName", store.name)
        store.description = call.body.get("description", store.description)
        store.version += 1
        return store.id

    return operation(call, "Memory Store update request accepted for processing.", change)


def delete_store(call: Call) -> Reply:
    store = call.store_whatever_its_state

    def delete() -> str:
        call.account.stores.pop(store.id, None)
        return store.id

    return operation(call, "Memory Store deletion request accepted for processing.", delete)


def fetch_settings(call: Call) -> Reply:
    store, settings = call.store, call.store.settings
    configs = [_spare(one) for one in settings.configs] if call.spare else settings.configs
    body = {"identifierConfigs": configs, "matchingRules": settings.rules, "version": settings.version}
    return Reply(200, body, {"ETag": etag(store.id, settings.version)})


def _spare(config: Json) -> Json:
    """Without what is as it is by default."""
    return {name: value for name, value in config.items() if DEFAULTS.get(name) != value}


def update_settings(call: Call) -> Reply:
    store = call.store
    check_version(call, store.id, store.settings.version)
    configs = [{**DEFAULTS, **config} for config in call.body["identifierConfigs"]]
    known = {one["idType"] for one in configs}
    if len(known) < len(configs) or not set(call.body["matchingRules"]) <= known:
        raise bad_request("matchingRules and identifierConfigs do not fit together", 520046)

    def replace() -> str:
        store.settings = Settings(configs, call.body["matchingRules"], store.settings.version + 1)
        return store.id

    return operation(call, "Identity Resolution Settings accepted for processing.", replace)


def fetch_operation(call: Call) -> Reply:
    found = call.account.operations.get(call.path["operationId"])
    if found is None:
        raise not_found("operation", 520052)
    waiting = {"Retry-After": "1"} if found["status"] == "PENDING" else {}
    return Reply(200, dict(found), {"Operation-Id": found["operationId"], **waiting})


HANDLERS: dict[str, Handler] = {
    "ListStores": list_stores,
    "CreateStore": create_store,
    "FetchStore": fetch_store,
    "PatchStore": patch_store,
    "DeleteStore": delete_store,
    "FetchIdentityResolutionSettings": fetch_settings,
    "UpdateIdentityResolutionSettings": update_settings,
    "FetchOperation": fetch_operation,
}
