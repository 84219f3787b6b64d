"""mcp-memory import: the rows of a CSV file become profiles."""

from pathlib import Path

from mcp_memory.commands import Console, Given
from mcp_memory.import_file import Result, all_remarks, import_file
from mcp_memory.imports import Import
from mcp_memory.model import Caller
from mcp_memory.service import Memory

STEP = 10_000  # rows, a few seconds; of small files a tenth


async def import_(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    """1 where a row was refused."""
    shown = -1

    def progress(current: Import) -> None:
        nonlocal shown
        before, shown = shown, current.rows_done // min(STEP, -(-current.rows_total // 10))
        if before < 0 < current.rows_done:
            console.tell(f"An earlier import of this file broke off: going on behind row {current.rows_done}.")
        if before < shown:
            console.tell(f"{current.rows_done:,} of {current.rows_total:,} rows, {current.refused:,} refused")

    result = await import_file(
        memory, caller, Path(given["file"]), given.get("map", ()), progress, given.get("keep_empty", False)
    )
    console.say(_summary(result))
    async for one in all_remarks(memory, caller, result.imported.import_id):
        console.say(f"row {one.row}: {one.reason}")
    return 1 if result.imported.refused else 0


def _summary(result: Result) -> str:
    done = result.imported
    lines = [
        f"{done.status}: {done.rows_done:,} rows, {done.created:,} created, {done.updated:,} updated, "
        f"{done.refused:,} refused",
        *(f"{one.column_name} -> {one.trait_group}.{one.trait_name}" for one in done.column_mappings),
    ]
    if done.merges:
        lines.append(f"Profiles that turned out to be part of another: {done.merges:,}")
    if done.kept_apart:
        lines.append(f"Rows of which an identifier stays with somebody else: {done.kept_apart:,}")
    if result.ignored:
        lines.append(f"Not imported: {', '.join(result.ignored)}. Say which trait a column is with --map.")
    return "\n".join(lines)
