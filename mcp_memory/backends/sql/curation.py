"""What is remembered, one by one, inside a transaction: listed, read, corrected, forgotten."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from mcp_memory import history, language
from mcp_memory.backends.sql.cursors import page_of, place_of
from mcp_memory.backends.sql.database import ProfileRow, Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.history import Authorship, Revision
from mcp_memory.listing import ItemFilter, Page, PageQuery
from mcp_memory.model import Observation, Summary

ItemT = TypeVar("ItemT", Observation, Summary)

MICROSECOND = timedelta(microseconds=1)


def list_observations(tx: Transaction, profile_id: str, wanted: ItemFilter, query: PageQuery) -> Page[Observation]:
    place, id = place_of(query, "observations", int, int), existing(tx, profile_id).profile_id
    rows = tx.list_observations(id, wanted, place, query.limit + 1, query.newest_first)
    return page_of(rows, query, "observations")


def list_summaries(tx: Transaction, profile_id: str, wanted: ItemFilter, query: PageQuery) -> Page[Summary]:
    place, id = place_of(query, "summaries", int, int), existing(tx, profile_id).profile_id
    rows = tx.list_summaries(id, wanted, place, query.limit + 1, query.newest_first)
    return page_of(rows, query, "summaries")


def list_revisions(tx: Transaction, profile_id: str, observation_id: str, query: PageQuery) -> Page[Observation]:
    place, item = place_of(query, "revisions", int), observation(tx, profile_id, observation_id)
    return page_of(tx.list_revisions(item.id, place, query.limit + 1, query.newest_first), query, "revisions")


def observation_history(
    tx: Transaction, profile_id: str, observation_id: str, query: PageQuery
) -> Page[Revision[Observation]]:
    place, item = place_of(query, "history", int), observation(tx, profile_id, observation_id)
    return page_of(tx.observation_history(item.id, place, query.limit + 1, query.newest_first), query, "history")


def summary_history(tx: Transaction, profile_id: str, summary_id: str, query: PageQuery) -> Page[Revision[Summary]]:
    place, item = place_of(query, "history", int), summary(tx, profile_id, summary_id)
    return page_of(tx.summary_history(item.id, place, query.limit + 1, query.newest_first), query, "history")


def observation(tx: Transaction, profile_id: str, observation_id: str) -> Observation:
    found = tx.find_observation(existing(tx, profile_id).profile_id, observation_id)
    if found is None:
        raise NotFound("There is no such observation of this profile.")
    return found


def summary(tx: Transaction, profile_id: str, summary_id: str) -> Summary:
    found = tx.find_summary(existing(tx, profile_id).profile_id, summary_id)
    if found is None:
        raise NotFound("There is no such summary of this profile.")
    return found


def update_observation(
    tx: Transaction,
    profile_id: str,
    observation_id: str,
    changes: ObservationChanges,
    signature: Signature | None,
    room: Room,
    by: Authorship,
    *,
    now: datetime,
) -> Observation:
    """`signature`: of the new content. The old one stays, and takes room."""
    profile = existing(tx, profile_id, lock=True)
    before = observation(tx, profile_id, observation_id)
    after = _changed(before, changes, now)
    if after is not before:
        room.check_storage()
        made = signature if after.content != before.content else None
        tx.change_observation(after, language.digest(after.content), made, by)
        _touch(tx, profile, now)
    return after


def before_undone(
    tx: Transaction, profile_id: str, observation_id: str, revision: int | None
) -> tuple[int, Observation]:
    """The number of the revision that is undone, and what it replaced: neither ever changes."""
    item = observation(tx, profile_id, observation_id)
    number = history.undone(revision, _latest(tx, item.id))
    ((_, before),) = tx.observation_history(item.id, (number,), 1, True)
    return number, before.item


def undo_observation(
    tx: Transaction,
    profile_id: str,
    observation_id: str,
    revision: int | None,
    restored: tuple[int, Observation],
    signature: Signature,
    room: Room,
    by: Authorship,
    *,
    now: datetime,
) -> Observation:
    """`restored`: as `before_undone` gave it. Raises Conflict where the latest is meant and is another by now."""
    number, before = restored
    item = observation(tx, profile_id, observation_id)
    if revision is None and _latest(tx, item.id) != number:
        raise Conflict("It was changed meanwhile, and nothing was undone: look at its history, and name the revision.")
    changes, by = history.restored(before), history.undoing(by, number)
    return update_observation(tx, profile_id, item.id, changes, signature, room, by, now=now)


def update_summary(
    tx: Transaction,
    profile_id: str,
    summary_id: str,
    changes: SummaryChanges,
    signature: Signature | None,
    room: Room,
    by: Authorship,
    *,
    now: datetime,
) -> Summary:
    """As `update_observation`."""
    profile = existing(tx, profile_id, lock=True)
    before = summary(tx, profile_id, summary_id)
    after = _changed(before, changes, now)
    if after is not before:
        room.check_storage()
        made = signature if after.content != before.content else None
        tx.change_summary(after, language.digest(after.content), made, by)
        _touch(tx, profile, now)
    return after


def delete_observation(tx: Transaction, profile_id: str, observation_id: str, *, now: datetime) -> None:
    profile = existing(tx, profile_id, lock=True)
    tx.remove_observation(observation(tx, profile_id, observation_id).id)
    _touch(tx, profile, now)


def delete_summary(tx: Transaction, profile_id: str, summary_id: str, *, now: datetime) -> None:
    profile = existing(tx, profile_id, lock=True)
    tx.remove_summary(summary(tx, profile_id, summary_id).id)
    _touch(tx, profile, now)


def _latest(tx: Transaction, observation_id: str) -> int:
    ((_, latest),) = tx.observation_history(observation_id, None, 1, True)
    return latest.number


def _changed(before: ItemT, changes: ObservationChanges | SummaryChanges, now: datetime) -> ItemT:
    """The same object where that changes nothing."""
    given = {name: value for name, value in vars(changes).items() if value is not None}
    after = replace(before, **given)
    return before if after == before else replace(after, updated_at=max(now, before.updated_at + MICROSECOND))


def _touch(tx: Transaction, profile: ProfileRow, now: datetime) -> None:
    tx.touch_profile(profile.profile_id, now)
