"""The part of the seam that is about what was: see `backend.py`, whose laws hold here."""

from datetime import datetime
from typing import Protocol

from mcp_memory.history import UNKNOWN, Authorship, Changed, ProfileThen, Revision, TraitRevision
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Observation, Scope, Summary


class Histories(Protocol):
    async def observation_history(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Revision[Observation]]:
        """As `list_revisions`, with who made each and why."""
        ...

    async def undo_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        revision: int | None = None,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        """It reads again as before that revision, by its number, or before the latest one: which is a revision more.
        So to undo what undid brings it back, and where it reads so already nothing changes. Raises NotFound where
        there is no such revision, Conflict for the first, and where the latest is another meanwhile."""
        ...

    async def summary_history(
        self, scope: Scope, profile_id: str, summary_id: str, page: PageQuery
    ) -> Page[Revision[Summary]]: ...

    async def trait_history(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[TraitRevision]:
        """Each value that a trait was given or lost, by that time, of the profile and all that is merged into it. Of a
        trait of one of them the latest `MAX_TRAIT_REVISIONS`."""
        ...

    async def profile_at(self, scope: Scope, profile_id: str, at: datetime) -> ProfileThen:
        """Raises NotFound where it was not there yet. Who is part of it, and what was deleted, is as it is now."""
        ...

    async def changes_since(self, scope: Scope, profile_id: str, since: datetime, limit: int) -> list[Changed]:
        """What was learned or changed after that time, the latest first: each revision of an observation, a summary or
        a trait. What was deleted is not among it."""
        ...
