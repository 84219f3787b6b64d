"""Which stores have something due is known without opening them: too early perhaps, and never too late."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory.backends.sql import rounds
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.catalog_rows import SLACK, STIR, Catalog, DueNote
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import NewMessage, Quota, Scope
from tests.contract.conftest import Clock

pytestmark = pytest.mark.anyio

QUIET = timedelta(minutes=15)
OVER = timedelta(hours=24)
PATIENCE = 20


class Crash(BaseException):
    """As if the process had died there."""


class Opening(SqliteDatabase):
    """`opened`: the stores whose files were, in their order. `learned`: something was."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened: list[str] = []
        self.learned = threading.Event()

    def _open_store(self, scope: Scope):  # type: ignore[no-untyped-def]
        self.opened.append(scope.store_id)
        return super()._open_store(scope)


@asynccontextmanager
async def started(
    folder: Path, embedder: MiniLM, clock: Clock, *, background: bool = False
) -> AsyncIterator[tuple[SqlBackend, Opening]]:
    database = Opening(folder)
    backend = SqlBackend(
        database,
        embedder,
        now=clock,
        make_id=clock.make_id,
        region="US",
        background=background,
        learned=lambda *given: database.learned.set(),
    )
    try:
        yield backend, database
    finally:
        await backend.close()


async def tell(backend: SqlBackend, scope: Scope, phone: str = "+13175550142") -> str:
    made = await backend.upsert_traits(scope, {"Contact": {"phone": phone}}, None)
    said = NewMessage(text="I live in Porto.", role="customer")
    await backend.record_messages(scope, made.profile.profile_id, "c-1", [said])
    return made.profile.profile_id


async def extractions(backend: SqlBackend, scope: Scope) -> list[Extraction]:
    return list((await backend.list_extractions(scope, ExtractionFilter(), PageQuery(limit=9))).items)


async def look(backend: SqlBackend, scope: Scope) -> rounds.Turn:
    """As the thread in the background does when it is the store's turn, until there is nothing to do at once."""

    def work() -> rounds.Turn:
        turn = backend._tending._turn(scope)
        while turn.pause == rounds.BREATH:
            turn = backend._tending._turn(scope)
        return turn

    return await anyio.to_thread.run_sync(work)


def note(backend: SqlBackend, scope: Scope) -> DueNote:
    found = backend._database.read_catalog(lambda catalog: catalog.due_note(scope))
    assert found is not None
    return found


def next_due(backend: SqlBackend, scope: Scope) -> datetime | None:
    return backend._database.read(scope, lambda tx: tx.next_due())


def in_time(backend: SqlBackend, scope: Scope) -> bool:
    """Whether whoever starts now is there when something is due."""
    known, due = note(backend, scope), next_due(backend, scope)
    return due is None or known.is_stale or (known.due_at is not None and known.due_at <= due)


async def test_a_host_that_starts_learns_in_stores_that_nobody_asks_about(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _):
        scopes = [await backend.open_store("acme", name) for name in ("one", "two", "three")]
        others = await backend.open_store("globex", "default")
        dana = await tell(backend, scopes[0])
        await tell(backend, others)
        clock.time += QUIET
        for scope in (*scopes[1:], others):
            await look(backend, scope)
    clock.time += QUIET
    async with started(tmp_path, embedder, clock, background=True) as (backend, database):
        for tenant in ("acme", "globex"):
            await backend.look_after_stores(tenant, Quota(profiles=9))
        waiting = {scope.store_id: scope.quota for scope in backend._tending._rounds.waiting}
        assert await anyio.to_thread.run_sync(database.learned.wait, PATIENCE)
        found = await backend.list_observations(scopes[0], dana, ItemFilter(), PageQuery(limit=9))

    assert len(found.items) == 1 and set(database.opened) == {scopes[0].store_id}
    assert waiting.keys() <= {scopes[0].store_id, others.store_id} and waiting[others.store_id].profiles == 9


async def test_what_is_due_later_waits_unopened(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _):
        scope = await backend.open_store("acme", "default")
        await tell(backend, scope)
        began = clock()
        clock.time += QUIET
        await look(backend, scope)
        assert note(backend, scope) == DueNote(stirred_at=began, looked_at=clock(), due_at=began + OVER)
    clock.time += timedelta(hours=1)
    async with started(tmp_path, embedder, clock, background=True) as (backend, database):
        await backend.look_after_stores("acme")
        (when,) = backend._tending._rounds.waiting.values()
        left = when - time.monotonic()
        await anyio.sleep(0.2)

        assert database.opened == []
        assert abs(left - (OVER - QUIET - timedelta(hours=1)).total_seconds()) < 60


async def test_a_store_in_which_nothing_is_due_any_more_is_left_alone(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _):
        scope = await backend.open_store("acme", "default")
        dana = await tell(backend, scope)
        await backend.close_conversation(scope, dana, "c-1")
        at_once = await look(backend, scope)  # something may be on its way into it
        clock.time += SLACK
        later = await look(backend, scope)

        assert (at_once.pause, later) == (SLACK.total_seconds(), rounds.DONE)
        assert [one.status for one in await extractions(backend, scope)] == ["DONE"]
    async with started(tmp_path, embedder, clock, background=True) as (backend, database):
        await backend.look_after_stores("acme")
        assert not backend._tending._rounds.waiting and database.opened == []


async def test_of_one_whose_conversations_ended_by_themselves_that_is_known_too(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _):
        scope = await backend.open_store("acme", "default")
        await tell(backend, scope)
        clock.time += QUIET
        await look(backend, scope)
        clock.time += OVER
        overdue = note(backend, scope).due_at
        assert await look(backend, scope) == rounds.DONE

        assert overdue is not None and overdue <= clock()
        assert note(backend, scope).due_at is None and not note(backend, scope).is_stale


async def test_who_has_nothing_to_do_for_now_keeps_nobody_from_learning(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _), started(tmp_path, embedder, clock) as (other, _):
        scope = await backend.open_store("acme", "default")
        for number, one in enumerate((backend, other)):
            dana = await tell(one, scope, f"+1317555014{number}")
            await one.close_conversation(scope, dana, "c-1")
            await look(one, scope)
            clock.time += timedelta(seconds=1)

        assert [one.status for one in await extractions(backend, scope)] == ["DONE", "DONE"]


async def test_one_that_nobody_ever_looked_at_is_looked_at(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    """As all are that an earlier version left."""
    async with started(tmp_path, embedder, clock) as (backend, _):
        scope = await backend.open_store("acme", "default")
        assert note(backend, scope) == DueNote(stirred_at=None, looked_at=None, due_at=None)
        assert note(backend, scope).is_stale
        assert await look(backend, scope) == rounds.DONE
        assert note(backend, scope) == DueNote(stirred_at=None, looked_at=clock(), due_at=None)
        assert not note(backend, scope).is_stale


@pytest.mark.parametrize("committed", [True, False])
async def test_whoever_dies_between_the_two_files_is_found(
    tmp_path: Path, embedder: MiniLM, clock: Clock, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, database):
        scope = await backend.open_store("acme", "default")
        made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
        await look(backend, scope)
        clock.time += timedelta(days=1)
        write = database.write

        def dying(scope: Scope, work: Callable[[Transaction], object]) -> object:
            if committed:
                write(scope, work)
            raise Crash

        monkeypatch.setattr(database, "write", dying)
        with pytest.raises(Crash):
            said = [NewMessage(text="I live in Porto.", role="customer")]
            await backend.record_messages(scope, made.profile.profile_id, "c-1", said)

        assert (next_due(backend, scope) is not None) == committed
        assert note(backend, scope).is_stale and in_time(backend, scope)


async def test_what_is_written_between_a_look_and_its_note_is_not_lost(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was due when it was looked, and something is when that is noted."""
    async with started(tmp_path, embedder, clock) as (backend, database):
        scope = await backend.open_store("acme", "default")
        dana = await tell(backend, scope)
        await backend.close_conversation(scope, dana, "c-1")
        await look(backend, scope)
        clock.time += SLACK
        async with started(tmp_path, embedder, clock) as (other, _):
            read = database.read
            said = [NewMessage(text="I moved to Lisbon.", role="customer")]

            def slow(scope: Scope, work: Callable[[Transaction], object]) -> object:
                seen = read(scope, work)
                monkeypatch.setattr(database, "read", read)
                clock.time += timedelta(seconds=5)
                anyio.from_thread.run(other.record_messages, scope, dana, "c-2", said)
                return seen

            monkeypatch.setattr(database, "read", slow)
            turn = await look(backend, scope)

        assert next_due(backend, scope) is not None and turn.pause is not None
        assert in_time(backend, scope)


async def test_what_was_begun_before_a_look_and_is_written_after_it_is_not_lost(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, database):
        scope = await backend.open_store("acme", "default")
        dana = await tell(backend, scope)  # by this one the catalog is told
        await backend.close_conversation(scope, dana, "c-1")
        clock.time += STIR - timedelta(seconds=1)
        async with started(tmp_path, embedder, clock) as (tending, _):
            assert (await look(tending, scope)).pause == SLACK.total_seconds()
            write, stirs = database.write, list[object]()
            monkeypatch.setattr(backend, "_stir", count(stirs, backend._stir))
            told = note(backend, scope).stirred_at

            def slow(scope: Scope, work: Callable[[Transaction], object]) -> object:
                clock.time += timedelta(minutes=4)
                anyio.from_thread.run(look, tending, scope)
                return write(scope, work)

            monkeypatch.setattr(database, "write", slow)
            said = [NewMessage(text="I moved to Lisbon.", role="customer")]
            await backend.record_messages(scope, dana, "c-2", said)

        assert stirs and note(backend, scope).stirred_at == told  # not told again so soon
        assert next_due(backend, scope) is not None and in_time(backend, scope)


def count(calls: list[object], call: Callable[[Scope], None]) -> Callable[[Scope], None]:
    def counted(scope: Scope) -> None:
        calls.append(scope)
        call(scope)

    return counted


async def test_a_clock_that_is_put_back_makes_nobody_late(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    async with started(tmp_path, embedder, clock) as (backend, _):
        scope = await backend.open_store("acme", "default")
        await tell(backend, scope)
        clock.time += OVER
        await look(backend, scope)
        clock.time += timedelta(hours=1)
        await look(backend, scope)
        assert not note(backend, scope).is_stale
        clock.time -= timedelta(hours=12)
        await tell(backend, scope, "+13175550143")

        assert in_time(backend, scope) and note(backend, scope).is_stale


async def test_while_a_conversation_goes_on_the_catalog_is_hardly_written(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(tmp_path, embedder, clock) as (backend, database):
        scope = await backend.open_store("acme", "default")
        dana = await tell(backend, scope)
        writes, write = list[object](), database.write_catalog

        def counted(work: Callable[[Catalog], object]) -> object:
            writes.append(work)
            return write(work)

        monkeypatch.setattr(database, "write_catalog", counted)
        for number in range(60):
            clock.time += timedelta(minutes=1)
            said = [NewMessage(text=f"Message {number}.", role="customer")]
            await backend.record_messages(scope, dana, "c-1", said)
            await look(backend, scope)
            assert in_time(backend, scope)

        assert 5 <= len(writes) <= 7
