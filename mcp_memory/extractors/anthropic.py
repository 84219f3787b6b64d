"""A model behind Anthropic's POST {url}/v1/messages: it has one tool, whose input is the answer, and must call it."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from mcp_memory.endpoints.posting import Poster
from mcp_memory.endpoints.replies import Called, Failed
from mcp_memory.errors import Unavailable
from mcp_memory.extractors.model import CHECK, LONGEST_ANSWER, LONGEST_REPLY, Prompt, Schema

VERSION: Final = "2023-06-01"  # of the API
TOOL: Final = "answer"
CALLED: Final = Called(
    what="The language model's endpoint",
    settings="extraction_",
    path="/v1/messages",
    knows="extraction_model",
    longest=LONGEST_REPLY,
)
NO_ANSWER: Final = f"{CALLED.what} did not answer as was asked. {CHECK.format(setting=CALLED.settings)}"


class Anthropic:
    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model = model
        headers = {"anthropic-version": VERSION} | ({} if key is None else {"x-api-key": key})
        self._poster = Poster(url, headers, timeout, CALLED, keeps=False, clock=clock, sleep=sleep)

    @property
    def name(self) -> str:
        return self._model

    def complete(self, prompt: Prompt, schema: Schema, *, seconds: float, attempts: int) -> str:
        request = {
            "model": self._model,
            "max_tokens": LONGEST_ANSWER,
            "system": prompt.rules,
            "messages": [{"role": "user", "content": prompt.data}],
            "tools": [{"name": TOOL, "description": "Takes the answer.", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": TOOL},
        }
        try:
            return str(self._poster.ask(request, _said, seconds=seconds, attempts=attempts))
        except Failed as exc:
            raise Unavailable(str(exc)) from exc


def _said(reply: Any) -> str:
    content = reply.get("content") if isinstance(reply, dict) else None
    if not isinstance(content, list):
        raise Failed(NO_ANSWER)
    parts = [part for part in content if isinstance(part, dict)]
    for part in parts:
        if part.get("type") == "tool_use" and part.get("name") == TOOL:
            return json.dumps(part.get("input"), ensure_ascii=False)
    return "".join(str(part.get("text") or "") for part in parts if part.get("type") == "text")
