"""Signatures are made anew in the background: after a change of the model or of the rules, and where a model failed.

The rows themselves say what is still to be done, so that whoever is stopped or killed goes on where it was. Several
processes may have the store open: one of them does it, as long as it keeps the lease. Recall works meanwhile; what has
no vector of the new model yet is found by its words.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import accumulate

from mcp_memory.backends.sql import rounds
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.backends.sql.memory_rows import Signature, StoredText
from mcp_memory.backends.sql.rounds import Rounds, Turn
from mcp_memory.backends.sql.signatures import Signatures, Text, around, spoken
from mcp_memory.errors import Closing, Error, NotFound, Unavailable
from mcp_memory.model import Scope

logger = logging.getLogger(__name__)

BATCH = 50  # items; about 0.2 s of the bundled model, unless they are long
BATCH_CHARACTERS = 20_000  # about 0.5 s of it: whoever leaves waits for that
LEASE = timedelta(minutes=2)
LEAVE = 1.0  # seconds that whoever stops waits for the batch; an endpoint may take longer, and that batch is lost
NAME = "signatures"


class Reembedding:
    """Of one backend, whatever stores it opens. Its thread starts with the first one that needs it."""

    def __init__(self, database: Database, signatures: Signatures, now: Callable[[], datetime], holder: str) -> None:
        self._database, self._signatures, self._now, self._holder = database, signatures, now, holder
        self.rounds = Rounds("reembedding", self._turn, self._give_lease_back)

    def look_after(self, scope: Scope) -> bool:
        """Make anew what is stale there, some time. False: not now, too many wait."""
        return self.rounds.look_after(scope)

    def stop(self) -> None:
        """After the batch that it is at, unless that takes long. Blocks."""
        self.rounds.stop(LEAVE)

    def do(self, scope: Scope) -> int:
        """One batch, here and now: how many items it made anew. Raises Unavailable where the model fails."""
        stale = self._database.read(scope, self._stale)
        if not stale:
            return 0
        batch = _affordable([(one, _text(one)) for one in stale])
        made = self._made([text for _, text in batch])
        new = [(stored, signature) for (stored, _), signature in zip(batch, made, strict=True)]
        self._database.write(scope, lambda tx: _put(tx, new))
        return len(new)

    def _made(self, texts: Sequence[Text]) -> list[Signature]:
        """One text that the model refuses must not keep all others from their vectors."""
        try:
            return self._signatures.of(texts)
        except Unavailable:
            return self._signatures.each(texts)

    def _give_lease_back(self, scope: Scope) -> None:
        with suppress(Error):  # it ends by itself
            now = self._now()
            self._database.write(scope, lambda tx: tx.take_lease(NAME, self._holder, now, now))

    def _take_lease(self, tx: Transaction) -> bool:
        now = self._now()
        return tx.take_lease(NAME, self._holder, now, now + LEASE)

    def _stale(self, tx: Transaction) -> list[StoredText]:
        return tx.stale(self._signatures.model_id, self._signatures.recipe, BATCH)

    def _turn(self, scope: Scope) -> Turn:
        """A batch, unless another process is at it."""
        try:
            if not self._database.write(scope, self._take_lease):
                return Turn(rounds.RETRY, troubled=True)
            return Turn(rounds.BREATH) if self.do(scope) else rounds.DONE
        except (Closing, NotFound):  # the store was deleted
            return rounds.DONE
        except Error as exc:
            logger.warning("signatures are not made anew for now: %s", exc, exc_info=exc)
        except Exception:  # a door: the thread goes on, whatever it met in one store
            logger.exception("signatures are not made anew for now")
        return Turn(rounds.RETRY, troubled=True)


def _put(tx: Transaction, made: Sequence[tuple[StoredText, Signature]]) -> None:
    """But those of texts that were changed meanwhile: they are stale still, or were signed anew with the change."""
    now = tx.texts([one.key for one, _ in made])
    tx.put_signatures([(one.key, signature) for one, signature in made if now.get(one.key) == one])


def _text(stored: StoredText) -> Text:
    own = spoken(stored.author, stored.text)
    if not stored.is_message:
        return Text(own)
    before, after = (spoken(*one) if one else None for one in (stored.before, stored.after))
    return Text(own, around(before, own, after))


def _affordable(texts: Sequence[tuple[StoredText, Text]]) -> Sequence[tuple[StoredText, Text]]:
    """The first, and of those after it as many as are not too long together."""
    total = accumulate(len(text.own) + len(text.around or "") for _, text in texts)
    return texts[: max(sum(one <= BATCH_CHARACTERS for one in total), 1)]
