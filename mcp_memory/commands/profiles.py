"""mcp-memory profiles: find, show, merge, unmerge, explain. As text, or with --json as data."""

from typing import Any

from mcp_memory import explanation, records, views
from mcp_memory.commands import Console, Given
from mcp_memory.model import Caller
from mcp_memory.service import Memory


async def find(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    """1 where nobody is found."""
    found = await memory.lookup_profile(caller, given["value"], given.get("id_type"))
    if found.profile is None:
        what = f"{' or '.join(found.tried)} {views.quoted(found.identifier.value)}"
        _answer(console, given, {"found": False}, f"Nobody has {what}.")
        return 1
    text = "\n".join([*views.sharer_lines(found), views.profile_text(found.profile)])
    return _answer(console, given, records.profile_data(found.profile), text)


async def show(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    found = await memory.get_profile(caller, given["profile_id"])
    return _answer(console, given, records.profile_data(found), views.profile_text(found, given["profile_id"]))


async def merge(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    merged = await memory.merge_profiles(caller, given["profile_id"], given["other_id"])
    return _answer(console, given, explanation.merged_data(merged), explanation.merged_text(merged))


async def unmerge(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    unmerged = await memory.unmerge_profile(caller, given["profile_id"])
    return _answer(console, given, explanation.unmerged_data(unmerged), explanation.unmerged_text(unmerged))


async def explain(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    found = await memory.explain_identity(caller, given["profile_id"])
    text = explanation.explained_text(found, given["profile_id"])
    return _answer(console, given, explanation.explained_data(found), text)


def _answer(console: Console, given: Given, data: dict[str, Any], text: str) -> int:
    if given.get("json"):
        console.show(data)
    else:
        console.say(text)
    return 0
