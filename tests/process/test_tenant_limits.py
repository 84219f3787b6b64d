"""How much a tenant may ask: the API answers 429, and a model reads when to try again."""

from collections.abc import Iterator
from contextlib import AsyncExitStack

import anyio
import httpx2
import pytest

from mcp_memory.commands import tenants

from .servers import Home, Http, http_server, make_home
from .tenants import DOORS, STORES, Operator, asking, mcp, remember, status
from .test_ends import open_session
from .test_shutdown import busy

pytestmark = pytest.mark.anyio

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "0"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}
LOOKUP = {"value": "+13175550142"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("limits") / "machine")


@pytest.fixture(scope="module")
def operator(machine: Home) -> Operator:
    return Operator(machine)


@pytest.fixture(scope="module")
def host(machine: Home, operator: Operator) -> Iterator[Http]:
    with http_server(machine, {"MCP_MEMORY_AUTHENTICATION": "on"}) as http:
        yield http


@pytest.mark.parametrize(("transport", "mode"), DOORS)
async def test_a_model_that_asks_too_often_reads_when_to_try_again(
    host: Http, operator: Operator, transport: str, mode: str
) -> None:
    name = f"eager-{transport}-{mode}"
    await operator.add(name)
    await operator.add(f"{name}-neighbour")
    token, neighbour = await operator.token(name), await operator.token(f"{name}-neighbour")
    async with mcp(host, token, transport, mode) as client:
        assert not (await client.call_tool("lookup_profile", LOOKUP)).is_error
        await operator.run(tenants.change, name=name, limit=["requests_per_minute=1"])
        told = [await client.call_tool("lookup_profile", LOOKUP) for _ in range(2)]
        async with asking(host, token) as api:
            refused = await api.get(STORES)

    assert told[1].is_error
    text = str(told[1].content)
    assert "limited" in text and "More than 1 requests a minute: try again in " in text
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert await status(host, neighbour) == 200
    await operator.run(tenants.change, name=name, limit=["requests_per_minute=none"])
    assert await status(host, token) == 200


async def test_of_requests_at_once_those_past_the_limit_are_told_so_and_room_is_made_again(home: Home) -> None:
    operator = Operator(home)
    await operator.add("busy", limit=["concurrent_requests=1"])
    token = await operator.token("busy")
    with http_server(home) as http:
        async with mcp(http, token, mode="2026-07-28") as client, asking(http, token) as api:
            await remember(client, "Is there")
            (store_id,) = (await api.get(STORES)).json()["stores"]
            new = {"traits": {"Contact": {"email": "late@example.com"}}}
            with busy(home) as finish:
                async with anyio.create_task_group() as tasks:
                    answers: list[httpx2.Response] = []

                    async def write() -> None:
                        while (
                            answer := await api.post(f"/v1/Stores/{store_id}/Profiles", json=new)
                        ).status_code == 429:
                            pass  # a look was under way
                        answers.append(answer)

                    tasks.start_soon(write)
                    with anyio.fail_after(30):
                        while (refused := await api.get(STORES)).status_code == 200:
                            pass  # the other is not there yet
                    told = await client.call_tool("lookup_profile", LOOKUP)
                    finish()
            after = await client.call_tool("lookup_profile", LOOKUP)

    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert told.is_error and "1 requests at once are under way" in str(told.content)
    assert (answers[0].status_code, after.is_error) == (202, False)


async def test_of_sessions_those_past_the_limit_are_refused_until_one_is_closed(host: Http, operator: Operator) -> None:
    await operator.add("talkative", limit=["sessions=1"])
    token = await operator.token("talkative")
    async with asking(host, token) as client:
        session = await open_session(client)
        second = await client.post("/mcp", json=HELLO, headers=ACCEPT)
        async with client.stream("GET", "/sse"):
            another = await client.get("/sse")
        async with mcp(host, token, mode="2026-07-28") as sessionless:
            modern = await sessionless.call_tool("lookup_profile", LOOKUP)
        await client.delete("/mcp", headers=session)
        third = await client.post("/mcp", json=HELLO, headers=ACCEPT)

    for refused in (second, another):
        assert refused.status_code == 429 and "sessions are open" in refused.text
        assert int(refused.headers["retry-after"]) >= 1
    assert not modern.is_error
    assert third.status_code == 200


async def test_who_only_listens_takes_the_turn_of_no_request(host: Http, operator: Operator) -> None:
    await operator.add("listener", limit=["concurrent_requests=1", "sessions=2"])
    token = await operator.token("listener")
    async with mcp(host, token, mode="2026-07-28") as client, AsyncExitStack() as stack:
        for uri in ("memory://store", "memory://store"):
            await stack.enter_async_context(client.listen(resource_subscriptions=[uri]))
        asked = await client.call_tool("lookup_profile", LOOKUP)
        async with asking(host, token) as api:
            third = await api.get("/sse")

    assert not asked.is_error
    assert third.status_code == 429


async def test_a_tenants_stores_are_counted(host: Http, operator: Operator) -> None:
    await operator.add("collector", limit=["stores=1"])
    token = await operator.token("collector", scope=["memory:admin"])
    async with asking(host, token) as client:
        made = [await client.post(STORES, json={"displayName": name}) for name in ("one", "two")]

    assert [one.status_code for one in made] == [202, 400]
    assert "stores" in made[1].text
