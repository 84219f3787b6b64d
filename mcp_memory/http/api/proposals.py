"""Traits that conversations stated: what became of them, and who decides."""

from typing import Annotated

from fastapi import APIRouter, Query

from mcp_memory.history import API
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.asked import CallerOf, DataPaging, LiveProfile, MemoryOf, ProposalId, known, replies
from mcp_memory.http.api.profiles import PROFILE
from mcp_memory.http.api.route import PREFIX, ApiRoute
from mcp_memory.proposals import ProposalStatus
from mcp_memory.wire.proposals import TraitProposalBody, TraitProposalsBody

router = APIRouter(route_class=ApiRoute, prefix=PREFIX, tags=["Trait proposals"])

PROPOSALS = PROFILE + "/TraitProposals"
PROPOSAL = PROPOSALS + "/{proposalId}"


@router.get(
    PROPOSALS,
    operation_id="ListProfileTraitProposals",
    responses=replies(200, TraitProposalsBody, 301),
    description="Ours, not published: what conversations stated of the customer, and what became of it.",
)
async def list_proposals(
    memory: MemoryOf,
    caller: CallerOf,
    profile_id: LiveProfile,
    paging: DataPaging,
    status: Annotated[ProposalStatus | None, Query()] = None,
) -> Answer:
    query = paging.query()
    page = await memory.list_trait_proposals(caller, profile_id, status, query)
    found = [TraitProposalBody.of(one) for one in page.items]
    return answer(TraitProposalsBody(trait_proposals=found, meta=paging.meta("traitProposals", query, page)))


@router.post(
    PROPOSAL + "/Accept",
    operation_id="AcceptProfileTraitProposal",
    responses=replies(200, TraitProposalBody, 308),
    description="Ours, not published: the trait is written as by PatchProfileTraits.",
)
async def accept_proposal(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id: ProposalId) -> Answer:
    accepted = await memory.accept_trait_proposal(caller, profile_id, known(id, "trait proposal"), API)
    return answer(TraitProposalBody.of(accepted))


@router.post(
    PROPOSAL + "/Reject",
    operation_id="RejectProfileTraitProposal",
    responses=replies(200, TraitProposalBody, 308),
    description="Ours, not published: nothing is written, and the same is not proposed again.",
)
async def reject_proposal(memory: MemoryOf, caller: CallerOf, profile_id: LiveProfile, id: ProposalId) -> Answer:
    rejected = await memory.reject_trait_proposal(caller, profile_id, known(id, "trait proposal"), API)
    return answer(TraitProposalBody.of(rejected))
