"""Rows of one store in SQLite. A write transaction has the file to itself, so to lock or to claim is to look."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import apsw

from mcp_memory import ids
from mcp_memory.backends.sql.database import Known, NewItem, ProfileRow, Signature
from mcp_memory.backends.sql.migrations import load_queries
from mcp_memory.backends.sql.sqlite.keys import SEQ_BITS, from_micros, key, key_range, period, to_micros
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.language import TERMS_VERSION
from mcp_memory.model import Identifier, Item, Kind, Observation, Summary, TraitDefinition, TraitValue

if TYPE_CHECKING:
    from mcp_memory.ranking import Candidates

QUERIES = load_queries((files("mcp_memory.backends.sql.sqlite") / "queries.sql").read_text(encoding="utf-8"))

Row = tuple[Any, ...]


class SqliteTransaction:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}

    # Profiles

    def find_profile(self, profile_id: str) -> ProfileRow | None:
        rows = self._rows("find_profile", profile_id=ids.to_bytes(profile_id))
        if not rows:
            return None
        raw_id, created_at, updated_at, last_activity_at, observations, summaries, number = rows[0]
        canonical = ids.from_bytes(ids.PROFILE, raw_id)
        self._numbers[profile_id] = self._numbers[canonical] = number
        return ProfileRow(
            profile_id=canonical,
            created_at=from_micros(created_at),
            updated_at=from_micros(updated_at),
            last_activity_at=from_micros(last_activity_at),
            observation_count=observations,
            summary_count=summaries,
        )

    def lock_profile(self, profile_id: str) -> ProfileRow | None:
        return self.find_profile(profile_id)

    def insert_profile(self, profile_id: str, at: datetime) -> None:
        self._rows("insert_profile", profile_id=ids.to_bytes(profile_id), at=to_micros(at))

    def touch_profile(self, profile_id: str, at: datetime) -> None:
        self._rows("touch_profile", no=self._number(profile_id), at=to_micros(at))

    def profile_ids(self, id_range: tuple[str, str] | None, identifier_prefix: str, limit: int) -> list[str]:
        if not identifier_prefix:
            rows = self._rows("latest_profile_ids", limit=limit)
        else:
            low, high = (ids.to_bytes(end) for end in id_range) if id_range else (b"", b"")
            lower = identifier_prefix.lower()
            rows = self._rows(
                "profile_ids", id_from=low, id_to=high, prefix=identifier_prefix, lower=lower, limit=limit
            )
        return [ids.from_bytes(ids.PROFILE, raw_id) for (raw_id,) in rows]

    def count_profiles(self) -> int:
        return int(self._rows("count_profiles")[0][0])

    # Identifiers

    def owners(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, str]:
        found = ((one, self._rows("owner", id_type=one.id_type, value=one.value)) for one in identifiers)
        return {one: ids.from_bytes(ids.PROFILE, rows[0][0]) for one, rows in found if rows}

    def claim(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, str]:
        return self.owners(identifiers)

    def identifiers(self, profile_id: str) -> list[Identifier]:
        return [Identifier(*row) for row in self._rows("identifiers", no=self._number(profile_id))]

    def attach(self, identifiers: Iterable[Identifier], profile_id: str, at: datetime) -> None:
        number = self._number(profile_id)
        for one in identifiers:
            self._rows("attach", id_type=one.id_type, value=one.value, no=number, at=to_micros(at))

    def detach(self, identifiers: Iterable[Identifier], profile_id: str) -> None:
        for one in identifiers:
            self._rows("detach", id_type=one.id_type, value=one.value, no=self._number(profile_id))

    # Traits

    def definitions(self, lock: bool = False) -> list[TraitDefinition]:
        return [
            TraitDefinition(group=group, name=name, data_type=kind, id_type_promotion=promotion, description=text)
            for group, name, kind, promotion, text in self._rows("definitions")
        ]

    def declare(self, definitions: Iterable[TraitDefinition]) -> None:
        for one in definitions:
            self._rows(
                "declare",
                group=one.group,
                name=one.name,
                data_type=one.data_type,
                id_type_promotion=one.id_type_promotion,
                description=one.description,
            )

    def traits(self, profile_id: str) -> list[tuple[str, str, TraitValue]]:
        rows = self._rows("traits", no=self._number(profile_id))
        return [(group, name, _value(json.loads(text))) for group, name, text in rows]

    def put_traits(self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]], at: datetime) -> None:
        number = self._number(profile_id)
        for group, name, value in traits:
            text = json.dumps(value, ensure_ascii=False)
            self._rows("put_trait", no=number, group=group, name=name, value=text, at=to_micros(at))

    def remove_traits(self, profile_id: str, names: Iterable[tuple[str, str]]) -> None:
        number = self._number(profile_id)
        for group, name in names:
            self._rows("remove_trait", no=number, group=group, name=name)

    # Memories

    def known(self, kind: Kind, profile_id: str, digests: Iterable[bytes]) -> list[Known]:
        number = self._number(profile_id)
        return [
            Known(
                id=ids.from_bytes(_PREFIXES[kind], raw_id),
                digest=found,
                occurred_at=from_micros(occurred_at),
                conversation_id=conversation_id,
            )
            for digest in dict.fromkeys(digests)
            for raw_id, found, occurred_at, conversation_id in self._rows(_KNOWN[kind], no=number, digest=digest)
        ]

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

        first, last = key_range(self._number(profile_id), kind)
        rows = self._rows("signatures", first=first, last=last, **period(begin, end))
        models = self._rows("model_no", model_id=query.model_id)
        model_no = models[0][0] if models else 0
        return [row[0] for row in rows], packing.unpack(rows, model_no, query)

    # Inside

    def _rows(self, query: str, **values: Any) -> list[Row]:
        return self._connection.execute(QUERIES[query], values).fetchall()

    def _number(self, profile_id: str) -> int:
        if profile_id not in self._numbers and self.find_profile(profile_id) is None:
            raise NotFound("There is no such profile in this store.")
        return self._numbers[profile_id]

    def _latest(
        self, query: str, profile_id: str, limit: int, begin: datetime | None, end: datetime | None, ties: bool
    ) -> list[Row]:
        if limit == 0:
            return []
        number, when = self._number(profile_id), period(begin, end)
        rows = self._rows(query, no=number, limit=limit, **when)
        if ties and len(rows) == limit:
            rows = self._rows(query, no=number, limit=-1, **when | {"begin": rows[-1][4]})
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
_INSERTS = {"observation": "insert_observation", "summary": "insert_summary"}
_COUNTERS = {"observation": "count_observations", "summary": "count_summaries"}


def _value(loaded: Any) -> TraitValue:
    return tuple(loaded) if isinstance(loaded, list) else loaded


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
