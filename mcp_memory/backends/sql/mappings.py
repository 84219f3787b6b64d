"""Data mappings, inside a transaction."""

from datetime import datetime

from mcp_memory import mappings
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.stores import check_version
from mcp_memory.errors import Full, NotFound
from mcp_memory.ids import DATA_MAPPING, MakeId
from mcp_memory.mappings import MAX_DATA_MAPPINGS, DataMapping, DataMappingChanges, NewDataMapping


def get(tx: Transaction, data_mapping_id: str) -> DataMapping:
    found = next((one for one in tx.data_mappings() if one.data_mapping_id == data_mapping_id), None)
    if found is None:
        raise NotFound("There is no such data mapping in this store.")
    return found


def create(tx: Transaction, new: NewDataMapping, *, now: datetime, make_id: MakeId) -> DataMapping:
    tx.definitions(lock=True)
    others = tx.data_mappings()
    mappings.check(new, others)
    if len(others) >= MAX_DATA_MAPPINGS:
        raise Full(f"There are {MAX_DATA_MAPPINGS} data mappings, which is the limit: delete one first.")
    made = DataMapping(**vars(new), data_mapping_id=make_id(DATA_MAPPING), created_at=now, updated_at=now)
    tx.put_data_mapping(made)
    return made


def update(
    tx: Transaction, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None, *, now: datetime
) -> DataMapping:
    tx.definitions(lock=True)
    before = get(tx, data_mapping_id)
    check_version(before.version, if_version)
    others = [one for one in tx.data_mappings() if one.data_mapping_id != data_mapping_id]
    after = mappings.changed(before, changes, others, now)
    tx.put_data_mapping(after)
    return after


def delete(tx: Transaction, data_mapping_id: str) -> None:
    get(tx, data_mapping_id)
    tx.remove_data_mapping(data_mapping_id)
