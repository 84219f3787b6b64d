"""catalog.db: which stores there are, what clients may ask about later, and what tenants used."""

import json
from datetime import datetime
from typing import Any

from mcp_memory import ids
from mcp_memory.backends.sql.catalog_rows import DueNote, Request
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.sqlite.configurations import SqliteConfigurations
from mcp_memory.backends.sql.sqlite.keys import FOREVER, from_micros, to_micros
from mcp_memory.backends.sql.sqlite.tenants import SqliteTenants
from mcp_memory.backends.sql.sqlite.usage import SqliteUsage
from mcp_memory.model import Scope, Store
from mcp_memory.operations import Operation, Reply

_COLUMNS = "store_id, display_name, created_at, undeclared_traits, description, version"
_PAGES = {
    True: "(created_at, store_id) < (?, ?) order by created_at desc, store_id desc",
    False: "(created_at, store_id) > (?, ?) order by created_at, store_id",
}
_STARTS = {True: (FOREVER[1], ""), False: (FOREVER[0], "")}


class SqliteCatalog(SqliteTenants, SqliteUsage, SqliteConfigurations):
    # Stores

    def find_store(self, tenant: str, display_name: str) -> Store | None:
        rows = self._rows(
            f"select {_COLUMNS} from store where tenant = ? and display_name = ? and not deleting", tenant, display_name
        )
        return _store(*rows[0]) if rows else None

    def get_store(self, scope: Scope) -> Store | None:
        rows = self._rows(f"select {_COLUMNS} from store where {_LIVE}", scope.tenant, scope.store_id)
        return _store(*rows[0]) if rows else None

    def insert_store(self, tenant: str, store: Store) -> None:
        self._rows(
            f"insert into store (tenant, {_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)",
            tenant,
            store.store_id,
            store.display_name,
            to_micros(store.created_at),
            store.undeclared_traits,
            store.description,
            store.version,
        )

    def put_store(self, scope: Scope, store: Store) -> None:
        self._rows(
            f"update store set display_name = ?, description = ?, version = ?, undeclared_traits = ? where {_LIVE}",
            *(store.display_name, store.description, store.version, store.undeclared_traits),
            *(scope.tenant, scope.store_id),
        )

    def count_stores(self, tenant: str) -> int:
        return int(self._rows("select count(*) from store where tenant = ? and not deleting", tenant)[0][0])

    def list_stores(self, tenant: str, after: Place | None, limit: int, newest_first: bool) -> list[tuple[Place, str]]:
        rows = self._rows(
            "select created_at, store_id from store "
            f"where tenant = ? and not deleting and {_PAGES[newest_first]} limit ?",
            *(tenant, *(after or _STARTS[newest_first]), limit),
        )
        return [((created_at, store_id), store_id) for created_at, store_id in rows]

    # The files of stores

    def file_made(self, scope: Scope) -> bool | None:
        """Whether the store's file has been there; None where there is no such store."""
        rows = self._rows(f"select file_made from store where {_LIVE}", scope.tenant, scope.store_id)
        return bool(rows[0][0]) if rows else None

    def store_ids(self, tenant: str) -> list[str]:
        rows = self._rows("select store_id from store where tenant = ? and not deleting", tenant)
        return [store_id for (store_id,) in rows]

    def mark_file_made(self, scope: Scope) -> None:
        self._rows(f"update store set file_made = 1 where {_LIVE}", scope.tenant, scope.store_id)

    def begin_deletion(self, scope: Scope) -> bool:
        """From here on it is not found, and its name is free. Whether it was there."""
        return bool(
            self._rows(
                f"update store set deleting = 1, file_made = 0, display_name = store_id where {_LIVE} returning 1",
                *(scope.tenant, scope.store_id),
            )
        )

    def end_deletion(self, store_id: str) -> None:
        for table in ("configuration", "conversation_place"):
            self._rows(f"delete from {table} where store_id = ?", store_id)
        self._rows("delete from store where store_id = ? and deleting", store_id)

    def deletions(self) -> list[str]:
        """Ids of stores whose files have still to go."""
        return [store_id for (store_id,) in self._rows("select store_id from store where deleting")]

    # When stores are due

    def stir(self, scope: Scope, at: datetime) -> None:
        self._rows(
            f"update store set stirred_at = max(?, coalesce(stirred_at, 0), coalesce(looked_at, 0)) where {_LIVE}",
            *(to_micros(at), scope.tenant, scope.store_id),
        )

    def note_due(self, scope: Scope, looked_at: datetime, due_at: datetime | None) -> None:
        self._rows(
            f"update store set looked_at = ?, due_at = ? where {_LIVE}",
            *(to_micros(looked_at), None if due_at is None else to_micros(due_at), scope.tenant, scope.store_id),
        )

    def due_notes(self, tenant: str) -> list[tuple[str, DueNote]]:
        rows = self._rows(
            "select store_id, stirred_at, looked_at, due_at from store where tenant = ? and not deleting", tenant
        )
        return [(store_id, _due_note(*times)) for store_id, *times in rows]

    def due_note(self, scope: Scope) -> DueNote | None:
        rows = self._rows(
            f"select stirred_at, looked_at, due_at from store where {_LIVE}", scope.tenant, scope.store_id
        )
        return _due_note(*rows[0]) if rows else None

    # Operations and requests

    def insert_operation(self, tenant: str, new: Operation, forget: datetime) -> None:
        self._rows("delete from operation where completed_at < ?", to_micros(forget))
        self._rows(
            "insert into operation (operation_id, tenant, resource_id, completed_at, stores_reached) "
            "values (?, ?, ?, ?, ?)",
            *(ids.to_bytes(new.operation_id), tenant, new.resource_id, to_micros(new.completed_at)),
            None if new.stores_reached is None else json.dumps(new.stores_reached),
        )

    def find_operation(self, tenant: str, operation_id: str) -> Operation | None:
        rows = self._rows(
            "select resource_id, completed_at, stores_reached from operation where operation_id = ? and tenant = ?",
            *(ids.to_bytes(operation_id), tenant),
        )
        return _operation(operation_id, *rows[0]) if rows else None

    def find_request(self, tenant: str, key: str) -> Request | None:
        rows = self._rows(
            "select digest, begun_at, status, headers, body from request where tenant = ? and key = ?", tenant, key
        )
        return _request(*rows[0]) if rows else None

    def put_request(self, tenant: str, key: str, request: Request, forget: datetime) -> None:
        self._rows("delete from request where begun_at < ?", to_micros(forget))
        reply = request.reply
        self._rows(
            "insert or replace into request (tenant, key, digest, begun_at, status, headers, body) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            *(tenant, key, request.digest, to_micros(request.begun_at)),
            *((reply.status, json.dumps(reply.headers), reply.body) if reply else (None, None, None)),
        )

    def remove_request(self, tenant: str, key: str) -> None:
        self._rows("delete from request where tenant = ? and key = ?", tenant, key)

    def forget_tenant(self, tenant: str) -> None:
        for table in ("operation", "request", "configuration", "conversation_place", "callback_secret"):
            self._rows(f"delete from {table} where tenant = ?", tenant)

    # What callbacks are signed with

    def find_callback_secret(self, tenant: str) -> str | None:
        rows = self._rows("select secret from callback_secret where tenant = ?", tenant)
        return str(rows[0][0]) if rows else None

    def put_callback_secret(self, tenant: str, secret: str, at: datetime) -> None:
        self._rows(
            "insert or replace into callback_secret (tenant, secret, created_at) values (?, ?, ?)",
            *(tenant, secret, to_micros(at)),
        )


_LIVE = "tenant = ? and store_id = ? and not deleting"


def _due_note(*micros: int | None) -> DueNote:
    stirred_at, looked_at, due_at = (None if one is None else from_micros(one) for one in micros)
    return DueNote(stirred_at=stirred_at, looked_at=looked_at, due_at=due_at)


def _store(
    store_id: str, display_name: str, created_at: int, policy: Any, description: str | None, version: int
) -> Store:
    return Store(
        store_id=store_id,
        display_name=display_name,
        created_at=from_micros(created_at),
        undeclared_traits=policy,
        description=description,
        version=version,
    )


def _operation(operation_id: str, resource_id: str, completed_at: int, stores_reached: str | None) -> Operation:
    return Operation(
        operation_id=operation_id,
        resource_id=resource_id,
        completed_at=from_micros(completed_at),
        stores_reached=None if stores_reached is None else tuple(json.loads(stores_reached)),
    )


def _request(digest: bytes, begun_at: int, status: int | None, headers: str | None, body: bytes | None) -> Request:
    reply = None
    if status is not None and headers is not None and body is not None:
        pairs = tuple((name, value) for name, value in json.loads(headers))
        reply = Reply(status=status, headers=pairs, body=body)
    return Request(digest=digest, begun_at=from_micros(begun_at), reply=reply)
