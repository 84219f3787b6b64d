"""What whoever runs a host does with its commands, and what its clients then do over MCP and the API."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio import to_thread
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from mcp_memory import app, settings
from mcp_memory.commands import Console, keys, tenants

from .servers import ANSWER_SECONDS, Home, Http, Json, until
from .test_ends import open_session
from .test_shutdown import BOTH, MODERN

Work = Callable[..., Awaitable[int]]
STORES = "/v1/ControlPlane/Stores"
PHONE = "+13175550142"
DOORS = [("streamable", "legacy"), ("streamable", "2026-07-28"), ("sse", "legacy"), ("sse", "auto")]
"""Transport and era."""


class Operator:
    """Whoever runs the host, with the commands `tenants` and `keys`. They run here, which is another process than the
    server's; `Home.run` would wait for an interpreter each time."""

    def __init__(self, home: Home, *, config: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._given = {"data_dir": str(home.data)} if config is None else {"config": str(config)}
        self._environ = environ or {}

    async def run(self, work: Work, **given: Any) -> str:
        """What it printed. Raises the Error that the command would end with."""
        return await to_thread.run_sync(partial(self._run, work, given))

    def _run(self, work: Work, given: dict[str, Any]) -> str:
        host = app.build_host(settings.load(self._given, self._environ))
        said: list[str] = []

        async def ask() -> int:
            try:
                return await work(host.memory, host.directory, given, Console(say=said.append, tell=said.append))
            finally:
                await host.close()

        assert anyio.run(ask) == 0
        return "\n".join(said)

    async def add(self, name: str, **options: Any) -> None:
        await self.run(tenants.add, name=name, **options)

    async def remove(self, name: str) -> None:
        """With its data."""
        await self.run(tenants.remove, name=name, delete_data=True)

    async def key(self, tenant: str, **options: Any) -> Json:
        made: Json = json.loads(await self.run(keys.create, of_tenant=tenant, json=True, **options))
        return made

    async def token(self, tenant: str, **options: Any) -> str:
        token: str = (await self.key(tenant, **options))["token"]
        return token

    async def rotate(self, key_id: str, **options: Any) -> Json:
        rotated: Json = json.loads(await self.run(keys.rotate, key_id=key_id, json=True, **options))
        return rotated

    async def revoke(self, key_id: str) -> None:
        await self.run(keys.revoke, key_id=key_id)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def asking(http: Http, token: str = "", **options: Any) -> httpx2.AsyncClient:
    """A client of the API, or of whatever is at our address."""
    return httpx2.AsyncClient(base_url=http.address, headers=bearer(token), timeout=ANSWER_SECONDS, **options)


async def status(http: Http, token: str = "", path: str = STORES) -> int:
    async with asking(http, token) as client:
        return (await client.get(path)).status_code


@asynccontextmanager
async def mcp(
    http: Http,
    token: str = "",
    transport: str = "streamable",
    mode: str = "legacy",
    sending: Mapping[str, Any] | None = None,
) -> AsyncIterator[Client]:
    """An MCP client that is connected. `sending`: options of its HTTP client."""
    if transport == "sse":
        target: Any = sse_client(f"{http.address}/sse", headers=bearer(token))
        async with Client(target, mode=mode) as client:
            yield client
        return
    async with asking(http, token, **(sending or {})) as sent:
        target = streamable_http_client(f"{http.address}/mcp", http_client=sent)
        async with Client(target, mode=mode) as client:
            yield client


async def called(client: Client, tool: str, **arguments: Any) -> Json:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found: Json = result.structured_content
    return found


async def remember(client: Client, content: str, phone: str = PHONE) -> str:
    """Returns the id of the customer who said so."""
    made = await called(client, "upsert_traits", traits={"Contact": {"phone": phone}})
    profile_id: str = made["profile_id"]
    await called(client, "add_observation", profile_id=profile_id, observations=[{"content": content}])
    return profile_id


async def recalled(client: Client, phone: str = PHONE) -> str:
    """All that is remembered of a customer; empty where there is no such customer."""
    found = await called(client, "lookup_profile", value=phone)
    if not found["found"]:
        return ""
    read = await client.read_resource(f"memory://profiles/{found['profile_id']}/observations")
    return str(read.contents[0].text)  # type: ignore[union-attr]


async def stores(http: Http, token: str) -> dict[str, str]:
    """The ids of the stores that a credential reaches over the API, by name."""
    async with asking(http, token) as client:
        listed = await client.get(STORES)
        assert listed.status_code == 200, listed.text
        found = {}
        for store_id in listed.json()["stores"]:
            found[(await client.get(f"{STORES}/{store_id}")).json()["displayName"]] = store_id
        return found


async def becomes(condition: Callable[[], Awaitable[object]]) -> None:
    """For what holds within seconds, and no event tells of."""
    with anyio.fail_after(ANSWER_SECONDS):
        while not await condition():  # which asks the server, and so takes its time
            pass


@asynccontextmanager
async def streams(http: Http, token: str = "") -> AsyncIterator[list[httpx2.Response]]:
    """One of each kind, open: of a session over Streamable HTTP, over SSE, and of 2026-07-28."""
    listen = {"notifications": {"resourceSubscriptions": ["memory://store"]}, "_meta": MODERN}
    headers = {**BOTH, "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen"}
    listening = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": listen}
    async with asking(http, token) as client, AsyncExitStack() as stack:
        session = await open_session(client)
        opened = [
            await stack.enter_async_context(client.stream("GET", "/mcp", headers=session)),
            await stack.enter_async_context(client.stream("GET", "/sse")),
            await stack.enter_async_context(client.stream("POST", "/mcp", headers=headers, json=listening)),
        ]
        assert [one.status_code for one in opened] == [200, 200, 200]
        yield opened


async def end(opened: list[httpx2.Response]) -> None:
    """Of all of them, whole or cut. Fails where one stays open."""

    async def read(stream: httpx2.Response) -> None:
        with suppress(httpx2.RemoteProtocolError):
            await stream.aread()

    with anyio.fail_after(ANSWER_SECONDS):
        async with anyio.create_task_group() as tasks:
            for one in opened:
                tasks.start_soon(read, one)


def holding(folder: Path, words: str) -> set[str]:
    """The folders, of those in this one, whose files hold these bytes."""
    found = [
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()
    ]
    return {path.parts[0] for path in found}


def logged(http: Http, pattern: str) -> str:
    """The line of the log that this is in, once it is."""
    until(lambda: re.search(pattern, http.stderr))
    found = re.search(f"^.*{pattern}.*$", http.stderr, flags=re.MULTILINE)
    assert found is not None
    return found[0]
