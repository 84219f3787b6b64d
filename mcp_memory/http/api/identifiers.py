"""What identifies a profile, and whom a value identifies."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.errors import Invalid, NotFound
from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import CallerOf, IdTypeName, LiveProfile, MemoryOf, replies
from mcp_memory.http.api.profiles import PROFILE, PROFILES
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.wire import outcomes
from mcp_memory.wire.pages import Accepted
from mcp_memory.wire.profiles import (
    IdentifierBody,
    IdentifiersBody,
    IdentifierSetBody,
    IdentifierUpdateBody,
    LookupBody,
)

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Identifiers"])

IDENTIFIERS = PROFILE + "/Identifiers"
IDENTIFIER = IDENTIFIERS + "/{idType}"


@router.post(PROFILES + "/Lookup", operation_id="CreateProfilesLookup", responses=replies(200, LookupBody))
async def lookup(memory: MemoryOf, caller: CallerOf, body: IdentifierBody) -> Answer:
    """Whom a value identifies, in whatever spelling. No profiles where it is nobody."""
    found = await memory.lookup_profile(caller, body.value, body.id_type)
    holders = [] if found.profile is None else [found.profile.profile_id, *found.sharers]
    return answer(LookupBody(normalized_value=found.identifier.value, profiles=holders[:100]))


@router.get(IDENTIFIERS, operation_id="ListProfileIdentifiers", responses=replies(200, IdentifiersBody, 301))
async def list_identifiers(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile) -> Answer:
    profile = await memory.get_profile(caller, profile_id)
    sets = [IdentifierSetBody(id_type=name, values=list(values)) for name, values in profile.identifiers.items()]
    return answer(IdentifiersBody(identifiers=sets))


@router.post(
    IDENTIFIERS, operation_id="CreateProfileIdentifier", status_code=202, responses=replies(202, Accepted, 308)
)
async def add_identifier(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, body: IdentifierBody) -> Answer:
    """If it is somebody else's, both become one profile, unless the settings keep them apart."""
    upserted = await memory.add_identifier(caller, profile_id, body.id_type, body.value, API)
    return answer(Accepted(message="Identifier accepted for processing."), 202, outcomes.headers(upserted))


@router.get(IDENTIFIER, operation_id="FetchProfileIdentifier", responses=replies(200, IdentifierSetBody, 301))
async def get_identifiers(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id_type: IdTypeName) -> Answer:
    values = (await memory.get_profile(caller, profile_id)).identifiers.get(id_type)
    if not values:
        raise NotFound("The profile has no identifier of this idType.")
    return answer(IdentifierSetBody(id_type=id_type, values=list(values)))


@router.patch(
    IDENTIFIER, operation_id="PatchProfileIdentifier", status_code=202, responses=replies(202, Accepted, 308, 409)
)
async def replace_identifier(
    memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id_type: IdTypeName, body: IdentifierUpdateBody
) -> Answer:
    if body.id_type != id_type:
        raise Invalid("idType in the body is not the one in the path: they must be the same.")
    upserted = await memory.replace_identifier(caller, profile_id, id_type, body.old_value, body.new_value, API)
    return answer(Accepted(message="Identifier update accepted."), 202, outcomes.headers(upserted))


@router.delete(
    IDENTIFIER, operation_id="DeleteProfileIdentifier", status_code=202, responses=replies(202, Accepted, 308)
)
async def remove_identifiers(
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    id_type: IdTypeName,
    all: Annotated[bool, Query(alias="removeAll")] = False,
) -> Answer:
    """One value, which the limitPolicy chooses, or all."""
    await memory.remove_identifiers(caller, profile_id, id_type, all=all, by=API)
    return answer(Accepted(message="Identifier removal accepted."), 202)
