"""The memory as `mcp_memory/app.py` wires it, but with a model that is loaded once for all that is measured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.settings import Settings


def backend(folder: Path, model: MiniLM, **options: Any) -> SqlBackend:
    """`options`: what else SqlBackend takes, such as its weights."""
    database, region = SqliteDatabase(folder), Settings(data_dir=folder).region
    return SqlBackend(database, model, now=app.now, make_id=app.make_id, region=region, **options)


@asynccontextmanager
async def opened(folder: Path, model: MiniLM, **options: Any) -> AsyncIterator[tuple[Memory, Caller]]:
    memory = Memory(backend(folder, model, **options), app.now)
    try:
        yield memory, app.local_caller(Settings(data_dir=folder))
    finally:
        await memory.close()


async def new_profile(memory: Memory, caller: Caller, name: str) -> str:
    """The id of a profile of its own for each name."""
    made = await memory.upsert_traits(caller, {"Contact": {"email": f"{name}@example.com"}}, None)
    return made.profile.profile_id
