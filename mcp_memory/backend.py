"""The seam: what a memory can do, in domain words.

Nobody inherits from `Backend`; mypy checks the fit where a backend is put together. Every call is one transaction
inside one scope, except `open_store`, which makes the scope. A store, profile or item that is absent and one that
belongs to somebody else answer alike: NotFound.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mcp_memory.model import (
    Identifier,
    Lookup,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Receipt,
    Scope,
    Store,
    StoreChanges,
    Summary,
    Upserted,
)
from mcp_memory.traits import Raw


class Backend(Protocol):
    async def open_store(self, tenant: str, display_name: str) -> Scope:
        """The tenant's store of this name, created when it is not there yet."""
        ...

    async def get_store(self, scope: Scope) -> Store: ...

    async def update_store(self, scope: Scope, changes: StoreChanges) -> Store: ...

    async def lookup_profile(self, scope: Scope, candidates: Sequence[Identifier]) -> Lookup:
        """The first candidate somebody has; with none known, the first candidate, normalised, and no profile.

        Raises Invalid where no candidate has the form of its type.
        """
        ...

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile: ...

    async def list_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """Ids of profiles whose id or one of whose identifiers starts with `prefix`; latest updated first."""
        ...

    async def upsert_traits(self, scope: Scope, given: Raw, profile_id: str | None) -> Upserted:
        """Change traits, all or none. Without `profile_id` the identifying traits find or create the profile.

        However many callers bring one new identifier at once, one profile is created. A value that identified goes on
        doing so when another takes its place; removing an identifying trait removes all identifiers of its type.
        Raises Invalid for names and values against the rules, Conflict where the identifying traits belong to
        different profiles.
        """
        ...

    async def add_observations(self, scope: Scope, profile_id: str, new: Sequence[NewObservation]) -> list[Receipt]:
        """All or none, receipts in the order of `new`.

        An observation is a duplicate when the profile has one in the same words (case and blanks aside) and the
        new one either states no time or states the same time.
        """
        ...

    async def add_summary(self, scope: Scope, profile_id: str, new: NewSummary) -> Receipt:
        """A duplicate when the profile has a summary of that conversation in the same words."""
        ...

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall: ...

    async def list_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        """Latest `occurred_at` first, those before `before`.

        Items of one moment are never torn apart: the last one's contemporaries come too, beyond `limit`.
        """
        ...

    async def list_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        """As `list_observations`."""
        ...

    async def close(self) -> None: ...
