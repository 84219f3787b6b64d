"""What recall needs of a text, apart from the text: its terms, its vectors, its tokens and theirs.

A text is remembered even where the model fails: with its terms, and vectors to be made later.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from mcp_memory import language, mentions
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.embedding import Embedder, Embedding
from mcp_memory.errors import Unavailable
from mcp_memory.model import MAX_QUERY

if TYPE_CHECKING:
    from mcp_memory.candidates import Question

logger = logging.getLogger(__name__)

NEIGHBOUR_WORDS = 60  # of each message beside one, so that a long neighbour does not drown it


@dataclass(frozen=True)
class Text:
    """`around`: for a message, how it reads between its neighbours; that is what its vector is made from."""

    own: str
    around: str | None = None


class Signatures:
    def __init__(self, embedder: Embedder, late_interaction: bool) -> None:
        self._embedder, self._late_interaction = embedder, late_interaction

    @property
    def model_id(self) -> str:
        return self._embedder.model_id

    @property
    def recipe(self) -> int:
        """What signatures are made by, beside the model: another number, and those that are stored are made anew."""
        return language.TERMS_VERSION * 2 + self._late_interaction

    def of(self, texts: Sequence[Text]) -> list[Signature]:
        """In the order of the texts. Blocks, and raises Unavailable where the model fails."""
        chunks = [language.chunks(text.own) for text in texts]
        # Of a message between its neighbours the own words are only there for their tokens.
        own_too = [self._late_interaction or not _in_context(*pair) for pair in zip(texts, chunks, strict=True)]
        alone = [piece for pieces, needed in zip(chunks, own_too, strict=True) for piece in pieces if needed]
        windows = [text.around for text, pieces in zip(texts, chunks, strict=True) if _in_context(text, pieces)]
        embedded = self._embedded([*alone, *(window for window in windows if window)])
        made = iter(embedded[: len(alone)])
        made_around = iter(embedded[len(alone) :])
        signatures = []
        for text, pieces, needed in zip(texts, chunks, own_too, strict=True):
            own = [next(made) for _ in pieces] if needed else []
            whole = [next(made_around)] if _in_context(text, pieces) else own
            signatures.append(self._signature(pieces, own, whole))
        return signatures

    def or_terms(self, texts: Sequence[Text]) -> list[Signature]:
        """As `of`; where the model fails, without vectors: they are to be made later."""
        try:
            return self.of(texts)
        except Unavailable as exc:
            logger.warning("remembered by words only, vectors follow: %s", exc, exc_info=exc)
            return [without_vectors(language.chunks(text.own)) for text in texts]

    def question(self, text: str, today: date) -> "Question":
        """Where the model fails, without a vector."""
        from mcp_memory.candidates import Question  # numpy: not before it is needed, for the cold start

        asked = Question(
            terms=language.query_terms(text),
            ids=language.id_terms(text),
            dates=mentions.dates(text, today),
            undated_terms=len(language.asked_terms(mentions.undated(text))),
        )
        if not self._embedder.reads(text):
            return replace(asked, by_words_only="script")
        try:
            (made,) = self._embedded([text])
        except Unavailable as exc:
            logger.warning("asked by words only: %s", exc, exc_info=exc)
            return replace(asked, by_words_only="failed")
        late = self._late_interaction and bool(len(made.token_ids))
        return replace(
            asked,
            vector=made.vector,
            token_ids=made.token_ids if late else None,
            token_states=made.token_states if late else None,
            telling=made.telling if late else None,
        )

    def to_compare(self, texts: Sequence[str], days: Sequence[date]) -> list[tuple[Signature, "Question"]]:
        """As `or_terms`, and as `question` on that day: what is to be stored is asked about as well, and embedded
        once."""
        once = Signatures(_Once(self._embedder), self._late_interaction)
        signatures = once.or_terms([Text(text) for text in texts])
        questions = [once.question(text[:MAX_QUERY], day) for text, day in zip(texts, days, strict=True)]
        return list(zip(signatures, questions, strict=True))

    def each(self, texts: Sequence[Text]) -> list[Signature]:
        """As `of`, one by one. A text that the model refuses gets a signature of this model without vectors: it is not
        tried again by itself. Raises Unavailable where the model takes no text at all."""
        self._embedded(["."])
        return [self._one(text) for text in texts]

    def _one(self, text: Text) -> Signature:
        try:
            return self.of([text])[0]
        except Unavailable as exc:
            logger.warning("a text stays without vectors, since the model refuses it: %s", exc, exc_info=exc)
            refused = without_vectors(language.chunks(text.own))
            return replace(refused, model_id=self._embedder.model_id, recipe=self.recipe)

    def close(self) -> None:
        self._embedder.close()

    def _embedded(self, texts: Sequence[str]) -> list[Embedding]:
        """Checked: whatever the model is, what it gives must be of one length, and numbers."""
        import numpy as np

        embedded = self._embedder.embed(texts)
        _one_thread_each()
        lengths = {len(one.vector) for one in embedded}
        if len(embedded) != len(texts) or len(lengths) > 1:
            raise Unavailable("The embedding model failed: it gave vectors of different lengths, or too few.")
        if not all(np.isfinite(one.vector).all() and np.isfinite(one.token_states).all() for one in embedded):
            raise Unavailable("The embedding model failed: it gave no numbers.")
        return embedded

    def _signature(self, pieces: Sequence[str], own: Sequence[Embedding], whole: Sequence[Embedding]) -> Signature:
        import numpy as np

        late = self._late_interaction and any(len(one.token_ids) for one in own)
        return Signature(
            model_id=self._embedder.model_id,
            recipe=self.recipe,
            vectors=np.array([one.vector for one in whole]),
            terms=[language.terms(piece) for piece in pieces],
            tokens=[one.token_ids[one.telling] for one in own] if late else None,
            token_vectors=np.concatenate([one.token_states[one.telling] for one in own]) if late else None,
        )


class _Once:
    """Embeds no text again: for the length of one call."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Embedding] = {}
        self.model_id, self.reads, self.close = embedder.model_id, embedder.reads, embedder.close

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        made = self._embedder.embed(new) if new else []
        if len(made) != len(new):
            return made  # whoever asked says so
        self._known.update(zip(new, made, strict=True))
        return [self._known[text] for text in texts]


@cache
def _one_thread_each() -> None:
    """For good, and for the whole process: the matrices of recall are small, and a second thread for one of them only
    waits, at the expense of others. numpy has to be loaded by now."""
    from threadpoolctl import threadpool_limits  # not before it is needed, for the cold start

    threadpool_limits(limits=1, user_api="blas")


def without_vectors(pieces: Sequence[str]) -> Signature:
    import numpy as np

    return Signature(
        model_id="",
        recipe=0,
        vectors=np.empty((len(pieces), 0), dtype=np.float32),
        terms=[language.terms(piece) for piece in pieces],
    )


def spoken(author: str | None, text: str) -> str:
    """A message as it is scored: with its author in front."""
    return f"{author}: {text}" if author else text


def around(before: str | None, own: str, after: str | None) -> str:
    """A message between the end of the one before and the beginning of the one after."""
    return "\n".join(
        [
            *([" ".join(before.split()[-NEIGHBOUR_WORDS:])] if before else []),
            own,
            *([" ".join(after.split()[:NEIGHBOUR_WORDS])] if after else []),
        ]
    )


def _in_context(text: Text, pieces: Sequence[str]) -> bool:
    return bool(text.around) and len(pieces) == 1
