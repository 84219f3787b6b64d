"""What fails with us and not with the client: said in the published shape, and without what is inside."""

import gzip
import logging
from pathlib import Path

import anyio
import httpx2
import pytest

from mcp_memory import app as wiring
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Full, Unavailable
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.model import Caller, Store, Upserted
from mcp_memory.service import Memory
from tests.doors import anybody, guarded
from tests.http_api.accounts import Account, note
from tests.http_api.conftest import BASE, Open

pytestmark = pytest.mark.anyio


async def test_a_memory_that_cannot_be_reached_says_when_to_try_again(
    acme: Account, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get_store(caller: Caller) -> Store:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(memory, "get_store", get_store)
    response = await acme.ask("GET", acme.control, 503)

    assert response.headers["retry-after"].isdecimal() and response.json()["code"] == 20503


async def test_a_store_that_is_full_is_not_taken_for_too_many_stores(
    acme: Account, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their codes are of the control plane."""

    async def upsert_traits(caller: Caller, given: object, profile_id: str | None, by: object = None) -> Upserted:
        raise Full("This tenant may keep 2 profiles in a store.")

    monkeypatch.setattr(memory, "upsert_traits", upsert_traits)
    body = {"traits": {"Contact": {"phone": "+13175550142"}}}
    response = await acme.ask("POST", f"{acme.data}/Profiles", 400, json=body)

    assert response.json()["code"] == 20409 and "2 profiles" in response.json()["message"]


async def test_a_bug_is_logged_and_not_told(
    acme: Account, memory: Memory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def get_store(caller: Caller) -> Store:
        raise RuntimeError("SELECT everything")

    monkeypatch.setattr(memory, "get_store", get_store)
    with caplog.at_level(logging.ERROR):
        response = await acme.ask("GET", acme.control, 500)

    assert response.json()["code"] == 20500 and "SELECT" not in response.text
    assert "SELECT everything" in caplog.text and acme.store_id not in caplog.messages[0]


async def test_a_memory_that_is_closed_is_not_reached(tmp_path: Path, embedder: MiniLM) -> None:
    backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=wiring.now, make_id=wiring.make_id, region="US")
    memory = Memory(backend, wiring.now)
    await memory.close()
    api = guarded(build_api(Front(memory=memory, now=wiring.now)), anybody("local"))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url=BASE) as client:
        response = await client.get("/v1/ControlPlane/Stores")

    assert response.status_code == 503 and response.headers["retry-after"]


async def test_of_two_who_saw_the_same_one_may_change_it(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups/Contact"
    etag = (await acme.ask("GET", path)).headers["etag"]
    found: list[int] = []

    async def change(at: int) -> None:
        body = {"description": f"number {at}"}
        found.append((await acme.http.patch(path, json=body, headers={"If-Match": etag})).status_code)

    async with anyio.create_task_group() as tasks:
        for at in range(8):
            tasks.start_soon(change, at)

    assert sorted(found) == [202] + [412] * 7
    assert (await acme.get(path))["traitGroup"]["version"] == 2


async def test_long_answers_come_compressed_to_who_takes_them(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    await acme.write("POST", path, {"observations": [note(f"{at} " + "x" * 3000) for at in range(3)]})
    packed = await acme.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    plain = await acme.ask("GET", path, headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert (
        packed.json() == plain.json() and int(packed.headers["content-length"]) < len(gzip.compress(plain.content)) * 2
    )


async def test_who_has_no_key_where_none_is_asked_for_is_the_one_who_launched_it(
    memory: Memory, opened: Open, acme: Account
) -> None:
    api = guarded(build_api(Front(memory=memory, now=wiring.now)), anybody(acme.tenant))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url=BASE) as client:
        assert (await client.get(acme.control)).status_code == 200
