"""The part of the seam that is about how a store learns: see `backend.py`, whose laws hold here."""

from collections.abc import Sequence
from typing import Protocol

from mcp_memory.history import UNKNOWN, Authorship, Discarded
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Added, NewObservation, Scope


class Learnings(Protocol):
    async def get_learning_settings(self, scope: Scope) -> LearningSettings: ...

    async def update_learning_settings(
        self, scope: Scope, new: LearningSettings, if_version: int | None = None
    ) -> LearningSettings:
        """All of them are replaced; what is stored already stays as it is."""
        ...

    async def post_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        """As `reconcile_observations` where the store's settings say so, else as `add_observations`."""
        ...

    async def list_discarded(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[Discarded]:
        """What reconciliation left out, of the profile and all that is merged into it; the latest `MAX_DISCARDED`."""
        ...
