"""What became of each item of a write, in a header: the published answers have no place for it.

A list of RFC 8941, in the order of what was sent: `mem_summary_…;outcome=added, mem_summary_…;outcome=duplicate`.
"""

import re
from collections.abc import Sequence

from mcp_memory.model import Receipt

HEADER = "Memory-Receipts"
_ONE = re.compile(r"([a-z_]+_[0-9a-z]{26});outcome=(added|duplicate)")


def header(receipts: Sequence[Receipt]) -> dict[str, str]:
    return {HEADER: ", ".join(f"{one.id};outcome={one.outcome}" for one in receipts if one.id)}


def read(text: str | None, count: int) -> list[Receipt] | None:
    """None where there is no such header, or it is not about `count` items."""
    found = [_ONE.fullmatch(part.strip()) for part in (text or "").split(",")]
    receipts = [
        Receipt(id=one[1], outcome="added" if one[2] == "added" else "duplicate") for one in found if one is not None
    ]
    return receipts if len(receipts) == len(found) == count else None
