"""What the commands about a memory do. They say what there is to say through a Console; `cli.py` prints it."""

import json
from codecs import BOM_UTF8
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
    """Of a JSON file, without the mark that some editors put before it."""
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise Invalid(f"{path} is no file.")
        return file.read_bytes().removeprefix(BOM_UTF8)
    except OSError as exc:
        raise Invalid(f"{path} can't be read: {exc.strerror}.") from exc
