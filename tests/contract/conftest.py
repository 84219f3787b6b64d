"""What the contract runs on: each leg is a backend on a store of its own."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
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
from mcp_memory.imports import NewUpload
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


ON_TRIO = {"conversations", "memories", "models", "room", "tenants"}
"""Files whose calls wait, run side by side, or are cancelled. `test_house` holds the rest to anyio."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a leg lacks must fail there, as `needs` says. One event loop is enough for what speaks HTTP."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        if item.path.parent != Path(__file__).parent:
            kept.append(item)
            continue
        leg, module = leg_of(item), item.path.stem.removeprefix("test_")
        loop = getattr(getattr(item, "callspec", None), "params", {}).get("anyio_backend", "asyncio")
        if leg is None:
            (kept if loop == "asyncio" or module in ON_TRIO else left_out).append(item)
            continue
        runs = module not in needs.LEFT_OUT and loop == "asyncio"
        (kept if runs else left_out).append(item)
        lack = needs.lack(leg, module, *names(item))
        if lack is not None:
            item.add_marker(lack.mark())
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def names(item: pytest.Item) -> tuple[str, str]:
    """Of the test, and of its case: what it is given beside the leg and the loop."""
    name = str(getattr(item, "originalname", item.name))
    case = item.name.removeprefix(name).strip("[]").split("-")
    return name, "-".join(part for part in case if part not in ("asyncio", "trio", "managed", "api"))


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
def lacking(backend: Backend) -> frozenset[str]:
    """The calls that the backend says it does not offer."""
    return backend.LACKS if isinstance(backend, legs.Accounts) else frozenset()


Announce = Callable[[Scope, NewUpload], Awaitable[str]]


@pytest.fixture
def announce(backend: Backend) -> Announce:
    """An import whose file is still to come, by its id: at a service it is asked for without a backend."""
    if isinstance(backend, legs.Accounts):
        return backend.announce

    async def announce(scope: Scope, new: NewUpload) -> str:
        return (await backend.create_import(scope, new)).import_id

    return announce


@pytest.fixture
def tells_the_first(backend: Backend) -> bool:
    """Whether of several who ask at once one alone is told that it came first. From outside that can't be seen: our
    own server says so in a header."""
    return not isinstance(backend, legs.Accounts) or backend.ours


@pytest.fixture
async def scope(backend: Backend) -> Scope:
    return await backend.open_store("acme", "default")
