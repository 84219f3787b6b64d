"""A conversation of several people reaches the memory of each customer whole and once, whatever happens in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from mcp_memory.backends.sql import feeding
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflicting, Full, Unavailable
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import Quota, RecallQuery, Scope, Summary
from mcp_memory.orchestrator import ConversationChanges, OrchestratedConversation
from tests.contract.conftest import Clock
from tests.contract.talks import AGENT, BEN, CUSTOMER, configured, say, told, who
from tests.contract.talks import opened as begun
from tests.sqlite.test_learning import Crash, after

pytestmark = pytest.mark.anyio

SAID = ("I live in Porto.", "My daughter Ana plays the cello.", "My order B-2077 arrived damaged.")


@asynccontextmanager
async def opened(
    folder: Path, embedder: MiniLM, clock: Clock, *, background: bool = False
) -> AsyncIterator[tuple[SqlBackend, Scope]]:
    backend = SqlBackend(
        SqliteDatabase(folder), embedder, now=clock, make_id=clock.make_id, region="US", background=background
    )
    try:
        yield backend, await backend.open_store("acme", "default")
    finally:
        await backend.close()


def holding(folder: Path, word: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if word in path.read_bytes()]


async def both(backend: SqlBackend, scope: Scope, one: OrchestratedConversation) -> list[list[tuple[str, str]]]:
    return [await told(backend, scope, each.profile_id) for each in one.participants[:2]]


@pytest.mark.parametrize("writes", range(7))
async def test_whoever_dies_after_something_was_said_left_it_in_every_memory_once(
    tmp_path: Path, embedder: MiniLM, clock: Clock, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, who(BEN, "CUSTOMER"), AGENT)
        said = []
        with monkeypatch.context() as patched:
            after(writes, Crash, backend, patched)
            with pytest.raises(Crash):
                for text in SAID:
                    await say(backend, scope, one, text, resource_id=text)
                    said.append(text)
                raise Crash
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        posted = (await backend.list_posted(scope, one.conversation_id, None, PageQuery(limit=9))).items
        await backend.learn(scope)
        dana, ben = await both(backend, scope, one)
        assert {text for _, text in dana} >= set(said), "what was acknowledged is there"
        assert [text for _, text in dana] == [text for _, text in ben] == [each.content.text for each in posted]
        for text in SAID:  # whoever had no answer sends it again
            await say(backend, scope, one, text, resource_id=text)
        assert sorted(text for _, text in (await both(backend, scope, one))[0]) == sorted(SAID)


async def test_its_status_waits_until_every_memory_has_all_of_it(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, AGENT)
        profile_id = one.participants[0].profile_id
        assert profile_id is not None
        with monkeypatch.context() as patched:
            patched.setattr(feeding, "feed", lambda *given, **named: fail())
            posted = await say(backend, scope, one, SAID[0])
            assert await told(backend, scope, profile_id) == []
            clock.pass_(seconds=59)
            await backend.learn(scope)
            assert await told(backend, scope, profile_id) == []
        assert posted.content.text == SAID[0], "it was said, and is remembered next"
        await backend.update_conversation(scope, one.conversation_id, ConversationChanges(status="CLOSED"))
        await backend.learn(scope)
        found = await backend.list_observations(scope, profile_id, ItemFilter(), PageQuery(limit=9))

        assert await told(backend, scope, profile_id) == [("customer", SAID[0])]
        assert ["Porto" in each.content for each in found.items] == [True]


async def test_what_can_not_be_remembered_of_one_keeps_no_other_from_being_learned(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        configuration = await configured(backend, scope)
        bad = await begun(backend, scope, configuration, CUSTOMER, AGENT)
        feed = feeding.feed

        def failing(tx: Transaction, conversation_id: str, *given: Any, **named: Any) -> bool:
            if conversation_id == bad.conversation_id:
                raise ZeroDivisionError
            return feed(tx, conversation_id, *given, **named)

        monkeypatch.setattr(feeding, "feed", failing)
        await say(backend, scope, bad, SAID[0])
        good = await begun(backend, scope, configuration, who(BEN, "CUSTOMER"))
        await say(backend, scope, good, SAID[0], by=BEN)
        clock.pass_(hours=25)
        await backend.learn(scope)
        monkeypatch.setattr(feeding, "feed", feed)
        clock.pass_(minutes=1)
        await backend.learn(scope)

        for one in (good, bad):
            profile_id = one.participants[0].profile_id
            assert profile_id is not None
            found = await backend.list_observations(scope, profile_id, ItemFilter(), PageQuery(limit=9))
            assert len(found.items) == 1


def fail() -> None:
    raise Unavailable("The disk is full: make room.")


async def test_what_was_due_while_no_server_ran_is_done_when_one_starts(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, AGENT)
        await say(backend, scope, one, SAID[0])
    clock.pass_(days=2)
    async with opened(tmp_path, embedder, clock, background=True) as (backend, scope):
        profile_id = one.participants[0].profile_id
        assert profile_id is not None
        summaries: list[Summary] = []
        for _ in range(400):
            summaries = list((await backend.list_summaries(scope, profile_id, ItemFilter(), PageQuery(limit=9))).items)
            if summaries:
                break
            await anyio.sleep(0.05)
        assert len(summaries) == 1
        assert (await backend.fetch_conversation(scope, one.conversation_id)).status == "CLOSED"


async def test_many_at_once_are_all_said_and_in_one_order(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope), opened(tmp_path, embedder, clock) as (second, _):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, who(BEN, "CUSTOMER"), AGENT)
        async with anyio.create_task_group() as tasks:
            for number in range(24):
                tasks.start_soon(say, (backend, second)[number % 2], scope, one, f"I have {number} cats.")
        posted = (await backend.list_posted(scope, one.conversation_id, None, PageQuery(limit=99))).items
        await backend.learn(scope)
        dana, ben = await both(backend, scope, one)

    assert sorted(each.content.text for each in posted) == sorted(f"I have {number} cats." for number in range(24))
    assert [text for _, text in dana] == [text for _, text in ben] == [each.content.text for each in posted]


async def test_of_two_that_begin_the_same_conversation_one_is_told_of_the_other(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    made: list[str] = []
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        configuration = await configured(backend, scope)

        async def begin() -> None:
            try:
                made.append((await begun(backend, scope, configuration, CUSTOMER, AGENT)).conversation_id)
            except Conflicting as exc:
                made.append(exc.resource_id)

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(begin)

    assert len(made) == 8 and len(set(made)) == 1


async def test_where_there_is_no_room_nothing_is_said(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, AGENT)
        full = Scope(tenant=scope.tenant, store_id=scope.store_id, quota=Quota(storage_bytes=1))
        with pytest.raises(Full):
            await say(backend, full, one, SAID[0])

        assert (await backend.list_posted(scope, one.conversation_id, None, PageQuery(limit=9))).items == []


async def test_what_a_forgotten_customer_said_is_in_no_file(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope):
        one = await begun(backend, scope, await configured(backend, scope), CUSTOMER, who(BEN, "CUSTOMER"), AGENT)
        await say(backend, scope, one, "My secret word is xylophone-4711.")
        await say(backend, scope, one, "I have two cats.", by=BEN)
        dana, ben = one.participants[0].profile_id, one.participants[1].profile_id
        assert dana is not None and ben is not None
        await backend.delete_profile(scope, dana)
        await backend.reembed(scope)
        found = await backend.recall(scope, ben, RecallQuery(query="cats", communications_limit=5))
        assert [each.item.content for each in found.communications] == ["I have two cats."]
    assert await anyio.to_thread.run_sync(holding, tmp_path, b"xylophone") == []
