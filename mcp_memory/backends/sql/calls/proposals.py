"""Traits that conversations stated."""

from mcp_memory.backends.sql import proposing
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.proposals import ProposalStatus, TraitProposal


class ProposalCalls(Worker):
    async def list_trait_proposals(
        self, scope: Scope, profile_id: str, status: ProposalStatus | None, page: PageQuery
    ) -> Page[TraitProposal]:
        return await self._read(scope, lambda tx: proposing.listed(tx, profile_id, status, page))

    async def accept_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        def work() -> TraitProposal:
            begin = self._upserts(scope)
            return self._database.write(scope, lambda tx: proposing.accept(tx, profile_id, proposal_id, begin, by))

        return await self._writers.hop(scope.tenant, work)

    async def reject_trait_proposal(
        self, scope: Scope, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        now = self._now()
        return await self._write(scope, lambda tx: proposing.reject(tx, profile_id, proposal_id, by, now))
