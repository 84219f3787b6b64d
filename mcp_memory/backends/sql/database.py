"""The lower seam: rows and transactions, in the words of the domain.

A unit of work is a plain function of a `Transaction`. It runs on a worker thread, sees one consistent state, and
may be run again from the start when the database asks for a retry: it has no effect but through its transaction.
Keys are public ids everywhere; how a dialect packs them, locks and batches is its own affair. So is the cosine:
one dialect computes it here from int8, another inside the database.

Every method speaks only `mcp_memory.errors`; drivers' errors are translated in the dialect, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mcp_memory.model import (
    Identifier,
    ItemT_co,
    Kind,
    Observation,
    Scope,
    Store,
    Summary,
    TraitDefinition,
    TraitValue,
    UndeclaredTraits,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mcp_memory.ranking import Candidates

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    profile_id: str
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    observation_count: int
    summary_count: int


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What recall needs of an item, apart from its text: per chunk a unit vector and its terms."""

    model_id: str
    vectors: NDArray[np.float32]
    terms: Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class NewItem(Generic[ItemT_co]):
    item: ItemT_co
    digest: bytes
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class Known:
    """An item that is stored already, for telling duplicates."""

    id: str
    digest: bytes
    occurred_at: datetime
    conversation_id: str | None = None


class Transaction(Protocol):
    """One store's rows. Reading a profile follows merges: a merged id answers for its canonical profile.

    A read sees one moment; a write sees for sure only what it has locked or claimed.
    """

    # Profiles
    def find_profile(self, profile_id: str) -> ProfileRow | None: ...

    def lock_profile(self, profile_id: str) -> ProfileRow | None:
        """As `find_profile`; until the end nobody else can change or merge it."""
        ...

    def insert_profile(self, profile_id: str, at: datetime) -> None: ...

    def touch_profile(self, profile_id: str, at: datetime) -> None:
        """Count up its version and set `updated_at`."""
        ...

    def profile_ids(self, id_range: tuple[str, str] | None, identifier_prefix: str, limit: int) -> list[str]:
        """Profiles with an id in the range (both ends in it), or an identifier that starts so, as it is or in lower
        case; latest updated first. An empty prefix is that of all."""
        ...

    def count_profiles(self) -> int: ...

    # Identifiers
    def owners(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, str]: ...

    def claim(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, str]:
        """As `owners`, canonical ids; until the end nobody else can create, attach, move or merge any of them."""
        ...

    def identifiers(self, profile_id: str) -> list[Identifier]:
        """Oldest first."""
        ...

    def attach(self, identifiers: Iterable[Identifier], profile_id: str, at: datetime) -> None:
        """Claimed identifiers that nobody else has; one the profile has already stays as it is."""
        ...

    def detach(self, identifiers: Iterable[Identifier], profile_id: str) -> None: ...

    # Traits
    def definitions(self, lock: bool = False) -> list[TraitDefinition]:
        """With `lock`, until the end nobody else can declare: for whoever declares what is not among them."""
        ...

    def declare(self, definitions: Iterable[TraitDefinition]) -> None:
        """One that is declared already stays as it is."""
        ...

    def traits(self, profile_id: str) -> list[tuple[str, str, TraitValue]]:
        """(group, name, value), by group and name."""
        ...

    def put_traits(self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]], at: datetime) -> None: ...

    def remove_traits(self, profile_id: str, names: Iterable[tuple[str, str]]) -> None: ...

    # Memories
    def known(self, kind: Kind, profile_id: str, digests: Iterable[bytes]) -> list[Known]: ...

    def insert_observations(self, profile_id: str, new: Sequence[NewItem[Observation]]) -> None:
        """All made by one model. Raises Invalid when the profile holds as many items as the dialect can number."""
        ...

    def insert_summaries(self, profile_id: str, new: Sequence[NewItem[Summary]]) -> None: ...

    def observations(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Observation]: ...

    def summaries(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Summary]: ...

    def latest_observations(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Observation]:
        """Latest `occurred_at` first; with `ties`, also those of the last one's moment beyond `limit`."""
        ...

    def latest_summaries(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Summary]: ...

    def candidates(
        self,
        kind: Kind,
        profile_id: str,
        query: Signature,
        begin: datetime | None,
        end: datetime | None,
    ) -> tuple[Sequence[object], Candidates]:
        """The profile's items of a kind: their keys, and in the same order what ranks them.

        Items whose vector another model made, come with a cosine of 0.
        """
        ...


class Catalog(Protocol):
    """Which stores there are: one transaction over the catalog."""

    def find_store(self, tenant: str, display_name: str) -> Store | None: ...

    def get_store(self, scope: Scope) -> Store | None: ...

    def insert_store(self, tenant: str, store: Store) -> Store:
        """The store; where another caller was first, the one that is there."""
        ...

    def set_undeclared_traits(self, scope: Scope, policy: UndeclaredTraits) -> None: ...


class Database(Protocol):
    """Blocking: call it on a worker thread, once per unit of work."""

    def read(self, scope: Scope, work: Callable[[Transaction], T]) -> T: ...

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Returns once the work is durable; raises and leaves nothing behind otherwise."""
        ...

    def read_catalog(self, work: Callable[[Catalog], T]) -> T: ...

    def write_catalog(self, work: Callable[[Catalog], T]) -> T: ...

    def close(self) -> None: ...
