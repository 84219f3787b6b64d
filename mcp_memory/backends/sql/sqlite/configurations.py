"""Rows of configurations, and of where conversations are, in the catalog."""

from typing import Any

import apsw

from mcp_memory import ids
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.orchestrator import Configuration, records

_COLUMNS = "configuration_id, settings, version, created_at, updated_at"


class SqliteConfigurations:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find_configuration(self, tenant: str, configuration_id: str) -> Configuration | None:
        rows = self._rows(
            f"select {_COLUMNS} from configuration where tenant = ? and configuration_id = ?",
            *(tenant, ids.to_bytes(configuration_id)),
        )
        return _configuration(*rows[0]) if rows else None

    def list_configurations(self, tenant: str) -> list[Configuration]:
        """Of stores that are there."""
        rows = self._rows(
            f"select {_COLUMNS} from configuration c where tenant = ? and exists (select 1 from store s where "
            "s.store_id = c.store_id and s.tenant = c.tenant and not s.deleting) order by configuration_id",
            tenant,
        )
        return [_configuration(*row) for row in rows]

    def put_configuration(self, tenant: str, one: Configuration) -> None:
        self._rows(
            f"insert into configuration (tenant, store_id, {_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?) "
            "on conflict (configuration_id) do update set store_id = excluded.store_id, settings = excluded.settings, "
            "version = excluded.version, updated_at = excluded.updated_at",
            *(tenant, one.settings.store_id, ids.to_bytes(one.configuration_id), records.written(one.settings)),
            *(one.version, to_micros(one.created_at), to_micros(one.updated_at)),
        )

    def remove_configuration(self, tenant: str, configuration_id: str) -> None:
        self._rows(
            "delete from configuration where tenant = ? and configuration_id = ?",
            *(tenant, ids.to_bytes(configuration_id)),
        )

    def put_place(self, tenant: str, conversation_id: str, store_id: str) -> None:
        self._rows(
            "insert into conversation_place (conversation_id, tenant, store_id) values (?, ?, ?)",
            *(ids.to_bytes(conversation_id), tenant, store_id),
        )

    def find_place(self, tenant: str, conversation_id: str) -> str | None:
        rows = self._rows(
            "select store_id from conversation_place where conversation_id = ? and tenant = ?",
            *(ids.to_bytes(conversation_id), tenant),
        )
        return rows[0][0] if rows else None

    def remove_place(self, tenant: str, conversation_id: str) -> None:
        self._rows(
            "delete from conversation_place where conversation_id = ? and tenant = ?",
            *(ids.to_bytes(conversation_id), tenant),
        )

    def placed_stores(self, tenant: str) -> list[str]:
        rows = self._rows(
            "select store_id from store s where tenant = ? and not deleting and exists (select 1 from "
            "conversation_place p where p.tenant = s.tenant and p.store_id = s.store_id) order by store_id",
            tenant,
        )
        return [store_id for (store_id,) in rows]

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()


def _configuration(raw_id: bytes, settings: str, version: int, created_at: int, updated_at: int) -> Configuration:
    return Configuration(
        configuration_id=ids.from_bytes(ids.CONFIGURATION, raw_id),
        settings=records.read(settings),
        version=version,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
    )
