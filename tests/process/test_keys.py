"""Keys in a server that runs: what each reaches and may do, and how it ends."""

import base64
from collections.abc import Iterator
from functools import partial

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from mcp_memory.commands import keys, tenants
from mcp_memory.errors import Error, Invalid

from .servers import Home, Http, http_server, make_home
from .tenants import (
    DOORS,
    STORES,
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
from .test_shutdown import BOTH, MODERN, call

pytestmark = pytest.mark.anyio

PING = {"jsonrpc": "2.0", "id": 9, "method": "ping"}
NEW = {"traits": {"Contact": {"email": "new@example.com"}}}
READING = {"lookup_profile", "recall"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("keys") / "machine")


@pytest.fixture(scope="module")
def operator(machine: Home) -> Operator:
    """Of a host with one tenant, which has a store for production and one for development."""
    operator = Operator(machine)
    anyio.run(partial(operator.add, "acme", store=["store-production", "store-development"]))
    return operator


@pytest.fixture(scope="module")
def host(machine: Home, operator: Operator) -> Iterator[Http]:
    with http_server(machine) as http:
        yield http


@pytest.mark.parametrize(("transport", "mode"), DOORS)
async def test_a_key_for_development_reaches_development_alone(
    host: Http, operator: Operator, transport: str, mode: str
) -> None:
    wide = await operator.token("acme")
    narrow = await operator.token("acme", store="store-development")
    phone = f"+1317555010{DOORS.index((transport, mode))}"
    async with mcp(host, wide, transport, mode) as client:
        in_production = await remember(client, "Said in production", phone)

    async with mcp(host, narrow, transport, mode) as client:
        unseen = await recalled(client, phone)
        foreign = await client.call_tool("recall", {"profile_id": in_production, "query": "Said"})
        await remember(client, "Said in development", phone)

    assert unseen == ""
    assert foreign.is_error and "not_found" in str(foreign.content)
    async with mcp(host, wide, transport, mode) as client:
        assert "development" not in await recalled(client, phone)


async def test_over_the_api_too_a_narrow_key_sees_and_reaches_its_store_alone(host: Http, operator: Operator) -> None:
    wide = await operator.token("acme")
    narrow = await operator.token("acme", store="store-development", scope=["memory:admin"])
    for token in (wide, narrow):
        async with mcp(host, token) as client:
            await remember(client, "So that the store is there", "+13175550114")
    everything = await stores(host, wide)
    production = everything["store-production"]

    assert set(everything) == {"store-production", "store-development"}
    assert list(await stores(host, narrow)) == ["store-development"]
    async with asking(host, narrow) as client:
        answered = [
            await client.get(f"{STORES}/{production}"),
            await client.patch(f"{STORES}/{production}", json={"description": "mine"}),
            await client.delete(f"{STORES}/{production}"),
            await client.get(f"/v1/Stores/{production}/Profiles"),
            await client.post(f"/v1/Stores/{production}/Profiles", json={"traits": {"Contact": {"email": "a@b.co"}}}),
        ]
        another = await client.post(STORES, json={"displayName": "a-third"})

    assert [one.status_code for one in answered] == [404] * 5
    assert another.status_code == 403


@pytest.mark.parametrize(("transport", "mode"), DOORS)
async def test_a_key_for_reading_sees_tools_that_read_and_writes_nothing(
    host: Http, operator: Operator, transport: str, mode: str
) -> None:
    writer = await operator.token("acme")
    reader = await operator.token("acme", scope=["memory:read"])
    phone = "+13175550115"
    async with mcp(host, writer, transport, mode) as client:
        await remember(client, "May be read", phone)
        before = await recalled(client, phone)

    async with mcp(host, reader, transport, mode) as client:
        tools = {one.name for one in (await client.list_tools()).tools}
        assert await recalled(client, phone) == before
        if transport == "streamable":
            with pytest.raises(MCPError):
                await client.call_tool("upsert_traits", NEW)
        assert await recalled(client, "new@example.com") == ""

    assert tools == READING


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
async def test_a_reader_that_writes_is_told_which_scope_it_takes(host: Http, operator: Operator, modern: bool) -> None:
    reader = await operator.token("acme", scope=["memory:read"])
    async with asking(host, reader) as client:
        if modern:
            named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add_observation"}
            headers = {**BOTH, **named}
        else:
            headers = await open_session(client)
        answer = await client.post(
            "/mcp", json=call("mem_profile_00000000000000000000000000", MODERN if modern else None), headers=headers
        )
        over_api = await client.post(STORES, json={"displayName": "never"})

    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge and 'scope="memory:write"' in challenge
    assert over_api.status_code == 403 and "memory:admin" in over_api.text


async def test_a_revoked_key_is_refused_at_the_next_request_and_its_streams_end(host: Http, operator: Operator) -> None:
    key, other = await operator.key("acme"), await operator.token("acme")

    async with streams(host, key["token"]) as opened, asking(host, key["token"]) as client:
        session = await open_session(client)
        before = await client.post("/mcp", json=PING, headers=session)
        await operator.revoke(key["keyId"])
        after = await client.post("/mcp", json=PING, headers=session)
        taken_over = await client.post("/mcp", json=PING, headers={**session, "Authorization": f"Bearer {other}"})
        await end(opened)

    assert (before.status_code, after.status_code, await status(host, key["token"])) == (200, 401, 401)
    assert taken_over.status_code == 404  # another key of the same tenant is not let into the session either
    assert await status(host, other) == 200
    assert "revoked" in await operator.run(keys.list_, of_tenant="acme")
    with pytest.raises(Invalid, match="is revoked"):
        await operator.rotate(key["keyId"])


async def test_a_rotated_key_holds_with_its_new_secret_alone(host: Http, operator: Operator) -> None:
    key = await operator.key("acme")

    async with streams(host, key["token"]) as opened:
        rotated = await operator.rotate(key["keyId"])
        assert await status(host, key["token"]) == 401
        await end(opened)

    assert rotated["keyId"] == key["keyId"] and rotated["secret"] != key["secret"]
    assert await status(host, rotated["token"]) == 200


async def test_with_a_grace_both_secrets_hold_until_the_key_is_revoked(host: Http, operator: Operator) -> None:
    key = await operator.key("acme")
    async with asking(host, key["token"]) as client:
        session = await open_session(client)
        rotated = await operator.rotate(key["keyId"], grace="60")
        held = await client.post("/mcp", json=PING, headers=session)
        new = {"Authorization": f"Bearer {rotated['token']}"}
        in_session = await client.post("/mcp", json=PING, headers={**session, **new})
    both = [await status(host, key["token"]), await status(host, rotated["token"])]
    await operator.revoke(key["keyId"])

    assert (held.status_code, in_session.status_code) == (200, 200)  # one key, whichever secret
    assert both == [200, 200]
    assert [await status(host, key["token"]), await status(host, rotated["token"])] == [401, 401]


async def test_a_key_is_as_good_as_user_and_password(host: Http, operator: Operator) -> None:
    key = await operator.key("acme")
    basic = base64.b64encode(f"{key['keyId']}:{key['secret']}".encode()).decode()
    async with asking(host) as client:
        answered = [
            await client.get(STORES, headers={"Authorization": f"Basic {basic}"}),
            await client.get(STORES, headers={"Authorization": f"Basic {basic[:-4]}AAA="}),
        ]
    assert [one.status_code for one in answered] == [200, 401]


async def test_a_secret_is_in_no_file_and_no_log(machine: Home, host: Http, operator: Operator) -> None:
    key = await operator.key("acme", label="support desk")
    assert await status(host, key["token"]) == 200

    shown = await operator.run(tenants.show, name="acme")
    listed = await operator.run(keys.list_)

    assert holding(machine.data, key["secret"]) == set()
    for text in (host.stderr, shown, listed):
        assert key["secret"] not in text
    assert "support desk" in shown and "support desk" in listed


async def test_wrong_words_are_refused_with_what_they_must_be(operator: Operator) -> None:
    for work, given, complaint in (
        (keys.create, {"of_tenant": "nobody"}, "no tenant nobody"),
        (keys.create, {"of_tenant": "acme", "store": "elsewhere"}, "--store must be one of"),
        (keys.create, {"of_tenant": "acme", "scope": ["memory:everything"]}, "--scope must be"),
        (keys.create, {"of_tenant": "acme", "days": "0"}, "--days must be"),
        (keys.rotate, {"key_id": "mem_key_nobody"}, "no key mem_key_nobody"),
        (tenants.add, {"name": "acme"}, "acme"),
        (tenants.add, {"name": "other", "in_backend": "nowhere"}, "must be one of default"),
        (tenants.add, {"name": "other", "limit": ["profiles=0"]}, "profiles must be"),
        (tenants.add, {"name": "other", "limit": ["everything=1"]}, "choose one of"),
    ):
        with pytest.raises(Error, match=complaint):
            await operator.run(work, **given)
