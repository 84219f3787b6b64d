"""Forgetting a profile, inside a transaction."""

from mcp_memory.backends.sql import identifiers, merging, orchestrating
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.profiles import existing


def delete_profile(tx: Transaction, profile_id: str) -> None:
    """Who waits for a value that identified it has it from now on."""
    row = existing(tx, profile_id, lock=True)
    freed = {one.identifier for one in tx.identifiers(profile_id)}
    for member in row.members:
        orchestrating.forget_customer(tx, member)
    merging.forget(tx, row)
    for member in reversed(row.members):  # those that are merged before the one they are part of
        tx.delete_profile(member)
    identifiers.release(tx, sorted(freed), tx.identity_settings(), but=row.profile_id)
