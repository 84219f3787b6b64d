"""What every front door works with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mcp_memory.model import Caller
from mcp_memory.service import Memory


@dataclass(frozen=True, kw_only=True)
class Session:
    """Made anew for each request: `caller` is who asks now, not who connected."""

    memory: Memory
    caller: Caller
    changed: Callable[[Sequence[str]], Awaitable[None]]
    """Tells whoever listens that these resources read differently now."""
