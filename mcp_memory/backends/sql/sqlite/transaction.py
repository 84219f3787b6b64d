"""Rows of one store in SQLite. A write transaction has the file to itself, so to lock or to claim is to look."""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp_memory.backends.sql.sqlite.callbacks import SqliteCallbacks
from mcp_memory.backends.sql.sqlite.connection import run
from mcp_memory.backends.sql.sqlite.conversations import SqliteConversations
from mcp_memory.backends.sql.sqlite.definitions import SqliteDefinitions
from mcp_memory.backends.sql.sqlite.discarded import SqliteDiscarded
from mcp_memory.backends.sql.sqlite.identity import SqliteIdentity
from mcp_memory.backends.sql.sqlite.imports import SqliteImports
from mcp_memory.backends.sql.sqlite.mappings import SqliteMappings
from mcp_memory.backends.sql.sqlite.memories import SqliteMemories
from mcp_memory.backends.sql.sqlite.orchestrator import SqliteOrchestrator
from mcp_memory.backends.sql.sqlite.profiles import SqliteProfiles
from mcp_memory.backends.sql.sqlite.proposals import SqliteProposals


class SqliteTransaction(
    SqliteProfiles,
    SqliteIdentity,
    SqliteDefinitions,
    SqliteMappings,
    SqliteMemories,
    SqliteDiscarded,
    SqliteConversations,
    SqliteOrchestrator,
    SqliteImports,
    SqliteCallbacks,
    SqliteProposals,
):
    @contextmanager
    def attempt(self) -> Iterator[None]:
        run(self._connection, "savepoint attempt")
        done = False
        try:
            yield
            done = True
        finally:
            if self._connection.in_transaction:  # a failing disk has ended it already
                run(self._connection, "release attempt" if done else "rollback to attempt; release attempt")
                if not done:
                    self._forget()
