"""The seam: what a memory can do, in domain words.

Nobody inherits from `Backend`; mypy checks the fit where a backend is put together. Every call is one transaction
inside one scope, except those that are told a tenant: they make or find a scope. A store, profile or item that is
absent and one that belongs to somebody else answer alike: NotFound. Lists are in the order of creation, unless said
otherwise; a cursor that is not one of the list's own is Invalid. `if_version`: raises Stale unless that is the version
there is. `by`: who writes, and why; it is kept with what is written.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mcp_memory.conversations import Conversation
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges, SummaryChanges
from mcp_memory.extractions import Extractions
from mcp_memory.histories import Histories
from mcp_memory.history import UNKNOWN, Authorship
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import BulkOutcome, Import, ImportRow, NewImport, NewUpload, Remark
from mcp_memory.learnings import Learnings
from mcp_memory.ledger import Explanation, Merged, Unmerged
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.mappings import DataMapping, DataMappingChanges, NewDataMapping
from mcp_memory.model import (
    UNLIMITED,
    Added,
    Communication,
    Lookup,
    NewMessage,
    NewObservation,
    NewSummary,
    Observation,
    Profile,
    Quota,
    Recall,
    RecallQuery,
    Scope,
    Store,
    Summary,
    TraitEntry,
    Upserted,
)
from mcp_memory.operations import Operation, Reply
from mcp_memory.orchestrations import Orchestrations
from mcp_memory.traits import Raw


class Backend(Histories, Extractions, Learnings, Orchestrations, Protocol):
    async def open_store(self, tenant: str, display_name: str, quota: Quota = UNLIMITED) -> Scope:
        """The tenant's store of this name, created when it is not there yet. Raises Full where it would be one too
        many."""
        ...

    async def find_store(self, tenant: str, store_id: str) -> Scope: ...

    async def create_store(self, tenant: str, new: NewStore, quota: Quota = UNLIMITED) -> Store:
        """Raises Taken where the tenant has one of this name, Full where it has as many as it may."""
        ...

    async def list_stores(self, tenant: str, page: PageQuery) -> Page[str]:
        """Ids."""
        ...

    async def get_store(self, scope: Scope) -> Store: ...

    async def update_store(self, scope: Scope, changes: StoreChanges, if_version: int | None = None) -> Store: ...

    async def delete_store(self, scope: Scope) -> None:
        """With all that is in it. Whoever has it open, in another process too, finds it gone."""
        ...

    async def delete_tenant(self, tenant: str) -> None:
        """All its stores, for good, and what it could ask about later. Nothing to do where there is nothing."""
        ...

    async def callback_secret(self, tenant: str, rotate: bool = False) -> str:
        """What its callbacks are signed with; made where there is none yet. `rotate`: another one, from here on."""
        ...

    # What a client may ask about later. `Operation`s are kept for a week.

    async def record_operation(
        self, tenant: str, resource_id: str, stores_reached: tuple[str, ...] | None = None
    ) -> Operation: ...

    async def get_operation(self, tenant: str, operation_id: str) -> Operation: ...

    async def begin_request(self, tenant: str, key: str, digest: bytes, repeatable: bool = True) -> Reply | None:
        """The reply that the request with this idempotency key was given within the last day. None: it is the first,
        and `end_request` says what became of it. Raises Conflict where another request has the key, by its digest, or
        the same one is still under way, or nobody knows whether it was done: whoever had it died, and it is not
        `repeatable`."""
        ...

    async def end_request(self, tenant: str, key: str, reply: Reply | None) -> None:
        """None: nothing was done, and it may be tried again."""
        ...

    async def lookup_profile(self, scope: Scope, value: str, id_type: str | None) -> Lookup:
        """Without a type, all that the value can have are tried, likeliest first. With nobody known, the likeliest,
        normalised, and no profile.

        Raises Invalid where the value has the form of no type.
        """
        ...

    async def get_profile(self, scope: Scope, profile_id: str) -> Profile: ...

    async def live_profile_id(self, scope: Scope, profile_id: str) -> str:
        """Itself, or that of the profile it is part of."""
        ...

    async def delete_profile(self, scope: Scope, profile_id: str) -> None:
        """And all that was merged into it, with all that is known and remembered of them: nothing is kept, and what
        identified them identifies nobody."""
        ...

    async def list_profiles(self, scope: Scope, page: PageQuery) -> Page[str]:
        """Ids of live ones."""
        ...

    async def list_traits(
        self, scope: Scope, profile_id: str, groups: Sequence[str] | None, page: PageQuery
    ) -> Page[TraitEntry]:
        """By the time they were given, then group and name."""
        ...

    async def complete_profile_ids(self, scope: Scope, prefix: str, limit: int) -> list[str]:
        """Ids of profiles whose id or one of whose identifiers starts with `prefix`; latest updated first."""
        ...

    async def upsert_traits(
        self, scope: Scope, given: Raw, profile_id: str | None, by: Authorship = UNKNOWN
    ) -> Upserted:
        """Change traits, all or none. The identifying traits, and `profile_id`, say whose they are.

        They match no profile: one is created, by however many callers at once. One: it is updated. Several: they are
        merged into the earliest, except what `resolution` keeps apart: an identifier that stays with somebody else is
        not taken, nor is its trait, and the result says so.
        A value that identified goes on doing so when another takes its place; removing an identifying trait removes
        all identifiers that came from it.
        Raises Invalid for names and values against the rules, Conflict where nothing tells which profile is meant.
        """
        ...

    async def upsert_profiles(
        self, scope: Scope, entries: Sequence[Raw], by: Authorship = UNKNOWN
    ) -> list[BulkOutcome]:
        """As `upsert_traits` one after the other, in one transaction: what is refused is refused alone, outcomes are
        in the order of `entries`."""
        ...

    async def add_identifier(
        self, scope: Scope, profile_id: str, id_type: str, value: str, by: Authorship = UNKNOWN
    ) -> Upserted:
        """As if a trait had brought it: it may merge, or stay with somebody else. Raises Invalid for a type the store
        does not have, and for a value that does not normalise."""
        ...

    async def replace_identifier(
        self,
        scope: Scope,
        profile_id: str,
        id_type: str,
        old_value: str,
        new_value: str,
        by: Authorship = UNKNOWN,
    ) -> Upserted:
        """In one transaction. Raises NotFound where the profile does not have the old value, Conflict where it has the
        new one already."""
        ...

    async def remove_identifiers(
        self, scope: Scope, profile_id: str, id_type: str, *, all: bool, by: Authorship = UNKNOWN
    ) -> Profile:
        """All of the type, or the one that the type's limit policy would drop first. The trait that said so goes with
        it. Raises NotFound where there is none."""
        ...

    async def merge_profiles(self, scope: Scope, profile_id: str, other_id: str) -> Merged:
        """By hand, whatever keeps them apart. Raises Conflict where they are one already."""
        ...

    async def unmerge_profile(self, scope: Scope, profile_id: str) -> Unmerged:
        """Undo the merge that made `profile_id` part of another profile.

        Both get back what they had, and keep what was learned for them since. What linked them links them no longer.
        Raises Conflict where it was never merged, or is the one the others were merged into.
        """
        ...

    async def explain_identity(self, scope: Scope, profile_id: str) -> Explanation: ...

    async def add_observations(
        self, scope: Scope, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        """All or none.

        An observation is a duplicate when the profile, or one merged with it, has one in the same words (case and
        blanks aside) and the new one either states no time or states the same time.
        """
        ...

    async def reconcile_observations(
        self,
        scope: Scope,
        profile_id: str,
        new: Sequence[NewObservation],
        by: Authorship = UNKNOWN,
        *,
        dry_run: bool = False,
    ) -> Added:
        """All or none, each beside what is known of the same: it is added, or updates what it contradicts or says in
        more detail, or is discarded. Nothing is deleted: what was there is a revision. `dry_run`: only what would
        become of them."""
        ...

    async def list_observations(
        self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]: ...

    async def get_observation(self, scope: Scope, profile_id: str, observation_id: str) -> Observation: ...

    async def update_observation(
        self,
        scope: Scope,
        profile_id: str,
        observation_id: str,
        changes: ObservationChanges,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        """What it was stays as a revision; recall finds what it is."""
        ...

    async def delete_observation(self, scope: Scope, profile_id: str, observation_id: str) -> None:
        """With its revisions."""
        ...

    async def list_revisions(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        """By `updated_at`; what it is now is one of them."""
        ...

    async def add_summaries(
        self, scope: Scope, profile_id: str, new: Sequence[NewSummary], by: Authorship = UNKNOWN
    ) -> Added:
        """All or none. A duplicate when the profile has a summary of that conversation in the same words."""
        ...

    async def list_summaries(
        self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Summary]: ...

    async def get_summary(self, scope: Scope, profile_id: str, summary_id: str) -> Summary: ...

    async def update_summary(
        self, scope: Scope, profile_id: str, summary_id: str, changes: SummaryChanges, by: Authorship = UNKNOWN
    ) -> Summary:
        """As `update_observation`."""
        ...

    async def delete_summary(self, scope: Scope, profile_id: str, summary_id: str) -> None:
        """With its revisions."""
        ...

    async def record_messages(
        self, scope: Scope, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        """Appended in their order, all or none; the conversation is made where there is none.

        A message with an id that the conversation has is a duplicate. Of messages without ids, those are that the
        conversation ends with and the call begins with: who sends the whole conversation each time adds what is new.
        """
        ...

    async def get_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation: ...

    async def close_conversation(self, scope: Scope, profile_id: str, conversation_id: str) -> Conversation:
        """It is over, and learned from in the background. One that is closed stays so; what is said later under its id
        begins another one."""
        ...

    async def learn(self, scope: Scope) -> int:
        """All that is due by now, here and not in the background: of how many conversations. Those that were silent
        long enough become quiet or end, observations are made of what was said in them, and of those that ended a
        summary."""
        ...

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall: ...

    async def list_communications(
        self, scope: Scope, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        """The last of the conversation first; none where there is no such conversation."""
        ...

    async def mend(self, scope: Scope) -> int:
        """Find the items whose vectors can't be read: how many. `reembed` makes them anew."""
        ...

    async def reembed(self, scope: Scope) -> int:
        """Make the vectors of some items that have none of the model there is now, and say of how many."""
        ...

    async def latest_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        """Latest `occurred_at` first, those before `before`.

        Items of one moment are never torn apart: the last one's contemporaries come too, beyond `limit`.
        """
        ...

    async def latest_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        """As `latest_observations`."""
        ...

    # The rules of the store

    async def get_identity_settings(self, scope: Scope) -> IdentitySettings: ...

    async def update_identity_settings(
        self, scope: Scope, new: IdentitySettings, if_version: int | None = None
    ) -> IdentitySettings:
        """All of them are replaced; profiles that are merged stay so, and a lower limit holds from a profile's next new
        identifier on. Raises Conflict where identifiers that are stored would not fit any more."""
        ...

    async def list_trait_groups(self, scope: Scope) -> list[TraitGroup]: ...

    async def create_trait_group(self, scope: Scope, new: TraitGroup) -> TraitGroup: ...

    async def update_trait_group(
        self, scope: Scope, name: str, changes: TraitGroupChanges, if_version: int | None = None
    ) -> TraitGroup:
        """Values of a trait that is removed go with it, and so do the identifiers that came from them."""
        ...

    async def delete_trait_group(self, scope: Scope, name: str) -> None:
        """Raises Conflict where every store has it, or a data mapping speaks of it."""
        ...

    async def list_data_mappings(self, scope: Scope) -> list[DataMapping]:
        """The earliest first."""
        ...

    async def create_data_mapping(self, scope: Scope, new: NewDataMapping) -> DataMapping: ...

    async def get_data_mapping(self, scope: Scope, data_mapping_id: str) -> DataMapping: ...

    async def update_data_mapping(
        self, scope: Scope, data_mapping_id: str, changes: DataMappingChanges, if_version: int | None = None
    ) -> DataMapping: ...

    async def delete_data_mapping(self, scope: Scope, data_mapping_id: str) -> None: ...

    # Imports

    async def create_import(self, scope: Scope, new: NewUpload) -> Import:
        """One whose file is still to come: PENDING."""
        ...

    async def get_import(self, scope: Scope, import_id: str) -> Import: ...

    async def list_imports(self, scope: Scope, page: PageQuery) -> Page[str]:
        """Ids."""
        ...

    async def begin_import(self, scope: Scope, import_id: str, digest: bytes, rows_total: int) -> Import:
        """Its file has come. Where it was begun with the same file, it goes on; with another, Conflict."""
        ...

    async def fail_import(self, scope: Scope, import_id: str, reason: str) -> Import:
        """Its file can't be read: FAILED, and the reason is a remark on row 0."""
        ...

    async def start_import(self, scope: Scope, new: NewImport) -> Import:
        """Where the same file was imported in the same way, and not to its end, that import: it goes on."""
        ...

    async def add_import_rows(self, scope: Scope, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
        """The rows behind row `after`, in one transaction with how far the import is.

        Raises Conflict where it is elsewhere: somebody else imports the same file.
        """
        ...

    async def list_remarks(self, scope: Scope, import_id: str, after: int, limit: int) -> list[Remark]:
        """By row, those behind row `after`."""
        ...

    async def close(self) -> None: ...
