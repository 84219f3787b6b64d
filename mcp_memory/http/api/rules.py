"""The rules of a store: how people are told apart, which traits they may have, and how it learns."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mcp_memory.definitions import TraitGroup, find
from mcp_memory.errors import NotFound
from mcp_memory.http.api import etags
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import Asked, CallerOf, ControlPaging, MemoryOf, accepted, replies
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.http.api.stores import IfMatch
from mcp_memory.listing import sliced
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.wire.pages import Accepted
from mcp_memory.wire.rules import (
    IdentitySettingsBody,
    LearningSettingsBody,
    NewTraitGroupBody,
    TraitGroupAnswer,
    TraitGroupChangesBody,
    TraitGroupFetchedBody,
    TraitGroupsBody,
)

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Rules"])

SETTINGS = "/ControlPlane/Stores/{storeId}/IdentityResolutionSettings"
LEARNING = "/ControlPlane/Stores/{storeId}/LearningSettings"
GROUPS = "/ControlPlane/Stores/{storeId}/TraitGroups"
GROUP = GROUPS + "/{traitGroupName}"

GroupName = Annotated[str, Path(alias="traitGroupName", min_length=1, max_length=64)]
IncludeTraits = Annotated[bool, Query(alias="includeTraits")]


@router.get(SETTINGS, operation_id="FetchIdentityResolutionSettings", responses=replies(200, IdentitySettingsBody))
async def get_identity_settings(memory: MemoryOf, caller: CallerOf) -> Answer:
    settings = await memory.get_identity_settings(caller)
    return answer(IdentitySettingsBody.of(settings), headers={"ETag": etags.write(_identity(caller), settings.version)})


@router.put(
    SETTINGS,
    operation_id="UpdateIdentityResolutionSettings",
    status_code=202,
    responses=replies(202, Accepted, 412),
)
async def update_identity_settings(
    request: Asked, memory: MemoryOf, caller: CallerOf, body: IdentitySettingsBody, if_match: IfMatch = None
) -> Answer:
    """All of them are replaced. Profiles that are merged stay so."""
    version = etags.version(if_match, _identity(caller))
    await memory.update_identity_settings(caller, body.settings(), version)
    return await accepted(request, caller.store, "Identity Resolution Settings accepted for processing.")


@router.get(LEARNING, operation_id="FetchLearningSettings", responses=replies(200, LearningSettingsBody))
async def get_learning_settings(memory: MemoryOf, caller: CallerOf) -> Answer:
    """Not published: the managed service has no such settings."""
    settings = await memory.get_learning_settings(caller)
    return answer(LearningSettingsBody.of(settings), headers={"ETag": etags.write(_learning(caller), settings.version)})


@router.put(LEARNING, operation_id="UpdateLearningSettings", status_code=202, responses=replies(202, Accepted, 412))
async def update_learning_settings(
    request: Asked, memory: MemoryOf, caller: CallerOf, body: LearningSettingsBody, if_match: IfMatch = None
) -> Answer:
    """All of them are replaced. What is remembered already stays as it is. Not published."""
    version = etags.version(if_match, _learning(caller))
    await memory.update_learning_settings(caller, body.settings(), version)
    return await accepted(request, caller.store, "Learning Settings accepted for processing.")


@router.get(GROUPS, operation_id="ListTraitGroups", responses=replies(200, TraitGroupsBody))
async def list_trait_groups(
    memory: MemoryOf, caller: CallerOf, paging: ControlPaging, include_traits: IncludeTraits = False
) -> Answer:
    query = paging.query(most=50)
    page = sliced(await memory.list_trait_groups(caller), lambda one: one.display_name, query)
    groups = [TraitGroupAnswer.of(one, one.definitions if include_traits else None) for one in page.items]
    return answer(TraitGroupsBody(trait_groups=groups, meta=paging.meta("traitGroups", query, page)))


@router.post(GROUPS, operation_id="CreateTraitGroup", status_code=202, responses=replies(202, Accepted))
async def create_trait_group(request: Asked, memory: MemoryOf, caller: CallerOf, body: NewTraitGroupBody) -> Answer:
    group = await memory.create_trait_group(caller, body.group())
    return await accepted(request, group.display_name, "TraitGroup creation request accepted.")


@router.get(GROUP, operation_id="FetchTraitGroup", responses=replies(200, TraitGroupFetchedBody))
async def get_trait_group(
    memory: MemoryOf, caller: CallerOf, name: GroupName, paging: ControlPaging, include_traits: IncludeTraits = True
) -> Answer:
    group = await _group(memory, caller, name)
    query = paging.query()
    page = sliced(group.definitions if include_traits else (), lambda one: one.name, query)
    shown = TraitGroupAnswer.of(group, page.items if include_traits else None)
    etag = etags.write(etags.of_part(caller.store, group.display_name), group.version)
    body = TraitGroupFetchedBody(trait_group=shown, meta=paging.meta("traits", query, page))
    return answer(body, headers={"ETag": etag})


@router.patch(GROUP, operation_id="PatchTraitGroup", status_code=202, responses=replies(202, Accepted, 412))
async def update_trait_group(
    request: Asked,
    memory: MemoryOf,
    caller: CallerOf,
    name: GroupName,
    body: TraitGroupChangesBody | None = None,
    if_match: IfMatch = None,
) -> Answer:
    """What is left out stays; a trait with an empty dataType is removed, with its values."""
    group = await _group(memory, caller, name)
    version = etags.version(if_match, etags.of_part(caller.store, group.display_name))
    changes = (body or TraitGroupChangesBody()).changes(group.display_name)
    await memory.update_trait_group(caller, group.display_name, changes, version)
    return await accepted(request, group.display_name, "TraitGroup update request accepted.")


@router.delete(GROUP, operation_id="DeleteTraitGroup", status_code=202, responses=replies(202, Accepted, 409))
async def delete_trait_group(request: Asked, memory: MemoryOf, caller: CallerOf, name: GroupName) -> Answer:
    """With the values of its traits. Contact stays, and so does what a data mapping speaks of."""
    await memory.delete_trait_group(caller, name)
    return await accepted(request, name, "TraitGroup deletion request accepted.")


def _identity(caller: Caller) -> str:
    return etags.of_part(caller.store, "IdentityResolutionSettings")


def _learning(caller: Caller) -> str:
    return etags.of_part(caller.store, "LearningSettings")


async def _group(memory: Memory, caller: Caller, name: str) -> TraitGroup:
    group = find(await memory.list_trait_groups(caller), name)
    if group is None:
        raise NotFound("There is no trait group of this name in this store.")
    return group
