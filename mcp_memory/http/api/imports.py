"""Imports of profiles: announced here, brought to an address of its own, read in the background."""

import secrets
from hashlib import sha256

from fastapi import APIRouter

from mcp_memory.errors import Invalid
from mcp_memory.http.api import uploads
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, CallerOf, DataPaging, ImportId, MemoryOf, UnorderedPaging, known, replies
from mcp_memory.http.api.profiles import PROFILES
from mcp_memory.http.api.route import PREFIX, ApiRequest, ApiRoute
from mcp_memory.imports import NewUpload
from mcp_memory.listing import Page
from mcp_memory.wire.imports import (
    ImportBody,
    ImportCreatedBody,
    ImportsBody,
    NewImportBody,
    RemarkBody,
    RemarksBody,
)

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Imports"])

IMPORTS = PROFILES + "/Imports"
IMPORTS_PAGE = 100  # as many as the schema of the list holds
MAX_ROW_DIGITS = 10


@router.get(IMPORTS, operation_id="ListProfileImportsV2", responses=replies(200, ImportsBody))
async def list_imports(memory: MemoryOf, caller: CallerOf, paging: DataPaging) -> Answer:
    query = paging.query(most=IMPORTS_PAGE)
    page = await memory.list_imports(caller, query)
    return answer(ImportsBody(imports=list(page.items), meta=paging.meta("imports", query, page)))


@router.post(IMPORTS, operation_id="CreateProfilesImportV2", status_code=201, responses=replies(201, ImportCreatedBody))
async def create_import(request: Asked, memory: MemoryOf, caller: CallerOf, body: NewImportBody) -> Answer:
    uploads.queue_of(request.front)
    secret = secrets.token_urlsafe(24)
    new = NewUpload(
        filename=body.filename,
        file_size=body.file_size,
        column_mappings=tuple(one.mapping() for one in body.column_mappings),
        secret_digest=sha256(secret.encode()).digest(),
    )
    await uploads.check_mappings(memory, caller, new)
    created = await memory.create_import(caller, new)
    scope = await memory.scope(caller)
    return answer(
        ImportCreatedBody(
            import_id=created.import_id, url=_url(request, uploads.ticket(scope, created.import_id, secret))
        ),
        201,
    )


@router.get(IMPORTS + "/{importId}", operation_id="FetchProfileImportV2", responses=replies(200, ImportBody))
async def get_import(memory: MemoryOf, caller: CallerOf, id: ImportId) -> Answer:
    return answer(ImportBody.of(await memory.get_import(caller, known(id, "import"))))


@router.get(
    IMPORTS + "/{importId}/Remarks",
    operation_id="ListProfileImportRemarks",
    responses=replies(200, RemarksBody),
    description="Ours, not published: why rows were refused, or what of them was not taken. Row 0 is the whole file.",
)
async def list_remarks(memory: MemoryOf, caller: CallerOf, id: ImportId, paging: UnorderedPaging) -> Answer:
    query = paging.query()
    found = await memory.list_remarks(caller, known(id, "import"), _row(query.cursor), query.limit + 1)
    shown = found[: query.limit]
    page = Page(items=shown, next_cursor=str(shown[-1].row) if len(found) > query.limit else None)
    return answer(RemarksBody(remarks=[RemarkBody.of(one) for one in shown], meta=paging.meta("remarks", query, page)))


def _row(cursor: str | None) -> int:
    """The one that was shown last."""
    if cursor is None:
        return -1
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < MAX_ROW_DIGITS):
        raise Invalid("pageToken is not one that this list gave: start again without it.")
    return int(cursor)


def _url(request: ApiRequest, ticket: str) -> str:
    return f"{request.asker.base_url}{uploads.PATH}/{ticket}"
