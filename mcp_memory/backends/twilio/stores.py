"""Stores: the one that is configured, found by its id or its name, and those beside it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio

from mcp_memory import ids
from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.remote import PATIENCE, Remote, checked_ids, result
from mcp_memory.backends.twilio.replies import MAX_TOKEN, Reply, is_id
from mcp_memory.backends.twilio.rules import Rules
from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.errors import Invalid, NotFound, Taken, Unavailable, Unsupported
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import DEFAULT_STORE, UNLIMITED, Quota, Scope, Store
from mcp_memory.operations import Operation
from mcp_memory.wire.stores import OperationBody, StoreBody, StoresBody

PAGE: Final = 100  # of stores, at most
POLL: Final = 1.0  # seconds between looks at a store that is being made
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
STORE_ID: Final = re.compile(r"mem_(store|service)_[0-7][0-9a-z]{25}")


class Stores:
    """All of them are one tenant's: the account that the key is of. `store`: the id or the name of the one that is
    meant where none is named."""

    def __init__(self, remote: Remote, rules: Rules, *, tenant: str, store: str, create: bool) -> None:
        self._remote, self._rules = remote, rules
        self._tenant, self._store, self._create = tenant, store, create
        self._opening = anyio.Lock()
        self._opened: dict[str, str] = {}
        self._found: set[str] = set()

    async def open_store(self, tenant: str, display_name: str) -> Scope:
        self._check(tenant)
        name = self._store if display_name == DEFAULT_STORE else display_name
        if STORE_ID.fullmatch(name):
            return await self.find_store(tenant, name)
        async with self._opening:  # by however many at once, it is created once
            if name not in self._opened:
                self._opened[name] = await self._named(name) or await self._created(name)
        return Scope(tenant=tenant, store_id=self._opened[name])

    async def find_store(self, tenant: str, store_id: str) -> Scope:
        self._check(tenant)
        if store_id not in self._found:
            await self._ready(store_id)
            self._found.add(store_id)
        return Scope(tenant=tenant, store_id=store_id)

    async def create_store(self, tenant: str, new: NewStore, quota: Quota = UNLIMITED) -> Store:
        self._check(tenant)
        return _store(await self._ready(await self._make(new)))

    async def list_stores(self, tenant: str, page: PageQuery) -> Page[str]:
        self._check(tenant)
        query = {"pageSize": min(page.limit, PAGE), "pageToken": token(page), "orderBy": order(page)}
        reply = await self._remote.send(calls.LIST_STORES, query=query)
        items = [one for one in reply.read(StoresBody).stores if STORE_ID.fullmatch(one)]
        return Page(items=items, next_cursor=reply.next_token())

    async def get_store(self, scope: Scope) -> Store:
        self._check(scope.tenant)
        return _store((await self._fetch(scope.store_id))[1])

    async def update_store(self, scope: Scope, changes: StoreChanges, if_version: int | None = None) -> Store:
        self._check(scope.tenant)
        if changes.undeclared_traits == "declare":
            raise Unsupported("The memory service always refuses traits that no group declares: declare them first.")
        read, current = await self._fetch(scope.store_id)
        if_match = self._remote.if_match(read, current.version, if_version)
        given = {"displayName": changes.display_name, "description": changes.description}
        there = {"displayName": current.display_name, "description": current.description}
        body = {name: value for name, value in given.items() if value not in (None, there[name])}
        if body:
            reply = await self._remote.send(calls.PATCH_STORE, scope.store_id, body=body, if_match=if_match)
            await self._remote.done(reply)
            self._forget(scope.store_id)
        return await self.get_store(scope)

    async def delete_store(self, scope: Scope) -> None:
        self._check(scope.tenant)
        reply = await self._remote.send(calls.DELETE_STORE, scope.store_id)
        self._forget(scope.store_id)
        await self._remote.done(reply)

    async def get_operation(self, tenant: str, operation_id: str) -> Operation:
        """Raises what it failed with, and Unavailable while it is under way."""
        self._check(tenant)
        reply = await self._remote.send(calls.FETCH_OPERATION, operation_id)
        body = reply.read(OperationBody)
        if body.status in ("PENDING", "RUNNING"):
            raise Unavailable("The memory service is still at it: ask again later.")
        resource_id = result(body, self._remote.client.secrets())
        if resource_id is None:
            raise reply.unpublished()
        completed = body.completed_at or body.created_at
        return Operation(operation_id=operation_id, resource_id=resource_id, completed_at=completed)

    def _check(self, tenant: str) -> None:
        if tenant != self._tenant:
            raise NotFound("There is no such store.")

    async def _named(self, name: str) -> str | None:
        """The service lists ids alone, so each is looked at."""
        for reply in await self._remote.pages(calls.LIST_STORES, pageSize=PAGE):
            for store_id in checked_ids(reply, reply.read(StoresBody).stores, "mem"):
                try:
                    _, body = await self._fetch(store_id)
                except NotFound:  # it went meanwhile
                    continue
                if body.display_name == name:
                    await self._ready(store_id)
                    return store_id
        return None

    async def _created(self, name: str) -> str:
        if not self._create:
            raise NotFound(
                "The memory service has no store of the name that is set: create it there, set twilio_store to the "
                "name or id of one, or set twilio_create_store to on."
            )
        try:
            made = await self._make(NewStore(display_name=name))
        except Taken:  # by somebody else, meanwhile
            found = await self._named(name)
            if found is None:
                raise
            return found
        await self._ready(made)
        return made

    async def _make(self, new: NewStore) -> str:
        if new.undeclared_traits == "declare":
            raise Unsupported("The memory service always refuses traits that no group declares: declare them first.")
        given = {"displayName": new.display_name, "description": new.description}
        body = {name: value for name, value in given.items() if value is not None}
        reply = await self._remote.send(calls.CREATE_STORE, body=body)
        made = await self._remote.done(reply)
        if made is None or not STORE_ID.fullmatch(made):
            raise reply.unpublished()
        return made

    async def _ready(self, store_id: str) -> StoreBody:
        """Raises Unavailable where it is not ready in time."""
        for _ in range(int(PATIENCE / POLL)):
            _, body = await self._fetch(store_id)
            if body.status == "ACTIVE":
                return body
            if body.status == "FAILED":
                break
            await self._remote.client.sleep(POLL)
        raise Unavailable(f"The store of the memory service is {body.status}: look at it there.")

    async def _fetch(self, store_id: str) -> tuple[Reply, StoreBody]:
        reply = await self._remote.send(calls.FETCH_STORE, store_id)
        body = reply.read(StoreBody)
        if body.id != store_id:
            raise reply.unpublished()
        return reply, body

    def _forget(self, store_id: str) -> None:
        self._opened = {name: id for name, id in self._opened.items() if id != store_id}
        self._found.discard(store_id)
        self._rules.forget(store_id)


def order(page: PageQuery) -> str:
    return "DESC" if page.newest_first else "ASC"


def token(page: PageQuery) -> str | None:
    """Raises Invalid for what was no list's: an empty one, the service may take for the beginning."""
    if page.cursor is not None and not 1 <= len(page.cursor) <= MAX_TOKEN:
        raise Invalid("cursor is not one that this list gave: start again without it.")
    return page.cursor


def _store(body: StoreBody) -> Store:
    return Store(
        store_id=body.id,
        display_name=body.display_name,
        description=body.description,
        created_at=made_at(body.id),
        undeclared_traits="refuse",
        version=body.version,
        profile_count=None,
    )


def made_at(id: str) -> datetime:
    """The service does not say when a store was made, but its id does."""
    if not is_id(id, "mem_store") or ids.spelled_otherwise(id):
        return EPOCH
    raw = ids.to_bytes(id)
    return EPOCH + timedelta(milliseconds=int.from_bytes(raw[:6], "big")) if raw[6] >> 4 == 7 else EPOCH
