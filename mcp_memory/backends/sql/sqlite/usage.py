"""What tenants used: rows of catalog.db."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import apsw

from mcp_memory.model import Scope


class SqliteUsage:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add_usage(self, tenant: str, day: date, unit: str, amount: int) -> None:
        self._rows(
            "insert into usage (tenant, day, unit, amount) values (?, ?, ?, ?) "
            "on conflict do update set amount = amount + excluded.amount",
            *(tenant, day.isoformat(), unit, amount),
        )

    def count_generated(self, scope: Scope, characters: int) -> int:
        where = scope.tenant, scope.store_id
        rows = self._rows("select characters from usage_generated where tenant = ? and store_id = ?", *where)
        known = rows[0][0] if rows else 0
        if characters <= known:
            return 0
        self._rows("insert or replace into usage_generated values (?, ?, ?)", *where, characters)
        return int(characters - known)

    def add_used_profiles(self, tenant: str, day: date, profiles: Iterable[bytes]) -> int:
        new = "insert into usage_profile (tenant, day, profile) values (?, ?, ?) on conflict do nothing returning 1"
        return sum(len(self._rows(new, tenant, day.isoformat(), one)) for one in profiles)

    def forget_used_profiles(self, before: date, limit: int) -> None:
        self._rows(
            "delete from usage_profile where (day, tenant, profile) in "
            "(select day, tenant, profile from usage_profile where day < ? order by day limit ?)",
            *(before.isoformat(), limit),
        )

    def list_usage(self, since: date, until: date, tenant: str | None) -> list[tuple[date, str, str, int]]:
        rows = self._rows(
            "select day, tenant, unit, amount from usage where day between ? and ? and (? is null or tenant = ?) "
            "order by day, tenant, unit",
            *(since.isoformat(), until.isoformat(), tenant, tenant),
        )
        return [(date.fromisoformat(day), whose, unit, amount) for day, whose, unit, amount in rows]

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()
