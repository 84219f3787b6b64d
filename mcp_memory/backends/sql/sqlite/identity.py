"""Identifiers, the settings by which they are matched, and the ledger of merges."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mcp_memory.backends.sql.database import Trait
from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.errors import Conflict
from mcp_memory.identity import DEFAULT_SETTINGS, IdentifierConfig, IdentitySettings
from mcp_memory.ledger import Entry, Holding, IdentityConflict, Separation, Side, Sides
from mcp_memory.model import Identifier, KeptApart

CROWD = 100  # the limit of the query of holders: of those who share a value, more are not looked at one by one


class SqliteIdentity(Rows):
    def holders(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, Sequence[str]]:
        found = {one: self._rows("holders", id_type=one.id_type, value=one.value) for one in identifiers}
        for one, rows in found.items():
            if len(rows) == CROWD:
                rows += [row for other in found if other != one for row in self._crowded(one, other)]
        return {
            one: [self._id(number) for number in dict.fromkeys(number for (number,) in rows)]
            for one, rows in found.items()
            if rows
        }

    def _crowded(self, one: Identifier, other: Identifier) -> list[Row]:
        return self._rows(
            "crowded", id_type=one.id_type, value=one.value, other_type=other.id_type, other_value=other.value
        )

    def claim(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, Sequence[str]]:
        return self.holders(identifiers)

    def identifiers(self, profile_id: str) -> list[Holding]:
        return self._holdings("identifiers", profile_id)

    def retired(self, profile_id: str) -> list[Holding]:
        return self._holdings("retired", profile_id)

    def _holdings(self, query: str, profile_id: str) -> list[Holding]:
        found = [
            Holding(
                identifier=Identifier(id_type, value),
                profile_id=self._id(number),
                since=from_micros(created_at),
                trait=None if group is None else (group, name),
            )
            for id_type, value, number, created_at, group, name in self._each(query, self._members(profile_id))
        ]
        return sorted(found, key=lambda one: (one.since, one.identifier))

    def attach(
        self, profile_id: str, new: Iterable[tuple[Identifier, Trait | None]], shared: bool, at: datetime
    ) -> None:
        number = self._number(profile_id)
        for one, trait in new:
            group, name = trait or (None, None)
            attached = self._rows(
                "attach",
                id_type=one.id_type,
                value=one.value,
                slot=number if shared else 0,
                no=number,
                at=to_micros(at),
                group=group,
                name=name,
            )
            if not attached:
                raise Conflict(f"{one.id_type}: the value is somebody else's, and nothing was written: try again.")

    def detach(self, holdings: Iterable[Holding]) -> None:
        self._change("detach", holdings)

    def retire(self, holdings: Iterable[Holding]) -> None:
        self._change("retire", holdings)

    def revive(self, holdings: Iterable[Holding], shared: bool) -> None:
        self._change("revive", holdings, shared=shared)

    def inherit(self, holdings: Iterable[Holding], trait: Trait) -> None:
        self._change("inherit", holdings, group=trait[0], name=trait[1])

    def waiting(self, id_type: str, value: str | None = None) -> list[str]:
        return [self._id(number) for (number,) in self._rows("waiting", id_type=id_type, value=value)]

    def _change(self, query: str, holdings: Iterable[Holding], **more: Any) -> None:
        for one in holdings:
            kind, value = one.identifier.id_type, one.identifier.value
            self._rows(query, id_type=kind, value=value, no=self._number(one.profile_id), **more)

    def count_identifiers(self, id_type: str) -> tuple[int, int]:
        count, shared = self._rows("count_identifiers", id_type=id_type)[0]
        return count, shared

    # Settings

    def identity_settings(self, lock: bool = False) -> IdentitySettings:
        rows = self._rows("identity_settings")
        return _settings(*rows[0]) if rows else DEFAULT_SETTINGS

    def put_identity_settings(self, new: IdentitySettings) -> None:
        for one in new.identifier_configs:
            if one.enforce_unique:
                self._rows("retire_doubles", id_type=one.id_type)
            self._rows("reslot", id_type=one.id_type, shared=not one.enforce_unique)
        text = json.dumps({name: value for name, value in asdict(new).items() if name != "version"})
        self._rows("put_identity_settings", version=new.version, settings=text)

    # The ledger

    def set_members(self, profile_id: str, members: Iterable[str]) -> None:
        canonical = self._number(profile_id)
        for one in members:
            number = self._number(one)
            self._rows("set_merged", no=number, into_no=None if number == canonical else canonical)
        self._clusters.clear()

    def insert_merge(self, entry: Entry, sides: Sides) -> int:
        link = entry.identifier
        rows = self._rows(
            "insert_merge",
            one=self._number(entry.one),
            other=self._number(entry.other),
            into_no=self._number(entry.into_id),
            merged_no=self._number(entry.merged_id),
            at=to_micros(entry.at),
            made_by=entry.by,
            id_type=link.id_type if link else None,
            value=link.value if link else None,
            into_had=json.dumps(asdict(sides.into), ensure_ascii=False),
            merged_had=json.dumps(asdict(sides.merged), ensure_ascii=False),
        )
        return int(rows[0][0])

    def undo_merge(self, merge_no: int, at: datetime) -> None:
        self._rows("undo_merge", merge_no=merge_no, at=to_micros(at))

    def merges(self, profile_id: str) -> list[Entry]:
        rows = self._each("merges", self._members(profile_id))
        return sorted({row[0]: self._entry(row) for row in rows}.values(), key=lambda one: one.no)

    def related_merges(self, profile_id: str) -> list[Entry]:
        rows = self._rows("related_merges", no=self._number(profile_id))
        return sorted((self._entry(row) for row in rows), key=lambda one: one.no)

    def remove_merge(self, merge_no: int) -> None:
        self._rows("remove_merge", merge_no=merge_no)

    def redact_merge(self, entry: Entry) -> None:
        into_no, merged_no = self._number(entry.into_id), self._number(entry.merged_id)
        self._rows("redact_merge", merge_no=entry.no, into_no=into_no, merged_no=merged_no, nothing=_NOTHING)

    def sides(self, merge_nos: Iterable[int]) -> Mapping[int, Sides]:
        found = {no: self._rows("sides", no=no)[0] for no in merge_nos}
        return {
            no: Sides(into=Side(**json.loads(into)), merged=Side(**json.loads(merged)))
            for no, (into, merged) in found.items()
        }

    def separate(self, separation: Separation) -> None:
        one, other = sorted((self._number(separation.one), self._number(separation.other)))
        link = separation.identifier
        self._rows(
            "separate", one=one, other=other, id_type=link.id_type, value=link.value, at=to_micros(separation.at)
        )

    def separations(self, profile_id: str) -> list[Separation]:
        rows = {row[:4]: row for row in self._each("separations", self._members(profile_id))}
        found = [
            Separation(
                one=self._id(one), other=self._id(other), identifier=Identifier(id_type, value), at=from_micros(at)
            )
            for one, other, id_type, value, at in rows.values()
        ]
        return sorted(found, key=lambda one: (one.at, one.identifier))

    def record_conflicts(self, profile_id: str, kept_apart: Iterable[KeptApart], at: datetime) -> None:
        for one in kept_apart:
            self._rows(
                "record_conflict",
                no=self._number(profile_id),
                holder=self._number(one.holder_id),
                id_type=one.identifier.id_type,
                value=one.identifier.value,
                reason=one.reason,
                differ=one.differ,
                at=to_micros(at),
            )

    def conflicts(self, profile_id: str) -> list[IdentityConflict]:
        rows = {row[:5]: row for row in self._each("conflicts", self._members(profile_id))}
        found = [
            IdentityConflict(
                for_id=self._id(number),
                holder_id=self._id(holder),
                identifier=Identifier(id_type, value),
                reason=reason,
                differ=differ,
                first_at=from_micros(first_at),
                last_at=from_micros(last_at),
                times=times,
            )
            for number, holder, id_type, value, reason, differ, first_at, last_at, times in rows.values()
        ]
        return sorted(found, key=lambda one: (one.last_at, one.identifier))

    def _entry(self, row: Row) -> Entry:
        no, one, other, into, merged, at, by, id_type, value, undone_at = row
        return Entry(
            no=no,
            one=self._id(one),
            other=self._id(other),
            into_id=self._id(into),
            merged_id=self._id(merged),
            at=from_micros(at),
            by=by,
            identifier=None if id_type is None else Identifier(id_type, value),
            undone_at=None if undone_at is None else from_micros(undone_at),
        )


_NOTHING = json.dumps(asdict(Side(traits={}, identifiers={}, observation_count=0, summary_count=0)))


def _settings(version: int, text: str) -> IdentitySettings:
    loaded: dict[str, Any] = json.loads(text)
    return IdentitySettings(
        identifier_configs=tuple(IdentifierConfig(**one) for one in loaded["identifier_configs"]),
        matching_rules=tuple(loaded["matching_rules"]),
        version=version,
    )
