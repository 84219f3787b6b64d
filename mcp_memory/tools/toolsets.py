"""Which tools there are, by who uses them, in the order a model sees them."""

from collections.abc import Iterable, Mapping

from mcp_memory.tools import Tool, conversations, history, identity, memories, profiles

AGENT: tuple[Tool, ...] = (*profiles.TOOLS[:1], *memories.TOOLS, *profiles.TOOLS[1:])
"""What a model sees by default: the order is that of use."""

CONVERSATION: tuple[Tool, ...] = conversations.TOOLS
"""For hosts that keep their conversations here."""

CURATOR: tuple[Tool, ...] = (*identity.TOOLS, *history.TOOLS)
"""To put right what no rule can know."""

TOOLSETS: Mapping[str, tuple[Tool, ...]] = {"agent": AGENT, "conversation": CONVERSATION, "curator": CURATOR}


def tools_of(toolsets: Iterable[str]) -> tuple[Tool, ...]:
    return tuple(tool for name, tools in TOOLSETS.items() if name in toolsets for tool in tools)
