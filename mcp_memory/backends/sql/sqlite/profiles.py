"""Profiles and their traits."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mcp_memory import ids
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.database import ProfileRow, TraitRow
from mcp_memory.backends.sql.sqlite.authors import authorship, by_columns
from mcp_memory.backends.sql.sqlite.keys import from_micros, items_of, ordered, to_micros
from mcp_memory.backends.sql.sqlite.rows import Rows
from mcp_memory.history import MAX_TRAIT_REVISIONS, Authorship, TraitRevision, traits_history
from mcp_memory.model import TraitValue


class SqliteProfiles(Rows):
    def find_profile(self, profile_id: str) -> ProfileRow | None:
        rows = self._rows("find_profile", profile_id=ids.to_bytes(profile_id))
        if not rows:
            return None
        for number, raw_id, *_ in rows:
            self._learn(number, ids.from_bytes(ids.PROFILE, raw_id))
        numbers, _, created, updated, activity, observations, summaries, communications = zip(*rows, strict=True)
        self._clusters.update({number: list(numbers) for number in numbers})
        return ProfileRow(
            profile_id=self._ids[numbers[0]],
            members=tuple(self._ids[number] for number in numbers),
            created_at=from_micros(created[0]),
            updated_at=from_micros(max(updated)),
            last_activity_at=from_micros(max((one for one in activity if one is not None), default=created[0])),
            observation_count=sum(observations),
            summary_count=sum(summaries),
            communication_count=sum(communications),
        )

    def lock_profiles(self, profile_ids: Iterable[str]) -> Mapping[str, ProfileRow]:
        found = {one: self.find_profile(one) for one in sorted(set(profile_ids))}
        return {one: row for one, row in found.items() if row is not None}

    def insert_profile(self, profile_id: str, at: datetime) -> None:
        rows = self._rows("insert_profile", profile_id=ids.to_bytes(profile_id), at=to_micros(at))
        self._learn(rows[0][0], profile_id)

    def touch_profile(self, profile_id: str, at: datetime) -> None:
        self._rows("touch_profile", no=self._number(profile_id), at=to_micros(at))

    def profile_ids(
        self, id_range: tuple[str, str] | None, identifier_prefix: str, id_types: Iterable[str], limit: int
    ) -> list[str]:
        if not identifier_prefix:
            rows = self._rows("latest_profile_ids", limit=limit)
        else:
            low, high = (ids.to_bytes(end) for end in id_range) if id_range else (b"", b"")
            rows = self._rows(
                "profile_ids",
                id_from=low,
                id_to=high,
                id_types=json.dumps(list(id_types)),
                prefix=identifier_prefix,
                lower=identifier_prefix.lower(),
                limit=limit,
            )
        return [ids.from_bytes(ids.PROFILE, raw_id) for (raw_id,) in rows]

    def version(self, profile_id: str) -> object:
        return tuple(self._rows("versions", no=self._number(profile_id)))

    def list_profiles(self, after: Place | None, limit: int, newest_first: bool) -> list[tuple[Place, str]]:
        order, (at, number) = ordered(after, newest_first)
        rows = self._rows(f"list_profiles_{order}", at=at, no=number, limit=limit)
        return [((created_at, no), ids.from_bytes(ids.PROFILE, raw_id)) for no, created_at, raw_id in rows]

    def delete_profile(self, profile_id: str) -> None:
        number = self._number(profile_id)
        first, last = items_of(number)
        for query in _ITEMS:
            self._rows(query, first=first, last=last)
        for query in _OWN:
            self._rows(query, no=number)
        self._forget()

    def count_profiles(self) -> int:
        return int(self._rows("count_profiles")[0][0])

    def tally_profiles(self) -> int:
        return int(self._rows("tally_profiles")[0][0])

    def traits(self, profile_id: str) -> list[TraitRow]:
        return [
            TraitRow(
                group=group,
                name=name,
                value=_value(json.loads(text)),
                updated_at=from_micros(updated_at),
                profile_id=self._id(number),
            )
            for group, name, text, updated_at, number in self._each("traits", self._members(profile_id))
        ]

    def trait_revisions(self, profile_id: str) -> list[TraitRevision]:
        rows = self._each("trait_revisions", self._members(profile_id))
        return traits_history(
            TraitRevision(
                group=group,
                name=name,
                value=None if text is None else _value(json.loads(text)),
                at=from_micros(since),
                number=no,
                profile_id=self._id(number),
                by=authorship(tuple(by)),
            )
            for group, name, text, since, number, no, *by in rows
        )

    def put_traits(
        self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]], at: datetime, by: Authorship
    ) -> None:
        common = {"no": self._number(profile_id), "at": to_micros(at)} | by_columns(by)
        self._many(
            "put_trait",
            [
                {"group": group, "name": name, "value": json.dumps(value, ensure_ascii=False)} | common
                for group, name, value in traits
            ],
        )

    def keep_traits(self, profile_id: str, traits: Iterable[tuple[str, str, TraitValue]]) -> None:
        for group, name, value in traits:
            trait = {"no": self._number(profile_id), "group": group, "name": name}
            if self._rows("keep_trait", **trait, value=json.dumps(value, ensure_ascii=False)):
                self._rows("prune_trait", **trait, kept=MAX_TRAIT_REVISIONS)

    def remove_traits(self, profile_id: str, names: Iterable[tuple[str, str]], at: datetime, by: Authorship) -> None:
        for group, name in names:
            for member in self._members(profile_id):
                self._remove_trait(member, group, name, at, by)

    def remove_own_traits(
        self, profile_id: str, names: Iterable[tuple[str, str]], at: datetime, by: Authorship
    ) -> None:
        for group, name in names:
            self._remove_trait(self._number(profile_id), group, name, at, by)

    def _remove_trait(self, number: int, group: str, name: str, at: datetime, by: Authorship) -> None:
        trait = {"no": number, "group": group, "name": name}
        self._rows("keep_trait", **trait, value=None)
        self._rows("keep_removal", **trait, at=to_micros(at), **by_columns(by))
        self._rows("prune_trait", **trait, kept=MAX_TRAIT_REVISIONS)
        self._rows("remove_trait", **trait)


_ITEMS = (
    *("delete_revisions", "delete_observations", "delete_summary_revisions", "delete_summaries"),
    *("delete_communications", "delete_signatures", "delete_tokens"),
)
_OWN = (
    *("delete_extractions", "delete_conversations", "delete_traits", "delete_trait_revisions", "delete_identifiers"),
    *(
        "delete_discarded",
        "delete_trait_proposals",
        "delete_separations",
        "delete_conflicts",
        "retire_number",
        "delete_profile",
    ),
)


def _value(loaded: Any) -> TraitValue:
    return tuple(loaded) if isinstance(loaded, list) else loaded
