"""What is to be learned survives whatever happens in between: nothing is lost, nothing doubled, failures are told."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.conversation_rows import ExtractionRow
from mcp_memory.backends.sql.learning import ATTEMPTS, PAUSE
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding import Embedding
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Full, Unavailable
from mcp_memory.learning_settings import LearningSettings, TraitPolicy
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.metering.usage import CHARACTERS
from mcp_memory.model import NewMessage, NewObservation, Scope, Traits, TraitValue
from tests.contract.conftest import Clock

pytestmark = pytest.mark.anyio

SAID = (
    "I live in Porto.",
    "My daughter Ana plays the cello.",
    "I prefer to be called in the morning.",
    "My order B-2077 arrived damaged.",
    "My name is Dana Petrov.",
    "Please write to me in Spanish.",
)


class Crash(BaseException):
    """As if the process had died there."""


@asynccontextmanager
async def opened(
    folder: Path, embedder: MiniLM, clock: Clock, policy: TraitPolicy = "propose"
) -> AsyncIterator[tuple[SqlBackend, Scope, str]]:
    database = SqliteDatabase(folder)
    usage = SqlUsage(database)
    backend = SqlBackend(
        database,
        embedder,
        now=clock,
        make_id=clock.make_id,
        region="US",
        generated=lambda scope, characters: usage.generated(scope, characters, clock().date()),
    )
    try:
        scope = await backend.open_store("acme", "default")
        await backend.update_learning_settings(scope, LearningSettings(traits=policy))
        made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
        yield backend, scope, made.profile.profile_id
    finally:
        await backend.close()


async def tell(backend: SqlBackend, scope: Scope, dana: str) -> None:
    await backend.record_messages(scope, dana, "c-1", [NewMessage(text=text, role="customer") for text in SAID])
    await backend.close_conversation(scope, dana, "c-1")


async def learned(backend: SqlBackend, scope: Scope, dana: str) -> tuple[list[str], int]:
    page = PageQuery(limit=100)
    observations = await backend.list_observations(scope, dana, ItemFilter(), page)
    summaries = await backend.list_summaries(scope, dana, ItemFilter(), page)
    return sorted(one.content for one in observations.items), len(summaries.items)


async def everything(backend: SqlBackend, scope: Scope, dana: str) -> list[str]:
    page = PageQuery(limit=100)
    observations = await backend.list_observations(scope, dana, ItemFilter(), page)
    summaries = await backend.list_summaries(scope, dana, ItemFilter(), page)
    return [one.content for one in (*observations.items, *summaries.items)]


def billed(backend: SqlBackend) -> int:
    days = SqlUsage(backend._database).between(date.min, date.max, "acme")
    return sum(one.amounts[CHARACTERS] for one in days)


async def stated(backend: SqlBackend, scope: Scope, dana: str) -> tuple[list[tuple[str, TraitValue, str]], Traits]:
    """What became of it, and what was written."""
    found = await backend.list_trait_proposals(scope, dana, None, PageQuery(limit=100, newest_first=False))
    profile = await backend.get_profile(scope, dana)
    return [(one.name, one.value, one.status) for one in found.items], profile.traits


def job(backend: SqlBackend, scope: Scope, dana: str) -> ExtractionRow:
    (row,) = backend._database.read(scope, lambda tx: tx.extractions(dana, "c-1"))
    return row


def after(writes: int, then: Callable[[], BaseException], backend: SqlBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many writes are made, and the next one fails before it is."""
    left, write = [writes], backend._database.write

    def failing(scope: Scope, work: Callable[..., object]) -> object:
        if not left[0]:
            raise then()
        left[0] -= 1
        return write(scope, work)

    monkeypatch.setattr(backend._database, "write", failing)


@pytest.mark.parametrize("writes", range(10))
async def test_whoever_dies_in_the_middle_loses_nothing_and_doubles_nothing(
    tmp_path: Path, embedder: MiniLM, clock: Clock, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "whole", embedder, clock, "write") as (backend, scope, dana):
        await tell(backend, scope, dana)
        assert await backend.learn(scope) == 1
        whole, bill = await learned(backend, scope, dana), billed(backend)
        contents = await everything(backend, scope, dana)
        traits = await stated(backend, scope, dana)
    assert len(whole[0]) >= 3 and whole[1] == 1
    assert bill == 2 * sum(map(len, SAID)) + sum(map(len, contents))  # read for observations, and for the summary
    assert len(traits[0]) == 3 and len(traits[1]["Contact"]) == 4

    async with opened(tmp_path / "torn", embedder, clock, "write") as (backend, scope, dana):
        await tell(backend, scope, dana)
        with monkeypatch.context() as patched:
            after(writes, Crash, backend, patched)
            with pytest.raises(Crash):
                while await backend.learn(scope):
                    pass
                raise Crash  # it came to its end before
    async with opened(tmp_path / "torn", embedder, clock, "write") as (backend, scope, dana):
        await backend.learn(scope)
        assert await learned(backend, scope, dana) == whole and billed(backend) == bill
        assert await stated(backend, scope, dana) == traits
        assert job(backend, scope, dana).status == "DONE" and job(backend, scope, dana).extract is None
        assert await backend.learn(scope) == 0


@pytest.mark.parametrize("counted", [True, False])
async def test_whoever_dies_while_it_is_billed_is_billed_once(
    tmp_path: Path, embedder: MiniLM, clock: Clock, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before that is written, or just after."""
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        count = backend._generated

        def die(scope: Scope, characters: int) -> None:
            if counted:
                count(scope, characters)
            raise Crash

        monkeypatch.setattr(backend, "_generated", die)
        with pytest.raises(Crash):
            await backend.learn(scope)
        assert (billed(backend) > 0) == counted
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await backend.learn(scope)
        once = billed(backend)
        assert once == 2 * sum(map(len, SAID)) + sum(map(len, await everything(backend, scope, dana)))
        clock.pass_(days=1)
        await backend.learn(scope)
        assert billed(backend) == once


async def test_a_bill_that_cannot_be_written_keeps_nobody_from_learning_and_comes_with_the_next(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)

        def busy(scope: Scope, characters: int) -> None:
            raise Unavailable("The store is busy.")

        with monkeypatch.context() as patched:
            patched.setattr(backend, "_generated", busy)
            assert await backend.learn(scope) == 1
        assert job(backend, scope, dana).status == "DONE" and billed(backend) == 0
        await backend.record_messages(scope, dana, "c-2", [NewMessage(text="I have two cats.", role="customer")])
        await backend.close_conversation(scope, dana, "c-2")
        await backend.learn(scope)

        assert billed(backend) > 2 * sum(map(len, SAID))


async def test_what_fails_is_tried_again_later_each_time_and_in_the_end_says_why(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        monkeypatch.setattr(backend._learning, "_extractor", lambda *given: 1 / 0)
        for attempt in range(1, ATTEMPTS + 1):
            assert await backend.learn(scope) == 1
            row = job(backend, scope, dana)
            assert (row.attempts, row.error) == (attempt, "It failed here: the log of the server says why.")
            pause = PAUSE * 2 ** (attempt - 1)
            assert row.due_at == (clock() + pause if attempt < ATTEMPTS else None)
            clock.time += pause - timedelta(seconds=1)
            assert await backend.learn(scope) == 0
            clock.time += timedelta(seconds=1)

        assert job(backend, scope, dana).status == "FAILED"
        assert await learned(backend, scope, dana) == ([], 0) and billed(backend) == 0


async def test_what_fails_in_the_middle_goes_on_behind_what_is_stored(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        store, stored = backend._store_one, list[object]()

        def failing(*given: object) -> object:
            if len(stored) == 1:
                raise Full("There is no room for more observations.")
            stored.append(given)
            return store(*given)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(backend, "_store_one", failing)
            assert await backend.learn(scope) == 1
        row = job(backend, scope, dana)
        assert (row.status, row.stored, row.attempts) == ("EXTRACTED", 1, 1)
        assert row.error == "There is no room for more observations."

        clock.time += PAUSE
        assert await backend.learn(scope) == 1
        assert job(backend, scope, dana).status == "DONE" and len((await learned(backend, scope, dana))[0]) >= 3


async def test_what_is_given_up_in_the_middle_and_retried_goes_on_behind_what_is_stored(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "whole", embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        await backend.learn(scope)
        whole = await learned(backend, scope, dana)

    async with opened(tmp_path / "torn", embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        store, stored = backend._store_one, list[object]()

        def failing(*given: object) -> object:
            if len(stored) == 2:
                raise Full("There is no room for more observations.")
            stored.append(given)
            return store(*given)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(backend, "_store_one", failing)
            for attempt in range(ATTEMPTS):
                assert await backend.learn(scope) == 1
                clock.time += PAUSE * 2**attempt
        row = job(backend, scope, dana)
        assert (row.status, row.stored, row.attempts) == ("FAILED", 2, ATTEMPTS)
        half = await learned(backend, scope, dana)
        monkeypatch.setattr(backend._learning, "_extractor", lambda *given: 1 / 0)  # it is not read again

        queued = await backend.retry_extraction(scope, row.extraction_id)
        assert await learned(backend, scope, dana) == half
        await backend.learn(scope)

        assert (queued.status, queued.added) == ("EXTRACTED", 2) and len(half[0]) == 2
        assert await learned(backend, scope, dana) == whole
        assert job(backend, scope, dana).status == "DONE"


async def test_one_that_fails_keeps_no_other_waiting(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await tell(backend, scope, dana)
        extract = backend._learning._extractor
        fails = iter((True,))

        def once(*given: object) -> object:
            return 1 / 0 if next(fails, False) else extract(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(backend._learning, "_extractor", once)
        await backend.record_messages(scope, dana, "c-2", [NewMessage(text="I have two cats.", role="customer")])
        await backend.close_conversation(scope, dana, "c-2")

        assert await backend.learn(scope) == 2
        observations, summaries = await learned(backend, scope, dana)
        assert summaries == 1 and any("cats" in one for one in observations)


async def test_who_listens_hears_of_traits_that_were_written_and_not_of_those_proposed(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies: dict[TraitPolicy, bool] = {"propose": False, "write": True}
    for policy, heard in policies.items():
        async with opened(tmp_path / policy, embedder, clock, policy) as (backend, scope, dana):
            told: list[tuple[Sequence[str], Sequence[str]]] = []
            monkeypatch.setattr(backend, "_learned", lambda scope, writes, ids, told=told: told.append((writes, ids)))
            await tell(backend, scope, dana)
            await backend.learn(scope)

        ((writes, ids),) = told
        assert ("traits" in writes) is heard and "observations" in writes and dana in ids


async def test_what_is_to_be_remembered_is_embedded_once_though_it_is_asked_about_too(
    tmp_path: Path, embedder: MiniLM, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = [NewObservation(content=one) for one in SAID[:3]]
    async with opened(tmp_path, embedder, clock) as (backend, scope, dana):
        await backend.reconcile_observations(scope, dana, [NewObservation(content="Has two cats.")])
        asked: list[str] = []
        embed = embedder.embed

        def counting(texts: Sequence[str]) -> list[Embedding]:
            asked.extend(texts)
            return embed(texts)

        monkeypatch.setattr(embedder, "embed", counting)
        await backend.reconcile_observations(scope, dana, new)

    assert sorted(asked) == sorted(SAID[:3])
