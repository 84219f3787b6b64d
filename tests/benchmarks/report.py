"""What was measured, beside what was promised, as one table."""

import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

NOT_AVAILABLE = "n/a"
HEADINGS = ("measure", "measured", "target", "met?")
WIDEST = 64  # characters of a column


@dataclass(frozen=True, kw_only=True)
class Row:
    """`met` is None where nothing was promised or nothing measured. `numbers`: what `measured` says, for programs."""

    measure: str
    measured: str
    target: str = "-"
    met: bool | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)


def within(measured: float | None, limit: float) -> bool | None:
    return None if measured is None else measured <= limit


def all_met(*verdicts: bool | None) -> bool | None:
    """One miss is a miss; else one that could not be measured leaves it open."""
    if False in verdicts:
        return False
    return None if None in verdicts else True


def shown(number: float | None, unit: str, digits: int = 1) -> str:
    return NOT_AVAILABLE if number is None else f"{number:,.{digits}f} {unit}"


def median(numbers: Iterable[float | None]) -> float | None:
    """Of what could be measured; None where nothing could."""
    known = [number for number in numbers if number is not None]
    return statistics.median(known) if known else None


def percentile(numbers: Sequence[float], share: float) -> float:
    ordered = sorted(numbers)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def table(rows: Sequence[Row]) -> str:
    cells = [
        _wrapped(HEADINGS),
        *(_wrapped((one.measure, one.measured, one.target, _verdict(one.met))) for one in rows),
    ]
    widths = [max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)]
    blocks = ["\n".join(_line(line, widths) for line in zip_longest(*row, fillvalue="")) for row in cells]
    return "\n".join([blocks[0], "-+-".join("-" * width for width in widths), *blocks[1:]])


def _wrapped(cells: Sequence[str]) -> list[list[str]]:
    return [textwrap.wrap(cell, WIDEST, break_on_hyphens=False) for cell in cells]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _verdict(met: bool | None) -> str:
    return {True: "yes", False: "NO", None: "-"}[met]
