"""Pure: in which line of a TOML file a thing is said, for those who have to mend it. The parser does not tell."""

import re
from collections.abc import Sequence

Path = Sequence[str | int]
"""Of names, and of places in lists."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")
_ENTRY = re.compile(r"""\s*([A-Za-z0-9_.\-"' ]+?)\s*=""")


def line_of(text: str, path: Path) -> int:
    """Counted from 1. Of what stands inside a value of several lines, the line that it begins in; of what is not said
    at all, that of the table it is missing in; else 1."""
    best, depth = 1, 0
    table: list[str | int] = []
    counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = _named(header[2])
            if header[1] == "[[":
                table.append(counts.setdefault(tuple(table), 0))
                counts[tuple(table[:-1])] += 1
            said = table
        elif entry := _ENTRY.match(line):
            said = [*table, *_named(entry[1])]
        else:
            continue
        if len(said) > depth and list(path[: len(said)]) == said:
            best, depth = number, len(said)
    return best


def _named(dotted: str) -> list[str | int]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
