"""mcp-memory extractions: how far it is with what is learned of conversations, and what failed tried again. As text, or
with --json as data."""

from datetime import datetime
from typing import Any

from mcp_memory import views
from mcp_memory.commands import Console, Given
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.listing import PageQuery
from mcp_memory.model import MAX_PAGE, Caller
from mcp_memory.service import Memory


async def list_(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    """The latest first, as many as a page holds."""
    wanted = ExtractionFilter(profile_id=given.get("profile_id"), status=given.get("status"))
    page = await memory.list_extractions(caller, wanted, PageQuery(limit=MAX_PAGE))
    if given.get("json"):
        console.show({"extractions": [_data(one) for one in page.items]})
    else:
        console.say("\n".join(map(_line, page.items)) or "There are none.")
    if page.next_cursor is not None:
        console.tell(f"These are the latest {MAX_PAGE}.")
    return 0


async def retry(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    """Queues it: a server makes it, or the next one to start."""
    queued = await memory.retry_extraction(caller, given["extraction_id"])
    if given.get("json"):
        console.show(_data(queued))
    else:
        console.say(_line(queued))
    return 0


def _data(one: Extraction) -> dict[str, Any]:
    told = {name: views.time(value) if isinstance(value, datetime) else value for name, value in vars(one).items()}
    return {name: value for name, value in told.items() if value is not None}


def _line(one: Extraction) -> str:
    """With what came of it, or what is in its way."""
    said = f"{one.extraction_id}  {one.status}  {views.time(one.created_at)}  {one.profile_id}  "
    said += f"{one.cause} {views.quoted(one.conversation_id)}  {one.added} added, {one.updated} updated"
    if one.error is None:
        return said
    again = "" if one.next_attempt_at is None else f", again at {views.time(one.next_attempt_at)}"
    return f"{said}  failed {one.attempts} times{again}: {one.error}"
