"""The lower seam: rows and transactions, in the words of the domain.

A unit of work is a plain function of a `Transaction`. It runs on a worker thread, sees one consistent state, and
may be run again from the start when the database asks for a retry: it has no effect but through its transaction.
Keys are public ids everywhere; how a dialect packs them, locks and batches is its own affair. So is what it keeps of
a profile's candidates in memory.

Every method speaks only `mcp_memory.errors`; drivers' errors are translated in the dialect, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from mcp_memory.backends.sql.callback_rows import CallbackRows
from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.conversation_rows import ConversationRows
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.memory_rows import DiscardedRows, MemoryRows, SignatureRows
from mcp_memory.backends.sql.orchestrator_rows import OrchestratorRows
from mcp_memory.backends.sql.proposal_rows import ProposalRows
from mcp_memory.definitions import TraitGroup
from mcp_memory.history import Authorship, TraitRevision
from mcp_memory.identity import IdentitySettings
from mcp_memory.imports import Import, Remark
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.ledger import Entry, Holding, IdentityConflict, Separation, Sides
from mcp_memory.mappings import DataMapping
from mcp_memory.model import Identifier, KeptApart, Scope, TraitDefinition, TraitValue

T = TypeVar("T")
Trait = tuple[str, str]
"""Group and name."""


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """A live profile; times and counts are those of all its members."""

    profile_id: str
    members: tuple[str, ...]
    """Itself, and what was merged into it, earliest first."""
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    observation_count: int
    summary_count: int
    communication_count: int


@dataclass(frozen=True, kw_only=True)
class TraitRow:
    """`profile_id`: the member that has it."""

    group: str
    name: str
    value: TraitValue
    updated_at: datetime
    profile_id: str


class ProfileRows(Protocol):
    def find_profile(self, profile_id: str) -> ProfileRow | None: ...

    def lock_profiles(self, profile_ids: Iterable[str]) -> Mapping[str, ProfileRow]:
        """Asked id -> its live profile, without those there are none of. Until the end nobody else can change or merge
        any of them."""
        ...

    def insert_profile(self, profile_id: str, at: datetime) -> None: ...

    def version(self, profile_id: str) -> object:
        """Another one after each write to any member."""
        ...

    def touch_profile(self, profile_id: str, at: datetime) -> None:
        """Count up the version and set `updated_at`, of the live profile as well."""
        ...

    def profile_ids(
        self, id_range: tuple[str, str] | None, identifier_prefix: str, id_types: Iterable[str], limit: int
    ) -> list[str]:
        """Live profiles with an id in the range (both ends in it), or an identifier of these types that starts so, as
        it is or in lower case; latest updated first, of very many that start so not all looked at. An empty prefix is
        that of all."""
        ...

    def list_profiles(self, after: Place | None, limit: int, newest_first: bool) -> list[tuple[Place, str]]:
        """Ids of live ones behind that place, by creation."""
        ...

    def count_profiles(self) -> int: ...

    def tally_profiles(self) -> int:
        """Merged ones too. Takes no longer the more there are; in a write, to look is to know."""
        ...

    def delete_profile(self, profile_id: str) -> None:
        """Just this member, with all its rows; the merges that it was in are forgotten before. What is kept in memory
        of it is never taken for somebody else's."""
        ...

    def traits(self, profile_id: str) -> list[TraitRow]:
        """By group and name; one for each member that has it."""
        ...

    def trait_revisions(self, profile_id: str) -> list[TraitRevision]:
        """Of all members, by their time."""
        ...

    def put_traits(
        self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]], at: datetime, by: Authorship
    ) -> None:
        """Just what they are now."""
        ...

    def keep_traits(self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]]) -> None:
        """Before they are put: where just this member has another value, that is kept as a revision, and of each trait
        the latest `MAX_TRAIT_REVISIONS`."""
        ...

    def remove_traits(self, profile_id: str, names: Iterable[tuple[str, str]], at: datetime, by: Authorship) -> None:
        """From all members."""
        ...

    def remove_own_traits(
        self, profile_id: str, names: Iterable[tuple[str, str]], at: datetime, by: Authorship
    ) -> None:
        """From just this member."""
        ...


class IdentityRows(Protocol):
    def holders(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, Sequence[str]]:
        """Who has them: the ids of those that brought them, live or merged; several only where types are shared, and
        then the first hundred."""
        ...

    def claim(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, Sequence[str]]:
        """As `holders`; until the end nobody else can create, attach, move or merge any of them."""
        ...

    def identifiers(self, profile_id: str) -> list[Holding]:
        """Of all members, oldest first."""
        ...

    def attach(
        self, profile_id: str, new: Iterable[tuple[Identifier, Trait | None]], shared: bool, at: datetime
    ) -> None:
        """Claimed identifiers, each with the trait it comes from. `shared`: others may have them too."""
        ...

    def detach(self, holdings: Iterable[Holding]) -> None:
        """Retired ones too."""
        ...

    def retired(self, profile_id: str) -> list[Holding]:
        """As `identifiers`: those that identify nobody, since the members together have too many."""
        ...

    def inherit(self, holdings: Iterable[Holding], trait: Trait) -> None:
        """They come from this trait from now on."""
        ...

    def waiting(self, id_type: str, value: str | None = None) -> list[str]:
        """Live profiles with a retired identifier of the type, or just this one."""
        ...

    def retire(self, holdings: Iterable[Holding]) -> None: ...

    def revive(self, holdings: Iterable[Holding], shared: bool) -> None:
        """They identify again. Claimed, and nobody else's."""
        ...

    def identity_settings(self, lock: bool = False) -> IdentitySettings: ...

    def put_identity_settings(self, new: IdentitySettings) -> None:
        """Identifiers of types whose uniqueness changes can be shared, or not, from now on."""
        ...

    def count_identifiers(self, id_type: str) -> tuple[int, int]:
        """How many values there are, and how many of them several live profiles share."""
        ...

    # The ledger
    def set_members(self, profile_id: str, members: Iterable[str]) -> None:
        """`profile_id` is live, and the others are merged into it."""
        ...

    def insert_merge(self, entry: Entry, sides: Sides) -> int:
        """Its number; that of the entry given does not count."""
        ...

    def undo_merge(self, merge_no: int, at: datetime) -> None: ...

    def merges(self, profile_id: str) -> list[Entry]:
        """Those that any member was linked by, undone ones too, earliest first."""
        ...

    def related_merges(self, profile_id: str) -> list[Entry]:
        """Those that this member was linked by, or is told of in, and those of all whom it was ever linked with."""
        ...

    def remove_merge(self, merge_no: int) -> None: ...

    def redact_merge(self, entry: Entry) -> None:
        """It is between these profiles now, and what they had is not told."""
        ...

    def sides(self, merge_nos: Iterable[int]) -> Mapping[int, Sides]: ...

    def separate(self, separation: Separation) -> None: ...

    def separations(self, profile_id: str) -> list[Separation]:
        """Those with any member on one side."""
        ...

    def record_conflicts(self, profile_id: str, kept_apart: Iterable[KeptApart], at: datetime) -> None: ...

    def conflicts(self, profile_id: str) -> list[IdentityConflict]:
        """Those of any member, on either side, the latest seen last."""
        ...


class DefinitionRows(Protocol):
    def definitions(self, lock: bool = False) -> list[TraitDefinition]:
        """With `lock`, until the end nobody else can declare: for whoever declares what is not among them."""
        ...

    def declare(self, definitions: Iterable[TraitDefinition]) -> None:
        """With their groups. One that is declared already stays as it is."""
        ...

    def trait_groups(self) -> list[TraitGroup]:
        """By name, with their definitions."""
        ...

    def put_trait_group(self, group: TraitGroup) -> None:
        """As it is: definitions that it does not have go."""
        ...

    def remove_trait_group(self, name: str) -> None: ...

    def has_values(self, group: str, name: str) -> bool: ...

    def forget_trait(self, group: str, name: str, heirs: Iterable[Trait]) -> None:
        """Its values, what they were and those proposed, and the identifiers promoted from them, of all profiles; but
        those that one of the heirs says."""
        ...

    def learning_settings(self, lock: bool = False) -> LearningSettings: ...

    def put_learning_settings(self, new: LearningSettings) -> None: ...


class MappingRows(Protocol):
    def data_mappings(self) -> list[DataMapping]:
        """The earliest first."""
        ...

    def put_data_mapping(self, mapping: DataMapping) -> None: ...

    def remove_data_mapping(self, data_mapping_id: str) -> None: ...


class ImportRows(Protocol):
    def start_import(self, new: Import, digest: bytes | None) -> None:
        """None: its file is still to come."""
        ...

    def begin_import(self, current: Import, digest: bytes) -> None:
        """Its file has come."""
        ...

    def find_import(self, import_id: str) -> Import | None: ...

    def import_digest(self, import_id: str) -> bytes | None: ...

    def list_imports(self, after: Place | None, limit: int, newest_first: bool) -> list[tuple[Place, str]]: ...

    def unfinished_import(self, digest: bytes) -> Import | None:
        """The one of this file, read in this way, that was not brought to its end."""
        ...

    def put_import(self, current: Import, remarks: Iterable[Remark]) -> None:
        """How far it is, and what there is to say of the rows on the way."""
        ...

    def remarks(self, import_id: str, after: int, limit: int) -> list[Remark]:
        """By row, those after this one."""
        ...


class Transaction(
    ProfileRows,
    IdentityRows,
    DefinitionRows,
    MappingRows,
    MemoryRows,
    DiscardedRows,
    ConversationRows,
    OrchestratorRows,
    SignatureRows,
    ImportRows,
    CallbackRows,
    ProposalRows,
    Protocol,
):
    """One store's rows. A read sees one moment; a write sees for sure only what it has locked or claimed.

    A profile that was merged keeps what it brought. To read a profile, by any of its ids, is to read all its members;
    to write to one is to write to the member of that id. So nothing is moved by a merge, or lost by an unmerge, and
    whoever writes under an id that is merged meanwhile strands nothing.
    """

    def attempt(self) -> AbstractContextManager[None]:
        """A part that fails alone: what it wrote is taken back, the error goes on, and so can the transaction."""
        ...


class Database(Protocol):
    """Blocking: call it on a worker thread, once per unit of work."""

    def read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Raises NotFound where there is no such store, or none any more."""
        ...

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Returns once the work is durable; raises and leaves nothing behind otherwise."""
        ...

    def erase(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """As `write`, for work that removes: no byte of it stays behind longer than somebody reads it."""
        ...

    def read_catalog(self, work: Callable[[Catalog], T]) -> T: ...

    def write_catalog(self, work: Callable[[Catalog], T]) -> T: ...

    def delete_store(self, scope: Scope) -> None:
        """With all that is in it: nobody reads or writes it from here on, in no process. Once begun, it is done to the
        end, if need be at the next start."""
        ...

    def storage_bytes(self, tenant: str) -> int:
        """What all stores of the tenant take on the disk."""
        ...

    def close(self) -> None: ...
