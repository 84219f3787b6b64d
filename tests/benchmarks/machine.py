"""What a process costs, and what an installation weighs. Where the system does not say, None."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import apsw
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mcp_memory

N = TypeVar("N", int, float)

MEGA = 1_000_000
PROJECT = "mcp-memory"


def description() -> str:
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}{load}"
    )


def facts() -> dict[str, str | int | float | None]:
    """What results depend on, for comparing them with others."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gb": _memory_gb(),
        "os": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": apsw.sqlite_lib_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


def cpu_seconds(pid: int) -> float | None:
    """User and system time of all threads since the start, in ticks of usually 10 ms."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    user, system = stat.rpartition(")")[2].split()[11:13]  # the name before it may hold anything
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) * 1024 / MEGA if found else None


def open_files(pid: int) -> int | None:
    """File descriptors."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def files_allowed() -> int | None:
    """File descriptors that a process of ours may have open."""
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def family(pid: int) -> list[int]:
    """The process, and those that it and they started."""
    parents = dict(_parents())
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            yield int(path.parent.name), int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def total(measure: Callable[[int], N | None], pids: Iterable[int]) -> N | None:
    """Of those that can be measured: others may have ended meanwhile."""
    known = [found for found in map(measure, pids) if found is not None]
    return sum(known[1:], known[0]) if known else None


def since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def installed_bytes() -> dict[str, int]:
    """Per distribution that running the server needs, itself with its model included; no extras, no pip."""
    package = Path(mcp_memory.__file__).parent
    sizes = {PROJECT: sum(path.stat().st_size for path in package.rglob("*") if path.is_file())}
    for name in _requirements(PROJECT, set()) - {PROJECT, "pip", "setuptools"}:
        files = importlib.metadata.files(name) or []
        located = (Path(str(file.locate())) for file in files)
        sizes[name] = sum(path.stat().st_size for path in located if path.is_file())
    return sizes


def _requirements(name: str, found: set[str]) -> set[str]:
    if name in found:
        return found
    found.add(name)
    for text in importlib.metadata.requires(name) or []:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            _requirements(canonicalize_name(wanted.name), found)
    return found


def bare_import_command() -> list[str]:
    """What any Python server on this SDK pays before its own first line; prints the CPU seconds it took."""
    code = "import mcp.server, os, sys; t = os.times(); print(t.user + t.system, flush=True)"
    return [sys.executable, "-c", code]
