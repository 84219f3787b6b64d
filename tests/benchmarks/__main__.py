"""`make bench`, `make bench-full`, or `make bench ARGS="--quick --only recall add"`."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from . import (
    ablations,
    answers,
    extraction,
    footprint,
    growth,
    host,
    imports,
    latency,
    locomo,
    machine,
    many_tenants,
    mixed,
    neighbours,
    over_http,
    plots,
    quality,
    recalls,
    reconciling,
    results,
    survival,
)
from .lab import Lab
from .report import Row, table
from .results import Measured

MEASURES: Mapping[str, Callable[[Lab], Awaitable[list[Row]]]] = {
    "start": latency.cold_start,
    "tools": footprint.tools_list,
    "memory": footprint.memory,
    "size": footprint.installed_size,
    "inprocess": recalls.in_process,
    "recall": recalls.through_mcp,
    "add": latency.add_observation,
    "http": over_http.over_http,
    "growth": growth.growth,
    "locomo": locomo.locomo,
    "mixed": mixed.mixed,
    "extraction": extraction.extraction,
    "support": answers.support_set,
    "ablations": ablations.ablations,
    "ids": quality.exact_ids,
    "paraphrases": quality.paraphrases,
    "reconciling": reconciling.reconciling,
    "kill": survival.kill,
    "processes": survival.processes,
    "creators": survival.creators,
    "people": survival.people,
    "import": imports.imports,
    "throughput": host.throughput,
    "credentials": host.credentials,
    "neighbours": neighbours.neighbours,
    "tenants": many_tenants.many_tenants,
    "workers": host.workers,
}
SECTIONS: Mapping[str, Sequence[str]] = {
    "host": ("throughput", "credentials", "neighbours", "tenants", "workers"),
}
LONG = {"ablations"}  # only with --full, or by name
DATA = results.ROOT.parent / "shared" / "data" / "locomo-dev.json"
BROKEN = "broke off: see the traceback on stderr"
HOW = """\
Through a real server process over stdio, driven by the SDK's client, or over HTTP or in process where the measure says
so; quality through the service. CPU is the server process's own, user and system, all threads; the client's is not
counted. Times are medians over rounds, the rounds of what is compared taken in turn: on a shared machine trust CPU and
ratios more than wall time. Cold: just opened, and nothing of the store's files in memory."""


async def measure(names: Sequence[str], lab: Lab, done: Callable[[Measured], None]) -> None:
    for name in names:
        started = time.perf_counter()
        rows = await _measured(name, lab)
        seconds = time.perf_counter() - started
        done(Measured(name=name, seconds=round(seconds, 1), rows=rows))
        print(f"{name}: {seconds:.0f} s", file=sys.stderr, flush=True)


async def _measured(name: str, lab: Lab) -> list[Row]:
    """A measure that breaks is reported in its place: the others took minutes."""
    try:
        return await MEASURES[name](lab)
    except Exception:
        traceback.print_exc()
        return [Row(measure=name, measured=BROKEN, met=False)]


def main() -> None:
    asked = _asked()
    names = asked.only or [name for name in MEASURES if asked.size == "full" or name not in LONG]
    out = Path(tempfile.mkdtemp(prefix="mcp-memory-results-")) if asked.out is None else asked.out
    out.mkdir(parents=True, exist_ok=True)
    print(f"On {machine.description()}; {asked.size}\n{HOW}\n", flush=True)
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="mcp-memory-bench-", ignore_cleanup_errors=True) as folder:
        lab = Lab(folder=Path(folder), size=asked.size, data=asked.data)
        about = _about(lab, names)

        def done(one: Measured) -> None:
            """What was measured is kept, whatever becomes of the rest."""
            measured.append(one)
            results.write(out, about, measured)

        anyio.run(measure, names, lab, done)
    rows = [row for one in measured for row in one.rows]
    print(f"{table(rows)}\n\n{_drawn(out, measured)}")
    sys.exit(1 if any(row.measured == BROKEN for row in rows) else 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", help="smaller and fewer")
    size.add_argument(
        "--full", dest="size", action="store_const", const="full", help="larger and all: half an hour or more"
    )
    names = [*MEASURES, *SECTIONS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--data", type=Path, metavar="FILE", help=f"of LoCoMo's shape; {DATA} if it is there")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for results.json and plots; a new one by default")
    parser.set_defaults(size="ordinary")
    asked = parser.parse_args()
    if asked.data is not None and not asked.data.is_file():
        parser.error(f"{asked.data} is no file")
    only = (SECTIONS.get(name, [name]) for name in asked.only or ())
    asked.only = list(dict.fromkeys(name for section in only for name in section))
    asked.data = asked.data or (DATA if DATA.is_file() else None)
    return asked


def _about(lab: Lab, names: Sequence[str]) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **results.commit(),
        "settings": {"size": lab.size, "measures": list(names), "data": results.fingerprint(lab.data)},
        "machine": machine.facts(),
        "model": lab.model.model_id,
    }


def _drawn(out: Path, measured: Sequence[Measured]) -> str:
    try:
        drawn = plots.draw(out, measured)
    except ImportError:
        return f"{plots.MISSING}\nNumbers: {out / results.FILE}"
    return "\n".join([f"Numbers: {out / results.FILE}", *(f"Plot: {path}" for path in drawn)])


if __name__ == "__main__":
    main()
