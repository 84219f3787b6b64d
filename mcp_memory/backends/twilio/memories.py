"""What is remembered: observations and summaries.

The service accepts them without saying their ids; where it is one of ours, a header does. Else they are looked for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from mcp_memory import ids, listing
from mcp_memory.backends.twilio import calls, items
from mcp_memory.backends.twilio.calls import Call
from mcp_memory.backends.twilio.remote import LOOKS, MAX_PAGES, Remote, given
from mcp_memory.backends.twilio.replies import Reply, is_id, unpublished
from mcp_memory.backends.twilio.stores import order, token
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.errors import Invalid
from mcp_memory.history import UNKNOWN, Revision, caused, restored, undone
from mcp_memory.listing import EVERYTHING, ItemFilter, Page, PageQuery
from mcp_memory.model import (
    CLOCK_SKEW,
    Added,
    Item,
    NewObservation,
    NewSummary,
    Observation,
    Receipt,
    Scope,
    Summary,
)
from mcp_memory.text import clean
from mcp_memory.wire import receipts, write_time
from mcp_memory.wire.memories import ObservationBody, ObservationsBody, RevisionsBody, SummariesBody, SummaryBody

ItemT = TypeVar("ItemT", bound=Item)
ChangesT = TypeVar("ChangesT", ObservationChanges, SummaryChanges)
New = NewObservation | NewSummary

LISTED: Final = 50  # observations on a page of the service
SCANNED: Final = 1_000  # items: twice what the service keeps of a profile
Listing = Callable[[PageQuery], Awaitable[Page[ItemT]]]


class Memories:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    # Observations

    async def add_observations(self, scope: Scope, profile_id: str, new: Sequence[NewObservation]) -> Added:
        """Sent once each, however often it is in the call; whether the service had it before, it does not say."""
        timed = self._timed(new)
        body = [
            given(
                content=one.content,
                source=one.source,
                occurredAt=write_time(at),
                conversationIds=[self._remote.conversations.outside(id) for id in one.conversation_ids] or None,
            )
            for one, at in timed
        ]

        async def latest() -> Sequence[Item]:
            return (await self.list_observations(scope, profile_id, EVERYTHING, PageQuery(limit=LISTED))).items

        return await self._added(
            calls.CREATE_OBSERVATIONS, scope, profile_id, "observations", body, ids.OBSERVATION, latest
        )

    async def list_observations(
        self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery
    ) -> Page[Observation]:
        after, before = wanted.created_after, wanted.created_before
        query = {
            "pageSize": page.limit,
            "pageToken": token(page),
            "orderBy": order(page),
            "source": wanted.source,
            "createdAfter": None if after is None else write_time(after),
            "createdBefore": None if before is None else write_time(before),
            "conversationId": self._outside(wanted.conversation_id),
        }
        reply = await self._remote.send(calls.LIST_OBSERVATIONS, scope.store_id, profile_id, query=query)
        found = [self._observation(reply, one) for one in reply.read(ObservationsBody).observations]
        return Page(items=found, next_cursor=reply.next_token())

    async def get_observation(self, scope: Scope, profile_id: str, observation_id: str) -> Observation:
        reply = await self._remote.send(calls.FETCH_OBSERVATION, scope.store_id, profile_id, observation_id)
        return self._observation(reply, reply.read(ObservationBody))

    async def update_observation(
        self, scope: Scope, profile_id: str, observation_id: str, changes: ObservationChanges
    ) -> Observation:
        seen = await self.get_observation(scope, profile_id, observation_id)
        changes = _differing(seen, changes)
        conversations = changes.conversation_ids
        body = given(
            content=changes.content,
            source=changes.source,
            occurredAt=None if changes.occurred_at is None else write_time(changes.occurred_at),
            conversationIds=None
            if conversations is None
            else [self._remote.conversations.outside(id) for id in conversations],
        )
        if not body:
            return seen
        await self._remote.send(calls.PATCH_OBSERVATION, scope.store_id, profile_id, observation_id, body=body)
        return await self._changed(lambda: self.get_observation(scope, profile_id, observation_id), changes)

    async def undo_observation(
        self, scope: Scope, profile_id: str, observation_id: str, revision: int | None
    ) -> Observation:
        """Read and corrected: what is changed in between is corrected as well."""
        revisions = await self.all_revisions(scope, profile_id, observation_id)
        before = revisions[undone(revision, len(revisions)) - 2].item
        return await self.update_observation(scope, profile_id, observation_id, restored(before))

    async def delete_observation(self, scope: Scope, profile_id: str, observation_id: str) -> None:
        await self._remote.send(calls.DELETE_OBSERVATION, scope.store_id, profile_id, observation_id)

    async def list_revisions(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Observation]:
        """The service knows one order, the latest first: for the other, all are read."""
        if not page.newest_first:
            return await _oldest_first(lambda each: self.list_revisions(scope, profile_id, observation_id, each), page)
        query = {"pageSize": page.limit, "pageToken": token(page)}
        at = scope.store_id, profile_id, observation_id
        reply = await self._remote.send(calls.LIST_REVISIONS, *at, query=query)
        found = [self._observation(reply, one) for one in reply.read(RevisionsBody).revisions]
        return Page(items=found, next_cursor=reply.next_token())

    async def observation_history(
        self, scope: Scope, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Revision[Observation]]:
        """By whom and why, the service does not say. All are read: it gives them no numbers."""
        revisions = await self.all_revisions(scope, profile_id, observation_id)
        return listing.sliced(revisions, lambda one: f"{one.number:09d}", page)

    async def all_revisions(self, scope: Scope, profile_id: str, observation_id: str) -> list[Revision[Observation]]:
        """The earliest first."""
        found: list[Observation] = []
        async for each in _pages(lambda page: self.list_revisions(scope, profile_id, observation_id, page)):
            found += each.items
        return [
            Revision(number=number, item=item, by=caused(UNKNOWN, number))
            for number, item in enumerate(reversed(found), start=1)
        ]

    async def latest_observations(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Observation]:
        """The service lists by when it learned of something, so it is asked for more until nothing that is left can
        be later; among the last `SCANNED` items, which is twice what it keeps of a profile."""
        return await _latest(lambda page: self.list_observations(scope, profile_id, EVERYTHING, page), limit, before)

    # Summaries

    async def add_summaries(self, scope: Scope, profile_id: str, new: Sequence[NewSummary]) -> Added:
        """As `add_observations`."""
        body = [
            given(
                content=one.content,
                source=one.source,
                occurredAt=write_time(at),
                conversationId=self._remote.conversations.outside(one.conversation_id),
            )
            for one, at in self._timed(new)
        ]

        async def latest() -> Sequence[Item]:
            return (await self.list_summaries(scope, profile_id, EVERYTHING, PageQuery(limit=LISTED))).items

        return await self._added(calls.CREATE_SUMMARIES, scope, profile_id, "summaries", body, ids.SUMMARY, latest)

    async def list_summaries(self, scope: Scope, profile_id: str, wanted: ItemFilter, page: PageQuery) -> Page[Summary]:
        """The service chooses by the conversation alone; by anything else it is done here, so that a page may hold
        fewer than it could. It knows one order, the newest first: for the other, all are read."""
        if not page.newest_first:
            return await _oldest_first(lambda each: self.list_summaries(scope, profile_id, wanted, each), page)
        query = {
            "pageSize": page.limit,
            "pageToken": token(page),
            "conversationId": self._outside(wanted.conversation_id),
        }
        reply = await self._remote.send(calls.LIST_SUMMARIES, scope.store_id, profile_id, query=query)
        found = [self._summary(reply, one) for one in reply.read(SummariesBody).summaries]
        return Page(items=[one for one in found if _wanted(one, wanted)], next_cursor=reply.next_token())

    async def get_summary(self, scope: Scope, profile_id: str, summary_id: str) -> Summary:
        reply = await self._remote.send(calls.FETCH_SUMMARY, scope.store_id, profile_id, summary_id)
        return self._summary(reply, reply.read(SummaryBody))

    async def update_summary(self, scope: Scope, profile_id: str, summary_id: str, changes: SummaryChanges) -> Summary:
        seen = await self.get_summary(scope, profile_id, summary_id)
        changes = _differing(seen, changes)
        body = given(
            content=changes.content,
            source=changes.source,
            occurredAt=None if changes.occurred_at is None else write_time(changes.occurred_at),
            conversationId=self._outside(changes.conversation_id),
        )
        if not body:
            return seen
        await self._remote.send(calls.PATCH_SUMMARY, scope.store_id, profile_id, summary_id, body=body)
        return await self._changed(lambda: self.get_summary(scope, profile_id, summary_id), changes)

    async def delete_summary(self, scope: Scope, profile_id: str, summary_id: str) -> None:
        await self._remote.send(calls.DELETE_SUMMARY, scope.store_id, profile_id, summary_id)

    async def latest_summaries(
        self, scope: Scope, profile_id: str, limit: int, before: datetime | None = None
    ) -> list[Summary]:
        """As `latest_observations`."""
        return await _latest(lambda page: self.list_summaries(scope, profile_id, EVERYTHING, page), limit, before)

    # Writing

    def _timed(self, new: Sequence[Any]) -> list[tuple[Any, datetime]]:
        now = self._remote.now()
        return [(one, one.occurred_at or now) for one in new]

    async def _added(
        self,
        call: Call,
        scope: Scope,
        profile_id: str,
        key: str,
        bodies: Sequence[Any],
        prefix: str,
        latest: Callable[[], Awaitable[Sequence[Item]]],
    ) -> Added:
        if not bodies:
            reply = await self._remote.send(calls.FETCH_PROFILE, scope.store_id, profile_id)
            return Added(receipts=[], profile_ids=list(dict.fromkeys([reply.profile_id(profile_id), profile_id])))
        keys = [_key(one) for one in bodies]
        once = {name: one for name, one in reversed(list(zip(keys, bodies, strict=True)))}
        sent = list(dict.fromkeys(keys))
        body = {key: [once[name] for name in sent]}
        reply = await self._remote.send(call, scope.store_id, profile_id, body=body)
        told = receipts.read(reply.headers.get(receipts.HEADER.lower()), len(sent))
        if told is None or not all(one.id is None or is_id(one.id, prefix) for one in told):
            told = await self._looked_for(sent, latest)
        first = dict(zip(sent, told, strict=True))
        results, seen = [], set()
        for name in keys:
            again = name in seen and first[name].id is not None
            results.append(replace(first[name], outcome="duplicate") if again else first[name])
            seen.add(name)
        live = reply.profile_id(profile_id)
        return Added(receipts=results, profile_ids=list(dict.fromkeys([live, profile_id])))

    async def _looked_for(
        self, sent: Sequence[tuple[str, ...]], latest: Callable[[], Awaitable[Sequence[Item]]]
    ) -> list[Receipt]:
        """What the service has stored by now, by its words and its time; of the rest, that it was accepted."""
        found: dict[tuple[str, ...], str] = {}
        for pause in (0.0, *LOOKS):
            if pause:
                await self._remote.client.sleep(pause)
            for one in reversed(await latest()):
                found[_item_key(one, self._remote.conversations.outside)] = one.id
            if all(name in found for name in sent):
                break
        return [
            Receipt(id=found[name], outcome="added") if name in found else Receipt(id=None, outcome="accepted")
            for name in sent
        ]

    async def _changed(self, look: Callable[[], Awaitable[ItemT]], changes: Any) -> ItemT:
        """As it was accepted, whether or not the service shows it by now."""
        wanted = {name: value for name, value in vars(changes).items() if value is not None}
        seen = await self._remote.settled(look, lambda one: all(getattr(one, name) == wanted[name] for name in wanted))
        return replace(seen, **wanted)

    def _outside(self, conversation_id: str | None) -> str | None:
        return None if conversation_id is None else self._remote.conversations.outside(conversation_id)

    def _observation(self, reply: Reply, body: ObservationBody) -> Observation:
        return items.observation(reply, body, self._remote.conversations.inside)

    def _summary(self, reply: Reply, body: SummaryBody) -> Summary:
        return items.summary(reply, body, self._remote.conversations.inside)


async def _pages(listed: Listing[ItemT]) -> AsyncIterator[Page[ItemT]]:
    """All of a list, until nobody wants more of it. Raises Unavailable for one that goes in a circle."""
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await listed(PageQuery(limit=LISTED, cursor=cursor))
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
    raise unpublished("a list", 200)


async def _latest(listed: Listing[ItemT], limit: int, before: datetime | None) -> list[ItemT]:
    found: list[ItemT] = []
    scanned = 0
    async for page in _pages(listed):
        scanned += len(page.items)
        found += [one for one in page.items if before is None or one.occurred_at < before]
        found.sort(key=lambda one: one.occurred_at, reverse=True)  # of one moment, as they were learned
        if scanned >= SCANNED:
            break
        # What was learned earlier did not happen later, a day of wrong clocks aside.
        if len(found) >= limit and page.items:
            oldest = min(one.created_at for one in page.items)
            if found[limit - 1].occurred_at > oldest + CLOCK_SKEW:
                break
    if len(found) <= limit:
        return found
    return [one for one in found if one.occurred_at >= found[limit - 1].occurred_at]


async def _oldest_first(listed: Listing[ItemT], page: PageQuery) -> Page[ItemT]:
    """A cursor is how many came before. What is added meanwhile comes last, and moves nothing."""
    text = page.cursor or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise Invalid("cursor is not one that this list gave.")
    found: list[ItemT] = []
    async for each in _pages(listed):
        found += each.items
        if len(found) >= SCANNED:
            break
    start, end = int(text), int(text) + page.limit
    return Page(items=found[::-1][start:end], next_cursor=str(end) if end < len(found) else None)


def _differing(seen: Item, changes: ChangesT) -> ChangesT:
    """Without what is so already: the service would make a revision of it. Its times are whole seconds."""
    if changes.occurred_at is not None:
        changes = replace(changes, occurred_at=changes.occurred_at.replace(microsecond=0))
    same = [name for name, value in vars(changes).items() if value == getattr(seen, name)]
    return replace(changes, **dict.fromkeys(same))


def _wanted(one: Summary, wanted: ItemFilter) -> bool:
    return (
        (wanted.source is None or one.source == wanted.source)
        and (wanted.created_after is None or one.created_at >= wanted.created_after)
        and (wanted.created_before is None or one.created_at < wanted.created_before)
    )


def _key(body: Any) -> tuple[str, ...]:
    """What makes two of them one: the words, the time, and of a summary its conversation."""
    return clean(body["content"]), body["occurredAt"], body.get("conversationId", "")


def _item_key(one: Item, outside: Callable[[str], str]) -> tuple[str, ...]:
    conversation = outside(one.conversation_id) if isinstance(one, Summary) else ""
    return one.content, write_time(one.occurred_at), conversation
