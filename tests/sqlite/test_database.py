"""A folder of files: which store is in which, and whose it is."""

import shutil
import stat
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.backends.sql.memory_rows import NewItem, Signature
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.sqlite.keys import from_micros, key, key_range, to_micros
from mcp_memory.doctor import examine
from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.ids import OBSERVATION, PROFILE, STORE, from_bytes
from mcp_memory.model import Observation, Scope, Store
from mcp_memory.settings import Settings

MONDAY = datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)
DANA = from_bytes(PROFILE, bytes(16))


def add_store(database: SqliteDatabase, tenant: str, number: int, name: str = "default") -> Scope:
    store = Store(
        store_id=from_bytes(STORE, bytes(15) + bytes([number])),
        display_name=name,
        created_at=MONDAY,
        undeclared_traits="declare",
    )
    database.write_catalog(lambda catalog: catalog.insert_store(tenant, store))
    return Scope(tenant=tenant, store_id=store.store_id)


def test_nothing_is_touched_before_the_first_use(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path / "data").close()

    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_the_data_is_for_its_owners_eyes(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "data")
    database.read(add_store(database, "acme", 1), lambda tx: tx.count_profiles())
    database.close()

    for path in (tmp_path / "data").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_each_store_is_a_file(database: SqliteDatabase, tmp_path: Path) -> None:
    scopes = [add_store(database, "acme", 1), add_store(database, "globex", 2)]
    for scope in scopes:
        database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))

    assert {path.stem for path in (tmp_path / "stores").glob("*.db")} == {scope.store_id for scope in scopes}


@pytest.mark.parametrize(("tenant", "name"), [("globex", "default"), ("acme", "staging")])
def test_a_file_put_in_anothers_place_is_refused(
    database: SqliteDatabase, tmp_path: Path, tenant: str, name: str
) -> None:
    mine, other = add_store(database, "acme", 1), add_store(database, tenant, 2, name)
    database.write(other, lambda tx: tx.insert_profile(DANA, MONDAY))
    database.close()
    stores = tmp_path / "stores"
    shutil.copy(stores / f"{other.store_id}.db", stores / f"{mine.store_id}.db")

    database = SqliteDatabase(tmp_path)
    with pytest.raises(Unavailable, match="belongs to another store"):
        database.read(mine, lambda tx: tx.find_profile(DANA))
    database.close()


def test_a_closed_database_opens_nothing_more(database: SqliteDatabase) -> None:
    scope = add_store(database, "acme", 1)
    database.close()

    with pytest.raises(Unavailable, match="closing"):
        database.read(scope, lambda tx: tx.count_profiles())


def test_a_store_whose_file_is_gone_is_not_taken_for_an_empty_one(database: SqliteDatabase, tmp_path: Path) -> None:
    scope = add_store(database, "acme", 1)
    database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    database.close()
    database = SqliteDatabase(tmp_path)
    (tmp_path / "stores" / f"{scope.store_id}.db").rename(tmp_path / "elsewhere")

    with pytest.raises(Unavailable, match="The store's file is missing"):
        database.read(scope, lambda tx: tx.count_profiles())
    findings = [finding for finding in examine(Settings(data_dir=tmp_path)) if not finding.ok]
    assert [finding.what for finding in findings] == ["store file"] and "is missing" in findings[0].seen

    (tmp_path / "stores" / f"{scope.store_id}.db").touch()
    with pytest.raises(Unavailable, match="The store's file is missing"):
        database.read(scope, lambda tx: tx.count_profiles())

    (tmp_path / "elsewhere").replace(tmp_path / "stores" / f"{scope.store_id}.db")
    assert database.read(scope, lambda tx: tx.count_profiles()) == 1
    database.close()


def test_a_data_folder_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    with pytest.raises(Unavailable, match="doctor"):
        SqliteDatabase(tmp_path / "file" / "data").read_catalog(lambda catalog: catalog.find_store("acme", "default"))


def test_a_full_profile_takes_no_more(database: SqliteDatabase) -> None:
    scope = add_store(database, "acme", 1)
    database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    database._use(scope, lambda file: file._writer.execute("update profile set next_seq = (1 << 20) - 1").fetchall())

    def add(number: int) -> None:
        signature = Signature(model_id="m", recipe=1, vectors=np.ones((1, 4), dtype=np.float32), terms=[[1]])
        item = Observation(
            id=from_bytes(OBSERVATION, bytes([number] * 16)),
            content="x",
            source="agent",
            occurred_at=MONDAY,
            created_at=MONDAY,
            updated_at=MONDAY,
        )
        new = NewItem(item=item, digest=bytes([number]), signature=signature)
        database.write(scope, lambda tx: tx.insert_observations(DANA, [new]))

    add(1)
    with pytest.raises(Invalid, match="The profile is full"):
        add(2)
    row = database.read(scope, lambda tx: tx.find_profile(DANA))
    assert row is not None and row.observation_count == 1


def test_times_and_keys_are_packed_without_loss_or_overlap() -> None:
    assert from_micros(to_micros(MONDAY)) == MONDAY
    ranges = [key_range(no, kind) for no in (1, 2) for kind in ("observation", "summary")]
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    assert ranges[1][0] == key(1, "summary", 0)
