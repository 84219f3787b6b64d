"""What goes back, as bytes."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mcp_memory.wire import Base

JSON = "application/json"


class Answer(Response):
    media_type = JSON


def answer(content: Base | Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    body = content.body() if isinstance(content, Base) else content
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Answer(text.encode("utf-8", "replace"), status, headers)  # halves of letters, which JSON may hold, have none
