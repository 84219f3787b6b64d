"""The loop of an agent that remembers: look up, recall, answer, remember. Run: python examples/agent.py

It talks to the server over stdio. For one that runs already (`mcp-memory serve`), give its address instead:
python examples/agent.py http://127.0.0.1:8765/mcp
"""

import asyncio
import os
import sys
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

MESSAGES = [
    ("+1 317 555 0188", "Hi, it's Jo. My heating is out again, boiler model B-77."),
    ("+1 317 555 0188", "Any news on the boiler?"),
]


async def main(server: str | StdioServerParameters) -> None:
    async with Client(server) as memory:
        for sender, message in MESSAGES:
            customer = await profile_of(memory, sender)
            known = await call(memory, "recall", profile_id=customer, query=message, observations_limit=3)
            print(f"{message}\n  -> what the model gets to see: {[one['content'] for one in known['observations']]}")
            await call(memory, "add_observation", profile_id=customer, observations=[{"content": message}])


async def profile_of(memory: Client, sender: str) -> str:
    found = await call(memory, "lookup_profile", value=sender)
    if not found["found"]:
        found = await call(memory, "upsert_traits", traits={"Contact": {found["id_type"]: sender}})
    return str(found["profile_id"])


async def call(memory: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await memory.call_tool(tool, arguments)
    if result.is_error or not isinstance(result.structured_content, dict):
        raise RuntimeError(f"{tool}: {result.content}")
    return result.structured_content


if __name__ == "__main__":
    local = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory"], env=dict(os.environ))
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else local))
