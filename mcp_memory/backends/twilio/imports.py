"""Imports that were uploaded to the service: how far they are."""

from typing import Final

from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.remote import Remote, checked_ids
from mcp_memory.backends.twilio.stores import order, token
from mcp_memory.ids import IMPORT
from mcp_memory.imports import ColumnMapping, Import
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.wire.imports import ImportBody, ImportsBody

PAGE: Final = 100


class Imports:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def get_import(self, scope: Scope, import_id: str) -> Import:
        """The service counts no rows, but those it refused and those it had a warning for."""
        body = (await self._remote.send(calls.FETCH_IMPORT, scope.store_id, import_id)).read(ImportBody)
        return Import(
            import_id=import_id,
            filename=body.filename,
            file_size=body.file_size or 0,
            column_mappings=tuple(
                ColumnMapping(column_name=one.column_name, trait_group=one.trait_group, trait_name=one.trait_name)
                for one in body.column_mappings
            ),
            status=body.status,
            rows_total=0,
            created_at=body.created_at,
            updated_at=body.updated_at or body.created_at,
            refused=0 if body.summary is None else body.summary.errors,
            kept_apart=0 if body.summary is None else body.summary.warnings,
        )

    async def list_imports(self, scope: Scope, page: PageQuery) -> Page[str]:
        query = {"pageSize": min(page.limit, PAGE), "pageToken": token(page), "orderBy": order(page)}
        reply = await self._remote.send(calls.LIST_IMPORTS, scope.store_id, query=query)
        found = checked_ids(reply, reply.read(ImportsBody).imports, IMPORT)
        return Page(items=found, next_cursor=reply.next_token())
