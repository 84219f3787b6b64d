from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.backends.sql.sqlite.database import SqliteDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path)
    yield database
    database.close()
