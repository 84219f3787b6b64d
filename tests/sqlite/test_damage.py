"""Vectors that were damaged on disk: recall goes on without them, doctor says so, and they can be made anew."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import apsw
import pytest

from mcp_memory import app, ids
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite import packing
from mcp_memory.backends.sql.sqlite.connection import connect, create, migrate
from mcp_memory.backends.sql.sqlite.database import MIGRATIONS, SqliteDatabase
from mcp_memory.backends.sql.sqlite.rows import QUERIES
from mcp_memory.doctor import examine
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import NewObservation, RecallQuery, Scope
from mcp_memory.settings import Settings

pytestmark = pytest.mark.anyio

KNOWN = ("Is allergic to peanuts.", "Has a golden retriever called Biscuit.", "Order A-1042 arrived broken.")
NOISE = random.Random(1).randbytes
PETS = RecallQuery(query="Do they own any pets?", detail="full")


def backend(folder: Path, embedder: MiniLM) -> SqlBackend:
    return SqlBackend(SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region="US")


@pytest.fixture
async def dana(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[tuple[Scope, str]]:
    memory = backend(tmp_path, embedder)
    scope = await memory.open_store("local", "default")
    made = await memory.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    await memory.add_observations(scope, made.profile.profile_id, [NewObservation(content=one) for one in KNOWN])
    await memory.close()
    yield scope, made.profile.profile_id


def write_over(folder: Path, scope: Scope, column: str, blob: bytes) -> None:
    """In place of the second item's."""
    connection = apsw.Connection(str(folder / "stores" / f"{scope.store_id}.db"))
    table, key = ("recall_tokens", "vectors") if column == "vectors" else ("recall_sig", column)
    connection.execute(
        f"update {table} set {key} = ? where id = (select id from {table} order by id limit 1 offset 1)", (blob,)
    )
    connection.close()


async def bad(folder: Path) -> list[str]:
    findings = await anyio.to_thread.run_sync(examine, Settings(data_dir=folder))
    return [finding.seen for finding in findings if not finding.ok]


@pytest.mark.parametrize(
    ("column", "blob"),
    [
        ("emb", b""),
        ("emb", b"\0" * 388),
        ("emb", b"\xff" * 388),
        ("emb", NOISE(388)),
        ("emb", NOISE(100)),
        ("emb", NOISE(5000)),
        ("terms", b""),
        ("terms", b"abc"),
        ("terms", NOISE(64) + b"\x01"),
        ("tokens", b""),
        ("tokens", b"abc"),
        ("tokens", b"\0\0" * 7),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
async def test_recall_goes_on_and_doctor_reports_and_they_are_made_anew(
    tmp_path: Path, embedder: MiniLM, dana: tuple[Scope, str], column: str, blob: bytes
) -> None:
    scope, profile_id = dana
    assert await bad(tmp_path) == []
    write_over(tmp_path, scope, column, blob)

    assert [seen.split(": ")[1] for seen in await bad(tmp_path)] == ["1 items have damaged ones"]
    memory = backend(tmp_path, embedder)
    recall = await memory.recall(scope, profile_id, PETS)
    assert {one.item.content for one in recall.observations} == set(KNOWN)
    assert (await memory.recall(scope, profile_id, RecallQuery(query="A-1042"))).observations[0].item.content == KNOWN[
        2
    ]

    assert await memory.mend(scope) == 1
    assert await memory.reembed(scope) == 1
    recall = await memory.recall(scope, profile_id, PETS)
    assert recall.observations[0].item.content == KNOWN[1]
    await memory.close()
    assert await bad(tmp_path) == []


@pytest.mark.parametrize("blob", [b"", b"\xff" * 388, NOISE(100)])
async def test_token_vectors_that_are_damaged_are_left_out(
    tmp_path: Path, embedder: MiniLM, dana: tuple[Scope, str], blob: bytes
) -> None:
    scope, profile_id = dana
    write_over(tmp_path, scope, "vectors", blob)

    memory = backend(tmp_path, embedder)
    recall = await memory.recall(scope, profile_id, PETS)
    await memory.close()

    matches = {one.item.content: one.match for one in recall.observations}
    assert recall.observations[0].item.content == KNOWN[1]
    assert [content for content, match in matches.items() if match and match.late_interaction is None] == [KNOWN[1]]


async def test_others_write_while_damage_is_looked_for(
    tmp_path: Path, embedder: MiniLM, dana: tuple[Scope, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, _ = dana
    memory, other, examined = backend(tmp_path, embedder), SqliteDatabase(tmp_path), packing.damaged

    def meanwhile(*given: Any) -> list[int]:
        other.write(scope, lambda tx: tx.insert_profile(app.make_id(ids.PROFILE), app.now()))
        return examined(*given)

    monkeypatch.setattr(packing, "damaged", meanwhile)
    with anyio.fail_after(5):
        assert await memory.mend(scope) == 0
    assert (await memory.get_store(scope)).profile_count == 2
    await anyio.to_thread.run_sync(other.close)
    await memory.close()


@pytest.mark.parametrize("query", ["stale", "count_stale", "signatures_of"])
def test_what_is_stale_or_damaged_is_found_without_sorting_all(query: str, tmp_path: Path) -> None:
    connection = connect_to_new(tmp_path / "store.db")
    values = {"model_no": 1, "recipe": 7, "limit": 50, "after": 0}

    plan = [str(row[3]) for row in connection.execute("explain query plan " + QUERIES[query], values)]
    connection.close()

    assert not any("TEMP B-TREE" in step or step.startswith("SCAN recall_sig") for step in plan), plan


def connect_to_new(path: Path) -> apsw.Connection:
    create(path)
    connection = connect(path)
    migrate(connection, MIGRATIONS / "store", lambda _: None)
    return connection
