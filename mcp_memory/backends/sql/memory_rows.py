"""The part of the lower seam that is about what is remembered, and what recall reads. See `database.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol

from mcp_memory.backends.sql.cursors import Place
from mcp_memory.history import UNKNOWN, Authorship, Discarded, Revision
from mcp_memory.listing import ItemFilter
from mcp_memory.model import ItemT_co, Kind, Observation, Summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mcp_memory.candidates import Candidates, Ints, TokenVectors


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What recall needs of an item, apart from its text: per chunk a unit vector, its terms and its tokens.

    An empty `model_id`: there are no vectors yet. `recipe`: what else it was made by. `token_vectors`: of the tokens of
    all chunks, one after the other; None where there are none, or are not to be kept.
    """

    model_id: str
    recipe: int
    vectors: NDArray[np.float32]
    terms: Sequence[Sequence[int]]
    tokens: Sequence[NDArray[np.uint16]] | None = None
    token_vectors: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class NewItem(Generic[ItemT_co]):
    item: ItemT_co
    digest: bytes
    signature: Signature
    by: Authorship = UNKNOWN


@dataclass(frozen=True, kw_only=True)
class AsOf(Generic[ItemT_co]):
    """An item as it was. `changed`: it is otherwise now, and `reworded`: in other words."""

    item: ItemT_co
    changed: bool
    reworded: bool


@dataclass(frozen=True, kw_only=True)
class Known:
    """An item that is stored already, for telling duplicates."""

    id: str
    digest: bytes
    occurred_at: datetime
    conversation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoredText:
    """Of an item whose signature is to be made: a message between those before and after it, as (author, text)."""

    key: object
    text: str
    author: str | None = None
    before: tuple[str | None, str] | None = None
    after: tuple[str | None, str] | None = None
    is_message: bool = False


class MemoryRows(Protocol):
    def known(self, kind: Kind, profile_id: str, digests: Iterable[bytes]) -> list[Known]: ...

    def count_learned(self, kind: Kind, profile_id: str, since: datetime, until: datetime | None) -> int:
        """Items of just this member that were learned between the two, at neither."""
        ...

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

    def find_observation(self, profile_id: str, observation_id: str) -> Observation | None:
        """Of any member."""
        ...

    def find_summary(self, profile_id: str, summary_id: str) -> Summary | None: ...

    def list_observations(
        self, profile_id: str, wanted: ItemFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Observation]]:
        """Behind that place, by creation, of all members."""
        ...

    def list_summaries(
        self, profile_id: str, wanted: ItemFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Summary]]: ...

    def list_revisions(
        self, observation_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Observation]]:
        """Behind that place, by `updated_at`; what it is now is one of them."""
        ...

    def observation_history(
        self, observation_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Revision[Observation]]]:
        """Behind that place, by number; what it is now is one of them."""
        ...

    def summary_history(
        self, summary_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Revision[Summary]]]: ...

    def change_observation(
        self, after: Observation, digest: bytes, signature: Signature | None, by: Authorship
    ) -> None:
        """What it was is kept as a revision. `signature`: None where its content is the same."""
        ...

    def change_summary(self, after: Summary, digest: bytes, signature: Signature | None, by: Authorship) -> None: ...

    def remove_observation(self, observation_id: str) -> None:
        """With its revisions, and all that recall reads of it."""
        ...

    def remove_summary(self, summary_id: str) -> None: ...

    def observation_changes(
        self, profile_id: str, since: datetime, limit: int
    ) -> list[tuple[Revision[Observation], str | None]]:
        """The latest revisions after that time, of any member, and what each of them said before."""
        ...

    def summary_changes(
        self, profile_id: str, since: datetime, limit: int
    ) -> list[tuple[Revision[Summary], str | None]]: ...

    def observations_at(self, profile_id: str, at: datetime) -> Mapping[object, AsOf[Observation]]:
        """All that were learned by then, as they were then, by their keys, ascending."""
        ...

    def summaries_at(self, profile_id: str, at: datetime) -> Mapping[object, AsOf[Summary]]: ...

    def candidates(self, kind: Kind, profile_id: str, model_id: str) -> tuple[Sequence[object], Candidates]:
        """The profile's items of a kind: their keys, ascending, and in the same order what ranks them.

        Vectors that another model made, or that are damaged, are missing.
        """
        ...

    def candidates_of(
        self,
        kind: Kind,
        profile_id: str,
        model_id: str,
        keys: Collection[object],
        instead: Mapping[object, tuple[datetime, Signature | None]],
    ) -> tuple[Sequence[object], Candidates]:
        """As `candidates`, of these keys alone. `instead`: when these happened, and unless None what ranks them, in
        place of what is stored; their tokens have no vectors."""
        ...

    def token_vectors(
        self, kind: Kind, profile_id: str, keys: Sequence[object], candidates: Candidates, chosen: Ints
    ) -> TokenVectors:
        """Of the candidates, as they came, at these places; those whose vectors are damaged or gone are left out."""
        ...


class DiscardedRows(Protocol):
    def discarded(self, profile_id: str) -> list[tuple[Place, Discarded]]:
        """Of all members, the earliest first."""
        ...

    def keep_discarded(self, profile_id: str, one: Discarded) -> None:
        """Of just this member the latest `MAX_DISCARDED`."""
        ...


class SignatureRows(Protocol):
    def count_stale(self, model_id: str, recipe: int) -> int:
        """Items whose signature was made by something else."""
        ...

    def stale(self, model_id: str, recipe: int, limit: int) -> list[StoredText]: ...

    def texts(self, keys: Iterable[object]) -> Mapping[object, StoredText]:
        """As they are; without those that are gone."""
        ...

    def damaged(self) -> list[object]:
        """The keys of items whose signature can't be read. Looks at all there are, which takes long."""
        ...

    def forget_signatures(self, keys: Iterable[object]) -> None:
        """They are stale from now on."""
        ...

    def put_signatures(self, new: Sequence[tuple[object, Signature]]) -> None:
        """In place of those that there are. Keys that are gone meanwhile stay gone."""
        ...

    def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Whether it is the holder's, until then unless it is taken again."""
        ...
