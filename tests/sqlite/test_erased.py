"""What was deleted is in none of the files on the disk, the log of what is not in its place yet among them."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite import file as files
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.definitions import TraitGroup
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import NewObservation, NewSummary, Scope, TraitDefinition
from tests.contract.people import event, person

pytestmark = pytest.mark.anyio

SECRET = "xylophone"


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path)


@pytest.fixture
async def backend(database: SqliteDatabase, embedder: MiniLM) -> AsyncIterator[SqlBackend]:
    backend = SqlBackend(database, embedder, now=app.now, make_id=app.make_id, region="US")
    yield backend
    await backend.close()


def found(folder: Path, word: str = SECRET) -> list[str]:
    """Names of files that hold it, as they lie there: nothing is moved from the log to its place for this."""
    return [one.name for one in folder.rglob("*") if one.is_file() and word.encode() in one.read_bytes()]


async def test_no_file_holds_what_was_deleted(backend: SqlBackend, tmp_path: Path) -> None:
    scope = await backend.open_store("local", "default")
    dana = (await person(backend, scope, chat="dana")).profile_id
    new = [NewObservation(content=f"Plays {SECRET}.")]
    (noted,) = (await backend.add_observations(scope, dana, new)).receipts
    about = [NewSummary(content=f"Of a {SECRET}.", conversation_id="1")]
    (summed,) = (await backend.add_summaries(scope, dana, about)).receipts
    assert noted.id is not None and summed.id is not None
    await backend.update_observation(scope, dana, noted.id, ObservationChanges(content="Plays nothing."))
    await backend.update_summary(scope, dana, summed.id, SummaryChanges(content="Of nothing."))
    assert found(tmp_path)

    await backend.delete_observation(scope, dana, noted.id)
    await backend.delete_summary(scope, dana, summed.id)
    assert found(tmp_path) == []

    await event(backend, scope, dana, city=SECRET, lastName=SECRET)
    await event(backend, scope, dana, city="Rome", lastName=None)
    assert found(tmp_path)
    await backend.delete_profile(scope, dana)
    assert found(tmp_path) == []


async def test_no_file_holds_what_a_trait_was_that_is_declared_no_more(backend: SqlBackend, tmp_path: Path) -> None:
    scope = await backend.open_store("local", "default")
    dana = (await person(backend, scope, chat="dana")).profile_id
    definition = TraitDefinition(group="Music", name="plays", data_type="STRING")
    await backend.create_trait_group(scope, TraitGroup(display_name="Music", definitions=(definition,)))
    for value in (SECRET, "nothing"):
        await backend.upsert_traits(scope, {"Music": {"plays": value}}, dana)
    assert found(tmp_path)

    await backend.delete_trait_group(scope, "Music")
    assert found(tmp_path) == []


async def _kept(backend: SqlBackend) -> tuple[Scope, str]:
    scope = await backend.open_store("local", "default")
    profile = await person(backend, scope, chat="dana")
    await event(backend, scope, profile.profile_id, city=SECRET)
    return scope, profile.profile_id


async def test_who_still_reads_it_is_not_waited_for_long_and_the_next_write_ends_it(
    backend: SqlBackend, database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ERASING_SECONDS", 0.05)
    scope, dana = await _kept(backend)
    reading, done = threading.Event(), threading.Event()

    def read() -> None:
        def work(tx: object) -> None:
            reading.set()
            done.wait(30)

        database.read(scope, work)

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait(30)
    try:
        await backend.delete_profile(scope, dana)
    finally:
        done.set()
        reader.join()
    assert found(tmp_path)

    await person(backend, scope, chat="lee")
    assert found(tmp_path) == []
