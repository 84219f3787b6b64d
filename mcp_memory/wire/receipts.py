"""What became of each item of a write, in a header: the published answers have no place for it.

A list of RFC 8941, in the order of what was sent: `mem_summary_…;outcome=added, mem_summary_…;outcome=duplicate`. What
was discarded though nothing that is known says the same has no id: `none;outcome=discarded`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from mcp_memory.model import Outcome, Receipt

HEADER = "Memory-Receipts"
NONE = "none"
_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "added": "added",
    "duplicate": "duplicate",
    "updated": "updated",
    "discarded": "discarded",
}
_ONE = re.compile(r"([a-z_]+_[0-9a-z]{26});outcome=(added|duplicate|updated|discarded)|none;outcome=discarded")


def header(receipts: Sequence[Receipt]) -> dict[str, str]:
    return {
        HEADER: ", ".join(
            f"{one.id or NONE};outcome={one.outcome}" for one in receipts if one.id or one.outcome == "discarded"
        )
    }


def read(text: str | None, count: int) -> list[Receipt] | None:
    """None where there is no such header, or it is not about `count` items."""
    found = [_ONE.fullmatch(part.strip()) for part in (text or "").split(",")]
    receipts = [Receipt(id=one[1], outcome=_OUTCOMES[one[2] or "discarded"]) for one in found if one is not None]
    return receipts if len(receipts) == len(found) == count else None
