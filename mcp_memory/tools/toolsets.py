"""Which tools there are, in the order a model sees them."""

from mcp_memory.tools import Tool, memories, profiles

AGENT: tuple[Tool, ...] = (*profiles.TOOLS[:1], *memories.TOOLS, *profiles.TOOLS[1:])
"""What a model sees by default: the order is that of use."""
