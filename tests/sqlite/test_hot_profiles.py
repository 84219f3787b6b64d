"""What is kept in memory of a profile is never older than what is stored, whoever stored it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from mcp_memory import app
from mcp_memory.backends.sql import recall
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import NewMessage, NewObservation, RecallQuery, Scope

pytestmark = pytest.mark.anyio

MANY = 300  # more than are worth keeping
LAMP = RecallQuery(query="Which lamp was bought?", observations_limit=1, communications_limit=1)


@asynccontextmanager
async def opened(folder: Path, embedder: MiniLM, hot_bytes: int = 2**24) -> AsyncIterator[tuple[SqlBackend, Scope]]:
    database = SqliteDatabase(folder, hot_bytes)
    backend = SqlBackend(database, embedder, now=app.now, make_id=app.make_id, region="US")
    try:
        yield backend, await backend.open_store("local", "default")
    finally:
        await backend.close()


async def filled(backend: SqlBackend, scope: Scope) -> str:
    made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    new = [NewObservation(content=f"Asked about shelf number {number}.") for number in range(MANY)]
    await backend.add_observations(scope, made.profile.profile_id, new)
    return made.profile.profile_id


async def best(backend: SqlBackend, scope: Scope, profile_id: str) -> str:
    return (await backend.recall(scope, profile_id, LAMP)).observations[0].item.content


async def test_what_another_process_stores_is_recalled_at_once(tmp_path: Path, embedder: MiniLM) -> None:
    async with AsyncExitStack() as stack:
        one, scope = await stack.enter_async_context(opened(tmp_path, embedder))
        other, _ = await stack.enter_async_context(opened(tmp_path, embedder))
        dana = await filled(one, scope)
        for number in range(3):
            writer, reader = (one, other) if number % 2 else (other, one)
            await best(reader, scope, dana)  # it is hot now
            await writer.add_observations(scope, dana, [NewObservation(content=f"Bought lamp {number}.")])

            recalled = await reader.recall(scope, dana, RecallQuery(query=f"lamp {number}", observations_limit=1))
            assert recalled.observations[0].item.content == f"Bought lamp {number}."

        await other.record_messages(scope, dana, "c", [NewMessage(text="The lamp is green.", role="customer")])
        recalled = await one.recall(scope, dana, LAMP)
        assert recalled.communications[0].item.content == "The lamp is green."


async def test_a_merge_and_an_unmerge_elsewhere_are_seen(tmp_path: Path, embedder: MiniLM) -> None:
    async with AsyncExitStack() as stack:
        one, scope = await stack.enter_async_context(opened(tmp_path, embedder))
        other, _ = await stack.enter_async_context(opened(tmp_path, embedder))
        dana = await filled(one, scope)
        lee = (await one.upsert_traits(scope, {"Contact": {"chat": "lee"}}, None)).profile.profile_id
        await one.add_observations(scope, lee, [NewObservation(content="Bought a lamp.")])
        assert await best(one, scope, dana) != "Bought a lamp."

        await other.merge_profiles(scope, dana, lee)
        assert await best(one, scope, dana) == "Bought a lamp."

        await other.unmerge_profile(scope, lee)
        assert await best(one, scope, dana) != "Bought a lamp."


async def test_what_is_kept_is_bounded_in_bytes(tmp_path: Path, embedder: MiniLM) -> None:
    async with opened(tmp_path, embedder, hot_bytes=1_500_000) as (backend, scope):
        dana = await filled(backend, scope)
        for number in range(4):
            made = await backend.upsert_traits(scope, {"Contact": {"chat": f"lee-{number}"}}, None)
            new = [NewObservation(content=f"Bought lamp number {one}.") for one in range(MANY)]
            await backend.add_observations(scope, made.profile.profile_id, new)
            await best(backend, scope, made.profile.profile_id)
            await best(backend, scope, dana)
            database = backend._database
            assert isinstance(database, SqliteDatabase)
            assert 0 < database._hot.bytes <= 1_500_000


async def test_a_large_profile_is_scored_by_those_who_are_for_it(
    tmp_path: Path, embedder: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, embedder) as (backend, scope):
        dana = await filled(backend, scope)
        expected = await backend.recall(scope, dana, LAMP)
        seen: list[bool] = []
        scored = recall.recall

        def watched(tx: object, profile_id: str, asked: object, *, large: bool) -> object:
            seen.append(large)
            return scored(tx, profile_id, asked, large=large)  # type: ignore[arg-type]

        monkeypatch.setattr(recall, "LARGE", MANY)
        monkeypatch.setattr(recall, "recall", watched)

        assert await backend.recall(scope, dana, LAMP) == expected
        assert seen == [False, True]
