"""The life of a tenant in a server that runs: added, suspended, let in again, removed; what it had goes with it."""

import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from anyio import to_thread

from mcp_memory.commands import tenants
from mcp_memory.errors import Conflict, Invalid

from .servers import Home, Http, http_server, make_home
from .tenants import (
    DOORS,
    PHONE,
    Operator,
    asking,
    end,
    holding,
    mcp,
    recalled,
    remember,
    status,
    stores,
    streams,
)
from .test_ends import open_session

pytestmark = pytest.mark.anyio

PING = {"jsonrpc": "2.0", "id": 9, "method": "ping"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("tenants") / "machine")


@pytest.fixture(scope="module")
def host(machine: Home) -> Iterator[Http]:
    """A server that asks for credentials; the tests add their own tenants while it runs."""
    with http_server(machine, {"MCP_MEMORY_AUTHENTICATION": "on"}) as http:
        yield http


@pytest.fixture(scope="module")
def operator(machine: Home, host: Http) -> Operator:
    return Operator(machine)


async def test_a_server_that_asked_nobody_asks_from_the_first_tenant_on(home: Home, http: Http) -> None:
    operator = Operator(home)
    async with mcp(http) as client:
        await remember(client, "Was here before there were tenants")
    assert (await status(http), await status(http, "any.key")) == (200, 200)

    async with streams(http) as opened, asking(http) as client:
        session = await open_session(client)
        await operator.add("acme")
        again = await client.post("/mcp", json=PING, headers=session)
        await end(opened)

    assert again.status_code == 401 and "resource_metadata" in again.headers["www-authenticate"]
    assert (await status(http), await status(http, "any.key"), await status(http, path="/mcp")) == (401, 401, 401)
    token = await operator.token("acme")
    async with mcp(http, token) as client:
        assert await recalled(client) == ""
    with pytest.raises(Conflict, match="stores of local already"):
        await operator.add("local")
    await operator.add("local", adopt=True)
    async with mcp(http, await operator.token("local")) as client:
        assert "before there were tenants" in await recalled(client)


async def test_a_tenants_life_in_a_few_commands(home: Home, http: Http) -> None:
    """Each a process of its own, as whoever runs the host types it."""

    async def typed(*words: str, code: int = 0) -> str:
        ended = await to_thread.run_sync(lambda: home.run(*words, "--data-dir", str(home.data)))
        assert ended.returncode == code, ended.stderr
        return ended.stdout if code == 0 else ended.stderr

    await typed("tenants", "add", "acme", "--store", "production", "--store", "development")
    key = json.loads(await typed("keys", "create", "acme", "--store", "development", "--json"))
    async with mcp(http, key["token"]) as client:
        await remember(client, "Likes short words")
    rotated = json.loads(await typed("keys", "rotate", key["keyId"], "--json"))
    assert [await status(http, key["token"]), await status(http, rotated["token"])] == [401, 200]
    await typed("tenants", "suspend", "acme")
    assert await status(http, rotated["token"]) == 401
    await typed("tenants", "resume", "acme")
    assert await status(http, rotated["token"]) == 200
    await typed("keys", "revoke", key["keyId"])
    assert await status(http, rotated["token"]) == 401
    refused = await typed("tenants", "remove", "acme", code=2)
    assert "--delete-data" in refused and "Traceback" not in refused
    assert "1 stores" in await typed("tenants", "remove", "acme", "--delete-data")
    assert holding(home.data, "Likes short words") == set()


def test_what_callbacks_are_signed_with_is_shown_and_made_anew(home: Home) -> None:
    def typed(*words: str) -> tuple[int, str]:
        ended = home.run("tenants", "callback-secret", *words, "--data-dir", str(home.data))
        return ended.returncode, ended.stdout.strip() or ended.stderr.strip()

    code, secret = typed()
    assert code == 0 and re.fullmatch(r"[0-9a-f]{32}", secret) and typed() == typed("local") == (0, secret)
    code, shown = typed("--rotate", "--json")
    rotated = json.loads(shown)["callbackSecret"]
    assert json.loads(shown)["tenant"] == "local" and rotated != secret and typed() == (0, rotated)

    assert home.run("tenants", "add", "acme", "--data-dir", str(home.data)).returncode == 0
    code, of_acme = typed("acme")
    assert code == 0 and of_acme not in (secret, rotated)
    for words in ((), ("nobody",), ("local",)):
        code, refused = typed(*words)
        assert code == 2 and "mcp-memory tenants list" in refused


async def test_a_tenant_that_is_added_while_it_serves_is_served_at_once_by_every_door(
    host: Http, operator: Operator
) -> None:
    nobody = await status(host, "mem_key_00000000000000000000000000.some-secret-of-nobody")
    await operator.add("newcomer")
    token = await operator.token("newcomer")

    for number, (transport, mode) in enumerate(DOORS):
        async with mcp(host, token, transport, mode) as client:
            await remember(client, f"Came by {transport} in {mode}")
            assert (await recalled(client)).count("Came by") == number + 1
    assert (nobody, await status(host, token)) == (401, 200)
    assert list(await stores(host, token)) == ["default"]


async def test_a_suspended_tenant_is_turned_away_at_the_next_request_and_let_in_again_with_all_it_had(
    host: Http, operator: Operator
) -> None:
    await operator.add("late-payer")
    token = await operator.token("late-payer")
    async with mcp(host, token) as client:
        await remember(client, "Pays late")

    async with streams(host, token) as opened, asking(host, token) as client, AsyncExitStack() as stack:
        session = await open_session(client)
        messages = await sse_messages(stack, client)
        await operator.run(tenants.suspend, name="late-payer")
        refused = [
            await client.post("/mcp", json=PING, headers=session),
            await client.post(messages, json=PING),
            await client.get("/v1/ControlPlane/Stores"),
        ]
        await end(opened)
    await operator.run(tenants.resume, name="late-payer")

    assert [one.status_code for one in refused] == [401, 401, 401]
    async with mcp(host, token) as client:
        assert "Pays late" in await recalled(client)


async def sse_messages(stack: AsyncExitStack, client: httpx2.AsyncClient) -> str:
    """Where to post to, of an SSE session that is open as long as `stack`."""
    stream = await stack.enter_async_context(client.stream("GET", "/sse"))
    lines = stream.aiter_lines()
    async for line in lines:
        if line.startswith("data: "):
            return line.removeprefix("data: ")
    raise AssertionError("it ended")


async def test_a_removed_tenant_is_gone_with_its_bytes_and_nobody_inherits_anything(
    machine: Home, host: Http, operator: Operator
) -> None:
    words = "Allergic to horsehair"
    for name in ("leaver", "stayer"):
        await operator.add(name)
    leaver, stayer = [await operator.token(name) for name in ("leaver", "stayer")]
    for token, said in ((leaver, words), (stayer, "Stays with us")):
        async with mcp(host, token) as client:
            await remember(client, said)
    assert holding(machine.data, words) == {"stores"}

    async with streams(host, leaver) as opened:
        with pytest.raises(Conflict, match="--delete-data"):
            await operator.run(tenants.remove, name="leaver")
        assert await status(host, leaver) == 200
        await operator.remove("leaver")
        gone = [await status(host, leaver), await status(host, leaver, "/mcp")]
        await end(opened)

    assert gone == [401, 401]
    assert holding(machine.data, words) == set() and holding(machine.data, "Stays with us") == {"stores"}
    async with mcp(host, stayer) as client:
        assert "Stays with us" in await recalled(client)
    await operator.add("leaver")
    heir = await operator.token("leaver")
    assert await status(host, leaver) == 401
    async with mcp(host, heir) as client:
        assert await recalled(client) == ""
        await remember(client, "Is another one")
        assert "Is another one" in await recalled(client)


async def test_stores_that_a_tenant_is_given_later_are_reached_by_new_keys(host: Http, operator: Operator) -> None:
    await operator.add("grower")
    wide = await operator.token("grower")
    await operator.run(tenants.change, name="grower", store=["default", "store-development"])
    narrow = await operator.token("grower", store="store-development")

    async with mcp(host, narrow) as client:
        await remember(client, "Tried out")
    async with mcp(host, wide) as client:
        assert await recalled(client, PHONE) == ""
    assert sorted(await stores(host, narrow)) == ["store-development"]
    with pytest.raises(Conflict, match="revoke it first"):
        await operator.run(tenants.change, name="grower", store=["default"])


async def test_tenants_of_one_name_in_two_spellings_are_refused(operator: Operator) -> None:
    for name in ("Acme", "acme ", "ac/me", "..", "ämter", "x" * 65, "-"):
        with pytest.raises(Invalid, match="name"):
            await operator.add(name)
