"""Data mappings: what the columns of a source are called as traits."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from mcp_memory.http.api import etags
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import (
    Asked,
    CallerOf,
    ControlPaging,
    DataMappingId,
    MemoryOf,
    accepted,
    known,
    replies,
)
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.http.api.stores import IfMatch
from mcp_memory.listing import sliced
from mcp_memory.wire.mappings import DataMappingBody, DataMappingChangesBody, DataMappingsBody, NewDataMappingBody
from mcp_memory.wire.pages import Accepted

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Data mappings"])

MAPPINGS = "/ControlPlane/Stores/{storeId}/DataMappings"
MAPPING = MAPPINGS + "/{dataMappingId}"

Kind = Annotated[Literal["INGRESS", "DATASET_CLOUDAPP", "DATASET_WAREHOUSE"] | None, Query(alias="type")]


@router.get(MAPPINGS, operation_id="ListDataMappings", responses=replies(200, DataMappingsBody))
async def list_data_mappings(memory: MemoryOf, caller: CallerOf, paging: ControlPaging, kind: Kind = None) -> Answer:
    query = paging.query()
    found = await memory.list_data_mappings(caller) if kind in (None, "INGRESS") else []
    page = sliced(found, lambda one: one.data_mapping_id, query)
    mappings = [DataMappingBody.of(one) for one in page.items]
    return answer(DataMappingsBody(data_mappings=mappings, meta=paging.meta("dataMappings", query, page)))


@router.post(MAPPINGS, operation_id="CreateDataMapping", status_code=202, responses=replies(202, Accepted, 409))
async def create_data_mapping(request: Asked, memory: MemoryOf, caller: CallerOf, body: NewDataMappingBody) -> Answer:
    """From columns, INGRESS: there are no data sets of the managed service here."""
    mapping = await memory.create_data_mapping(caller, body.new())
    message = "Data mapping creation request accepted for processing."
    return await accepted(request, mapping.data_mapping_id, message)


@router.get(MAPPING, operation_id="FetchDataMapping", responses=replies(200, DataMappingBody))
async def get_data_mapping(memory: MemoryOf, caller: CallerOf, id: DataMappingId) -> Answer:
    mapping = await memory.get_data_mapping(caller, known(id, "data mapping"))
    return answer(DataMappingBody.of(mapping), headers={"ETag": etags.write(mapping.data_mapping_id, mapping.version)})


@router.patch(MAPPING, operation_id="PatchDataMapping", status_code=202, responses=replies(202, Accepted, 412))
async def update_data_mapping(
    request: Asked,
    memory: MemoryOf,
    caller: CallerOf,
    id: DataMappingId,
    body: DataMappingChangesBody | None = None,
    if_match: IfMatch = None,
) -> Answer:
    """What is left out stays; mappings are replaced."""
    changes = (body or DataMappingChangesBody()).changes()
    await memory.update_data_mapping(caller, known(id, "data mapping"), changes, etags.version(if_match, id))
    return await accepted(request, id, "Data mapping update request accepted for processing.")


@router.delete(MAPPING, operation_id="DeleteDataMapping", status_code=202, responses=replies(202, Accepted))
async def delete_data_mapping(request: Asked, memory: MemoryOf, caller: CallerOf, id: DataMappingId) -> Answer:
    await memory.delete_data_mapping(caller, known(id, "data mapping"))
    return await accepted(request, id, "Data mapping deletion request accepted for processing.")
