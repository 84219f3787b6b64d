"""What reconciliation left out."""

from mcp_memory import ids
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.history import MAX_DISCARDED, Authorship, Discarded


class SqliteDiscarded(Rows):
    def discarded(self, profile_id: str) -> list[tuple[Place, Discarded]]:
        rows = self._each("discarded", self._members(profile_id))
        return [((row[0],), _discarded(row)) for row in sorted(rows, key=lambda row: row[0])]

    def keep_discarded(self, profile_id: str, one: Discarded) -> None:
        number = self._number(profile_id)
        self._rows(
            "keep_discarded",
            no=number,
            content=one.content,
            occurred_at=to_micros(one.occurred_at),
            observation_id=None if one.observation_id is None else ids.to_bytes(one.observation_id),
            actor=one.by.actor or None,
            rule=one.by.rule,
            reason=one.by.reason,
            said_in=one.by.conversation_id,
            discarded_at=to_micros(one.at),
        )
        self._rows("prune_discarded", no=number, kept=MAX_DISCARDED)


def _discarded(row: Row) -> Discarded:
    _, content, occurred_at, observation_id, actor, rule, reason, said_in, discarded_at = row
    return Discarded(
        content=content,
        occurred_at=from_micros(occurred_at),
        observation_id=None if observation_id is None else ids.from_bytes(ids.OBSERVATION, observation_id),
        by=Authorship(actor=actor or "", rule=rule, reason=reason, conversation_id=said_in),
        at=from_micros(discarded_at),
    )
