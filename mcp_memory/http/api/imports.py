"""Imports of profiles: announced here, brought to an address of its own, read in the background."""

import secrets
from hashlib import sha256

from fastapi import APIRouter, Request

from mcp_memory.http.api import uploads
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, CallerOf, DataPaging, ImportId, MemoryOf, known, replies
from mcp_memory.http.api.profiles import PROFILES
from mcp_memory.http.api.route import ApiRoute
from mcp_memory.imports import NewUpload
from mcp_memory.wire.imports import ImportBody, ImportCreatedBody, ImportsBody, NewImportBody

router = APIRouter(route_class=ApiRoute, tags=["Imports"])

IMPORTS = PROFILES + "/Imports"
IMPORTS_PAGE = 100  # as many as the schema of the list holds


@router.get(IMPORTS, operation_id="ListProfileImportsV2", responses=replies(200, ImportsBody))
async def list_imports(memory: MemoryOf, caller: CallerOf, paging: DataPaging) -> Answer:
    query = paging.query(most=IMPORTS_PAGE)
    page = await memory.list_imports(caller, query)
    return answer(ImportsBody(imports=list(page.items), meta=paging.meta("imports", query, page)))


@router.post(IMPORTS, operation_id="CreateProfilesImportV2", status_code=201, responses=replies(201, ImportCreatedBody))
async def create_import(request: Asked, memory: MemoryOf, caller: CallerOf, body: NewImportBody) -> Answer:
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


def _url(request: Request, ticket: str) -> str:
    return f"{str(request.base_url).rstrip('/')}{uploads.PATH}/{ticket}"
