"""What was known at a time, inside a transaction, for recall to rank as it ranks what is known now.

What was learned later is not there, and what was changed since is as it was. Who is one person with whom, and what was
deleted, is as it is now. Of what was worded otherwise the old words rank it, and a vector that was made of them before;
its tokens have none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from mcp_memory import history, language
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import AsOf, Signature
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.signatures import without_vectors
from mcp_memory.history import Changed
from mcp_memory.model import Communication, Item, Kind, Observation, Summary

if TYPE_CHECKING:
    from mcp_memory.candidates import Candidates, Ints, TokenVectors

ItemT = TypeVar("ItemT", bound=Item)

MOST = 64  # old wordings that get vectors, which takes 0.8 s on a slow core; the rest are ranked by their words
ALL = 1 << 40


def reworded(tx: Transaction, profile_id: str, at: datetime) -> list[str]:
    """What is worded otherwise now, as it was worded then: the last learned first, no more than get vectors."""
    id = existing(tx, profile_id).profile_id
    known = [*tx.observations_at(id, at).values(), *tx.summaries_at(id, at).values()]
    found: list[Item] = [one.item for one in known if one.reworded]
    latest = sorted(found, key=lambda item: (item.updated_at, item.id), reverse=True)
    return list(dict.fromkeys(item.content for item in latest))[:MOST]


def changes_since(tx: Transaction, profile_id: str, since: datetime, limit: int) -> list[Changed]:
    id = existing(tx, profile_id).profile_id
    found = [history.item_change(*one) for one in tx.summary_changes(id, since, limit)[::-1]]
    found += [history.item_change(*one) for one in tx.observation_changes(id, since, limit)[::-1]]
    return history.latest_changes([*history.trait_changes(tx.trait_revisions(id), since), *found], limit)


class Then:
    """Reads as a transaction did at that time. `wordings`: signatures of old ones."""

    def __init__(self, tx: Transaction, at: datetime, wordings: Mapping[str, Signature]) -> None:
        self._tx, self._at, self._wordings = tx, at, wordings
        self._known: dict[tuple[str, str], Mapping[object, AsOf[Item]]] = {}

    def candidates(self, kind: Kind, profile_id: str, model_id: str) -> "tuple[Sequence[object], Candidates]":
        if kind == "communication":
            return self._messages(profile_id, model_id)
        known = self._of(kind, profile_id)
        instead = {
            key: (one.item.occurred_at, self._signature(one.item.content) if one.reworded else None)
            for key, one in known.items()
            if one.changed
        }
        return self._tx.candidates_of(kind, profile_id, model_id, known.keys(), instead)

    def token_vectors(
        self, kind: Kind, profile_id: str, keys: Sequence[object], candidates: "Candidates", chosen: "Ints"
    ) -> "TokenVectors":
        return self._tx.token_vectors(kind, profile_id, keys, candidates, chosen)

    def observations(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Observation]:
        known = self._of("observation", profile_id)
        return {key: cast(Observation, known[key].item) for key in keys}

    def summaries(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Summary]:
        known = self._of("summary", profile_id)
        return {key: cast(Summary, known[key].item) for key in keys}

    def communications(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Communication]:
        return self._tx.communications(profile_id, keys)

    def latest_observations(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Observation]:
        return cast(list[Observation], self._latest("observation", profile_id, limit, begin, end))

    def latest_summaries(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Summary]:
        return cast(list[Summary], self._latest("summary", profile_id, limit, begin, end))

    def latest_communications(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Communication]:
        return self._learned(self._tx.latest_communications(profile_id, ALL, begin, end))[:limit] if limit else []

    def conversation_end(
        self,
        profile_id: str,
        conversation_id: str,
        limit: int,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> list[Communication]:
        if limit == 0:
            return []
        return self._learned(self._tx.conversation_end(profile_id, conversation_id, ALL, begin, end))[:limit]

    # Inside

    def _of(self, kind: Kind, profile_id: str) -> Mapping[object, AsOf[Item]]:
        if (kind, profile_id) not in self._known:
            self._known[kind, profile_id] = _known(self._tx, kind, profile_id, self._at)
        return self._known[kind, profile_id]

    def _latest(
        self, kind: Kind, profile_id: str, limit: int, begin: datetime | None, end: datetime | None
    ) -> list[Item]:
        known = [
            one.item
            for one in self._of(kind, profile_id).values()
            if (begin is None or one.item.occurred_at >= begin) and (end is None or one.item.occurred_at < end)
        ]  # by their keys: of one moment, the last learned is the latest
        return sorted(known[::-1], key=lambda item: item.occurred_at, reverse=True)[:limit]

    def _signature(self, content: str) -> Signature:
        return self._wordings.get(content) or without_vectors(language.chunks(content))

    def _messages(self, profile_id: str, model_id: str) -> "tuple[Sequence[object], Candidates]":
        import numpy as np  # not before it is needed, for the cold start

        keys, candidates = self._tx.candidates("communication", profile_id, model_id)
        items = self._tx.communications(profile_id, keys)
        known = [key in items and items[key].created_at <= self._at for key in keys]
        kept = np.array(known, dtype=np.bool_)
        return [key for key, one in zip(keys, known, strict=True) if one], candidates.subset(kept)

    def _learned(self, items: Collection[ItemT]) -> list[ItemT]:
        return [one for one in items if one.created_at <= self._at]


def _known(tx: Transaction, kind: Kind, profile_id: str, at: datetime) -> Mapping[object, AsOf[Item]]:
    if kind == "summary":
        return tx.summaries_at(profile_id, at)
    return tx.observations_at(profile_id, at)
