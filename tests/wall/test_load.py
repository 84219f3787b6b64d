"""Two tenants at one `serve`, both busy, one of them hostile: the other notices nothing, and nothing goes across."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.process.servers import Home, Http, http_server, make_home

pytestmark = pytest.mark.anyio

WAYS = ("modern", "legacy", "sse")
OBSERVED = 8  # by each way, each with a recall after it
WRITTEN = 30  # over the API, each read back
ROUNDS = 8  # of each attack
SECONDS = 90.0  # bounds it all; on a machine with nothing else to do it takes ten
SECRET = "a-secret-of-tests-"
TENANT = """
[[tenants.{name}.keys]]
id = "{name}"
secret = "{secret}{name}"
"""
CANARY = "canary-7f3a91"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
GARBAGE = [b"", b"{", b"[" * 3000, b"\xff\xfe", b"null", b'{"jsonrpc":"2.0"}', b"x" * 70_000]


@dataclass
class Party:
    address: str
    key: str
    done: int = 0
    seen: list[str] = field(default_factory=list)
    """Whatever it was answered."""

    def http(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.key}"}
        limits = httpx2.Limits(max_connections=20)
        return httpx2.AsyncClient(base_url=self.address, headers=headers, timeout=SECONDS, limits=limits)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("load") / "machine")


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Http]:
    """Of two tenants, each with a key of every right."""
    config = home.root / "config.toml"
    config.write_text("".join(TENANT.format(name=name, secret=SECRET) for name in ("quiet", "hostile")))
    with http_server(home, {"MCP_MEMORY_CONFIG": str(config)}) as http:
        yield http


def connected(party: Party, http: httpx2.AsyncClient, way: str) -> Client:
    if way == "sse":
        headers = {"authorization": f"Bearer {party.key}"}
        return Client(sse_client(f"{party.address}/sse", headers=headers), mode="legacy")
    transport = streamable_http_client(f"{party.address}/mcp", http_client=http)
    return Client(transport, mode="legacy" if way == "legacy" else "auto")


async def test_the_other_tenant_notices_nothing_of_a_hostile_one(server: Http) -> None:
    quiet, hostile = (Party(server.address, f"{name}.{SECRET}{name}") for name in ("quiet", "hostile"))
    with anyio.fail_after(SECONDS):
        their = await settled(quiet)
        async with anyio.create_task_group() as busy:
            for attack in ATTACKS:
                busy.start_soon(attacks, attack, hostile, their)
            for way in WAYS:
                busy.start_soon(works, quiet, way)
            busy.start_soon(works_over_http, quiet, their)

    assert quiet.done >= 100 and hostile.done == ROUNDS * len(ATTACKS)
    assert not [one for one in hostile.seen if CANARY in one]
    assert "Traceback" not in server.stderr
    async with hostile.http() as http:
        for store_id in (await http.get("/v1/ControlPlane/Stores")).json()["stores"]:
            assert store_id != their["store"]


async def attacks(attack: Callable[..., Awaitable[None]], hostile: Party, their: dict[str, str]) -> None:
    async with hostile.http() as http:
        for _ in range(ROUNDS):
            await attack(hostile, http, their)
            hostile.done += 1


# Who works


async def settled(quiet: Party) -> dict[str, str]:
    async with quiet.http() as http, connected(quiet, http, "modern") as client:
        made = await tool(client, "upsert_traits", traits={"Contact": {"phone": "+13175550142", "firstName": CANARY}})
        opened = await http.post("/mcp", headers=ACCEPT, json=GREETING)
        store = (await http.get("/v1/ControlPlane/Stores")).json()["stores"][0]
        session = opened.headers["mcp-session-id"]
        return {"profile": made["profile_id"], "store": store, "session": session}


async def works(quiet: Party, way: str) -> None:
    """All that it wrote is there at each moment, and nothing else."""
    async with quiet.http() as http, connected(quiet, http, way) as client:
        made = await tool(client, "upsert_traits", traits={"Contact": {"chat": f"of-{way}"}})
        wrote: set[str] = set()
        for at in range(OBSERVED):
            content = f"{CANARY} {way} {at}"
            about = {"profile_id": made["profile_id"]}
            added = await tool(client, "add_observation", observations=[{"content": content}], **about)
            assert added["observations"][0]["outcome"] == "added"
            wrote.add(content)
            found = await tool(client, "recall", observations_limit=20, **about)
            assert {one["content"] for one in found["observations"]} == wrote
            quiet.done += 2


async def works_over_http(quiet: Party, their: dict[str, str]) -> None:
    async with quiet.http() as http:
        people = f"/v1/Stores/{their['store']}/Profiles"
        for at in range(WRITTEN):
            email = f"person-{at}@example.com"
            sent = {"traits": {"Contact": {"email": email, "firstName": f"{CANARY} {at}"}}}
            made = await http.post(people, json=sent)
            assert made.status_code == 202, made.text
            read = await http.get(f"{people}/{made.json()['id']}")
            assert read.status_code == 200 and read.json()["traits"]["Contact"] == sent["traits"]["Contact"]
            quiet.done += 2


async def tool(client: Client, name: str, **arguments: Any) -> Any:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    return result.structured_content


# Who attacks

GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "load", "version": "0"}},
}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


async def floods(hostile: Party, http: httpx2.AsyncClient, their: dict[str, str]) -> None:
    async def once() -> None:
        hostile.seen.append((await http.post("/mcp", headers=ACCEPT, json=LIST)).text)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(once)


async def garbles(hostile: Party, http: httpx2.AsyncClient, their: dict[str, str]) -> None:
    for body in GARBAGE:
        for path in ("/mcp", "/messages/?session_id=x", f"/v1/Stores/{their['store']}/Profiles"):
            answer = await http.post(path, content=body, headers=ACCEPT)
            assert 400 <= answer.status_code < 500, answer.text
            hostile.seen.append(answer.text)


async def tries_ids(hostile: Party, http: httpx2.AsyncClient, their: dict[str, str]) -> None:
    people = f"/v1/Stores/{their['store']}/Profiles"
    for path in (people, f"{people}/{their['profile']}", f"{people}/{their['profile']}/Observations"):
        answers = [await http.get(path), await http.delete(path), await http.post(path, json={})]
        assert {one.status_code for one in answers} <= {400, 404, 405}, [one.text for one in answers]
        hostile.seen += [one.text for one in answers]
    async with connected(hostile, http, "modern") as client:
        for name in ("lookup_profile", "recall"):
            hostile.seen.append(str(await client.call_tool(name, {"profile_id": their["profile"]})))


async def tries_sessions(hostile: Party, http: httpx2.AsyncClient, their: dict[str, str]) -> None:
    headers = {**ACCEPT, "mcp-session-id": their["session"]}
    answers = [
        await http.post("/mcp", headers=headers, json=LIST),
        await http.get("/mcp", headers=headers),
        await http.delete("/mcp", headers=headers),
    ]
    assert {one.status_code for one in answers} == {404}
    hostile.seen += [one.text for one in answers]


ATTACKS = (floods, garbles, tries_ids, tries_sessions)
