"""Observations, summaries, and what recall needs of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mcp_memory import ids
from mcp_memory.backends.sql.memory_rows import Known, NewItem
from mcp_memory.backends.sql.sqlite.keys import FOREVER, from_micros, period, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row
from mcp_memory.backends.sql.sqlite.signatures import SqliteSignatures
from mcp_memory.model import Item, Kind, Observation, Summary


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
        extras = [{"conversation_ids": json.dumps(one.item.conversation_ids)} for one in new]
        self._insert("observation", profile_id, new, extras)

    def insert_summaries(self, profile_id: str, new: Sequence[NewItem[Summary]]) -> None:
        extras = [{"conversation_id": one.item.conversation_id} for one in new]
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

    # Inside

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
        extras: Sequence[Mapping[str, str]],
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
