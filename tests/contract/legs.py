"""The managed service as a leg of the contract, twice: its strict fake, and our own HTTP API in process.

On both, a tenant is an account with a key of its own, and its store is there already. What the service lacks, or does
otherwise, is said in `needs`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import httpx2
from fastapi import FastAPI

from mcp_memory.backend import Backend
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.backends.twilio.missing import REASONS
from mcp_memory.embedding import Embedder
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.import_queue import ImportQueue
from mcp_memory.imports import NewUpload
from mcp_memory.model import Scope
from mcp_memory.service import Memory
from mcp_memory.uploads import Uploads
from tests.doors import guarded, held_by
from tests.published.checked import Checked
from tests.published.fake.app import Fake

BASE: Final = "http://memory.test"
SECRET: Final = "only-for-tests"
KEYS: Final = {tenant: f"SK{at:032d}" for at, tenant in enumerate(("acme", "globex", "initech", "other"))}
PROMOTED: Final = ("email", "phone", "whatsapp", "chat")
"""Traits of Contact that identify: the documents show the first two, our people have all of them."""


async def at_once(seconds: float) -> None:
    """Nothing here needs time to pass."""


class Accounts:
    """What a backend of many tenants is here: to each its own backend, with the key of its own account. What a tenant
    asks of another's store is so refused by the service itself, and not by whoever holds the wrong key."""

    LACKS: Final = frozenset(REASONS)

    def __init__(self, app: Any, clock: Any, *, ours: bool) -> None:
        self._app, self._clock, self.ours = app, clock, ours
        self._of: dict[str, TwilioBackend] = {}

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        def call(of: Scope | str, *given: Any, **named: Any) -> Awaitable[Any]:
            tenant = of.tenant if isinstance(of, Scope) else of
            found: Awaitable[Any] = getattr(self._backend(tenant), name)(of, *given, **named)
            return found

        return call

    async def close(self) -> None:
        for one in self._of.values():
            await one.close()

    async def announce(self, scope: Scope, new: NewUpload) -> str:
        """An import, whose file is still to come: the service is asked for it without a backend."""
        mappings = [
            {"columnName": one.column_name, "traitGroup": one.trait_group, "traitName": one.trait_name}
            for one in new.column_mappings
        ]
        body = {"filename": new.filename, "fileSize": new.file_size, "columnMappings": mappings}
        auth = httpx2.BasicAuth(KEYS[scope.tenant], SECRET)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self._app), base_url=BASE, auth=auth) as http:
            answer = await http.post(f"/v1/Stores/{scope.store_id}/Profiles/Imports", json=body)
        return str(answer.raise_for_status().json()["importId"])

    def _backend(self, tenant: str) -> TwilioBackend:
        if tenant not in self._of:
            self._of[tenant] = TwilioBackend(
                BASE,
                KEYS[tenant],
                SECRET,
                tenant=tenant,
                store="default",
                create_store=True,
                region="US",
                timeout=30.0,
                now=self._clock,
                transport=httpx2.ASGITransport(self._app),
                sleep=at_once,
            )
        return self._of[tenant]


@asynccontextmanager
async def managed(folder: Path, embedder: Embedder, clock: Any, **options: Any) -> AsyncIterator[Backend]:
    """The strict fake; every request and answer is held against the published document on its way."""
    fake = Fake(accounts=dict.fromkeys(KEYS.values(), SECRET), now=clock, promoted=PROMOTED)
    accounts = Accounts(Checked(fake), clock, ours=False)
    try:
        yield cast(Backend, accounts)
    finally:
        await accounts.close()


@asynccontextmanager
async def api(folder: Path, embedder: Embedder, clock: Any, **options: Any) -> AsyncIterator[Backend]:
    """Our own server, which remembers in SQLite."""
    sql = SqlBackend(SqliteDatabase(folder), embedder, now=clock, make_id=clock.make_id, region="US", **options)
    memory = Memory(sql, clock)
    with _served(Front(memory=memory, now=clock, imports=_queue(memory, folder))) as app:
        door = guarded(app, held_by({key: tenant for tenant, key in KEYS.items()}, SECRET))
        accounts = Accounts(door, clock, ours=True)
        try:
            yield cast(Backend, accounts)
        finally:
            await accounts.close()
            await memory.close()


def _queue(memory: Memory, folder: Path) -> ImportQueue:
    return ImportQueue(memory, Uploads(folder / "uploads"))


@contextmanager
def _served(front: Front) -> Iterator[FastAPI]:
    """The one app, whose routes take long to make, in front of this memory."""
    app = _app()
    app.state.front = front
    try:
        yield app
    finally:
        app.state.front = None


@cache
def _app() -> FastAPI:
    return build_api(cast(Front, None))
