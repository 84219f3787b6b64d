"""Doctor looks and does not touch."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.doctor import examine
from mcp_memory.settings import Settings
from tests.sqlite.test_database import DANA, MONDAY, add_store
from tests.unit.endpoints import serving


def content(folder: Path) -> dict[str, str]:
    """Of all files but -shm, which every reader writes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def bad(folder: Path) -> list[str]:
    return [f"{finding.what}: {finding.seen}" for finding in examine(Settings(data_dir=folder)) if not finding.ok]


@pytest.mark.parametrize("damaged", [False, True])
def test_doctor_leaves_a_store_and_its_wal_as_they_are(tmp_path: Path, damaged: bool) -> None:
    database = SqliteDatabase(tmp_path / "living")
    scope = add_store(database, "acme", 1)
    database.write(scope, lambda tx: tx.insert_profile(DANA, MONDAY))
    left = tmp_path / "left"  # as kill -9 leaves it: with a WAL
    (left / "stores").mkdir(parents=True)
    for path in (tmp_path / "living").rglob("*.db*"):
        if not path.name.endswith("-shm"):
            (left / path.relative_to(tmp_path / "living")).write_bytes(path.read_bytes())
    database.close()
    if damaged:
        with (left / "stores" / f"{scope.store_id}.db-wal").open("r+b") as wal:
            wal.seek(4200)
            wal.write(os.urandom(3000))
        (left / "stores" / f"{scope.store_id}.db").write_bytes(b"no database" * 500)
    before = content(left)

    found = bad(left)

    assert content(left) == before and any(name.endswith("-wal") for name in before)
    assert bool(found) == damaged


@pytest.mark.parametrize("folder", ["/" + "x" * 5000, "file/below"])
def test_doctor_reports_a_folder_that_cannot_be_there(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    assert any(line.startswith("data folder: ") for line in bad(tmp_path / folder))


def test_doctor_tries_the_model_that_is_set(tmp_path: Path) -> None:
    nobody = Settings(
        data_dir=tmp_path, embedder="endpoint", embedding_url="http://127.0.0.1:9/v1", embedding_model="m"
    )

    (found,) = [finding for finding in examine(nobody) if finding.what == "model"]
    assert not found.ok and "by words alone" in found.advice

    with serving() as api:
        (found,) = [finding for finding in examine(replace(nobody, embedding_url=api.url)) if finding.what == "model"]
    assert found.ok and "by the endpoint" in found.seen
