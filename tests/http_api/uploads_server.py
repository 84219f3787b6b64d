"""The API in process with a folder for uploads, and the queue beside it, which works when it is told to."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from mcp_memory import ids
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.edits import NewStore
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.import_queue import ImportQueue
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.uploads import Uploads
from tests.doors import anybody, guarded

Json = dict[str, Any]
TENANT = "acme"
BASE = "http://localhost:8765"
PHONE, CITY = ("Phone", "Contact", "phone"), ("City", "Contact", "city")
GOOD = b"Phone,City\n+13175550142,Gary\n+13175550143,Peru\n"


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def make_id(self, prefix: str) -> str:
        return ids.new_id(prefix, self.time, os.urandom(10))

    def pass_(self, **duration: float) -> None:
        self.time += timedelta(**duration)


@dataclass(kw_only=True)
class Server:
    api: ASGIApp
    memory: Memory
    queue: ImportQueue
    client: httpx2.AsyncClient
    clock: Clock
    folder: Path
    store_id: str

    @property
    def caller(self) -> Caller:
        return Caller(tenant=TENANT, store=self.store_id)

    @property
    def imports(self) -> str:
        return f"/v1/Stores/{self.store_id}/Profiles/Imports"

    async def asked(self, size: int, *mappings: tuple[str, str, str], **more: Any) -> httpx2.Response:
        body = {
            "filename": "customers.csv",
            "fileSize": size,
            "columnMappings": [
                {"columnName": column, "traitGroup": group, "traitName": name}
                for column, group, name in mappings or (PHONE, CITY)
            ],
            **more,
        }
        return await self.client.post(self.imports, json=body)

    async def created(self, content: bytes, *mappings: tuple[str, str, str]) -> tuple[str, str]:
        """Its id, and where the file goes."""
        response = await self.asked(len(content), *mappings)
        assert response.status_code == 201, response.text
        return response.json()["importId"], response.json()["url"]

    async def imported(self, content: bytes, *mappings: tuple[str, str, str]) -> str:
        """To its end, whatever that is. Returns its id."""
        import_id, url = await self.created(content, *mappings)
        response = await self.client.put(url, content=content)
        assert response.status_code == 200, response.text
        await self.queue.sweep()
        return import_id

    async def shown(self, import_id: str) -> Json:
        response = await self.client.get(f"{self.imports}/{import_id}")
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def remarks(self, import_id: str, **query: Any) -> Json:
        response = await self.client.get(f"{self.imports}/{import_id}/Remarks", params=query)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def traits(self, phone: str) -> Json | None:
        found = (await self.memory.lookup_profile(self.caller, phone, "phone")).profile
        return None if found is None else dict(found.traits["Contact"])

    async def count(self) -> int:
        return (await self.memory.get_store(self.caller)).profile_count or 0

    def left(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()] if self.folder.exists() else []


@asynccontextmanager
async def serving(data: Path, embedder: MiniLM) -> AsyncIterator[Server]:
    clock = Clock()
    backend = SqlBackend(SqliteDatabase(data), embedder, now=clock, make_id=clock.make_id, region="US")
    memory = Memory(backend, clock)
    queue = ImportQueue(memory, Uploads(data / "uploads"))
    api = guarded(build_api(Front(memory=memory, now=clock, imports=queue)), anybody(TENANT))
    try:
        store = await memory.create_store(
            Caller(tenant=TENANT), NewStore(display_name="customers", description="Customers")
        )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url=BASE) as client:
            yield Server(
                api=api,
                memory=memory,
                queue=queue,
                client=client,
                clock=clock,
                folder=data / "uploads",
                store_id=store.store_id,
            )
    finally:
        await memory.close()


def refused(response: httpx2.Response, status: int) -> str:
    """What it says, in the published shape."""
    body = response.json()
    assert response.status_code == status, response.text
    assert set(body) == {"code", "message", "more_info", "status"} and body["status"] == status
    return str(body["message"])


def lines(rows: Sequence[Sequence[str]], header: Sequence[str] = ("Phone", "City")) -> bytes:
    return "".join(",".join(row) + "\n" for row in (header, *rows)).encode()
