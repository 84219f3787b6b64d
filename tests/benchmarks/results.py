"""What was measured, for programs: results.json, with what it was measured on. Numbers only, no text of a data set."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .report import Row

ROOT = Path(__file__).parent.parent.parent
FILE = "results.json"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One of the measures, and how long measuring took."""

    name: str
    seconds: float
    rows: Sequence[Row]


def write(out: Path, about: Mapping[str, Any], measured: Sequence[Measured]) -> Path:
    path = out / FILE
    content = {**about, "measures": [asdict(one) for one in measured]}
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def commit() -> dict[str, Any]:
    """None where this is no working copy of git."""
    try:
        said = [_git("rev-parse", "HEAD"), _git("status", "--porcelain")]
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed_since": None}
    return {"commit": said[0].strip(), "changed_since": bool(said[1].strip())}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def fingerprint(data: Path | None) -> dict[str, str] | None:
    """Which file the quality was measured on."""
    if data is None:
        return None
    return {"name": data.name, "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
