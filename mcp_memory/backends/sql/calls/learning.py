"""Reconciliation, the life of conversations, and what is learned from them."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mcp_memory.backends.sql import extractions, learning, lifecycle, memories, orchestrating, proposing, reconciling
from mcp_memory.backends.sql.calls.orchestrator import OrchestratorCalls
from mcp_memory.backends.sql.conversation_rows import ExtractionRow
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.recall import Asked
from mcp_memory.backends.sql.signatures import Text
from mcp_memory.conversations import CLOSED, Conversation
from mcp_memory.errors import Closing, Unavailable
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.history import UNKNOWN, Authorship, Discarded
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import MAX_QUERY, UNLIMITED, Added, NewObservation, Quota, RecallQuery, Scope
from mcp_memory.orchestrator import ConversationChanges

if TYPE_CHECKING:
    from mcp_memory.candidates import Question

logger = logging.getLogger(__name__)

ATTEMPTS = 3  # to decide without keeping others from writing; then it is decided where it is written

Then = Callable[[Transaction, Added], None]
"""What is written in the same transaction."""


class LearningCalls(OrchestratorCalls):
    async def reconcile_observations(
        self,
        scope: Scope,
        profile_id: str,
        new: Sequence[NewObservation],
        by: Authorship = UNKNOWN,
        *,
        dry_run: bool = False,
    ) -> Added:
        def work() -> Added:
            return self._foretold(scope, profile_id, new) if dry_run else self._reconciled(scope, profile_id, new, by)

        return await self._writers.hop(scope.tenant, work)

    async def list_discarded(self, scope: Scope, profile_id: str, page: PageQuery) -> Page[Discarded]:
        return await self._read(scope, lambda tx: reconciling.listed(tx, profile_id, page))

    async def get_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation:
        return await self._read(scope, lambda tx: lifecycle.conversation(tx, profile_id, conversation_id))

    async def close_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation:
        if await self._read(scope, lambda tx: lifecycle.is_led(tx, profile_id, conversation_id)):
            await self.update_conversation(scope, conversation_id, ConversationChanges(status=CLOSED))
            return await self.get_conversation(scope, profile_id, conversation_id)
        now = self._now()
        return await self._write_due(
            scope, lambda tx: lifecycle.close(tx, profile_id, conversation_id, now, self._make_id)
        )

    async def list_extractions(self, scope: Scope, wanted: ExtractionFilter, page: PageQuery) -> Page[Extraction]:
        return await self._read(scope, lambda tx: extractions.page(tx, wanted, page))

    async def get_extraction(self, scope: Scope, extraction_id: str) -> Extraction:
        return await self._read(scope, lambda tx: extractions.get(tx, extraction_id))

    async def retry_extraction(self, scope: Scope, extraction_id: str) -> Extraction:
        now = self._now()
        return await self._write_due(scope, lambda tx: extractions.retry(tx, extraction_id, now))

    async def look_after_stores(self, tenant: str, quota: Quota = UNLIMITED) -> None:
        if self._background:
            await self._readers.hop(tenant, lambda: self._tending.look_after_all(tenant, quota))

    async def learn(self, scope: Scope) -> int:
        def work() -> int:
            count = 0
            while self._learn_next(scope):
                count += 1
            return count

        return await self._writers.hop(scope.tenant, work)

    # On the worker thread

    def _learn_next(self, scope: Scope) -> bool:
        """The next conversation from which something is to be learned, to its end. False: there is none now."""
        while self._feed_next(scope):
            pass
        now, tell = self._now(), self._tell(scope)
        while self._database.write(scope, lambda tx: orchestrating.change_due(tx, now, self._make_id, tell)):
            self._deliver(scope)
        row = self._learning.next(scope)
        if row is None:
            return False
        try:
            if row.status == "QUEUED":
                row = self._learning.extracted(scope, row)
            self._bill(scope)
            self._store_extract(scope, row)
        except learning.Overtaken:
            logger.info("a conversation is learned from elsewhere")
        except Closing:
            raise
        except Exception as exc:  # whatever it met in one conversation, the others are learned from
            logger.warning("a conversation was not learned from", exc_info=exc)
            self._learning.failed(scope, row, exc)
        return True

    def _bill(self, scope: Scope) -> None:
        """Before it has ended: who dies between the store and the usage is followed by whoever goes on with it."""
        try:
            self._generated(scope, self._database.read(scope, lambda tx: tx.generated()))
        except Unavailable as exc:  # with the next, then: what is counted must not fail of it
            logger.warning("usage is not written yet: %s", exc)

    def _store_extract(self, scope: Scope, row: ExtractionRow) -> None:
        changed: dict[str, Sequence[str]] = {}  # what was written of the profile, and its ids
        try:
            for new, by in learning.observations(row):
                row = self._store_one(scope, row, new, by, changed)
            self._finish(scope, row, changed)
        finally:  # what is stored is, whatever comes after it
            if changed:
                self._learned(scope, list(changed), next(iter(changed.values())))

    def _finish(self, scope: Scope, row: ExtractionRow, changed: dict[str, Sequence[str]]) -> None:
        """The summary, if there is one, and the traits that were stated; and the extraction has ended."""
        summary, now = learning.summary(row), self._now()
        signatures = self._signatures.or_terms([Text(summary.content)]) if summary else []
        room = self._room(scope.tenant, scope.quota)
        policy = self._database.read(scope, lambda tx: tx.learning_settings()).traits
        traits = learning.proposals(row, now) if policy != "off" else []
        begin, written = self._upserts(scope), list[str]()

        def end(tx: Transaction) -> Added | None:
            learning.put(tx, row, learning.ended(row, now))
            written[:] = [id for one in traits for id in proposing.propose(tx, one, policy, begin)]
            if summary is None:
                return None
            return memories.add_summaries(
                tx, row.profile_id, [summary], signatures, room, learning.author(row), now=now, make_id=self._make_id
            )

        added = self._remember(scope, signatures, end)
        if written:
            changed["traits"] = list(dict.fromkeys(written))
        if added is not None:
            changed["summaries"] = added.profile_ids

    def _store_one(
        self,
        scope: Scope,
        row: ExtractionRow,
        new: NewObservation,
        by: Authorship,
        changed: dict[str, Sequence[str]],
    ) -> ExtractionRow:
        after: list[ExtractionRow] = []

        def then(tx: Transaction, added: Added) -> None:
            after[:] = [learning.stored(row, added, self._now())]
            learning.put(tx, row, after[0])

        added = self._reconciled(scope, row.profile_id, [new], by, then)
        if added.receipts[0].outcome in ("added", "updated"):
            changed["observations"] = added.profile_ids
        return after[0]

    def _foretold(self, scope: Scope, profile_id: str, new: Sequence[NewObservation]) -> Added:
        ready, now = self._made_ready_to_compare(new), self._now()

        planned = self._database.read(
            scope, lambda tx: reconciling.plan(tx, profile_id, ready, now=now, make_id=self._make_id)
        )
        told = self._proposed(scope)(planned)
        return self._database.read(scope, lambda tx: reconciling.foretold(tx, profile_id, told))

    def _reconciled(
        self,
        scope: Scope,
        profile_id: str,
        new: Sequence[NewObservation],
        by: Authorship,
        then: Then = lambda tx, added: None,
    ) -> Added:
        ready = self._made_ready_to_compare(new)
        signatures = [one.signature for one in ready]
        room = self._room(scope.tenant, scope.quota)

        def plan(tx: Transaction) -> reconciling.Plan:
            return reconciling.plan(tx, profile_id, ready, now=self._now(), make_id=self._make_id)

        def carry_out(tx: Transaction, planned: reconciling.Plan) -> Added:
            added = reconciling.carry_out(tx, profile_id, planned, room, by, now=self._now())
            then(tx, added)
            return added

        proposed = self._proposed(scope)
        for _ in range(ATTEMPTS):
            planned = proposed(self._database.read(scope, plan))
            with suppress(reconciling.Moved):
                return self._remember(scope, signatures, partial(carry_out, planned=planned))
        return self._remember(scope, signatures, lambda tx: carry_out(tx, plan(tx)))

    def _proposed(self, scope: Scope) -> Callable[[reconciling.Plan], reconciling.Plan]:
        """With what a model says of it, if there is one: outside of any transaction."""
        if self._proposer is None:
            return lambda planned: planned
        ask = self._proposer(scope.store_id)
        return lambda planned: reconciling.proposed(planned, ask)

    def _made_ready_to_compare(self, new: Sequence[NewObservation]) -> list[reconciling.Ready]:
        days = [(one.occurred_at or self._now()).date() for one in new]
        made = self._signatures.to_compare([one.content for one in new], days)
        return [
            reconciling.Ready(new=one, signature=signature, asked=self._finding(one, question))
            for one, (signature, question) in zip(new, made, strict=True)
        ]

    def _finding(self, new: NewObservation, question: "Question") -> Asked:
        text = new.content[:MAX_QUERY]
        return Asked(
            query=RecallQuery(query=text),
            text=text,
            question=question,
            model_id=self._signatures.model_id,
            weights=self._weights,
        )
