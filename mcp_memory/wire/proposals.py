"""Ours, not published: traits that conversations stated, and what became of them."""

from typing import Any

from mcp_memory.conversation_ids import to_api
from mcp_memory.proposals import ProposalStatus, TraitProposal
from mcp_memory.wire import Answer, Time
from mcp_memory.wire.pages import Meta


class TraitProposalBody(Answer):
    """`communicationId`: of the message that states it, `occurredAt` its time. `reason`: why it was not written where
    the store writes what is stated. `decidedBy`: who wrote, accepted or rejected it."""

    id: str
    trait_group: str
    name: str
    value: Any = None
    status: ProposalStatus
    communication_id: str
    conversation_id: str
    occurred_at: Time
    created_at: Time
    updated_at: Time
    reason: str | None = None
    decided_by: str | None = None

    @classmethod
    def of(cls, one: TraitProposal) -> "TraitProposalBody":
        return cls(
            id=one.proposal_id,
            trait_group=one.group,
            name=one.name,
            value=one.value,
            status=one.status,
            communication_id=one.evidence,
            conversation_id=to_api(one.conversation_id),
            occurred_at=one.occurred_at,
            created_at=one.created_at,
            updated_at=one.updated_at,
            reason=one.reason,
            decided_by=one.decided_by,
        )


class TraitProposalsBody(Answer):
    trait_proposals: list[TraitProposalBody] = []
    meta: Meta = Meta()
