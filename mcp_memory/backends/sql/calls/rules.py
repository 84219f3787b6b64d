"""The rules of a store, and what comes into it from files."""

from collections.abc import Sequence

from mcp_memory.backends.sql import definitions, imports, mappings
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.history import IMPORT
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import Import, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.mappings import DataMapping, DataMappingChanges, NewDataMapping
from mcp_memory.model import Scope


class RuleCalls(Worker):
    async def get_identity_settings(self, scope: Scope) -> IdentitySettings:
        return await self._read(scope, lambda tx: tx.identity_settings())

    async def update_identity_settings(
        self, scope: Scope, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        return await self._write(scope, lambda tx: definitions.update_settings(tx, new, if_version))

    async def get_learning_settings(self, scope: Scope) -> LearningSettings:
        return await self._read(scope, lambda tx: tx.learning_settings())

    async def update_learning_settings(
        self, scope: Scope, new: LearningSettings, if_version: int | None = None
    ) -> LearningSettings:
        return await self._write(scope, lambda tx: definitions.update_learning(tx, new, if_version))

    async def list_trait_groups(self, scope: Scope) -> list[TraitGroup]:
        return await self._read(scope, lambda tx: tx.trait_groups())

    async def create_trait_group(self, scope: Scope, new: TraitGroup) -> TraitGroup:
        return await self._write(scope, lambda tx: definitions.create_group(tx, new))

    async def update_trait_group(
        self, scope: Scope, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        return await self._write(scope, lambda tx: definitions.update_group(tx, name, changes, if_version))

    async def delete_trait_group(self, scope: Scope, name: str) -> None:
        await self._erase(scope, lambda tx: definitions.delete_group(tx, name))

    async def list_data_mappings(self, scope: Scope) -> list[DataMapping]:
        return await self._read(scope, lambda tx: tx.data_mappings())

    async def create_data_mapping(self, scope: Scope, new: NewDataMapping) -> DataMapping:
        return await self._write(scope, lambda tx: mappings.create(tx, new, now=self._now(), make_id=self._make_id))

    async def get_data_mapping(self, scope: Scope, data_mapping_id: str) -> DataMapping:
        return await self._read(scope, lambda tx: mappings.get(tx, data_mapping_id))

    async def update_data_mapping(
        self, scope: Scope, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None = None
    ) -> DataMapping:
        return await self._write(
            scope, lambda tx: mappings.update(tx, data_mapping_id, changes, if_version, now=self._now())
        )

    async def delete_data_mapping(self, scope: Scope, data_mapping_id: str) -> None:
        await self._write(scope, lambda tx: mappings.delete(tx, data_mapping_id))


class ImportCalls(Worker):
    async def create_import(self, scope: Scope, new: NewUpload) -> Import:
        return await self._add(
            scope, lambda tx, room: imports.create(tx, new, room, now=self._now(), make_id=self._make_id)
        )

    async def get_import(self, scope: Scope, import_id: str) -> Import:
        return await self._read(scope, lambda tx: imports.get(tx, import_id))

    async def list_imports(self, scope: Scope, page: PageQuery) -> Page[str]:
        return await self._read(scope, lambda tx: imports.page(tx, page))

    async def begin_import(self, scope: Scope, import_id: str, digest: bytes, rows_total: int) -> Import:
        return await self._write(scope, lambda tx: imports.begin(tx, import_id, digest, rows_total, now=self._now()))

    async def fail_import(self, scope: Scope, import_id: str, reason: str) -> Import:
        return await self._write(scope, lambda tx: imports.fail(tx, import_id, reason, now=self._now()))

    async def start_import(self, scope: Scope, new: NewImport) -> Import:
        return await self._add(
            scope, lambda tx, room: imports.start(tx, new, room, now=self._now(), make_id=self._make_id)
        )

    async def add_import_rows(self, scope: Scope, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        return await self._upsert(scope, lambda upserts: imports.add_rows(upserts, import_id, after, rows), IMPORT)

    async def list_remarks(self, scope: Scope, import_id: str, after: int, limit: int) -> list[Remark]:
        return await self._read(scope, lambda tx: imports.remarks_of(tx, import_id, after, limit))
