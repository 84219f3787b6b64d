from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from tests.contract.conftest import Clock


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
