"""The composition root: the one file that knows every concrete class."""

import os
from datetime import UTC, datetime

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.settings import Settings


def now() -> datetime:
    return datetime.now(UTC)


def make_id(prefix: str) -> str:
    return ids.new_id(prefix, now(), os.urandom(10))


def build_memory(settings: Settings) -> Memory:
    """Touches neither disk nor model before the first call."""
    backend: Backend = SqlBackend(
        SqliteDatabase(settings.data_dir), MiniLM(), now=now, make_id=make_id, region=settings.region
    )
    return Memory(backend, now)


def local_caller(settings: Settings) -> Caller:
    """Over stdio, and on loopback without authentication, whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
