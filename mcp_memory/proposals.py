"""Traits that a conversation stated, what became of each, and the part of the seam that is about them: see
`backend.py`, whose laws hold there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope, TraitValue

ProposalStatus = Literal["PROPOSED", "WRITTEN", "ACCEPTED", "REJECTED"]
"""`WRITTEN`: by the policy. `ACCEPTED`, `REJECTED`: somebody decided."""


@dataclass(frozen=True, kw_only=True)
class TraitProposal:
    """`profile_id`: the member that stated it. `evidence`: the id of the message in which, `occurred_at` its time.
    `reason`: why it was not written where the policy is to write. `decided_by`: who wrote, accepted or rejected it."""

    proposal_id: str
    profile_id: str
    group: str
    name: str
    value: TraitValue
    evidence: str
    conversation_id: str
    occurred_at: datetime
    status: ProposalStatus
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    decided_by: str | None = None

    def is_about(self, group: str, name: str) -> bool:
        """Traits are found in any case."""
        return (self.group.lower(), self.name.lower()) == (group.lower(), name.lower())


def same(one: TraitValue, other: TraitValue) -> bool:
    """Case aside: nobody means another name by it."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return repr(one) == repr(other)  # 1 is equal to True


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
