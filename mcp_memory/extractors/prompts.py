"""The prompts: versioned files of this package, or the store's own.

In the folder of one's own, `observations.md`, `summary.md` and `reconciliation.md` are for all stores, and in a folder
named by the id of a store for that one. The version of those is a hash of what is in them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mcp_memory.errors import Unavailable

Purpose = Literal["observations", "summary", "reconciliation"]

CURRENT: Final = 1
LONGEST: Final = 20_000  # bytes
OURS: Final = Path(__file__).parent / "prompts"


@dataclass(frozen=True, kw_only=True)
class Rules:
    text: str
    version: str


class Prompts:
    def __init__(self, own: Path | None = None) -> None:
        self._own = own

    def of(self, purpose: Purpose, store_id: str) -> Rules:
        """Read anew each time. Raises Unavailable where there is one of one's own that can't be used."""
        for folder in () if self._own is None else (self._own / store_id, self._own):
            path = folder / f"{purpose}.md"
            if path.exists():
                return _own(path)
        text = (OURS / f"{purpose}-{CURRENT}.md").read_text(encoding="utf-8")
        return Rules(text=text, version=str(CURRENT))


def _own(path: Path) -> Rules:
    try:
        read = path.read_bytes()[: LONGEST + 1]
        text = read.decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Unavailable("The prompt in extraction_prompts can't be read.") from exc
    if len(read) > LONGEST or not text.strip():
        raise Unavailable(f"The prompt in extraction_prompts is empty, or longer than {LONGEST} bytes.")
    return Rules(text=text, version=f"own-{hashlib.sha256(read).hexdigest()[:8]}")
