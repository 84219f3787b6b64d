"""How the managed service learns: in its own way, which nobody is told of."""

from collections.abc import Sequence

from mcp_memory.backends.twilio.memories import Memories
from mcp_memory.backends.twilio.missing import missing
from mcp_memory.history import UNKNOWN, Authorship, Discarded
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Added, NewObservation, Scope


class Learnings:
    _memories: Memories

    async def get_learning_settings(self, scope: Scope) -> LearningSettings:
        raise missing("get_learning_settings")

    async def update_learning_settings(
        self, scope: Scope, new: LearningSettings, if_version: int | None = None
    ) -> LearningSettings:
        raise missing("update_learning_settings")

    async def post_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        return await self._memories.add_observations(scope, profile_id, new)

    async def list_discarded(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[Discarded]:
        raise missing("list_discarded")
