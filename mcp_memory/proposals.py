"""The part of the seam that is about traits that conversations stated: see `backend.py`, whose laws hold here."""

from typing import Protocol

from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.proposal import ProposalStatus, TraitProposal


class Proposals(Protocol):
    async def list_trait_proposals(
        self, scope: Scope, profile_id: str, status: ProposalStatus | None, page: PageQuery
    ) -> Page[TraitProposal]:
        """Of the profile and all that is merged into it. `status` None: whichever."""
        ...

    async def accept_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        """The trait is written as by `upsert_traits`: an identifying one may merge. Accepted again, nothing changes.
        Raises Conflict where it was decided otherwise, or its value stays with somebody else."""
        ...

    async def reject_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        """It is not proposed again. Rejected again, nothing changes. Raises Conflict where it was decided otherwise."""
        ...
