"""What a language model says of a new observation beside what is known, where the rules found nothing.

It only proposes. Whatever goes wrong, it has said nothing, and what the rules decided stays.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from mcp_memory.errors import Unavailable
from mcp_memory.extractors import comparing
from mcp_memory.extractors.model import Model, Prompt
from mcp_memory.extractors.prompts import Prompts
from mcp_memory.extractors.replies import Unusable
from mcp_memory.reconciliation.proposals import Ask, Proposal, Question

logger = logging.getLogger(__name__)

SHORTEST: Final = 0.1  # seconds that are worth an attempt


class ModelReconciler:
    """`seconds`: what all questions about what is written at once may take."""

    def __init__(
        self, model: Model, prompts: Prompts, *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._model, self._prompts, self._seconds, self._clock = model, prompts, seconds, clock

    def __call__(self, store_id: str) -> Ask:
        end, said = self._clock() + self._seconds, dict[Question, Proposal | None]()

        def ask(question: Question) -> Proposal | None:
            if question not in said:
                said[question] = self._proposed(question, store_id, end)
            return said[question]

        return ask

    def _proposed(self, question: Question, store_id: str, end: float) -> Proposal | None:
        try:
            return self._asked(question, store_id, end)
        except (Unavailable, Unusable) as exc:
            logger.info("a model said nothing of an observation that can be used: %s", exc)
            return None

    def _asked(self, question: Question, store_id: str, end: float) -> Proposal:
        """Once, and where the answer can't be used once more, saying why. Raises Unavailable and Unusable."""
        rules = self._prompts.of("reconciliation", store_id)
        by = f"model:{self._model.name}:{rules.version}"

        def said(complaint: str | None = None) -> Proposal:
            prompt = comparing.prompt(rules.text, question, complaint)
            return comparing.proposal(self._said(prompt, question, end), question, by)

        try:
            return said()
        except Unusable as exc:
            complaint = str(exc)
        return said(complaint)

    def _said(self, prompt: Prompt, question: Question, end: float) -> str:
        seconds = end - self._clock()
        if seconds < SHORTEST:
            raise Unavailable("There was no time left within extraction_timeout.")
        return self._model.complete(prompt, comparing.schema(question), seconds=seconds, attempts=1)
