"""What the tables of one store have in common: numbers instead of ids, and who belongs to whom."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import apsw

from mcp_memory import ids
from mcp_memory.backends.sql.hot import Hot
from mcp_memory.backends.sql.migrations import load_queries
from mcp_memory.errors import NotFound

QUERIES = load_queries(files("mcp_memory.backends.sql.sqlite") / "queries")

Row = tuple[Any, ...]


class Rows:
    def __init__(self, connection: apsw.Connection, hot: Hot[Any] | None = None, store: str = "") -> None:
        """`hot` is shared by all transactions on all stores; `store` says which one this is."""
        self._connection = connection
        self._hot = hot or Hot(max_bytes=0)
        self._store = store
        self._numbers: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._clusters: dict[int, list[int]] = {}
        self._version: dict[int, Any] = {}

    def _rows(self, query: str, **values: Any) -> list[Row]:
        return self._connection.execute(QUERIES[query], values).fetchall()

    def _many(self, query: str, values: Sequence[Mapping[str, Any]]) -> None:
        """The same change with many values."""
        self._connection.executemany(QUERIES[query], values).fetchall()

    def _number(self, profile_id: str) -> int:
        """Of just this profile, live or merged."""
        if profile_id not in self._numbers:
            rows = self._rows("profile_no", profile_id=ids.to_bytes(profile_id))
            if not rows:
                raise NotFound("There is no such profile in this store.")
            self._learn(rows[0][0], profile_id)
        return self._numbers[profile_id]

    def _id(self, number: int) -> str:
        if number not in self._ids:
            (raw_id,) = self._rows("profile_id", no=number)[0]
            self._learn(number, ids.from_bytes(ids.PROFILE, raw_id))
        return self._ids[number]

    def _learn(self, number: int, profile_id: str) -> None:
        self._numbers[profile_id], self._ids[number] = number, profile_id

    def _forget(self) -> None:
        """What was learned and may have been taken back."""
        self._numbers.clear()
        self._ids.clear()
        self._clusters.clear()

    def _members(self, profile_id: str) -> list[int]:
        """The numbers of all members of the profile that this one is, or is part of."""
        number = self._number(profile_id)
        if number not in self._clusters:
            self._clusters[number] = [one for (one,) in self._rows("members", no=number)]
        return self._clusters[number]

    def _each(self, query: str, numbers: Iterable[int], **values: Any) -> list[Row]:
        """The rows of several profiles, one after the other."""
        return [row for no in numbers for row in self._rows(query, no=no, **values)]
