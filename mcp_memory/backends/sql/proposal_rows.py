"""The part of the lower seam that is about traits that conversations stated. See `database.py`."""

from typing import Protocol

from mcp_memory.backends.sql.cursors import Place
from mcp_memory.proposals import TraitProposal


class ProposalRows(Protocol):
    def trait_proposals(self, profile_id: str) -> list[tuple[Place, TraitProposal]]:
        """Of all members, by creation."""
        ...

    def insert_trait_proposal(self, new: TraitProposal) -> None:
        """Of just the member it names."""
        ...

    def decide_trait_proposal(self, decided: TraitProposal) -> None:
        """Status, by whom and when."""
        ...
