"""Configurations of conversations, and the operations that say what became of a change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.errors import Invalid, NoStore
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, MemoryOf, UnorderedPaging, replies
from mcp_memory.http.api.orchestrator import OPERATIONS, ConfigurationId, OperationId, accepted, operation_url
from mcp_memory.http.api.route import OF_CONVERSATIONS, ApiRoute
from mcp_memory.wire.configurations import (
    ConfigurationBody,
    ConfigurationChangesBody,
    ConfigurationsBody,
    NewConfigurationBody,
    OperationAcceptedBody,
    OperationStatusBody,
    ReplacedConfigurationBody,
    StoreId,
)

router = APIRouter(route_class=ApiRoute, prefix=OF_CONVERSATIONS, tags=["Configurations"])

CONFIGURATIONS = "/ControlPlane/Configurations"
CONFIGURATION = CONFIGURATIONS + "/{id}"


@router.get(CONFIGURATIONS, operation_id="ListConfiguration", responses=replies(200, ConfigurationsBody))
async def list_configurations(
    request: Asked,
    memory: MemoryOf,
    paging: UnorderedPaging,
    store_id: Annotated[StoreId | None, Query(alias="memoryStoreId")] = None,
) -> Answer:
    """The earliest first."""
    query = paging.query()
    page = await memory.list_configurations(request.caller, store_id, query)
    found = [ConfigurationBody.of(one) for one in page.items]
    return answer(ConfigurationsBody(configurations=found, meta=paging.meta("configurations", query, page)))


@router.post(
    CONFIGURATIONS,
    operation_id="CreateConfiguration",
    status_code=202,
    responses=replies(202, OperationAcceptedBody, 409),
)
async def create_configuration(request: Asked, memory: MemoryOf, body: NewConfigurationBody) -> Answer:
    """Of a store that is there. Its id is what is related."""
    with _named():
        made = await memory.create_configuration(request.caller, body.new())
    return await accepted(request, made.configuration_id)


@router.get(CONFIGURATION, operation_id="FetchConfiguration", responses=replies(200, ConfigurationBody))
async def get_configuration(request: Asked, memory: MemoryOf, id: ConfigurationId) -> Answer:
    return answer(ConfigurationBody.of(await memory.get_configuration(request.caller, id)))


@router.put(
    CONFIGURATION,
    operation_id="UpdateConfiguration",
    status_code=202,
    responses=replies(202, OperationAcceptedBody, 409),
)
async def replace_configuration(
    request: Asked, memory: MemoryOf, id: ConfigurationId, body: ReplacedConfigurationBody
) -> Answer:
    """Conversations that began before go on as they began."""
    name = body.display_name
    if name is None:
        name = (await memory.get_configuration(request.caller, id)).settings.display_name
    with _named():
        await memory.replace_configuration(request.caller, id, body.settings(name))
    return await accepted(request, id)


@router.patch(
    CONFIGURATION,
    operation_id="PatchConfiguration",
    status_code=202,
    responses=replies(202, OperationAcceptedBody, 409),
)
async def update_configuration(
    request: Asked, memory: MemoryOf, id: ConfigurationId, body: ConfigurationChangesBody | None = None
) -> Answer:
    """What is left out stays, and so does each channel that is not named; a channel that is null is removed."""
    with _named():
        await memory.update_configuration(request.caller, id, (body or ConfigurationChangesBody()).changes())
    return await accepted(request, id)


@router.delete(
    CONFIGURATION,
    operation_id="DeleteConfiguration",
    status_code=202,
    responses=replies(202, OperationAcceptedBody, 409),
)
async def delete_configuration(request: Asked, memory: MemoryOf, id: ConfigurationId) -> Answer:
    """Its conversations go on as they began."""
    await memory.delete_configuration(request.caller, id)
    return await accepted(request, id)


@router.get(OPERATIONS + "/{id}", operation_id="FetchOperationStatus", responses=replies(200, OperationStatusBody))
async def get_operation(request: Asked, memory: MemoryOf, id: OperationId) -> Answer:
    """What became of what was accepted. Kept for a week."""
    operation = await memory.get_operation(request.caller, id)
    return answer(OperationStatusBody.of(operation, operation_url(request, operation.operation_id)))


@contextmanager
def _named() -> Iterator[None]:
    """Who names a store that is not theirs has sent something wrong: what they asked for is another thing."""
    try:
        yield
    except NoStore as exc:
        raise Invalid("memoryStoreId is of no store: copy it from the list of stores.") from exc
