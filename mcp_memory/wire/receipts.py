"""Pure: the header `Memory-Receipts`, which says what became of each item of a write.

It is ours, and not published: who does not know it passes over it. A list of RFC 8941, in the order of what was given:
`mem_observation_01k…;outcome=added, mem_observation_01k…;outcome=duplicate`.
"""

import re
from collections.abc import Sequence
from typing import Final

from mcp_memory.model import Receipt

HEADER: Final = "Memory-Receipts"
LONGEST: Final = 4096  # characters

_ONE = re.compile(r"([a-z]+(?:_[a-z]+)*_[0-7][0-9a-z]{25});outcome=(added|duplicate)")


def write(receipts: Sequence[Receipt]) -> str | None:
    """None where one has no id: what is only accepted has none to tell."""
    if any(one.id is None or one.outcome == "accepted" for one in receipts):
        return None
    return ", ".join(f"{one.id};outcome={one.outcome}" for one in receipts)


def read(text: str) -> list[Receipt] | None:
    """None where it is anything else."""
    if len(text) > LONGEST:
        return None
    receipts = []
    for part in text.split(","):
        found = _ONE.fullmatch(part.strip(" \t"))
        if found is None:
            return None
        receipts.append(Receipt(id=found[1], outcome="added" if found[2] == "added" else "duplicate"))
    return receipts
