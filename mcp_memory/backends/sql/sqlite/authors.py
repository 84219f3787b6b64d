"""The columns that say who made a revision, and why: actor, cause, rule, reason, changed_in. Pure."""

from mcp_memory.backends.sql.sqlite.rows import Row
from mcp_memory.history import Authorship


def by_columns(by: Authorship) -> dict[str, str | None]:
    return {
        "actor": by.actor or None,
        "cause": by.cause,
        "rule": by.rule,
        "reason": by.reason,
        "changed_in": by.conversation_id,
    }


def authorship(row: Row) -> Authorship:
    actor, cause, rule, reason, changed_in = row
    return Authorship(actor=actor or "", cause=cause, rule=rule, reason=reason, conversation_id=changed_in)
