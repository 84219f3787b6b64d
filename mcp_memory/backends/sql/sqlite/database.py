"""A folder of SQLite files: catalog.db, and stores/<store id>.db for each store."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import apsw

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.hot import MAX_BYTES, Hot
from mcp_memory.backends.sql.sqlite.catalog import SqliteCatalog
from mcp_memory.backends.sql.sqlite.file import Gone, SqliteFile, delete, mark_gone
from mcp_memory.backends.sql.sqlite.open_files import OpenFiles
from mcp_memory.backends.sql.sqlite.transaction import SqliteTransaction
from mcp_memory.errors import Closing, NoStore, Unavailable
from mcp_memory.model import Scope

T = TypeVar("T")

logger = logging.getLogger(__name__)

CATALOG = "catalog.db"
MIGRATIONS = files("mcp_memory.backends.sql.sqlite") / "migrations"

# Stores whose files stay open. Each takes 5 descriptors, and 11 once it was read by several at once: with those that
# are in use beyond that, about half of the 1024 that most systems give a process; the rest is for connections.
OPEN_STORES = 48


class SqliteDatabase:
    """Touches the disk at the first use, not before."""

    def __init__(self, folder: Path, hot_bytes: int = MAX_BYTES, open_stores: int = OPEN_STORES) -> None:
        self._folder = folder
        self._hot: Hot[Any] = Hot(hot_bytes)
        self._catalog: SqliteFile[SqliteCatalog] | None = None
        self._stores: OpenFiles[Scope, SqliteFile[Transaction]] = OpenFiles(open_stores)
        self._closed = False
        self._opening = threading.Lock()  # of the catalog

    def read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._use(scope, lambda file: file.read(work))

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._use(scope, lambda file: file.write(work))

    def erase(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        return self._use(scope, lambda file: file.erase(work))

    def read_catalog(self, work: Callable[[Catalog], T]) -> T:
        return self._open_catalog().read(work)

    def write_catalog(self, work: Callable[[Catalog], T]) -> T:
        return self._open_catalog().write(work)

    def storage_bytes(self, tenant: str) -> int:
        """Of files and their logs, as the system says: nothing has to be opened for it."""
        files = [f"{one}.db" for one in self._open_catalog().read(lambda tx: tx.store_ids(tenant))]
        return sum(_size(self._folder / "stores" / f"{file}{suffix}") for file in files for suffix in ("", "-wal"))

    def delete_store(self, scope: Scope) -> None:
        """The mark in its file comes first: from there on there is no way back, and whoever sees it goes on."""
        if self._open_catalog().read(lambda tx: tx.file_made(scope)) is None:
            raise _no_such_store()
        mark_gone(self._folder / "stores" / f"{scope.store_id}.db")
        self._delete_marked(scope)

    def close(self) -> None:
        with self._opening:
            self._closed = True
        self._stores.close()
        if self._catalog is not None:
            self._catalog.close()

    def _open_catalog(self) -> SqliteFile[SqliteCatalog]:
        opened = self._catalog
        if opened is not None:
            return opened
        with self._opening:
            if self._catalog is not None:
                return self._catalog
            self._refuse_when_closed()
            make_private(self._folder)
            self._catalog = SqliteFile(self._folder / CATALOG, MIGRATIONS / "catalog", SqliteCatalog)
        for store_id in self._catalog.read(lambda tx: tx.deletions()):
            with suppress(Unavailable):  # at the next start, then
                self._end_deletion(store_id)
        return self._catalog

    def _delete_marked(self, scope: Scope) -> None:
        self._let_go(scope)
        if self._open_catalog().write(lambda tx: tx.begin_deletion(scope)):
            self._end_deletion(scope.store_id)

    def _end_deletion(self, store_id: str) -> None:
        try:
            delete(self._folder / "stores" / f"{store_id}.db")
        except OSError as exc:  # some systems remove no file that another process has open
            logger.warning("the file of a deleted store can't be removed yet: %s", exc)
            return
        self._open_catalog().write(lambda tx: tx.end_deletion(store_id))

    def _use(self, scope: Scope, call: Callable[[SqliteFile[Transaction]], T]) -> T:
        """Whoever deleted the store in the midst of it, here or in another process: it is not found."""
        try:
            with self._stores.use(scope, lambda: self._open_store(scope)) as file:
                return call(file)
        except Gone:
            with suppress(Unavailable):  # then whoever marked it does it, or whoever sees the mark next
                self._delete_marked(scope)
            raise
        except Unavailable as exc:
            # But for making room, which nobody sees who uses one, files of stores are closed for that alone.
            let_go = isinstance(exc, Closing) and not self._closed
            if not let_go and not self._is_deleted(scope):
                raise
            self._let_go(scope)
            raise _no_such_store() from exc

    def _is_deleted(self, scope: Scope) -> bool:
        try:
            return self._open_catalog().read(lambda tx: tx.file_made(scope)) is None
        except Unavailable:
            return False

    def _let_go(self, scope: Scope) -> None:
        self._hot.forget(lambda key: isinstance(key, tuple) and key[0] == scope.store_id)
        self._stores.let_go(scope)

    def _open_store(self, scope: Scope) -> SqliteFile[Transaction]:
        made = self._open_catalog().read(lambda tx: tx.file_made(scope))
        if made is None:
            raise _no_such_store()
        path = make_private(self._folder / "stores") / f"{scope.store_id}.db"
        if made and not (path.exists() and path.stat().st_size):
            raise Unavailable("The store's file is missing: put it back; `mcp-memory doctor` names it.")
        file: SqliteFile[Transaction] = SqliteFile(
            path,
            MIGRATIONS / "store",
            lambda connection: SqliteTransaction(connection, self._hot, scope.store_id),
            lambda connection: _check_owner(connection, scope),
        )
        if self._is_deleted(scope):  # meanwhile, and the file was perhaps made anew
            file.close()
            delete(path)
            raise _no_such_store()
        if not made:
            with suppress(Unavailable):  # it is marked at the next start, then
                self._open_catalog().write(lambda tx: tx.mark_file_made(scope))
        return file

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Closing("The memory is closing.")


def _no_such_store() -> NoStore:
    return NoStore("There is no such store.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # not made yet, or emptied and removed
        return 0


def make_private(folder: Path) -> Path:
    """The folder, made if need be for its owner's eyes only (where the system has such a thing)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise Unavailable("The data folder can't be made or entered: run `mcp-memory doctor` to see why.") from exc
    return folder


def _check_owner(connection: apsw.Connection, scope: Scope) -> None:
    """A file answers only for the store and tenant it was made for, wherever it was copied to."""
    owner = connection.execute("select tenant, store_id from store").fetchall()
    if not owner:
        connection.execute("insert into store (tenant, store_id) values (?, ?)", (scope.tenant, scope.store_id))
    elif owner != [(scope.tenant, scope.store_id)]:
        raise Unavailable("The store's file belongs to another store: put the right file back.")
