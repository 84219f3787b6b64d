"""`make bench`, or `make bench ARGS="--quick"`, or `make bench ARGS="--only recall add"`."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import anyio

from . import footprint, imports, latency, locomo, machine, quality, survival
from .lab import Lab
from .report import Row, table

MEASURES: Mapping[str, Callable[[Lab], Awaitable[list[Row]]]] = {
    "start": latency.cold_start,
    "tools": footprint.tools_list,
    "memory": footprint.memory,
    "size": footprint.installed_size,
    "inprocess": latency.recall_in_process,
    "recall": latency.recall,
    "add": latency.add_observation,
    "flat": latency.flatness,
    "locomo": locomo.locomo,
    "ids": quality.exact_ids,
    "paraphrases": quality.paraphrases,
    "kill": survival.kill,
    "processes": survival.processes,
    "creators": survival.creators,
    "people": survival.people,
    "import": imports.imports,
}
BROKEN = "broke off: see the traceback on stderr"
HOW = """\
Through a real server process over stdio, driven by the SDK's client, unless the measure says otherwise. CPU is the
server process's own, user and system, all threads; the client's is not counted. Times are medians over rounds, the
rounds of what is compared taken in turn: on a shared machine trust CPU and ratios more than wall time."""


async def measure(names: Sequence[str], quick: bool, locomo_file: Path | None) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mcp-memory-bench-", ignore_cleanup_errors=True) as folder:
        lab = Lab(folder=Path(folder), quick=quick, locomo=locomo_file)
        for name in names:
            started = time.perf_counter()
            rows += await _measured(name, lab)
            print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return rows


async def _measured(name: str, lab: Lab) -> list[Row]:
    """A measure that breaks is reported in its place: the others took minutes."""
    try:
        return await MEASURES[name](lab)
    except Exception:
        traceback.print_exc()
        return [Row(measure=name, measured=BROKEN, met=False)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: under a minute")
    parser.add_argument("--only", nargs="+", choices=MEASURES, metavar="NAME", help=f"of {', '.join(MEASURES)}")
    asked = parser.parse_args()
    given = os.environ.get(locomo.VARIABLE)
    print(f"On {machine.description()}{'; quick' if asked.quick else ''}\n{HOW}\n", flush=True)
    rows = anyio.run(measure, asked.only or list(MEASURES), asked.quick, Path(given) if given else None)
    print(table(rows))
    sys.exit(1 if any(row.measured == BROKEN for row in rows) else 0)


if __name__ == "__main__":
    main()
