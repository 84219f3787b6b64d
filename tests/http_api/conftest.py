"""The Memory API in process: one app a module, and for each test accounts that nobody used before.

Where the published document lies beside the repository, every answer is held to it.
"""

from collections.abc import AsyncIterator, Callable
from itertools import count

import httpx2
import pytest
from starlette.types import ASGIApp

from mcp_memory import app as wiring
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.import_queue import ImportQueue
from mcp_memory.service import Memory
from mcp_memory.uploads import Uploads
from tests.doors import guarded, held_by
from tests.http_api.accounts import Account
from tests.published.checked import Checked
from tests.published.document import MEMORY

BASE = "http://memory.test"
SECRET = "only-for-tests"
ACCOUNTS = 400
ALSO = frozenset({408, 409, 413, 415})  # answered though the document lists them nowhere, or not everywhere

OURS = ("/LearningSettings",)  # what only we have

Open = Callable[..., Account]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def memory(tmp_path_factory: pytest.TempPathFactory, embedder: MiniLM) -> AsyncIterator[Memory]:
    database = SqliteDatabase(tmp_path_factory.mktemp("data"))
    backend = SqlBackend(database, embedder, now=wiring.now, make_id=wiring.make_id, region="US")
    memory = Memory(backend, wiring.now)
    try:
        yield memory
    finally:
        await memory.close()


@pytest.fixture(scope="module")
def credentials() -> Authenticator:
    return held_by({f"SK{at}": f"tenant-{at}" for at in range(ACCOUNTS)}, SECRET)


@pytest.fixture(scope="module")
def api(memory: Memory, credentials: Authenticator, tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    queue = ImportQueue(memory, Uploads(tmp_path_factory.mktemp("uploads")))
    return guarded(build_api(Front(memory=memory, now=wiring.now, imports=queue)), credentials)


@pytest.fixture(scope="module")
async def opened(api: ASGIApp) -> AsyncIterator[Open]:
    """Opens an account that is new, or that of another's `like`; on this `app`, if it is another one."""
    clients: list[httpx2.AsyncClient] = []
    numbers = count()

    def open(app: ASGIApp | None = None, *, like: Account | None = None, checked: bool = True) -> Account:
        tenant = like.tenant if like else f"tenant-{next(numbers)}"
        served = app or api
        if checked and MEMORY.exists():
            served = Checked(served, requests=False, also=ALSO, ours=OURS)
        auth = (tenant.replace("tenant-", "SK"), SECRET)
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url=BASE, auth=auth)
        clients.append(client)
        return Account(client, app or api, tenant, like.store_id if like else "")

    yield open
    for client in clients:
        await client.aclose()


@pytest.fixture
async def acme(opened: Open) -> Account:
    """With a store."""
    account = opened()
    await account.settle()
    return account


@pytest.fixture(scope="module")
async def shared(opened: Open) -> Account:
    """For what is refused: no test of a module may leave anything in its store."""
    account = opened()
    await account.settle()
    return account


@pytest.fixture
async def globex(opened: Open) -> Account:
    """Another one, whose store is its own."""
    account = opened()
    await account.settle()
    return account
