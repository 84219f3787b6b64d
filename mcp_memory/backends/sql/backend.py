"""SqlBackend: each method is one hop to a worker thread and one transaction there."""

from collections.abc import Sequence

from mcp_memory.backends.sql.calls.learning import LearningCalls
from mcp_memory.backends.sql.calls.memories import MemoryCalls
from mcp_memory.backends.sql.calls.profiles import ProfileCalls
from mcp_memory.backends.sql.calls.recall import RecallCalls
from mcp_memory.backends.sql.calls.rules import ImportCalls, RuleCalls
from mcp_memory.backends.sql.calls.stores import StoreCalls
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.model import Added, NewObservation, Scope


class SqlBackend(StoreCalls, ProfileCalls, MemoryCalls, LearningCalls, RecallCalls, RuleCalls, ImportCalls):
    """What the calls are about is a noun each."""

    async def post_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        reconciles = (await self.get_learning_settings(scope)).reconcile_api_writes
        write = self.reconcile_observations if reconciles else self.add_observations
        return await write(scope, profile_id, new, by)
