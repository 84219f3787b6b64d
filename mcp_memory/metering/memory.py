"""Memory whose results are counted for the bill. What fails is not."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.imports import BulkOutcome, Import, ImportRow
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.metering import usage
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.usage import CHARACTERS, PROFILE_OPERATIONS, RECALLS
from mcp_memory.model import (
    Added,
    Caller,
    Lookup,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Recall,
    RecallQuery,
    Upserted,
)
from mcp_memory.orchestrator import NewConversation, NewParticipant, OrchestratedConversation, Participant
from mcp_memory.proposals import TraitProposal
from mcp_memory.service import Memory
from mcp_memory.traits import Raw

MAX_MOVED = 10_000  # merged ids whose live one is known

Call = TypeVar("Call", bound=Callable[..., Coroutine[Any, Any, Any]])


def _reads(call: Call) -> Call:
    """What is told of a profile counts as reading it."""

    @wraps(call)
    async def metered(memory: "MeteredMemory", caller: Caller, profile_id: str, *args: Any, **given: Any) -> Any:
        found = await call(memory, caller, profile_id, *args, **given)
        memory.count_read(caller, profile_id)
        return found

    return cast(Call, metered)


def _adds(call: Call) -> Call:
    @wraps(call)
    async def metered(
        memory: "MeteredMemory",
        caller: Caller,
        profile_id: str,
        new: Sequence[NewObservation | NewSummary],
        *args: Any,
        **given: Any,
    ) -> Added:
        added: Added = await call(memory, caller, profile_id, new, *args, **given)
        if not given.get("dry_run"):
            memory.usage.add(caller.tenant, CHARACTERS, usage.of_written(new, added))
        return added

    return cast(Call, metered)


def _corrects(call: Call) -> Call:
    @wraps(call)
    async def metered(
        memory: "MeteredMemory",
        caller: Caller,
        profile_id: str,
        id: str,
        changes: ObservationChanges | SummaryChanges,
        by: Authorship = UNKNOWN,
    ) -> Any:
        changed = await call(memory, caller, profile_id, id, changes, by)
        memory.usage.add(caller.tenant, CHARACTERS, len(changes.content or ""))
        return changed

    return cast(Call, metered)


class MeteredMemory(Memory):
    def __init__(
        self,
        backend: Backend,
        now: Callable[[], datetime],
        counter: UsageCounter,
        names_kept: timedelta = timedelta(0),
    ) -> None:
        super().__init__(backend, now, names_kept)
        self.usage = counter
        self._moved: dict[str, str] = {}

    async def close(self) -> None:
        await self.usage.close()
        await super().close()

    # Profiles that are created, updated and merged

    async def upsert_traits(
        self, caller: Caller, given: dict[str, dict[str, Any]], profile_id: str | None, by: Authorship = UNKNOWN
    ) -> Upserted:
        return self._upserted(caller, await super().upsert_traits(caller, given, profile_id, by))

    async def add_identifier(
        self, caller: Caller, profile_id: str, id_type: str, value: str, by: Authorship = UNKNOWN
    ) -> Upserted:
        return self._upserted(caller, await super().add_identifier(caller, profile_id, id_type, value, by))

    async def replace_identifier(
        self,
        caller: Caller,
        profile_id: str,
        id_type: str,
        old_value: str,
        new_value: str,
        by: Authorship = UNKNOWN,
    ) -> Upserted:
        done = await super().replace_identifier(caller, profile_id, id_type, old_value, new_value, by)
        return self._upserted(caller, done)

    async def remove_identifiers(
        self, caller: Caller, profile_id: str, id_type: str, *, all: bool, by: Authorship = UNKNOWN
    ) -> Profile:
        found = await super().remove_identifiers(caller, profile_id, id_type, all=all, by=by)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS)
        return found

    async def upsert_profiles(
        self, caller: Caller, entries: Sequence[Raw], by: Authorship = UNKNOWN
    ) -> list[BulkOutcome]:
        outcomes = await super().upsert_profiles(caller, entries, by)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_bulk(outcomes))
        return outcomes

    async def add_import_rows(self, caller: Caller, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        before = await super().get_import(caller, import_id)
        done = await super().add_import_rows(caller, import_id, after, rows)  # or somebody else has it meanwhile
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_rows(before, done))
        return done

    async def merge_profiles(self, caller: Caller, profile_id: str, other_id: str) -> Merged:
        merged = await super().merge_profiles(caller, profile_id, other_id)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS)
        return merged

    async def unmerge_profile(self, caller: Caller, profile_id: str) -> Unmerged:
        unmerged = await super().unmerge_profile(caller, profile_id)
        self._moved.clear()
        return unmerged

    async def open_conversation(self, caller: Caller, new: NewConversation) -> OrchestratedConversation:
        opened = await super().open_conversation(caller, new)
        self._met(caller, new.participants)
        return opened

    async def add_participant(self, caller: Caller, conversation_id: str, new: NewParticipant) -> Participant:
        added = await super().add_participant(caller, conversation_id, new)
        self._met(caller, [new])
        return added

    async def update_participant(
        self, caller: Caller, conversation_id: str, participant_id: str, new: NewParticipant
    ) -> Participant:
        changed = await super().update_participant(caller, conversation_id, participant_id, new)
        self._met(caller, [new])
        return changed

    # Profiles that are read

    async def lookup_profile(self, caller: Caller, value: str, id_type: str | None) -> Lookup:
        found = await super().lookup_profile(caller, value, id_type)
        if found.profile is not None:
            self.count_read(caller, found.profile.profile_id)
        return found

    async def get_profile(self, caller: Caller, profile_id: str) -> Profile:
        found = await super().get_profile(caller, profile_id)
        self.count_read(caller, profile_id, found.profile_id)
        return found

    async def live_profile_id(self, caller: Caller, profile_id: str) -> str:
        live = await super().live_profile_id(caller, profile_id)
        self._learn(profile_id, live)
        return live

    async def explain_identity(self, caller: Caller, profile_id: str) -> Explanation:
        found = await super().explain_identity(caller, profile_id)
        self.count_read(caller, profile_id, found.profile.profile_id)
        return found

    list_traits = _reads(Memory.list_traits)
    trait_history = _reads(Memory.trait_history)
    profile_at = _reads(Memory.profile_at)
    changes_since = _reads(Memory.changes_since)
    list_discarded = _reads(Memory.list_discarded)
    list_observations = _reads(Memory.list_observations)
    get_observation = _reads(Memory.get_observation)
    list_revisions = _reads(Memory.list_revisions)
    observation_history = _reads(Memory.observation_history)
    latest_observations = _reads(Memory.latest_observations)
    list_summaries = _reads(Memory.list_summaries)
    get_summary = _reads(Memory.get_summary)
    summary_history = _reads(Memory.summary_history)
    latest_summaries = _reads(Memory.latest_summaries)
    list_communications = _reads(Memory.list_communications)
    list_trait_proposals = _reads(Memory.list_trait_proposals)

    async def recall(self, caller: Caller, profile_id: str, query: RecallQuery) -> Recall:
        found = await super().recall(caller, profile_id, query)
        self.usage.add(caller.tenant, RECALLS)
        self.count_read(caller, profile_id, found.profile_id)
        return found

    # What is written

    add_observations = _adds(Memory.add_observations)
    post_observations = _adds(Memory.post_observations)
    reconcile_observations = _adds(Memory.reconcile_observations)
    update_observation = _corrects(Memory.update_observation)
    add_summaries = _adds(Memory.add_summaries)
    update_summary = _corrects(Memory.update_summary)

    async def undo_observation(
        self,
        caller: Caller,
        profile_id: str,
        observation_id: str,
        revision: int | None = None,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        """As the correction that it is."""
        found = await super().undo_observation(caller, profile_id, observation_id, revision, by)
        self.usage.add(caller.tenant, CHARACTERS, len(found.content))
        return found

    async def accept_trait_proposal(
        self, caller: Caller, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        """As the update of the profile that it is."""
        accepted = await super().accept_trait_proposal(caller, profile_id, proposal_id, by)
        self.usage.add(caller.tenant, PROFILE_OPERATIONS)
        return accepted

    # Counting

    def _upserted(self, caller: Caller, done: Upserted) -> Upserted:
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_upsert(done))
        return done

    def _met(self, caller: Caller, people: Sequence[NewParticipant]) -> None:
        """As the updates that they are: customers that were found or made by their addresses."""
        self.usage.add(caller.tenant, PROFILE_OPERATIONS, usage.of_met(people))

    def count_read(self, caller: Caller, asked: str, live: str | None = None) -> None:
        """By the live id, as far as it is known, so that a person with two ids is read once."""
        if live is not None:
            self._learn(asked, live)
        self.usage.read(caller.tenant, self._moved.get(asked, asked))

    def _learn(self, asked: str, live: str) -> None:
        if asked == live:
            self._moved.pop(asked, None)
            return
        if len(self._moved) >= MAX_MOVED:
            self._moved.clear()
        self._moved[asked] = live
