"""A week in the life: an agent meets a customer by SMS, phone, chat and email. A real server, a real client."""

import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

Say = Callable[[str], None]

PHONE, EMAIL, CHAT = "+1 (317) 555-0142", "Dana.Reyes@Example.com", "web-8841"
OBSERVATIONS = (
    ("Wants order A-1042 delivered to the office, not to the flat", "sms"),
    ("Is allergic to wool and asked for cotton only", "sms"),
    ("Prefers to be reached in the evening, after 6 pm", "sms"),
)


async def play(folder: str | Path | None, say: Say) -> None:
    """In `folder` if given, else in one that is removed afterwards. Each visit is a server process of its own."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-demo-", ignore_cleanup_errors=True) as scratch:
        data = str(folder or scratch)
        await _by_sms(data, say)
        await _by_phone(data, say)
        await _by_chat(data, say)
        await _by_email(data, say)
    say("\nFour server processes, one customer, nothing left this machine.")


async def _by_sms(data: str, say: Say) -> None:
    say(f"── Six days ago: an SMS from {PHONE}")
    async with _agent(data, say) as call:
        seen = await call("lookup_profile", value=PHONE)
        if not seen["found"]:
            contact = {"phone": PHONE, "firstName": "Dana", "lastName": "Reyes"}
            seen = await call("upsert_traits", traits={"Contact": contact})
        then = (datetime.now(UTC) - timedelta(days=6)).replace(microsecond=0).isoformat()
        observations = [{"content": content, "source": source, "occurred_at": then} for content, source in OBSERVATIONS]
        await call("add_observation", profile_id=seen["profile_id"], observations=observations)
        await call(
            "write_summary",
            profile_id=seen["profile_id"],
            conversation_id="sms-1",
            content="Asked where order A-1042 is. It left the warehouse; delivery to the office was promised.",
            occurred_at=then,
            source="sms",
        )


async def _by_phone(data: str, say: Say) -> None:
    say("\n── Four days ago: a call from the same number; the customer leaves an email address")
    async with _agent(data, say) as call:
        seen = await call("lookup_profile", value=PHONE)
        await call("upsert_traits", profile_id=seen["profile_id"], traits={"Contact": {"email": EMAIL}})


async def _by_chat(data: str, say: Say) -> None:
    say("\n── Yesterday: a visitor of the web shop whom nobody knows, until they give an email address")
    async with _agent(data, say) as call:
        seen = await call("lookup_profile", value=CHAT)
        if not seen["found"]:
            seen = await call("upsert_traits", traits={"Contact": {"chat": CHAT}})
        then = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0).isoformat()
        noticed = {"content": "Is looking for a birthday present for a six-year-old", "source": "chat"}
        await call("add_observation", profile_id=seen["profile_id"], observations=[{**noticed, "occurred_at": then}])
        await call("upsert_traits", traits={"Contact": {"chat": CHAT, "email": EMAIL}})


async def _by_email(data: str, say: Say) -> None:
    say(f"\n── Today: an email from {EMAIL.lower()}")
    async with _agent(data, say) as call:
        seen = await call("lookup_profile", value=EMAIL.lower())
        profile_id = seen["profile_id"]
        for question in ("When is a good time to call?", "Do they shop for a child?", "Where is order A-1042?"):
            await call("recall", profile_id=profile_id, query=question, observations_limit=1, relevance_threshold=0.2)
        say(f"\n   read memory://profiles/{profile_id}/context")
        say(_indented(await call.read(f"memory://profiles/{profile_id}/context")))


class _Caller:
    def __init__(self, client: Client, say: Say) -> None:
        self._client, self._say = client, say

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self._say("\n".join([f"\n   {tool}", *_lines(arguments)]))
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(getattr(block, "text", "") for block in result.content)
        self._say(_indented(text))
        if result.is_error or not isinstance(result.structured_content, dict):
            raise RuntimeError(f"{tool} failed: {text}")
        return result.structured_content

    async def read(self, uri: str) -> str:
        result = await self._client.read_resource(uri)
        return "\n".join(getattr(content, "text", "") for content in result.contents)


@asynccontextmanager
async def _agent(data: str, say: Say) -> AsyncIterator[_Caller]:
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory", "--data-dir", data])
    async with Client(server) as client:
        yield _Caller(client, say)


def _lines(arguments: dict[str, Any]) -> list[str]:
    """An argument a line, without profile_id: which customer it is, is plain from the story."""
    shown = {name: value if isinstance(value, list) else [value] for name, value in arguments.items()}
    return [
        f"   > {name} {json.dumps(value, ensure_ascii=False)}"
        for name, values in shown.items()
        if name != "profile_id"
        for value in values
    ]


def _indented(text: str) -> str:
    return "\n".join(f"     {line}".rstrip() for line in text.splitlines())
