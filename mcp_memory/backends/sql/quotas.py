"""What a tenant may still add. It is looked at where it is added: inside the transaction, or two at once would both
find the last place free."""

from dataclasses import dataclass

from mcp_memory.backends.sql.database import ProfileRow, Transaction
from mcp_memory.errors import Full
from mcp_memory.model import Quota

ASK = "or ask whoever runs this memory for a higher limit"


@dataclass(frozen=True, kw_only=True)
class Room:
    """`stored`: bytes of all the tenant's stores, as they were before the transaction. All raise Full."""

    quota: Quota
    stored: int = 0

    def check_storage(self) -> None:
        limit = self.quota.storage_bytes
        if limit is not None and self.stored >= limit:
            raise Full(
                f"This tenant may keep {limit} bytes, and its stores take {self.stored}: nothing was added. "
                f"Delete what nobody needs any more, {ASK}."
            )

    def check_profile(self, tx: Transaction) -> None:
        """For one more."""
        self.check_storage()
        limit = self.quota.profiles
        if limit is not None and tx.tally_profiles() >= limit:
            raise Full(
                f"This tenant may keep {limit} profiles in a store, merged ones included, and has them: no new "
                f"customer was added. Those who are known can be updated. Delete profiles that nobody needs, {ASK}."
            )

    def check_observations(self, profile: ProfileRow, new: int) -> None:
        """For so many more of this profile."""
        self.check_storage()
        limit, count = self.quota.observations_per_profile, profile.observation_count
        if limit is not None and count + new > limit:
            raise Full(
                f"This tenant may keep {limit} observations of a profile. This one has {count}, and {new} more do not "
                f"fit: nothing was added. Delete old ones that no longer matter, {ASK}."
            )
