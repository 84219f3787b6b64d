"""Data mappings."""

import json
from dataclasses import asdict

from mcp_memory import ids
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.mappings import DataMapping, TraitMapping


class SqliteMappings(Rows):
    def data_mappings(self) -> list[DataMapping]:
        return [_mapping(row) for row in self._rows("data_mappings")]

    def put_data_mapping(self, mapping: DataMapping) -> None:
        self._rows(
            "put_data_mapping",
            data_mapping_id=ids.to_bytes(mapping.data_mapping_id),
            display_name=mapping.display_name,
            description=mapping.description,
            is_enabled=mapping.is_enabled,
            columns=json.dumps(mapping.columns, ensure_ascii=False),
            mappings=json.dumps([asdict(one) for one in mapping.mappings], ensure_ascii=False),
            version=mapping.version,
            created_at=to_micros(mapping.created_at),
            updated_at=to_micros(mapping.updated_at),
        )

    def remove_data_mapping(self, data_mapping_id: str) -> None:
        self._rows("remove_data_mapping", data_mapping_id=ids.to_bytes(data_mapping_id))


def _mapping(row: Row) -> DataMapping:
    raw_id, name, description, is_enabled, columns, mappings, version, created_at, updated_at = row
    return DataMapping(
        data_mapping_id=ids.from_bytes(ids.DATA_MAPPING, raw_id),
        display_name=name,
        description=description,
        is_enabled=bool(is_enabled),
        columns=tuple(json.loads(columns)),
        mappings=tuple(TraitMapping(**one) for one in json.loads(mappings)),
        version=version,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
    )
