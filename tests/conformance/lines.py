"""What the scripts print: one line of JSON for each thing that was tried."""

import json
import sys
from datetime import datetime
from typing import Any


def say(call: str, **told: Any) -> None:
    print(json.dumps({"call": call, **told}, default=plain), flush=True)


def plain(value: Any) -> Any:
    """A time says that it was understood as one; of an object, what it shows to those who use it."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if hasattr(value, "model_dump"):
        return value.model_dump(by_alias=True, mode="json")
    return {name: one for name, one in vars(value).items() if not name.startswith("_") and one is not None}


def arguments() -> list[str]:
    """Of the command line: the address, the key's id, the key's secret."""
    return sys.argv[1:]
