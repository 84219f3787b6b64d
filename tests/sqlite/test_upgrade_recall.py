"""What an earlier version remembered is recalled by this one at once; token by token once it was made anew."""

import shutil
from pathlib import Path

import anyio.to_thread
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS, SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import NewObservation, RecallQuery, Scope

pytestmark = pytest.mark.anyio

KNOWN = ("Is allergic to peanuts.", "Has a golden retriever called Biscuit.", "Order A-1042 arrived broken.")
PETS = RecallQuery(query="Do they own any pets?", observations_limit=1)


def backend(folder: Path, embedder: MiniLM) -> SqlBackend:
    return SqlBackend(SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region="US")


def as_second_version(folder: Path, scope: Scope) -> None:
    """The store, copied into a file of the second version: its rows without what the third one added."""
    path, old = folder / "stores" / f"{scope.store_id}.db", folder / "old.db"
    schema = folder / "second"
    schema.mkdir()
    for name in ("0001_initial.sql", "0002_identity.sql"):
        shutil.copy(str(MIGRATIONS / "store" / name), schema)
    create(old)
    connection = connect(old)
    migrate(connection, schema, lambda _: None)
    connection.execute("pragma foreign_keys = off")
    connection.execute(f"attach '{path}' as new")
    for table in ("store", "profile", "identifier", "trait_definition", "trait_group", "trait", "observation", "model"):
        columns = ", ".join(row[0] for row in connection.execute(f"select name from pragma_table_info('{table}')"))
        connection.execute(f"delete from main.{table}")
        connection.execute(f"insert into main.{table} ({columns}) select {columns} from new.{table}")
    connection.execute("delete from main.model where no = 0")
    connection.execute(
        "insert into main.recall_sig select id, occurred_at, model_no, 2, emb, terms from new.recall_sig"
    )
    connection.execute("detach new")
    connection.close()
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    old.rename(path)


async def test_an_earlier_store_is_migrated_recalled_from_and_made_anew(tmp_path: Path, embedder: MiniLM) -> None:
    before = backend(tmp_path, embedder)
    scope = await before.open_store("local", "default")
    made = await before.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    dana = made.profile.profile_id
    await before.add_observations(scope, dana, [NewObservation(content=one) for one in KNOWN])
    await before.close()
    await anyio.to_thread.run_sync(as_second_version, tmp_path, scope)

    after = backend(tmp_path, embedder)
    try:
        assert (await after.get_store(scope)).unembedded_count == len(KNOWN)
        for query, found in ((PETS, KNOWN[1]), (RecallQuery(query="a1042", observations_limit=1), KNOWN[2])):
            recall = await after.recall(scope, dana, query)
            assert [one.item.content for one in recall.observations] == [found]  # its vectors are still good

        assert await after.reembed(scope) == len(KNOWN)
        assert (await after.get_store(scope)).unembedded_count == 0
        full = await after.recall(scope, dana, RecallQuery(query="pets", detail="full"))
        assert all(one.match and one.match.late_interaction is not None for one in full.observations)
    finally:
        await after.close()
