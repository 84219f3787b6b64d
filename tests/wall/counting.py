"""A database that writes down what is asked of it: so that two answers can be seen to take the same way."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.model import Scope

T = TypeVar("T")


class Counting:
    """A Database in front of another. `asked`: each transaction, and each method that was called within."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[str] = []

    def read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._database.read(scope, self._watched("read", work))

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._database.write(scope, self._watched("write", work))

    def erase(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._database.erase(scope, self._watched("erase", work))

    def read_catalog(self, work: Callable[[Catalog], T]) -> T:
        return self._database.read_catalog(self._watched("read_catalog", work))

    def write_catalog(self, work: Callable[[Catalog], T]) -> T:
        return self._database.write_catalog(self._watched("write_catalog", work))

    def delete_store(self, scope: Scope) -> None:
        self.asked.append("delete_store")
        self._database.delete_store(scope)

    def storage_bytes(self, tenant: str) -> int:
        self.asked.append("storage_bytes")
        return self._database.storage_bytes(tenant)

    def close(self) -> None:
        self._database.close()

    def taken(self) -> list[str]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked

    def _watched(self, kind: str, work: Callable[[Any], T]) -> Callable[[Any], T]:
        self.asked.append(kind)
        return lambda transaction: work(cast(Any, _Watched(transaction, self.asked.append)))


class _Watched:
    def __init__(self, transaction: object, note: Callable[[str], None]) -> None:
        self._transaction, self._note = transaction, note

    def __getattr__(self, name: str) -> Any:
        self._note(f".{name}")
        return getattr(self._transaction, name)
