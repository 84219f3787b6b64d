"""What the commands about a memory do. They say what there is to say through a Console; `cli.py` prints it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_memory.errors import Invalid

Given = dict[str, Any]
"""The arguments of a command; what was left out is not there."""


@dataclass(frozen=True, kw_only=True)
class Console:
    """`say`: the result, a line or more. `tell`: how far it is, for whoever watches."""

    say: Callable[[str], None]
    tell: Callable[[str], None]

    def show(self, data: dict[str, Any]) -> None:
        self.say(json.dumps(data, indent=2, ensure_ascii=False))


def content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise Invalid(f"{path} can't be read: {exc.strerror}.") from exc
