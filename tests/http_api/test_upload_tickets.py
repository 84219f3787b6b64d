"""Who may bring the file of an import: whoever has its address, in time, and nobody else."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_memory import ids
from mcp_memory.edits import NewStore
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.model import Caller
from tests.doors import anybody, guarded, held_by
from tests.http_api.uploads_server import BASE, GOOD, TENANT, Server, refused, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Server]:
    async with serving(tmp_path / "data", embedder) as server:
        yield server


async def test_where_keys_are_asked_for_the_address_is_enough(server: Server) -> None:
    api = build_api(Front(memory=server.memory, now=server.clock, imports=server.queue))
    app = guarded(api, held_by({"SK1": TENANT}, "a secret of tests"))
    _, url = await server.created(GOOD)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as client:
        brought = await client.put(url, content=GOOD)
        listed = await client.get(server.imports)

    assert brought.status_code == 200
    refused(listed, 401)


async def test_a_server_without_a_place_for_files_announces_none(server: Server) -> None:
    _, url = await server.created(GOOD)
    app = guarded(build_api(Front(memory=server.memory, now=server.clock)), anybody(TENANT))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as client:
        server.client, before = client, server.client
        answers = [await server.asked(100), await client.put(url, content=GOOD)]
        server.client = before

    for answer in answers:
        assert "not taken here" in refused(answer, 400)


Changed = Callable[[Server, list[Any]], list[Any]]


def opened(url: str) -> tuple[str, list[Any]]:
    base, _, ticket = url.rpartition("/")
    return base, json.loads(base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4)))


def closed(base: str, inside: object) -> str:
    return f"{base}/{base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda server, it: ["other", *it[1:]], id="tenant"),
        pytest.param(lambda server, it: [it[0], server.clock.make_id(ids.STORE), *it[2:]], id="store"),
        pytest.param(lambda server, it: [*it[:2], server.clock.make_id(ids.IMPORT), it[3]], id="import"),
        pytest.param(lambda server, it: [*it[:3], it[3][:-1]], id="shorter secret"),
        pytest.param(lambda server, it: [*it[:3], ""], id="no secret"),
    ],
)
async def test_a_ticket_holds_for_nothing_else(server: Server, changed: Changed) -> None:
    import_id, url = await server.created(GOOD)
    base, inside = opened(url)

    answer = await server.client.put(closed(base, changed(server, inside)), content=GOOD)

    assert "holds for no import" in refused(answer, 403)
    assert (await server.shown(import_id))["status"] == "PENDING"
    assert server.left() == []


async def test_the_secret_of_one_import_opens_no_other(server: Server) -> None:
    other_store = await server.memory.create_store(
        Caller(tenant=TENANT), NewStore(display_name="others", description="Customers")
    )
    (_, mine), (theirs, _) = await server.created(GOOD), await server.created(GOOD)
    base, (tenant, store_id, import_id, secret) = opened(mine)

    for inside in ([tenant, store_id, theirs, secret], [tenant, other_store.store_id, import_id, secret]):
        refused(await server.client.put(closed(base, inside), content=GOOD), 403)
    assert (await server.client.put(mine, content=GOOD)).status_code == 200


@pytest.mark.parametrize(
    "inside",
    [
        ["acme", "customers", "mem_import_01kammq7gwf5sb8d9r2hkjx3e4", "x"],
        ["acme", "mem_store_01kammq7gwf5sb8d9r2hkjx3e4", "../../catalog", "x"],
        ["acme", "mem_store_01kammq7gwf5sb8d9r2hkjx3e4", 7, "x"],
        ["\ud800", "mem_store_01kammq7gwf5sb8d9r2hkjx3e4", "mem_import_01kammq7gwf5sb8d9r2hkjx3e4", "x"],
        ["acme", "mem_store_01kammq7gwf5sb8d9r2hkjx3e4", "mem_import_01kammq7gwf5sb8d9r2hkjx3e4", None],
        {},
        None,
        "x" * 5000,
    ],
)
async def test_what_is_no_ticket_is_refused_and_makes_nothing(server: Server, inside: object) -> None:
    answer = await server.client.put(closed("/uploads", inside), content=GOOD)

    assert "create an import" in refused(answer, 400)
    assert server.left() == []


@pytest.mark.parametrize("path", ["/uploads/x", "/uploads/%F0%9F%98%80", "/uploads/AAAA", f"/uploads/{'W' * 3000}"])
async def test_letters_that_are_no_ticket_are_refused(server: Server, path: str) -> None:
    refused(await server.client.put(path, content=GOOD), 400)


async def test_an_address_expires(server: Server) -> None:
    import_id, url = await server.created(GOOD)

    server.clock.pass_(minutes=30)
    in_time = await server.client.put(url, content=GOOD[:-1])
    server.clock.pass_(seconds=1)
    late = await server.client.put(url, content=GOOD)

    refused(in_time, 400)
    assert "expired" in refused(late, 403)
    assert (await server.shown(import_id))["status"] == "PENDING"
