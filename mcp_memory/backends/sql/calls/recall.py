"""What was said, and what is remembered of all there is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from mcp_memory.backends.sql import conversations, past, profiles
from mcp_memory.backends.sql import recall as recalling
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.recall import Asked, TooLarge
from mcp_memory.backends.sql.signatures import Text
from mcp_memory.errors import Conflict
from mcp_memory.model import Added, Communication, NewMessage, Recall, RecallQuery, Scope

ATTEMPTS = 20  # to append to a conversation that other processes append to as well


class RecallCalls(Worker):
    async def record_messages(
        self, scope: Scope, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        def attempt() -> Added:
            ready = self._database.read(
                scope, lambda tx: conversations.compared(tx, profile_id, conversation_id, messages)
            )
            signatures = self._signatures.or_terms(conversations.texts_of(ready)) if ready.fresh else []
            room = self._room(scope.tenant, scope.quota)
            self._stir(scope)
            return self._remember(
                scope,
                signatures,
                lambda tx: conversations.record(
                    tx,
                    profile_id,
                    conversation_id,
                    messages,
                    ready,
                    signatures,
                    room,
                    now=self._now(),
                    make_id=self._make_id,
                ),
            )

        def work() -> Added:
            with self._turns[hash((scope, conversation_id)) % len(self._turns)]:
                for _ in range(ATTEMPTS):
                    with suppress(conversations.Moved):
                        added = attempt()
                        self._tend(scope)
                        return added
            raise Conflict("Others write to this conversation all the time, and nothing was recorded: try again.")

        return await self._writers.hop(scope.tenant, work)

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall:
        asked: list[Asked] = []

        def work(large: bool) -> Recall:
            if not asked:
                asked.append(self._asked(scope, profile_id, query))
            return self._database.read(scope, lambda tx: recalling.recall(tx, profile_id, asked[0], large=large))

        try:
            return await self._readers.hop(scope.tenant, lambda: work(False))
        except TooLarge:
            return await self._scorers.hop(scope.tenant, lambda: work(True))

    async def list_communications(
        self, scope: Scope, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        def work(tx: Transaction) -> list[Communication]:
            profile = profiles.existing(tx, profile_id)
            return tx.conversation_end(profile.profile_id, conversation_id, limit)

        return await self._read(scope, work)

    async def mend(self, scope: Scope) -> int:
        def work() -> int:
            bad = self._database.read(scope, lambda tx: tx.damaged())  # nobody has to wait for that
            if bad:
                self._database.write(scope, lambda tx: tx.forget_signatures(bad))
            return len(bad)

        return await self._writers.hop(scope.tenant, work)

    async def reembed(self, scope: Scope) -> int:
        return await self._writers.hop(scope.tenant, lambda: self._reembedding.do(scope))

    # On the worker thread

    def _asked(self, scope: Scope, profile_id: str, query: RecallQuery) -> Asked:
        text, conversation_id = query.query, query.conversation_id
        if text is None and conversation_id is not None:
            text = self._database.read(scope, lambda tx: conversations.query(tx, profile_id, conversation_id))
        at = None if query.as_of is None or query.as_of >= self._now() else query.as_of
        return Asked(
            query=query,
            text=text or None,
            question=self._signatures.question(text, self._now().date()) if text else None,
            model_id=self._signatures.model_id,
            weights=self._weights,
            at=at,
            wordings=self._wordings(scope, profile_id, at) if text and at else {},
        )

    def _wordings(self, scope: Scope, profile_id: str, at: datetime) -> Mapping[str, Signature]:
        """Made before what they are for is read again: what is changed in between is ranked by its words."""
        contents = self._database.read(scope, lambda tx: past.reworded(tx, profile_id, at))
        signatures = self._signatures.or_terms([Text(one) for one in contents]) if contents else []
        return dict(zip(contents, signatures, strict=True))
