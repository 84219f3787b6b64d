"""What the contract runs on: each leg is a backend on a store of its own."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding import Embedder
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Scope
from tests.contract import legs, needs

MONDAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.time = MONDAY

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **duration: float) -> None:
        self.time += timedelta(**duration)

    def make_id(self, prefix: str) -> str:
        return ids.new_id(prefix, self.time, os.urandom(10))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def sqlite(folder: Path, embedder: Embedder, clock: Clock, **options: Any) -> AsyncIterator[Backend]:
    backend = SqlBackend(SqliteDatabase(folder), embedder, now=clock, make_id=clock.make_id, region="US", **options)
    try:
        yield backend
    finally:
        await backend.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a leg lacks is expected to fail there, as `needs` says; files about nothing it offers are left out."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        leg = leg_of(item)
        module = item.path.stem.removeprefix("test_")
        (kept if leg is None or module in needs.RUN else left_out).append(item)
        lack = None if leg is None else needs.lacks(leg, module, getattr(item, "originalname", item.name))
        if lack is not None:
            item.add_marker(pytest.mark.xfail(raises=lack.raises, strict=lack.strict, reason=lack.reason))
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def leg_of(item: pytest.Item) -> str | None:
    """None for SQL, which lacks nothing, and for tests without legs."""
    opened = getattr(getattr(item, "callspec", None), "params", {}).get("opened")
    return opened.__name__ if opened in (legs.managed, legs.api) else None


Opened = Callable[..., AbstractAsyncContextManager[Backend]]


@pytest.fixture(
    params=[
        pytest.param(sqlite, id="sqlite"),
        pytest.param(legs.managed, id="managed"),
        pytest.param(legs.api, id="api"),
    ]
)
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Opened:
    """The same stores, opened again with an embedder, and whatever else a backend takes."""
    return partial(_opened, request.param, tmp_path, clock)


def _opened(
    leg: Callable[..., AbstractAsyncContextManager[Backend]],
    folder: Path,
    clock: Clock,
    embedder: Embedder,
    **options: Any,
) -> AbstractAsyncContextManager[Backend]:
    return leg(folder, embedder, clock, **options)


@pytest.fixture
async def backend(opened: Opened, embedder: MiniLM) -> AsyncIterator[Backend]:
    async with opened(embedder) as backend:
        yield backend


@pytest.fixture
async def scope(backend: Backend) -> Scope:
    return await backend.open_store("acme", "default")
