"""From a conversation to what is known: off the request path, in steps each of which is one transaction.

What is to be done is a row, written with the change of status it is for. What was extracted is kept in it until all of
it is stored, and each observation is stored in one transaction with how many are: whoever dies loses nothing and
doubles nothing, whether or not the extractor would say the same again. What fails is tried again, later each time, and
in the end says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcp_memory import history
from mcp_memory.backends.sql import lifecycle
from mcp_memory.backends.sql.conversation_rows import ExtractionRow
from mcp_memory.backends.sql.database import Database, Transaction
from mcp_memory.errors import Error
from mcp_memory.history import EXTRACTION, Authorship
from mcp_memory.ids import MakeId
from mcp_memory.model import (
    MAX_CONTENT,
    Added,
    Communication,
    NewObservation,
    NewSummary,
    Scope,
)
from mcp_memory.proposals import TraitProposal

if TYPE_CHECKING:
    from mcp_memory.extraction import Candidate, Extract
    from mcp_memory.extraction.candidate import StatedTrait

MOST_MESSAGES = 10_000  # of one conversation that are read, the last
KNOWN = 200  # of the latest observations and summaries: what comes back in a conversation is not learned again
ATTEMPTS = 5
BY_MODEL = "model:"  # how that begins by which a model is called
PAUSE = timedelta(minutes=1)  # before the second attempt; twice as long before each after it
SOURCES = {"customer": "conversation-customer", "agent": "conversation-agent"}
"""Whose words it was made from."""

Extractor = Callable[[Sequence[Communication], Sequence[str], bool, str], "Extract"]
"""Messages; what is known already; whether a summary is wanted; the id of the store."""

Learned = Callable[[Scope, Sequence[str], Sequence[str]], None]
"""What was written of a profile, "observations", "summaries" or "traits", and all ids of the profile. On the thread it
was on."""

Generated = Callable[[Scope, int], None]
"""How many characters were generated in the store so far: of conversations that were read, and of what was made of
them. It may be told the same again. On the thread it was on."""


class Overtaken(Exception):
    """Somebody else goes on with it."""


def untold(scope: Scope, writes: Sequence[str], profile_ids: Sequence[str]) -> None:
    """Where nobody listens."""


def uncounted(scope: Scope, characters: int) -> None:
    """Where nobody is billed."""


def by_rules(messages: Sequence[Communication], known: Sequence[str], with_summary: bool, store_id: str) -> Extract:
    from mcp_memory.extraction import extract  # many patterns: late, for the cold start

    return extract(messages, recalled=known, with_summary=with_summary)


def stated_by_customer(messages: Sequence[Communication]) -> tuple[StatedTrait, ...]:
    """By rules, whatever observations are made by."""
    from mcp_memory.extraction.stated import stated  # as late

    return stated(messages)


class Learning:
    def __init__(
        self, database: Database, now: Callable[[], datetime], make_id: MakeId, extractor: Extractor = by_rules
    ) -> None:
        self._database, self._now, self._make_id, self._extractor = database, now, make_id, extractor

    def next(self, scope: Scope) -> ExtractionRow | None:
        """Changes the statuses that are due; then what is to be learned from next. None: nothing now."""
        now = self._now()
        while self._database.write(scope, lambda tx: lifecycle.change_due(tx, now, self._make_id)):
            pass
        return self._database.read(scope, lambda tx: tx.due_extraction(now))

    def failed(self, scope: Scope, row: ExtractionRow, error: Exception) -> None:
        """It is tried again, but not for ever. The reason is kept for whoever asks; the log has the cause."""
        said = str(error) if isinstance(error, Error) else "It failed here: the log of the server says why."
        now = self._now()

        def work(tx: Transaction) -> None:
            current = tx.find_extraction(row.extraction_id)  # some of it may be stored since
            if current is not None and current.due_at is not None:
                tx.put_extraction(_after_failure(current, said[:MAX_CONTENT], now))

        self._database.write(scope, work)

    def extracted(self, scope: Scope, row: ExtractionRow) -> ExtractionRow:
        """Kept, to be stored one by one."""
        (messages, whole), known = self._database.read(
            scope, lambda tx: (tx.extraction_messages(row, MOST_MESSAGES), _known(tx, row.profile_id))
        )
        made = self._extractor(messages, known, False, scope.store_id)
        whole_made = self._extractor(whole, (), True, scope.store_id) if whole else None
        summary = whole_made.summary if whole_made is not None else None
        told = {
            "observations": [_told(one) for one in made.observations],
            "traits": [_told(one) for one in stated_by_customer(messages)],
            "summary": summary,
        }
        done = replace(
            row,
            status="EXTRACTED",
            extract=json.dumps(told, ensure_ascii=False),
            screened=made.screened,
            extracted_by=_makers(made, whole_made),
            updated_at=self._now(),
        )
        characters = _characters(messages) + _characters(made.observations) + _characters(whole) + len(summary or "")

        def work(tx: Transaction) -> None:
            put(tx, row, done)
            tx.count_generated(characters)  # with it: whoever goes on with it does not generate it again

        self._database.write(scope, work)
        return done


def _after_failure(row: ExtractionRow, said: str, now: datetime) -> ExtractionRow:
    attempts = row.attempts + 1
    over = attempts >= ATTEMPTS
    return replace(
        row,
        attempts=attempts,
        status="FAILED" if over else row.status,
        due_at=None if over else now + PAUSE * 2 ** (attempts - 1),
        error=said,
        updated_at=now,
    )


def put(tx: Transaction, before: ExtractionRow, after: ExtractionRow) -> None:
    """Raises Overtaken where it is not as it was."""
    if tx.find_extraction(before.extraction_id) != before:
        raise Overtaken
    tx.put_extraction(after)


def author(row: ExtractionRow) -> Authorship:
    """Who read the conversation, where that was a model."""
    reader = row.extracted_by or ""
    return history.signed(EXTRACTION, reader if reader.startswith(BY_MODEL) else "")


def observations(row: ExtractionRow) -> list[tuple[NewObservation, Authorship]]:
    """Those that are still to be stored."""
    return [_new(one, row) for one in json.loads(row.extract or "{}").get("observations", [])[row.stored :]]


def summary(row: ExtractionRow) -> NewSummary | None:
    content = json.loads(row.extract or "{}").get("summary")
    if content is None:
        return None
    return NewSummary(content=content, conversation_id=row.conversation_id, source="conversation")


def proposals(row: ExtractionRow, now: datetime) -> list[TraitProposal]:
    """As the traits were stated, without ids."""
    return [
        TraitProposal(
            proposal_id="",
            profile_id=row.profile_id,
            group=one["group"],
            name=one["name"],
            value=one["value"],
            evidence=one["evidence"],
            conversation_id=row.conversation_id,
            occurred_at=datetime.fromisoformat(one["occurred_at"]),
            status="PROPOSED",
            created_at=now,
            updated_at=now,
        )
        for one in json.loads(row.extract or "{}").get("traits", ())
    ]


def stored(row: ExtractionRow, added: Added, now: datetime) -> ExtractionRow:
    """After one more."""
    (receipt,) = added.receipts
    return replace(
        row,
        stored=row.stored + 1,
        added=row.added + (receipt.outcome == "added"),
        updated=row.updated + (receipt.outcome == "updated"),
        discarded=row.discarded + (receipt.outcome in ("discarded", "duplicate")),
        updated_at=now,
    )


def ended(row: ExtractionRow, now: datetime) -> ExtractionRow:
    """Nothing of what was said is kept here any more."""
    return replace(row, status="DONE", due_at=None, extract=None, error=None, updated_at=now)


def _makers(made: Extract, whole: Extract | None) -> str:
    """Of the observations, and where that is another, of the summary."""
    if whole is None or whole.made_by == made.made_by:
        return made.made_by
    return f"{made.made_by}; summary: {whole.made_by}"


def _characters(items: Sequence[Communication | Candidate]) -> int:
    return sum(len(one.content) for one in items)


def _known(tx: Transaction, profile_id: str) -> list[str]:
    found = tx.find_profile(profile_id)
    if found is None:
        return []
    items = [
        *tx.latest_observations(found.profile_id, KNOWN, None, None),
        *tx.latest_summaries(found.profile_id, KNOWN, None, None),
    ]
    return [one.content for one in items]


def _told(candidate: Any) -> dict[str, Any]:
    return {**asdict(candidate), "occurred_at": candidate.occurred_at.isoformat()}


def _new(told: dict[str, Any], row: ExtractionRow) -> tuple[NewObservation, Authorship]:
    new = NewObservation(
        content=told["content"],
        occurred_at=datetime.fromisoformat(told["occurred_at"]),
        source=SOURCES[told["said_by"]],
        conversation_ids=(row.conversation_id,),
    )
    reason = f"Extracted from {', '.join(told['evidence'])}."
    return new, replace(author(row), rule=told["kind"], reason=reason, conversation_id=row.conversation_id)
