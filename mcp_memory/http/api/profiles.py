"""Profiles and their traits."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.errors import Invalid
from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import CallerOf, DataPaging, LiveProfile, MemoryOf, replies
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.wire import outcomes
from mcp_memory.wire.pages import Accepted
from mcp_memory.wire.profiles import BulkBody, ProfileBody, ProfilesBody, TraitBody, TraitsBody, TraitsListBody

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Profiles"])

PROFILES = "/Stores/{storeId}/Profiles"
PROFILE = PROFILES + "/{profileId}"
TRAITS_PAGE = 100  # as many as the schema of the list holds

Groups = Annotated[str | None, Query(alias="traitGroups", min_length=1, max_length=256)]


@router.get(PROFILES, operation_id="ListProfiles", responses=replies(200, ProfilesBody))
async def list_profiles(memory: MemoryOf, caller: CallerOf, paging: DataPaging) -> Answer:
    """Ids, the latest first."""
    query = paging.query()
    page = await memory.list_profiles(caller, query)
    return answer(ProfilesBody(profiles=list(page.items), meta=paging.meta("profiles", query, page)))


@router.post(PROFILES, operation_id="CreateProfile", status_code=202, responses=replies(202, Accepted))
async def create_profile(memory: MemoryOf, caller: CallerOf, body: TraitsBody) -> Answer:
    """Or finds it: identifying traits say whose they are, before this is answered."""
    upserted = await memory.upsert_traits(caller, body.traits, None, API)
    message = "Profile resolved and accepted for processing."
    return answer(Accepted(id=upserted.profile.profile_id, message=message), 202, outcomes.headers(upserted))


@router.put(PROFILES + "/Bulk", operation_id="UpdateProfilesBulk", status_code=202, responses=replies(202, Accepted))
async def upsert_profiles(memory: MemoryOf, caller: CallerOf, body: BulkBody) -> Answer:
    """What is refused of it is said in a header: the published answer has no place for it."""
    done = await memory.upsert_profiles(caller, [one.traits for one in body.profiles], API)
    refused = [at for at, one in enumerate(done) if one.outcome == "refused"]
    if len(refused) == len(done):
        raise Invalid(f"profiles: none was taken. The first: {done[0].reason}")
    headers = {"Memory-Refused": ", ".join(map(str, refused))} if refused else {}
    return answer(Accepted(message="Profile batch accepted for processing."), 202, headers)


@router.get(PROFILE, operation_id="FetchProfile", responses=replies(200, ProfileBody, 301))
async def get_profile(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, groups: Groups = None) -> Answer:
    """With the traits of these groups, or of all."""
    profile = await memory.get_profile(caller, profile_id)
    return answer(ProfileBody.of(profile, None if groups is None else set(_names(groups))))


@router.patch(PROFILE, operation_id="PatchProfileTraits", status_code=202, responses=replies(202, Accepted, 308))
async def update_profile(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, body: TraitsBody) -> Answer:
    """What is left out stays; a null removes a trait."""
    headers = {}
    if any(body.traits.values()):
        headers = outcomes.headers(await memory.upsert_traits(caller, body.traits, profile_id, API))
    return answer(Accepted(message="Trait modifications accepted for processing."), 202, headers)


@router.delete(PROFILE, operation_id="DeleteProfile", status_code=202, responses=replies(202, Accepted, 308))
async def delete_profile(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile) -> Answer:
    """With all that is known and remembered of it, and of those that were merged into it, for good."""
    await memory.delete_profile(caller, profile_id)
    return answer(Accepted(message="Profile accepted for deletion."), 202)


@router.get(PROFILE + "/Traits", operation_id="ListProfileTraits", responses=replies(200, TraitsListBody, 301))
async def list_traits(
    memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, paging: DataPaging, groups: Groups = None
) -> Answer:
    """Each with the time it was last given."""
    query = paging.query(most=TRAITS_PAGE)
    page = await memory.list_traits(caller, profile_id, None if groups is None else _names(groups), query)
    traits = [TraitBody.of(one) for one in page.items]
    return answer(TraitsListBody(traits=traits, meta=paging.meta("traits", query, page)))


def _names(groups: str) -> list[str]:
    return [name.strip() for name in groups.split(",") if name.strip()]
