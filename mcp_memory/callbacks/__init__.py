"""Pure: what is told of a change, and to whom: the status callbacks of a configuration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Method = Literal["POST", "GET"]


@dataclass(frozen=True, kw_only=True)
class StatusCallback:
    """`url`: as `checked_url` has let it through."""

    url: str
    method: Method = "POST"


def event(event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of a callback. `data`: the resource as the API tells it."""
    told = {"eventType": event_type, "timestamp": time(at), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def time(moment: datetime) -> str:
    """RFC 3339, UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
