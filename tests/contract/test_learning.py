"""From what was said to what is known: conversations live by the clock, and are learned from when they fall silent."""

from datetime import timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound
from mcp_memory.history import Authorship
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import NewMessage, NewObservation, Observation, RecallQuery, Scope, Summary

from .conftest import Clock

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100, newest_first=False)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id


async def say(backend: Backend, scope: Scope, dana: str, *texts: str, to: str = "c-1", channel: str = "chat") -> None:
    """Those that begin so are the agent's."""
    messages = [
        NewMessage(
            text=text.removeprefix("Agent: "),
            role="agent" if text.startswith("Agent: ") else "customer",
            channel=channel,
        )
        for text in texts
    ]
    await backend.record_messages(scope, dana, to, messages)


async def status(backend: Backend, scope: Scope, dana: str, conversation: str = "c-1") -> str:
    await backend.learn(scope)
    return (await backend.get_conversation(scope, dana, conversation)).status


async def known(backend: Backend, scope: Scope, dana: str) -> list[Observation]:
    return list((await backend.list_observations(scope, dana, ItemFilter(), ALL)).items)


async def summed_up(backend: Backend, scope: Scope, dana: str) -> list[Summary]:
    return list((await backend.list_summaries(scope, dana, ItemFilter(), ALL)).items)


async def test_a_conversation_falls_silent_ends_and_begins_again(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    seen = []
    await say(backend, scope, dana, "I prefer to be called in the morning.")
    for minutes in (14, 1, 24 * 60 - 16, 1):
        clock.pass_(minutes=minutes)
        seen.append(await status(backend, scope, dana))
    await say(backend, scope, dana, "Hello again.")
    seen.append(await status(backend, scope, dana))

    assert seen == ["ACTIVE", "INACTIVE", "INACTIVE", "CLOSED", "ACTIVE"]


async def test_both_times_count_from_the_last_message(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    await say(backend, scope, dana, "Hello.")
    clock.pass_(minutes=15)
    quiet = await status(backend, scope, dana)
    clock.pass_(hours=23)
    await say(backend, scope, dana, "Still there?")
    reopened = await status(backend, scope, dana)
    clock.pass_(hours=23)

    assert (quiet, reopened, await status(backend, scope, dana)) == ("INACTIVE", "ACTIVE", "INACTIVE")


async def test_of_several_channels_the_longest_times_apply(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await say(backend, scope, dana, "Hello.", to="call", channel="voice")
    await say(backend, scope, dana, "Hello.", to="both", channel="voice")
    await say(backend, scope, dana, "By mail now.", to="both", channel="email")
    clock.pass_(minutes=15)

    assert await status(backend, scope, dana, "call") == "CLOSED"
    assert await status(backend, scope, dana, "both") == "ACTIVE"


async def test_one_that_is_silent_is_learned_from_once_and_one_that_ended_is_summed_up(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await say(backend, scope, dana, "Hi!", "I moved to Lisbon last week.", "Agent: Noted, thank you.")
    assert await backend.learn(scope) == 0 and await known(backend, scope, dana) == []
    clock.pass_(minutes=15)
    counts = [await backend.learn(scope), await backend.learn(scope)]
    (moved,) = await known(backend, scope, dana)
    assert "Lisbon" in moved.content and await summed_up(backend, scope, dana) == []

    await say(backend, scope, dana, "Please always send invoices by email.")
    closed = await backend.close_conversation(scope, dana, "c-1")
    again = await backend.close_conversation(scope, dana, "c-1")
    counts += [await backend.learn(scope), await backend.learn(scope)]

    observations = await known(backend, scope, dana)
    (summary,) = await summed_up(backend, scope, dana)
    assert counts == [1, 0, 1, 0] and closed == again
    assert len(observations) == 2 and "email" in observations[1].content
    assert summary.conversation_id == "c-1" and "Lisbon" in summary.content
    assert {one.conversation_ids for one in observations} == {("c-1",)}
    assert {one.source for one in observations} == {"conversation-customer"}


async def test_what_is_learned_is_recalled_and_says_where_it_was_said(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await say(backend, scope, dana, "My daughter Ana is allergic to peanuts.", "I work at Northwind as a welder.")
    await backend.close_conversation(scope, dana, "c-1")
    await backend.learn(scope)

    found = await backend.recall(scope, dana, RecallQuery(query="Where does the customer work?"))
    best = found.observations[0].item
    (first,) = (await backend.observation_history(scope, dana, best.id, ALL)).items

    assert "Northwind" in best.content
    assert first.by.actor == "extraction" and first.by.conversation_id == "c-1"
    said = await backend.list_communications(scope, dana, "c-1", 10)
    assert first.by.reason is not None and any(one.id in first.by.reason for one in said)


async def test_what_changed_replaces_what_was_with_a_reason_and_can_be_undone(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number, text in enumerate(("I live in Porto.", "I moved to Lisbon.")):
        await say(backend, scope, dana, text, to=f"c-{number}")
        await backend.close_conversation(scope, dana, f"c-{number}")
        await backend.learn(scope)
        clock.pass_(days=7)

    (now,) = await known(backend, scope, dana)
    history = (await backend.observation_history(scope, dana, now.id, ALL)).items
    undone = await backend.undo_observation(scope, dana, now.id)

    assert "Lisbon" in now.content and [one.by.cause for one in history] == ["created", "reconciled"]
    assert history[1].by.rule == "same_attribute" and history[1].by.reason
    assert "Porto" in undone.content and now.conversation_ids == ("c-0", "c-1")


async def test_new_observations_are_reconciled_with_what_is_known_and_with_each_other(
    backend: Backend, scope: Scope, dana: str
) -> None:
    def new(*contents: str) -> list[NewObservation]:
        return [NewObservation(content=one) for one in contents]

    first = await backend.reconcile_observations(
        scope, dana, new("Lives in Porto.", "Prefers email.", "Lives in Porto")
    )
    foretold = await backend.reconcile_observations(scope, dana, new("Moved to Lisbon."), dry_run=True)
    before = [one.content for one in await known(backend, scope, dana)]
    second = await backend.reconcile_observations(scope, dana, new("Moved to Lisbon.", "Has two cats."))

    assert [one.outcome for one in first.receipts] == ["added", "added", "duplicate"]
    assert first.receipts[2].id == first.receipts[0].id
    assert [one.outcome for one in foretold.receipts] == ["updated"] and before == ["Lives in Porto.", "Prefers email."]
    assert [(one.outcome, one.id == first.receipts[0].id) for one in second.receipts] == [
        ("updated", True),
        ("added", False),
    ]
    assert all(one.reason for one in second.receipts)
    assert {one.content for one in await known(backend, scope, dana)} == {
        "Moved to Lisbon.",
        "Prefers email.",
        "Has two cats.",
    }


async def test_a_conversation_that_there_is_not_can_be_neither_read_nor_ended(
    backend: Backend, scope: Scope, dana: str
) -> None:
    for call in (backend.get_conversation, backend.close_conversation):
        with pytest.raises(NotFound, match="no such conversation"):
            await call(scope, dana, "nowhere")


async def test_who_is_deleted_leaves_nothing_to_be_learned(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await say(backend, scope, dana, "I live in Porto.")
    await backend.close_conversation(scope, dana, "c-1")
    await backend.delete_profile(scope, dana)

    assert await backend.learn(scope) == 0


async def test_what_is_left_out_is_kept_with_the_reason(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await backend.reconcile_observations(scope, dana, [NewObservation(content="Moved to Lisbon.")])
    clock.pass_(minutes=1)
    earlier = NewObservation(content="Lives in Porto.", occurred_at=clock() - timedelta(days=1))
    twice = NewObservation(content="Moved to Lisbon.")
    foretold = await backend.reconcile_observations(scope, dana, [earlier], dry_run=True)
    assert (await backend.list_discarded(scope, dana, ALL)).items == []
    by = Authorship(actor="tool kim", conversation_id="c-1")
    receipts = [(await backend.reconcile_observations(scope, dana, [one], by)).receipts[0] for one in (earlier, twice)]
    (first, second) = (await backend.list_discarded(scope, dana, ALL)).items

    assert (
        [one.outcome for one in receipts] == [foretold.receipts[0].outcome, "duplicate"] == ["discarded", "duplicate"]
    )
    assert [one.content for one in (first, second)] == [earlier.content, twice.content]
    for kept, receipt in zip((first, second), receipts, strict=True):
        assert (kept.by.rule, kept.by.reason) == (receipt.rule, receipt.reason) and kept.by.reason
        assert (kept.observation_id, kept.by.actor, kept.by.conversation_id) == (receipt.id, "tool kim", "c-1")
    assert (first.occurred_at, first.at) == (earlier.occurred_at, clock())
    page = await backend.list_discarded(scope, dana, PageQuery(limit=1))
    assert page.items == [second] and page.next_cursor is not None
    await backend.delete_profile(scope, dana)
    with pytest.raises(NotFound):
        await backend.list_discarded(scope, dana, ALL)


async def test_the_latest_that_were_left_out_are_kept(
    backend: Backend, scope: Scope, dana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_memory.backends.sql.sqlite.discarded.MAX_DISCARDED", 3)
    for _ in range(6):
        await backend.reconcile_observations(scope, dana, [NewObservation(content="Has two cats.")])

    assert len((await backend.list_discarded(scope, dana, ALL)).items) == 3
