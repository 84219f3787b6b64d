"""Signatures are made anew by whoever holds the lease, whatever happens meanwhile; and nothing waits for it."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from mcp_memory import app
from mcp_memory.backends.sql import reembedding, rounds
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding import Embedding
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Unavailable
from mcp_memory.model import NewObservation, RecallQuery, Scope
from tests.sqlite.test_database import MONDAY, add_store

pytestmark = pytest.mark.anyio

T = TypeVar("T")
LEASE = reembedding.LEASE


class Model:
    """The bundled one, until `trouble` says otherwise; `asked` is how many texts it was given."""

    model_id = "of the tests"

    def __init__(self, model: MiniLM) -> None:
        self._model, self.asked = model, 0
        self.trouble: Callable[[], None] = lambda: None

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        self.asked += len(texts)
        self.trouble()
        return self._model.embed(texts)

    def reads(self, text: str) -> bool:
        return True

    def close(self) -> None: ...


class Clock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


class Slow(SqliteDatabase):
    """What is written reaches the file only after the background has looked, if it looks that soon."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.slow, self.looked = False, threading.Event()

    def read(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        found = super().read(scope, work)
        if threading.current_thread().name == "reembedding":
            self.looked.set()
        return found

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        if self.slow and threading.current_thread().name != "reembedding":
            self.looked.wait(timeout=0.5)
        return super().write(scope, work)


def down() -> None:
    raise Unavailable("The endpoint did not answer.")


@pytest.fixture
def model(embedder: MiniLM) -> Model:
    return Model(embedder)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "RETRY", 0.02)


@asynccontextmanager
async def opened(
    database: SqliteDatabase, model: Model, now: Callable[[], datetime] = app.now
) -> AsyncIterator[tuple[SqlBackend, Scope]]:
    backend = SqlBackend(database, model, now=now, make_id=app.make_id, region="US", background=True)
    try:
        yield backend, await backend.open_store("local", "default")
    finally:
        await backend.close()


async def learn(backend: SqlBackend, scope: Scope, count: int = 3) -> str:
    made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    new = [NewObservation(content=f"Asked about lamp {number}.") for number in range(count)]
    await backend.add_observations(scope, made.profile.profile_id, new)
    return made.profile.profile_id


async def to_embed(backend: SqlBackend, scope: Scope) -> int:
    return (await backend.get_store(scope)).unembedded_count


async def all_embedded(backend: SqlBackend, scope: Scope) -> None:
    with anyio.fail_after(20):
        while await to_embed(backend, scope):  # noqa: ASYNC110  no event: another thread does it
            await anyio.sleep(0.01)


@pytest.mark.usefixtures("impatient")
async def test_when_the_endpoint_is_back_the_vectors_are_made_by_themselves(tmp_path: Path, model: Model) -> None:
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        dana = await learn(backend, scope)
        assert await to_embed(backend, scope) == 3
        assert (await backend.recall(scope, dana, RecallQuery(query="lamp"))).by_words_only == "failed"
        model.trouble = lambda: None
        await all_embedded(backend, scope)

        assert (await backend.recall(scope, dana, RecallQuery(query="lamp"))).by_words_only is None


@pytest.mark.usefixtures("impatient")
async def test_what_is_stored_after_it_has_looked_is_not_forgotten(tmp_path: Path, model: Model) -> None:
    database = Slow(tmp_path)
    async with opened(database, model) as (backend, scope):
        made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
        model.trouble, database.slow = down, True
        await backend.add_observations(scope, made.profile.profile_id, [NewObservation(content="Bought a lamp.")])
        model.trouble = lambda: None

        await all_embedded(backend, scope)


@pytest.mark.usefixtures("impatient")
async def test_whatever_a_model_does_it_is_tried_again(tmp_path: Path, model: Model) -> None:
    def burst() -> None:
        raise LookupError("a bug")

    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        await learn(backend, scope)
        before, model.trouble = model.asked, burst
        with anyio.fail_after(20):
            while model.asked < before + 6:  # noqa: ASYNC110  as above
                await anyio.sleep(0.01)
        model.trouble = lambda: None

        await all_embedded(backend, scope)


@pytest.mark.usefixtures("impatient")
async def test_who_is_killed_holds_the_lease_for_two_minutes_and_then_another_goes_on(
    tmp_path: Path, model: Model
) -> None:
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        await learn(backend, scope)
    clock, dead = Clock(), SqliteDatabase(tmp_path)
    await anyio.to_thread.run_sync(
        lambda: dead.write(scope, lambda tx: tx.take_lease("signatures", "dead", clock(), clock() + LEASE))
    )
    await anyio.to_thread.run_sync(dead.close)
    model.trouble = lambda: None
    asked = model.asked
    async with opened(SqliteDatabase(tmp_path), model, now=clock) as (backend, scope):
        await anyio.sleep(0.3)  # for nothing: ten times as long as it takes to look
        assert (await to_embed(backend, scope), model.asked) == (3, asked)
        clock.time += LEASE + timedelta(seconds=1)

        await all_embedded(backend, scope)

    assert model.asked == asked + 3


async def test_a_store_that_another_process_works_on_keeps_no_other_waiting(tmp_path: Path, model: Model) -> None:
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        await learn(backend, scope)
        await learn(backend, await backend.open_store("globex", "default"))
    elsewhere = SqliteDatabase(tmp_path)
    now = app.now()
    await anyio.to_thread.run_sync(
        lambda: elsewhere.write(scope, lambda tx: tx.take_lease("signatures", "alive", now, now + LEASE * 99))
    )
    await anyio.to_thread.run_sync(elsewhere.close)
    model.trouble = lambda: None

    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        await all_embedded(backend, await backend.open_store("globex", "default"))

        assert await to_embed(backend, scope) == 3


async def test_no_more_stores_wait_than_there_may_be_and_one_beyond_is_seen_when_it_is_opened_again(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model) as (backend, scope):
        await learn(backend, scope)
    clock = Clock()
    clock.time += LEASE * 2
    model.trouble = lambda: None
    monkeypatch.setattr(rounds, "WAITING", 0)
    async with opened(SqliteDatabase(tmp_path), model, now=clock) as (backend, scope):
        assert backend._reembedding.rounds.waiting == {} and await to_embed(backend, scope) == 3
        monkeypatch.setattr(rounds, "WAITING", 1)
        await backend.open_store("local", "default")

        await all_embedded(backend, scope)


def test_a_lease_is_one_holder_s_until_it_ends(database: SqliteDatabase) -> None:
    scope = add_store(database, "acme", 1)

    def taken(holder: str, after: timedelta) -> bool:
        now = MONDAY + after
        return database.write(scope, lambda tx: tx.take_lease("signatures", holder, now, now + LEASE))

    assert taken("one", timedelta())
    assert not taken("other", LEASE)
    assert taken("one", LEASE)  # longer
    assert not taken("other", LEASE * 2)
    assert taken("other", LEASE * 2 + timedelta(seconds=1))
    assert not taken("one", LEASE * 2 + timedelta(seconds=2))


@pytest.mark.parametrize("trouble", ["down", "hangs"])
async def test_closing_waits_for_no_model(tmp_path: Path, model: Model, trouble: str) -> None:
    hanging, free = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        free.wait(timeout=30)

    def fail() -> None:
        hanging.set()
        down()

    clock = Clock()
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model, now=clock) as (backend, scope):
        await learn(backend, scope)
    clock.time += LEASE * 2
    model.trouble = hang if trouble == "hangs" else fail
    try:
        async with opened(SqliteDatabase(tmp_path), model, now=clock):
            assert await anyio.to_thread.run_sync(hanging.wait, 30)
            begun = time.monotonic()
        assert time.monotonic() - begun < reembedding.LEAVE + 1
    finally:
        free.set()


async def test_a_batch_of_long_texts_is_small_and_none_is_left_out(tmp_path: Path, model: Model) -> None:
    """Whoever leaves waits for it: a process that ends while the bundled model is at work does not end cleanly."""
    clock = Clock()
    model.trouble = down
    async with opened(SqliteDatabase(tmp_path), model, now=clock) as (backend, scope):
        made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
        long = [NewObservation(content=f"{number} {'lamp ' * 800}") for number in range(12)]
        await backend.add_observations(scope, made.profile.profile_id, long)
    model.trouble = lambda: None
    backend = SqlBackend(SqliteDatabase(tmp_path), model, now=clock, make_id=app.make_id, region="US")

    counts = [await backend.reembed(scope) for _ in range(5)]
    await backend.close()

    assert counts == [4, 4, 4, 0, 0]
