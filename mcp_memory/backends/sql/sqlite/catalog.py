"""catalog.db: which stores there are."""

from typing import Any

import apsw

from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.model import Scope, Store, UndeclaredTraits

_COLUMNS = "store_id, display_name, created_at, undeclared_traits"


class SqliteCatalog:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find_store(self, tenant: str, display_name: str) -> Store | None:
        return self._one(f"select {_COLUMNS} from store where tenant = ? and display_name = ?", (tenant, display_name))

    def get_store(self, scope: Scope) -> Store | None:
        return self._one(
            f"select {_COLUMNS} from store where tenant = ? and store_id = ?", (scope.tenant, scope.store_id)
        )

    def insert_store(self, tenant: str, store: Store) -> Store:
        self._connection.execute(
            "insert into store (store_id, tenant, display_name, undeclared_traits, created_at) values (?, ?, ?, ?, ?)",
            (store.store_id, tenant, store.display_name, store.undeclared_traits, to_micros(store.created_at)),
        )
        return store

    def set_undeclared_traits(self, scope: Scope, policy: UndeclaredTraits) -> None:
        self._connection.execute(
            "update store set undeclared_traits = ? where tenant = ? and store_id = ?",
            (policy, scope.tenant, scope.store_id),
        )

    def file_made(self, scope: Scope) -> bool | None:
        """Whether the store's file has been there; None where there is no such store."""
        rows = self._connection.execute(
            "select file_made from store where tenant = ? and store_id = ?", (scope.tenant, scope.store_id)
        ).fetchall()
        return bool(rows[0][0]) if rows else None

    def mark_file_made(self, scope: Scope) -> None:
        self._connection.execute("update store set file_made = 1 where store_id = ?", (scope.store_id,))

    def _one(self, sql: str, values: tuple[str, ...]) -> Store | None:
        rows = self._connection.execute(sql, values).fetchall()
        if not rows:
            return None
        row: Any = rows[0]
        store_id, display_name, created_at, policy = row
        return Store(
            store_id=store_id,
            display_name=display_name,
            created_at=from_micros(created_at),
            undeclared_traits=policy,
        )
