"""Stores, and what clients may ask about later, inside a transaction over the catalog."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta

from mcp_memory.backends.sql.catalog_rows import Catalog, Request
from mcp_memory.backends.sql.cursors import page_of, place_of
from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.errors import Conflict, Full, NoStore, NotFound, Stale, Taken
from mcp_memory.ids import OPERATION, STORE, MakeId
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import MAX_STORES, Quota, Scope, Store
from mcp_memory.operations import KEPT, NO_OPERATION, REPLY_KEPT, Operation, Reply

UNDER_WAY = timedelta(seconds=60)  # of a request; after that, whoever had it is taken to have died


def existing(catalog: Catalog, scope: Scope) -> Store:
    store = catalog.get_store(scope)
    if store is None:
        raise NoStore("There is no such store.")
    return store


def open_store(
    catalog: Catalog, tenant: str, display_name: str, quota: Quota, *, now: datetime, make_id: MakeId
) -> Store:
    found = catalog.find_store(tenant, display_name)
    if found is not None:
        return found
    _check_room(catalog, tenant, quota.stores)
    return _insert(catalog, tenant, NewStore(display_name=display_name, undeclared_traits="declare"), now, make_id)


def create(catalog: Catalog, tenant: str, new: NewStore, quota: Quota, *, now: datetime, make_id: MakeId) -> Store:
    _refuse_taken(catalog, tenant, new.display_name)
    _check_room(catalog, tenant, MAX_STORES if quota.stores is None else min(quota.stores, MAX_STORES))
    return _insert(catalog, tenant, new, now, make_id)


def update(catalog: Catalog, scope: Scope, changes: StoreChanges, if_version: int | None) -> Store:
    before = existing(catalog, scope)
    check_version(before.version, if_version)
    given = {name: value for name, value in vars(changes).items() if value is not None}
    after = replace(before, **given)
    if after == before:
        return before
    if after.display_name != before.display_name:
        _refuse_taken(catalog, scope.tenant, after.display_name)
    after = replace(after, version=before.version + 1)
    catalog.put_store(scope, after)
    return after


def page(catalog: Catalog, tenant: str, query: PageQuery) -> Page[str]:
    place = place_of(query, "stores", int, str)
    return page_of(catalog.list_stores(tenant, place, query.limit + 1, query.newest_first), query, "stores")


def of_tenant(catalog: Catalog, tenant: str) -> list[Scope]:
    found = catalog.list_stores(tenant, None, sys.maxsize, newest_first=False)
    return [Scope(tenant=tenant, store_id=store_id) for _, store_id in found]


def check_version(current: int, expected: int | None) -> None:
    if expected is not None and expected != current:
        raise Stale(f"The version is {current}, not {expected}: somebody changed it meanwhile. Read it again first.")


def record_operation(
    catalog: Catalog,
    tenant: str,
    resource_id: str,
    stores_reached: tuple[str, ...] | None,
    *,
    now: datetime,
    make_id: MakeId,
) -> Operation:
    new = Operation(
        operation_id=make_id(OPERATION), resource_id=resource_id, completed_at=now, stores_reached=stores_reached
    )
    catalog.insert_operation(tenant, new, now - KEPT)
    return new


def operation(catalog: Catalog, tenant: str, operation_id: str, *, now: datetime) -> Operation:
    found = catalog.find_operation(tenant, operation_id)
    if found is None or found.completed_at < now - KEPT:
        raise NotFound(NO_OPERATION)
    return found


def begin_request(
    catalog: Catalog, tenant: str, key: str, digest: bytes, repeatable: bool, *, now: datetime
) -> Reply | None:
    found = catalog.find_request(tenant, key)
    if found is not None and found.begun_at >= now - REPLY_KEPT:
        if found.digest != digest:
            raise Conflict("The idempotency key was used for another request: choose another key.")
        if found.reply is not None:
            return found.reply
        if found.begun_at > now - UNDER_WAY:
            raise Conflict("The request with this idempotency key is still under way: ask again later.")
        if not repeatable:
            raise Conflict(
                "Whether the request with this idempotency key was done is not known: the server ended in the midst of "
                "it. Read what is there, then ask again with another key."
            )
    catalog.put_request(tenant, key, Request(digest=digest, begun_at=now), now - REPLY_KEPT)
    return None


def end_request(catalog: Catalog, tenant: str, key: str, reply: Reply | None, *, now: datetime) -> None:
    begun = catalog.find_request(tenant, key)
    if begun is None:
        return
    if reply is None:
        catalog.remove_request(tenant, key)
    else:
        catalog.put_request(tenant, key, replace(begun, begun_at=now, reply=reply), now - REPLY_KEPT)


def _refuse_taken(catalog: Catalog, tenant: str, display_name: str) -> None:
    if catalog.find_store(tenant, display_name) is not None:
        raise Taken(f"displayName: there is a store {display_name} already. Choose another name.")


def _check_room(catalog: Catalog, tenant: str, limit: int | None) -> None:
    if limit is not None and (count := catalog.count_stores(tenant)) >= limit:
        raise Full(f"There are {count} stores, and the limit is {limit}: delete one first.")


def _insert(catalog: Catalog, tenant: str, new: NewStore, now: datetime, make_id: MakeId) -> Store:
    store = Store(
        store_id=make_id(STORE),
        display_name=new.display_name,
        description=new.description,
        undeclared_traits=new.undeclared_traits,
        created_at=now,
    )
    catalog.insert_store(tenant, store)
    return store
