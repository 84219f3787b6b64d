"""Traits that conversations stated."""

import json

from mcp_memory import ids
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.proposals import TraitProposal


class SqliteProposals(Rows):
    def trait_proposals(self, profile_id: str) -> list[tuple[Place, TraitProposal]]:
        rows = self._each("trait_proposals", self._members(profile_id))
        return [((row[0],), self._proposal(row)) for row in sorted(rows, key=lambda row: row[0])]

    def insert_trait_proposal(self, new: TraitProposal) -> None:
        self._rows(
            "insert_trait_proposal",
            proposal_id=ids.to_bytes(new.proposal_id),
            no=self._number(new.profile_id),
            group=new.group,
            name=new.name,
            value=json.dumps(new.value, ensure_ascii=False),
            evidence=ids.to_bytes(new.evidence),
            conversation_id=new.conversation_id,
            occurred_at=to_micros(new.occurred_at),
            status=new.status,
            reason=new.reason,
            decided_by=new.decided_by,
            created_at=to_micros(new.created_at),
            updated_at=to_micros(new.updated_at),
        )

    def decide_trait_proposal(self, decided: TraitProposal) -> None:
        self._rows(
            "decide_trait_proposal",
            proposal_id=ids.to_bytes(decided.proposal_id),
            status=decided.status,
            decided_by=decided.decided_by,
            updated_at=to_micros(decided.updated_at),
        )

    def _proposal(self, row: Row) -> TraitProposal:
        _, raw_id, profile_no, group, name, value, evidence, conversation_id, occurred_at, *decided = row
        status, reason, decided_by, created_at, updated_at = decided
        loaded = json.loads(value)
        return TraitProposal(
            proposal_id=ids.from_bytes(ids.TRAIT_PROPOSAL, raw_id),
            profile_id=self._id(profile_no),
            group=group,
            name=name,
            value=tuple(loaded) if isinstance(loaded, list) else loaded,
            evidence=ids.from_bytes(ids.COMMUNICATION, evidence),
            conversation_id=conversation_id,
            occurred_at=from_micros(occurred_at),
            status=status,
            reason=reason,
            decided_by=decided_by,
            created_at=from_micros(created_at),
            updated_at=from_micros(updated_at),
        )
