"""Stores, and the operations that say what became of a change to one."""

from typing import Annotated

from fastapi import APIRouter, Header, Path

from mcp_memory import ids
from mcp_memory.http.api import etags
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import (
    SUFFIX,
    Asked,
    CallerOf,
    ControlPaging,
    MemoryOf,
    accepted,
    known,
    operation_url,
    replies,
)
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.wire.pages import Accepted
from mcp_memory.wire.stores import NewStoreBody, OperationBody, StoreBody, StoreChangesBody, StoresBody

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Stores"])

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=512)]
STORES, STORE = "/ControlPlane/Stores", "/ControlPlane/Stores/{storeId}"


@router.get(STORES, operation_id="ListStores", responses=replies(200, StoresBody))
async def list_stores(request: Asked, memory: MemoryOf, paging: ControlPaging) -> Answer:
    """Ids, the latest first."""
    query = paging.query()
    page = await memory.list_stores(request.caller, query)
    return answer(StoresBody(stores=list(page.items), meta=paging.meta("stores", query, page)))


@router.post(STORES, operation_id="CreateStore", status_code=202, responses=replies(202, Accepted))
async def create_store(request: Asked, memory: MemoryOf, body: NewStoreBody) -> Answer:
    """Made at once, with the trait group Contact; its id is the result of the operation."""
    store = await memory.create_store(request.caller, body.new())
    return await accepted(request, store.store_id, "Memory Store creation accepted for processing.")


@router.get(STORE, operation_id="FetchStore", responses=replies(200, StoreBody))
async def get_store(memory: MemoryOf, caller: CallerOf) -> Answer:
    store = await memory.get_store(caller)
    return answer(StoreBody.of(store), headers={"ETag": etags.write(store.store_id, store.version)})


@router.patch(STORE, operation_id="PatchStore", status_code=202, responses=replies(202, Accepted, 412))
async def update_store(
    request: Asked, memory: MemoryOf, caller: CallerOf, body: StoreChangesBody | None = None, if_match: IfMatch = None
) -> Answer:
    """What is left out stays."""
    changes = (body or StoreChangesBody()).changes()
    store = await memory.update_store(caller, changes, etags.version(if_match, caller.store))
    return await accepted(request, store.store_id, "Memory Store update request accepted for processing.")


@router.delete(STORE, operation_id="DeleteStore", status_code=202, responses=replies(202, Accepted))
async def delete_store(request: Asked, memory: MemoryOf, caller: CallerOf) -> Answer:
    """With all that is in it, for good."""
    await memory.delete_store(caller)
    return await accepted(request, caller.store, "Memory Store deletion request accepted for processing.")


@router.get(
    "/ControlPlane/Operations/{operationId}", operation_id="FetchOperation", responses=replies(200, OperationBody)
)
async def get_operation(
    request: Asked,
    memory: MemoryOf,
    id: Annotated[str, Path(alias="operationId", pattern=f"^{ids.OPERATION}{SUFFIX}")],
) -> Answer:
    """What became of a change to a store or its rules. Kept for a week."""
    operation = await memory.get_operation(request.caller, known(id, "operation"))
    url = operation_url(request, operation.operation_id)
    return answer(
        OperationBody.of(operation, url), headers={"Operation-Id": operation.operation_id, "Retry-After": "0"}
    )
