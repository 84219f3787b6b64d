"""A model behind an OpenAI-compatible POST {url}/chat/completions, on this machine or elsewhere.

Endpoints differ in how an answer can be held to a schema, and refuse what they don't know. So the most is asked for
first, and less where that is refused; what was taken once is asked for from then on.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp_memory.endpoints.posting import Poster, bearer
from mcp_memory.endpoints.replies import Called, Failed
from mcp_memory.errors import Unavailable
from mcp_memory.extractors.model import CHECK, LONGEST_ANSWER, LONGEST_REPLY, Prompt, Schema, without_limits

CALLED: Final = Called(
    what="The language model's endpoint",
    settings="extraction_",
    path="/chat/completions",
    knows="extraction_model",
    longest=LONGEST_REPLY,
)
REFUSED: Final = frozenset({400, 422})
NO_ANSWER: Final = f"{CALLED.what} did not answer as was asked. {CHECK.format(setting=CALLED.settings)}"


def _held(schema: Schema) -> list[Mapping[str, Any]]:
    """What is asked for besides, the most first. Runners on one's own machine hold a model to all of a schema, which
    keeps a small one from talking without end; those elsewhere may refuse its limits."""
    exact, bounded = {"temperature": 0}, {"max_completion_tokens": LONGEST_ANSWER}
    return [
        {"response_format": _strictly(schema), **bounded, **exact},
        {"response_format": _strictly(without_limits(schema)), **bounded, **exact},
        {"response_format": _strictly(without_limits(schema)), **bounded},  # models that think refuse a temperature
        {"response_format": {"type": "json_object"}, **bounded},
        {},
    ]


def _strictly(schema: Schema) -> Mapping[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "extract", "strict": True, "schema": schema}}


class OpenAI:
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
        self._poster = Poster(url, bearer(key), timeout, CALLED, keeps=False, clock=clock, sleep=sleep)
        self._clock = clock
        self._taken = 0  # of what may be asked for besides; written by any thread, all of which learn the same

    @property
    def name(self) -> str:
        return self._model

    def complete(self, prompt: Prompt, schema: Schema, *, seconds: float, attempts: int) -> str:
        end = self._clock() + seconds
        messages = [{"role": "system", "content": prompt.rules}, {"role": "user", "content": prompt.data}]
        ways = list(enumerate(_held(schema)))[self._taken :]
        for way, held in ways:
            request = {"model": self._model, "messages": messages, "stream": False, **held}
            try:
                text = self._poster.ask(request, _said, seconds=end - self._clock(), attempts=attempts)
            except Failed as exc:
                if exc.status in REFUSED and way != ways[-1][0] and end > self._clock():
                    continue
                raise Unavailable(str(exc)) from exc
            self._taken = way
            return str(text)
        raise AssertionError("the last way returns or raises")


def _said(reply: Any) -> str:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        raise Failed(NO_ANSWER)
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise Failed(NO_ANSWER)
    return content
