"""Millions of observations in seconds: a profile's rows copied inside SQLite, each copy with keys and ids of its own.

The one file here that knows the schema, `mcp_memory/backends/sql/sqlite/migrations/store`. Columns are read from the
file, so that new ones are copied as they are. Vectors of tokens are not copied: nobody recalls from a copy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from mcp_memory import ids
from mcp_memory.backends.sql.sqlite.keys import KIND_BITS, SEQ_BITS

ITEM_BITS = KIND_BITS + SEQ_BITS
MASK = (1 << ITEM_BITS) - 1
AT_ONCE = 100_000  # observations in a transaction

OF_PROFILE = "t.no = :no"
OF_OWNER = "t.profile_no = :no"
OF_ITEM = f"t.id between :no << {ITEM_BITS} and (:no << {ITEM_BITS}) | {MASK}"
ITEM_KEY = f"(copy.no << {ITEM_BITS}) | (t.id & {MASK})"  # these operators all bind alike in SQLite


@dataclass(frozen=True, kw_only=True)
class Table:
    """`where` finds the rows of one profile; `changed`: the columns that a copy has a value of its own in."""

    where: str
    changed: Mapping[str, str]


TABLES: Mapping[str, Table] = {
    "profile": Table(where=OF_PROFILE, changed={"no": "copy.no", "profile_id": "randomblob(16)"}),
    "identifier": Table(
        where=OF_OWNER, changed={"profile_no": "copy.no", "value_norm": "t.value_norm || '.' || copy.no"}
    ),
    "trait": Table(where=OF_OWNER, changed={"profile_no": "copy.no"}),
    "observation": Table(where=OF_ITEM, changed={"id": ITEM_KEY, "observation_id": "randomblob(16)"}),
    "recall_sig": Table(where=OF_ITEM, changed={"id": ITEM_KEY}),
}


def multiply(store: Path, profile_id: str, observations: int, copies: int) -> None:
    """So many copies of the profile, which holds so many observations, in this store's file. Nobody else may have it
    open: it is written without a net."""
    connection = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _run(connection, "pragma synchronous = off; pragma cache_size = -400000; pragma journal_mode = off")
        number = _number(connection, "select no from profile where profile_id = ?", ids.to_bytes(profile_id))
        first = _number(connection, "select max(no) + 1 from profile")
        step = max(1, AT_ONCE // observations)
        for start in range(first, first + copies, step):
            _copy(connection, number, start, min(start + step, first + copies) - 1)
        _run(connection, "pragma journal_mode = wal")
    finally:
        connection.close()


def _copy(connection: apsw.Connection, number: int, first: int, last: int) -> None:
    connection.execute("begin immediate")
    for name, table in TABLES.items():
        columns = [row[1] for row in connection.execute(f"pragma table_info({name})")]
        values = [table.changed.get(column, f"t.{column}") for column in columns]
        connection.execute(
            f"with recursive copy(no) as (select :first union all select no + 1 from copy where no < :last) "
            f"insert into {name} ({', '.join(columns)}) select {', '.join(values)} "
            f"from copy cross join {name} t where {table.where}",
            {"no": number, "first": first, "last": last},
        ).fetchall()
    connection.execute("commit")


def _number(connection: apsw.Connection, sql: str, *values: bytes) -> int:
    number = connection.execute(sql, values).fetchall()[0][0]
    assert isinstance(number, int)
    return number


def _run(connection: apsw.Connection, statements: str) -> None:
    connection.execute(statements).fetchall()
