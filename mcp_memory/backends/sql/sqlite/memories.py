"""Observations, summaries, and what recall needs of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_memory import ids
from mcp_memory.backends.sql.database import Known, NewItem, Signature
from mcp_memory.backends.sql.sqlite.keys import FOREVER, SEQ_BITS, from_micros, key, key_range, period, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.errors import Invalid
from mcp_memory.language import TERMS_VERSION
from mcp_memory.model import Item, Kind, Observation, Summary

if TYPE_CHECKING:
    from mcp_memory.ranking import Candidates


class SqliteMemories(Rows):
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
        rows = (row for key in keys for row in self._rows("observation", id=key))
        return {row[0]: _observation(row) for row in rows}

    def summaries(self, profile_id: str, keys: Iterable[object]) -> Mapping[object, Summary]:
        rows = (row for key in keys for row in self._rows("summary", id=key))
        return {row[0]: _summary(row) for row in rows}

    def latest_observations(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Observation]:
        return [_observation(row) for row in self._latest("latest_observations", profile_id, limit, begin, end, ties)]

    def latest_summaries(
        self, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool = False
    ) -> list[Summary]:
        return [_summary(row) for row in self._latest("latest_summaries", profile_id, limit, begin, end, ties)]

    def candidates(
        self, kind: Kind, profile_id: str, query: Signature, begin: datetime | None, end: datetime | None
    ) -> "tuple[Sequence[object], Candidates]":
        from mcp_memory.backends.sql.sqlite import packing  # numpy: not before it is needed, for the cold start

        rows: list[Row] = []
        for number in self._members(profile_id):
            first, last = key_range(number, kind)
            rows += self._rows("signatures", first=first, last=last, **period(begin, end))
        models = self._rows("model_no", model_id=query.model_id)
        model_no = models[0][0] if models else 0
        return [row[0] for row in rows], packing.unpack(rows, model_no, query)

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
        seqs = self._rows("take_seq", no=number, count=len(new))
        if not seqs:
            raise Invalid(f"The profile is full: it holds {1 << SEQ_BITS} items. Write to another one.")
        self._rows("add_model", model_id=new[0].signature.model_id)
        model_no = self._rows("model_no", model_id=new[0].signature.model_id)[0][0]
        for seq, one, extra in zip(range(seqs[0][0] - len(new), seqs[0][0]), new, extras, strict=True):
            item, id = one.item, key(number, kind, seq)
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
            self._insert_signature(id, item.occurred_at, one.signature, model_no)
        latest = max(one.item.occurred_at for one in new)
        self._rows(_COUNTERS[kind], no=number, count=len(new), occurred_at=to_micros(latest))

    def _insert_signature(self, id: int, occurred_at: datetime, signature: Signature, model_no: int) -> None:
        from mcp_memory.backends.sql.sqlite import packing  # numpy, as above

        self._rows(
            "insert_signature",
            id=id,
            occurred_at=to_micros(occurred_at),
            model_no=model_no,
            terms_version=TERMS_VERSION,
            emb=packing.pack_vectors(signature.vectors),
            terms=packing.pack_terms(signature.terms),
        )


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
