"""What was said before others could have their say in a conversation is there after, with all that hangs on it."""

import shutil
from pathlib import Path

import anyio.to_thread
import pytest

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS, SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import NewMessage, RecallQuery, Scope

pytestmark = pytest.mark.anyio

SAID = ("I live in Porto.", "My order B-2077 arrived damaged.", "Thank you.")
EIGHTH = 8
COPIED = ("store", "profile", "identifier", "trait_definition", "trait_group", "trait", "model", "conversation")
QUERY = RecallQuery(query="damaged order", communications_limit=3, observations_limit=0)


def backend(folder: Path, embedder: MiniLM) -> SqlBackend:
    return SqlBackend(SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region="US")


def as_eighth_version(folder: Path, scope: Scope) -> None:
    """The store, copied into a file of that version: its rows without what was added since."""
    path, old, schema = folder / "stores" / f"{scope.store_id}.db", folder / "old.db", folder / "eighth"
    schema.mkdir()
    for entry in sorted((MIGRATIONS / "store").iterdir(), key=lambda one: one.name)[:EIGHTH]:
        shutil.copy(str(entry), schema)
    create(old)
    connection = connect(old)
    migrate(connection, schema, lambda _: None)
    connection.execute("pragma foreign_keys = off")
    connection.execute(f"attach '{path}' as new")
    for table in (*COPIED, "communication", "recall_sig", "recall_tokens"):
        columns = ", ".join(row[0] for row in connection.execute(f"select name from pragma_table_info('{table}')"))
        connection.execute(f"delete from main.{table}")
        connection.execute(f"insert into main.{table} ({columns}) select {columns} from new.{table}")
    connection.execute("detach new")
    connection.close()
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    old.rename(path)


async def test_an_earlier_store_keeps_its_messages_and_takes_new_ones(tmp_path: Path, embedder: MiniLM) -> None:
    before = backend(tmp_path, embedder)
    scope = await before.open_store("local", "default")
    dana = (await before.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id
    messages = [NewMessage(text=one, role="customer", message_id=one) for one in SAID]
    await before.record_messages(scope, dana, "c-1", messages)
    ranked, listed = await before.recall(scope, dana, QUERY), await before.list_communications(scope, dana, "c-1", 9)
    await before.close()
    await anyio.to_thread.run_sync(as_eighth_version, tmp_path, scope)

    after = backend(tmp_path, embedder)
    assert await after.list_communications(scope, dana, "c-1", 9) == listed
    assert (await after.recall(scope, dana, QUERY)).communications == ranked.communications
    added = await after.record_messages(
        scope, dana, "c-1", [*messages, NewMessage(text="Wait.", role="other", message_id="4")]
    )
    assert [one.outcome for one in added.receipts] == ["duplicate"] * 3 + ["added"]
    await after.close()
