"""Traits that conversations stated: the service shows none."""

from mcp_memory.backends.twilio.missing import missing
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.proposals import ProposalStatus, TraitProposal


class NoProposals:
    async def list_trait_proposals(
        self, scope: Scope, profile_id: str, status: ProposalStatus | None, page: PageQuery
    ) -> Page[TraitProposal]:
        raise missing("list_trait_proposals")

    async def accept_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        raise missing("accept_trait_proposal")

    async def reject_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        raise missing("reject_trait_proposal")
