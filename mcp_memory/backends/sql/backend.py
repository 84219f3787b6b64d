"""SqlBackend: each method is one hop to a worker thread and one transaction there."""

from mcp_memory.backends.sql.calls.learning import LearningCalls
from mcp_memory.backends.sql.calls.memories import MemoryCalls
from mcp_memory.backends.sql.calls.profiles import ProfileCalls
from mcp_memory.backends.sql.calls.proposals import ProposalCalls
from mcp_memory.backends.sql.calls.recall import RecallCalls
from mcp_memory.backends.sql.calls.rules import ImportCalls, RuleCalls
from mcp_memory.backends.sql.calls.stores import StoreCalls


class SqlBackend(
    StoreCalls, ProfileCalls, MemoryCalls, LearningCalls, ProposalCalls, RecallCalls, RuleCalls, ImportCalls
):
    """What the calls are about is a noun each."""
