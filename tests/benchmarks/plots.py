"""The measurements as pictures, where matplotlib is installed: the extra `bench`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import asks, metrics
from .results import Measured

Numbers = Sequence[Mapping[str, Any]]
MISSING = "No plots: matplotlib is not installed (pip install -e '.[bench]')."


def draw(out: Path, measured: Sequence[Measured]) -> list[Path]:
    """Those for which something was measured. Raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    for old in out.glob("*.png"):
        old.unlink()  # of another run
    numbers = [row.numbers for one in measured for row in one.rows]
    plots: list[tuple[str, Callable[[Any, Numbers], None], Numbers]] = [
        ("recall.png", _recall, [one for one in numbers if "curve" in one]),
        ("profile-size.png", _profile_size, [one for one in numbers if "door" in one]),
        ("host.png", _host, [one for one in numbers if "points" in one]),
        ("store-size.png", _store_size, [one for one in numbers if "store" in one and "profile" in one]),
    ]
    return [_drawn(out / name, plot, chosen) for name, plot, chosen in plots if chosen]


def _drawn(path: Path, plot: Callable[[Any, Numbers], None], numbers: Numbers) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    plot(axes, numbers)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    return path


def _recall(axes: Any, numbers: Numbers) -> None:
    for one in numbers:
        axes.plot(range(1, len(one["curve"]) + 1), one["curve"], marker=".", label=one["level"])
    axes.set(title="Evidence recall by level", xlabel="items returned", ylabel="share of the evidence", ylim=(0, 1))
    axes.set_xticks([1, *metrics.CUTS])


def _profile_size(axes: Any, numbers: Numbers) -> None:
    for door in dict.fromkeys(one["door"] for one in numbers):
        _latencies(axes, "size", [one for one in numbers if one["door"] == door], door)
    axes.set(title="Recall by size of the profile, p50 to p95", xlabel="observations in the profile", ylabel="ms")
    axes.set(yscale="log")


def _store_size(axes: Any, numbers: Numbers) -> None:
    for size in dict.fromkeys(one["profile"] for one in numbers):
        _latencies(axes, "store", [one for one in numbers if one["profile"] == size], f"profile of {size:,}")
    axes.set(title="Recall by size of the store, p50 to p95", xlabel="observations in the store", ylabel="ms")
    axes.set_ylim(bottom=0)


def _host(axes: Any, numbers: Numbers) -> None:
    for one in numbers:
        x, y = ([point[name] for point in one["points"]] for name in ("clients", "per_second"))
        axes.plot(x, y, marker="o", label=f"{one['call']}, {asks.TITLES[one['transport']]}")
    axes.set(title="Answers of a host by number of clients", xlabel="clients at once", ylabel="answers a second")
    axes.set_ylim(bottom=0)


def _latencies(axes: Any, across: str, numbers: Numbers, label: str) -> None:
    """The median as a line, up to p95 as its shadow."""
    for heat in ("warm", "cold"):
        known = [one for one in numbers if f"{heat}_p50" in one]
        x, p50, p95 = ([one[name] for one in known] for name in (across, f"{heat}_p50", f"{heat}_p95"))
        axes.plot(x, p50, marker="o", linestyle="--" if heat == "cold" else "-", label=f"{label}, {heat}")
        axes.fill_between(x, p50, p95, alpha=0.12)
    sizes = [one[across] for one in numbers]
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
    axes.set_xticks([], minor=True)
