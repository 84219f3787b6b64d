"""Pure: a trait that a conversation stated, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_memory.model import TraitValue

TraitPolicy = Literal["off", "propose", "write"]
"""What a store does with traits that conversations state: nothing; it keeps them until somebody decides; it writes
those that contradict nobody."""
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
