"""Observations, summaries, and what recall needs of them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from mcp_memory import ids
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.memory_rows import AsOf, Known, NewItem, Signature
from mcp_memory.backends.sql.sqlite.authors import authorship, by_columns
from mcp_memory.backends.sql.sqlite.keys import FOREVER, from_micros, ordered, period, profile_no, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row
from mcp_memory.backends.sql.sqlite.signatures import SqliteSignatures
from mcp_memory.history import Authorship, Revision, caused
from mcp_memory.listing import ItemFilter
from mcp_memory.model import Item, Kind, Observation, Summary

ItemT = TypeVar("ItemT", bound=Item)


class SqliteMemories(SqliteSignatures):
    def known(self, kind: Kind, profile_id: str, digests: Iterable[bytes]) -> list[Known]:
        members = self._members(profile_id)
        return [
            Known(
                id=ids.from_bytes(_PREFIXES[kind], raw_id),
                digest=found,
                occurred_at=from_micros(occurred_at),
                conversation_id=conversation_id,
            )
            for digest in dict.fromkeys(digests)
            for raw_id, found, occurred_at, conversation_id in self._each(_KNOWN[kind], members, digest=digest)
        ]

    def count_learned(self, kind: Kind, profile_id: str, since: datetime, until: datetime | None) -> int:
        end = FOREVER[1] if until is None else to_micros(until)
        rows = self._rows(_LEARNED[kind], no=self._number(profile_id), since=to_micros(since), until=end)
        return int(rows[0][0])

    def insert_observations(self, profile_id: str, new: Sequence[NewItem[Observation]]) -> None:
        extras = [{"conversation_ids": json.dumps(one.item.conversation_ids), **by_columns(one.by)} for one in new]
        self._insert("observation", profile_id, new, extras)

    def insert_summaries(self, profile_id: str, new: Sequence[NewItem[Summary]]) -> None:
        extras = [{"conversation_id": one.item.conversation_id, **by_columns(one.by)} for one in new]
        self._insert("summary", profile_id, new, extras)

    def observations(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Observation]:
        return {row[0]: _observation(row) for row in self._rows("observation", ids=json.dumps(list(keys)))}

    def summaries(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Summary]:
        return {row[0]: _summary(row) for row in self._rows("summary", ids=json.dumps(list(keys)))}

    def latest_observations(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Observation]:
        return [_observation(row) for row in self._latest("latest_observations", profile_id, limit, begin, end, ties)]

    def latest_summaries(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Summary]:
        return [_summary(row) for row in self._latest("latest_summaries", profile_id, limit, begin, end, ties)]

    def find_observation(self, profile_id: str, observation_id: str) -> Observation | None:
        key = self._key("observation_key", profile_id, observation_id)
        return None if key is None else self.observations(profile_id, [key])[key]

    def find_summary(self, profile_id: str, summary_id: str) -> Summary | None:
        key = self._key("summary_key", profile_id, summary_id)
        return None if key is None else self.summaries(profile_id, [key])[key]

    def list_observations(
        self, profile_id: str, wanted: ItemFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Observation]]:
        rows = self._list("observation", profile_id, wanted, after, limit, newest_first)
        return [((row[5], row[0]), _observation(row)) for row in rows]

    def list_summaries(
        self, profile_id: str, wanted: ItemFilter, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Summary]]:
        rows = self._list("summary", profile_id, wanted, after, limit, newest_first)
        return [((row[5], row[0]), _summary(row)) for row in rows]

    def list_revisions(
        self, observation_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Observation]]:
        order, (at, *_) = ordered(after, newest_first)
        id = self._rows("observation_key", public_id=ids.to_bytes(observation_id))[0][0]
        rows = self._rows(f"list_revisions_{order}", id=id, at=at, limit=limit)
        return [((row[6],), _observation(row)) for row in rows]

    def observation_history(
        self, observation_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Revision[Observation]]]:
        rows = self._history("observation", observation_id, after, limit, newest_first)
        return [((row[8],), _revision(_observation(row[:8]), row[8:])) for row in rows]

    def summary_history(
        self, summary_id: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, Revision[Summary]]]:
        rows = self._history("summary", summary_id, after, limit, newest_first)
        return [((row[8],), _revision(_summary(row[:8]), row[8:])) for row in rows]

    def observation_changes(
        self, profile_id: str, since: datetime, limit: int
    ) -> list[tuple[Revision[Observation], str | None]]:
        rows = self._changes("observation", profile_id, since, limit)
        return [(_revision(_observation(row[:8]), row[8:14]), row[14]) for row in rows]

    def summary_changes(
        self, profile_id: str, since: datetime, limit: int
    ) -> list[tuple[Revision[Summary], str | None]]:
        rows = self._changes("summary", profile_id, since, limit)
        return [(_revision(_summary(row[:8]), row[8:14]), row[14]) for row in rows]

    def observations_at(self, profile_id: str, at: datetime) -> Mapping[object, AsOf[Observation]]:
        return _as_of(self._each("observation_at", self._members(profile_id), at=to_micros(at)), _observation)

    def summaries_at(self, profile_id: str, at: datetime) -> Mapping[object, AsOf[Summary]]:
        return _as_of(self._each("summary_at", self._members(profile_id), at=to_micros(at)), _summary)

    def change_observation(
        self, after: Observation, digest: bytes, signature: Signature | None, by: Authorship
    ) -> None:
        extra = {"conversation_ids": json.dumps(after.conversation_ids), **by_columns(by)}
        self._update("observation", after, digest, signature, extra)

    def change_summary(self, after: Summary, digest: bytes, signature: Signature | None, by: Authorship) -> None:
        self._update("summary", after, digest, signature, {"conversation_id": after.conversation_id, **by_columns(by)})

    def remove_observation(self, observation_id: str) -> None:
        self._remove("observation_key", observation_id, observations=1)

    def remove_summary(self, summary_id: str) -> None:
        self._remove("summary_key", summary_id, summaries=1)

    # Inside

    def _key(self, query: str, profile_id: str, item_id: str) -> int | None:
        """Of an item that is this profile's."""
        rows = self._rows(query, public_id=ids.to_bytes(item_id))
        mine = self._members(profile_id)
        return next((int(key) for (key,) in rows if profile_no(key) in mine), None)

    def _list(
        self,
        kind: Kind,
        profile_id: str,
        wanted: ItemFilter,
        after: Place | None,
        limit: int,
        newest_first: bool,
    ) -> list[Row]:
        order, (at, key) = ordered(after, newest_first)
        rows = self._each(
            f"list_{kind}_{order}",
            self._members(profile_id),
            at=at,
            key=key,
            source=wanted.source,
            conversation_id=wanted.conversation_id,
            limit=limit,
            **period(wanted.created_after, wanted.created_before),
        )
        return sorted(rows, key=lambda row: (row[5], row[0]), reverse=newest_first)[:limit]

    def _history(self, kind: Kind, item_id: str, after: Place | None, limit: int, newest_first: bool) -> list[Row]:
        above, below = (0, FOREVER[1])
        if after is not None:
            above, below = (0, after[0]) if newest_first else (after[0], FOREVER[1])
        id = self._rows(f"{kind}_key", public_id=ids.to_bytes(item_id))[0][0]
        direction = -1 if newest_first else 1
        return self._rows(f"{kind}_history", id=id, above=above, below=below, direction=direction, limit=limit)

    def _changes(self, kind: Kind, profile_id: str, since: datetime, limit: int) -> list[Row]:
        rows = self._each(f"{kind}_changes", self._members(profile_id), since=to_micros(since), limit=limit)
        return sorted(rows, key=lambda row: (row[6], row[0]), reverse=True)[:limit]

    def _update(
        self, kind: Kind, after: Item, digest: bytes, signature: Signature | None, extra: Mapping[str, str | None]
    ) -> None:
        id = self._rows(f"{kind}_key", public_id=ids.to_bytes(after.id))[0][0]
        self._rows(f"keep_{kind}", id=id)
        occurred_at = to_micros(after.occurred_at)
        self._rows(
            f"update_{kind}",
            id=id,
            digest=digest,
            occurred_at=occurred_at,
            updated_at=to_micros(after.updated_at),
            source=after.source,
            content=after.content,
            **extra,
        )
        self._rows("move_signature", id=id, occurred_at=occurred_at)
        if signature is not None:
            self._put_signature(id, occurred_at, signature)
        self._recount(id)

    def _remove(self, query: str, item_id: str, observations: int = 0, summaries: int = 0) -> None:
        id = self._rows(query, public_id=ids.to_bytes(item_id))[0][0]
        for each in _DELETIONS:
            self._rows(each, first=id, last=id)
        self._recount(id, observations, summaries)

    def _recount(self, id: int, observations: int = 0, summaries: int = 0) -> None:
        self._rows("recount", no=profile_no(id), observations=observations, summaries=summaries)

    def _latest(
        self, query: str, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool
    ) -> list[Row]:
        if limit == 0:
            return []
        members, when = self._members(profile_id), period(begin, end)
        rows = _newest(self._each(query, members, limit=limit, **when))[:limit]
        if ties and len(rows) == limit:
            rows = _newest(self._each(query, members, limit=-1, **when | {"begin": rows[-1][4]}))
        return rows

    def _insert(
        self,
        kind: Kind,
        profile_id: str,
        new: Sequence[NewItem[Item]],
        extras: Sequence[Mapping[str, str | None]],
    ) -> None:
        number = self._number(profile_id)
        for id, one, extra in zip(self._new_keys(number, kind, len(new)), new, extras, strict=True):
            item = one.item
            self._rows(
                _INSERTS[kind],
                id=id,
                public_id=ids.to_bytes(item.id),
                digest=one.digest,
                occurred_at=to_micros(item.occurred_at),
                created_at=to_micros(item.created_at),
                updated_at=to_micros(item.updated_at),
                source=item.source,
                content=item.content,
                **extra,
            )
            self._put_signature(id, to_micros(item.occurred_at), one.signature)
        latest = max(one.item.occurred_at for one in new)
        self._rows(_COUNTERS[kind], no=number, count=len(new), occurred_at=to_micros(latest))


_PREFIXES = {"observation": ids.OBSERVATION, "summary": ids.SUMMARY}
_KNOWN = {"observation": "known_observations", "summary": "known_summaries"}
_LEARNED = {"observation": "observations_learned", "summary": "summaries_learned"}
_INSERTS = {"observation": "insert_observation", "summary": "insert_summary"}
_DELETIONS = (
    *("delete_revisions", "delete_observations", "delete_summary_revisions", "delete_summaries"),
    *("delete_signatures", "delete_tokens"),
)
_COUNTERS = {"observation": "count_observations", "summary": "count_summaries"}


def _newest(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row[4], row[0]), reverse=True)


def _observation(row: Row) -> Observation:
    _, raw_id, content, source, occurred_at, created_at, updated_at, conversation_ids = row
    return Observation(
        id=ids.from_bytes(ids.OBSERVATION, raw_id),
        content=content,
        source=source,
        occurred_at=from_micros(occurred_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        conversation_ids=tuple(json.loads(conversation_ids)),
    )


def _summary(row: Row) -> Summary:
    _, raw_id, content, source, occurred_at, created_at, updated_at, conversation_id = row
    return Summary(
        id=ids.from_bytes(ids.SUMMARY, raw_id),
        content=content,
        source=source,
        occurred_at=from_micros(occurred_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        conversation_id=conversation_id,
    )


def _as_of(rows: Iterable[Row], item: Callable[[Row], ItemT]) -> Mapping[object, AsOf[ItemT]]:
    return {
        row[0]: AsOf(item=item(row[:8]), changed=bool(row[8]), reworded=bool(row[9]))
        for row in sorted(rows, key=lambda row: int(row[0]))
    }


def _revision(item: ItemT, row: Row) -> Revision[ItemT]:
    return Revision(number=row[0], item=item, by=caused(authorship(row[1:]), row[0]))
