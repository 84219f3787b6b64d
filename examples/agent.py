"""The loop of an agent that remembers: look up, recall, answer, remember. Run: python examples/agent.py

It starts a server of its own on a folder that is removed afterwards. To use one that runs already
(`mcp-memory serve`), give its address: python examples/agent.py http://127.0.0.1:8765/mcp
Needs the MCP SDK for Python, 2.3 or newer: pip install 'mcp>=2.3'
"""

import asyncio
import sys
import tempfile
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

PHONE = "+1 317 555 0188"
MESSAGES = ["Hi, it's Jo. My boiler B-77 has no pressure again.", "Any news on the boiler?"]


def model(message: str, known: list[str]) -> tuple[str, list[str]]:
    """Your language model goes here: from the message and what is known, an answer and what to remember."""
    if known:
        return f"I see: {known[0]} The engineer comes tomorrow.", ["Was promised an engineer for boiler B-77."]
    return "Sorry to hear that, Jo. I'll look into it.", ["Jo's boiler B-77 has lost pressure, not for the first time."]


async def converse(server: str | StdioServerParameters) -> None:
    async with Client(server) as memory:
        found = await call(memory, "lookup_profile", value=PHONE)
        if not found["found"]:
            found = await call(memory, "upsert_traits", traits={"Contact": {"phone": PHONE, "firstName": "Jo"}})
        customer = found["profile_id"]
        for message in MESSAGES:
            recalled = await call(memory, "recall", profile_id=customer, query=message, relevance_threshold=0.2)
            answer, learned = model(message, [one["content"] for one in recalled["observations"]])
            print(f"customer: {message}\nagent:    {answer}")
            observations = [{"content": fact, "source": "sms"} for fact in learned]
            await call(memory, "add_observation", profile_id=customer, observations=observations)
        await call(
            memory, "write_summary", profile_id=customer, conversation_id="sms-1", content="Boiler B-77: engineer sent."
        )


async def call(memory: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await memory.call_tool(tool, arguments)
    if result.is_error or not isinstance(result.structured_content, dict):
        # What a model would read here: the text starts with the kind of error and says what to do next.
        raise RuntimeError(f"{tool}: {getattr(result.content[0], 'text', '')}")
    return result.structured_content


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(converse(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            local = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory", "--data-dir", folder])
            asyncio.run(converse(local))
