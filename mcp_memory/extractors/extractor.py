"""A conversation, read by a language model within a budget, and by the rules where it can't or may not.

The latest messages are read first: what there is no budget for is the oldest, which the rules read.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from mcp_memory.errors import Unavailable
from mcp_memory.extraction import MOST_OBSERVATIONS, Candidate, Extract, extract
from mcp_memory.extraction.known import Known
from mcp_memory.extractors import candidates, framing, replies
from mcp_memory.extractors.candidates import Judged
from mcp_memory.extractors.framing import Window
from mcp_memory.extractors.model import Model, Prompt, Schema
from mcp_memory.extractors.prompts import Prompts, Rules
from mcp_memory.extractors.replies import Unusable
from mcp_memory.model import Communication

T = TypeVar("T")

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 3  # of a window: requests that an endpoint in trouble is sent, and one more that says what was wrong
SHORTEST: Final = 0.1  # seconds that are worth an attempt
LONGEST_REASON: Final = 120  # characters
BEYOND: Final = "the conversation is longer than extraction_budget"


@dataclass(kw_only=True)
class _Reading:
    """What is found of one conversation, and what may still be spent on it."""

    end: float
    characters: int
    found: list[Candidate] = field(default_factory=list)
    screened: int = 0
    refused: int = 0
    known: int = 0


class ModelExtractor:
    """`seconds` and `characters` of messages: what observations, and again a summary, of one conversation may cost."""

    def __init__(
        self,
        model: Model,
        prompts: Prompts,
        *,
        seconds: float,
        characters: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model, self._prompts = model, prompts
        self._seconds, self._characters, self._clock = seconds, characters, clock

    def __call__(
        self, messages: Sequence[Communication], known: Sequence[str], with_summary: bool, store_id: str = ""
    ) -> Extract:
        """With a summary, that is what the model is asked for, and the observations are those of the rules."""
        ordered = framing.ordered(messages)
        if not ordered:
            return extract(messages, recalled=known, with_summary=with_summary)
        if with_summary:
            return self._summed_up(ordered, known, store_id)
        return self._observed(ordered, known, store_id)

    def _observed(self, messages: Sequence[Communication], recalled: Sequence[str], store_id: str) -> Extract:
        reading = _Reading(end=self._clock() + self._seconds, characters=self._characters)
        known, left, reason, version = Known(recalled), len(messages), "", ""
        try:
            rules = self._prompts.of("observations", store_id)
            version = rules.version
            while left and not reason:
                window = framing.last_window(messages[:left], min(framing.WINDOW, self._characters))
                if reading.characters < len(window.sent) and left < len(messages):
                    reason = BEYOND
                else:
                    self._read(window, rules, known, reading)
                    left -= window.own
        except (Unavailable, Unusable) as exc:
            reason = f"the model failed: {_short(exc)}"
        if not (reason or reading.found or reading.screened or reading.known):
            left, reason = len(messages), "the model found nothing"
        made_by = f"model:{self._model.name}:{version}"
        rest = extract(messages[:left], recalled=recalled, with_summary=False)
        logger.info("a model read a conversation: %d taken, %d refused", len(reading.found), reading.refused)
        return Extract(
            observations=_once([*rest.observations, *reading.found], messages),
            summary=None,
            screened=rest.screened + reading.screened,
            made_by=_made_by(made_by, reason, left, len(messages)),
            refused=reading.refused,
        )

    def _read(self, window: Window, rules: Rules, known: Known, reading: _Reading) -> None:
        def read(text: str) -> Judged:
            judged = candidates.judged(replies.items(text), window.messages, known)
            reading.refused += judged.refused
            if judged.refused and not (judged.taken or judged.screened or judged.known):
                raise Unusable(f"nothing in it could be kept: {'; '.join(list(judged.why)[:3])}")
            return judged

        judged = self._asked(window, rules, framing.OBSERVATIONS, read, reading)
        reading.found += judged.taken
        reading.screened += judged.screened
        reading.known += judged.known

    def _summed_up(self, messages: Sequence[Communication], known: Sequence[str], store_id: str) -> Extract:
        made = extract(messages, recalled=known)
        reading = _Reading(end=self._clock() + self._seconds, characters=self._characters)
        window = framing.ends(messages, min(framing.WINDOW, self._characters))

        def read(text: str) -> str:
            try:
                return candidates.summary(replies.summary(text), list(window.messages.values()))
            except candidates.Refused as exc:
                raise Unusable(str(exc)) from exc
            except candidates.Special as exc:
                raise Unusable("it holds special-category data") from exc

        try:
            rules = self._prompts.of("summary", store_id)
            summary = self._asked(window, rules, framing.SUMMARY, read, reading)
        except (Unavailable, Unusable) as exc:
            return replace(made, made_by=f"{made.made_by} (the model failed: {_short(exc)})")
        return replace(made, summary=summary, made_by=f"model:{self._model.name}:{rules.version}")

    def _asked(self, window: Window, rules: Rules, schema: Schema, read: Callable[[str], T], reading: _Reading) -> T:
        """Once, and where the answer can't be used once more, saying why. Raises Unavailable and Unusable."""
        try:
            return read(self._said(framing.prompt(rules.text, window, schema), schema, ATTEMPTS - 1, reading))
        except Unusable as exc:
            complaint = str(exc)
            if reading.characters < len(window.sent):
                raise
        return read(self._said(framing.prompt(rules.text, window, schema, complaint), schema, 1, reading))

    def _said(self, prompt: Prompt, schema: Schema, attempts: int, reading: _Reading) -> str:
        seconds = reading.end - self._clock()
        if seconds < SHORTEST:
            raise Unavailable("There was no time left within extraction_timeout.")
        reading.characters -= len(prompt.data)
        return self._model.complete(prompt, schema, seconds=seconds, attempts=attempts)


def _made_by(model: str, reason: str, left: int, whole: int) -> str:
    """`left`: how many messages the rules read."""
    if left == whole:
        return f"rules ({reason})"
    return f"{model}, the rest by rules ({reason})" if left else model


def _once(found: Sequence[Candidate], messages: Sequence[Communication]) -> tuple[Candidate, ...]:
    """In the order in which they were said: windows overlap."""
    known, places = dict[str, Candidate](), {one.id: place for place, one in enumerate(messages)}
    for one in sorted(found, key=lambda one: places[one.evidence[-1]]):
        known.setdefault(one.content.casefold(), one)
    return tuple(known.values())[:MOST_OBSERVATIONS]


def _short(exc: Exception) -> str:
    """The first sentence of what was wrong, as far as it may be long. It holds nothing that was said."""
    said = f"its answer can't be used: {exc}" if isinstance(exc, Unusable) else str(exc)
    return said.split(". ")[0].rstrip(".")[:LONGEST_REASON]
