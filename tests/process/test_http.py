"""`serve`: three transports in one process, for programs of this machine only, and hard to upset."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import types
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning

from .servers import Home, Http, http_server, make_home

pytestmark = pytest.mark.anyio

PHONE = "+13175550142"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
HOSTILE = [
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe\xc3"}', id="broken-utf-8"),
    pytest.param(b"\x00" * 100, id="nul-bytes"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"pi\x00ng"}', id="nul-in-text"),
    pytest.param(b"", id="empty"),
    pytest.param(b"hello", id="no-json"),
    pytest.param(b"[" * 200_000 + b"]" * 200_000, id="deep-array"),
    pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep-object"),
    pytest.param(b"[]", id="empty-batch"),
    pytest.param(b"null", id="null"),
]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    """One process for all of these tests: none of them may leave it worse than it was."""
    with http_server(make_home(tmp_path_factory.mktemp("http") / "machine")) as http:
        yield http


def connect(http: Http, transport: str, mode: str, **options: Any) -> Client:
    target: Any = f"{http.address}/mcp" if transport == "streamable" else sse_client(f"{http.address}/sse")
    return Client(target, mode=mode, **options)


async def test_one_process_serves_both_transports_in_both_eras(http: Http) -> None:
    seen = {}
    for transport in ("streamable", "sse"):
        for mode in ("legacy", "auto"):
            async with connect(http, transport, mode) as client:
                upserted = await client.call_tool("upsert_traits", {"traits": {"Contact": {"phone": PHONE}}})
                assert not upserted.is_error
                seen[transport, mode] = upserted.structured_content["profile_id"], client.protocol_version

    assert len({profile_id for profile_id, _ in seen.values()}) == 1
    assert {key: version for key, (_, version) in seen.items() if key[0] == "streamable"} == {
        ("streamable", "legacy"): "2025-11-25",
        ("streamable", "auto"): "2026-07-28",
    }


async def test_health_answers_whoever_watches_over_the_process(http: Http) -> None:
    async with httpx2.AsyncClient(base_url=http.address) as client:
        answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


@pytest.mark.parametrize(
    ("header", "status"), [({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)]
)
@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/?session_id=0123456789abcdef0123456789abcdef"])
async def test_a_page_from_elsewhere_is_turned_away(http: Http, path: str, header: dict[str, str], status: int) -> None:
    async with httpx2.AsyncClient(base_url=http.address) as client:
        if path == "/sse":
            answer = await client.get(path, headers=header)
        else:
            answer = await client.post(path, json=PING, headers={**ACCEPT, **header})

    assert answer.status_code == status


@pytest.mark.parametrize("body", HOSTILE)
async def test_a_body_that_is_no_request_is_refused_and_the_server_lives_on(http: Http, body: bytes) -> None:
    async with httpx2.AsyncClient(base_url=http.address) as client:
        for headers in (ACCEPT, {**ACCEPT, "mcp-protocol-version": "2026-07-28", "mcp-method": "ping"}):
            answer = await client.post("/mcp", content=body, headers=headers)
            assert 400 <= answer.status_code < 500 or "error" in answer.json()
            assert answer.status_code < 500
        alive = await client.get("/health")

    assert alive.status_code == 200


@pytest.mark.parametrize("path", ["/mcp", "/messages/"])
async def test_a_body_of_five_megabytes_is_too_large(http: Http, path: str) -> None:
    body = json.dumps({**PING, "params": {"filler": "x" * 5_000_000}}).encode()
    async with httpx2.AsyncClient(base_url=http.address) as client, sse_session(client) as messages:
        answer = await client.post(messages if path == "/messages/" else path, content=body, headers=ACCEPT)
        alive = await client.get("/health")

    assert answer.status_code == 413
    assert alive.status_code == 200


@pytest.mark.parametrize("body", HOSTILE)
async def test_a_message_that_is_none_leaves_an_sse_session_usable(http: Http, body: bytes) -> None:
    async with httpx2.AsyncClient(base_url=http.address) as client, sse_session(client) as messages:
        answer = await client.post(messages, content=body, headers=ACCEPT)
        alive = await client.post(messages, json=PING, headers=ACCEPT)

    assert 400 <= answer.status_code < 500
    assert alive.status_code == 202


@pytest.mark.parametrize("path", ["/mcp", "/messages/"])
@pytest.mark.parametrize("body", ["{secret}", '{{"jsonrpc":"2.0","id":1,"content":"{secret}"}}'])
async def test_what_is_refused_is_not_written_to_the_log(http: Http, path: str, body: str) -> None:
    secret, logged = "allergic-to-wool", len(http.stderr)
    async with httpx2.AsyncClient(base_url=http.address) as client, sse_session(client) as messages:
        where = messages if path == "/messages/" else path
        await client.post(where, content=body.format(secret=secret).encode(), headers=ACCEPT)

    assert secret not in http.stderr[logged:]


@asynccontextmanager
async def sse_session(client: httpx2.AsyncClient) -> AsyncIterator[str]:
    """The path to post to, while the stream is open."""
    async with client.stream("GET", "/sse") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                yield line.removeprefix("data: ")
                return


@pytest.mark.parametrize("transport", ["streamable", "sse"])
async def test_a_change_is_told_to_a_subscriber_of_the_handshake_era(http: Http, transport: str) -> None:
    told: list[str] = []
    heard = anyio.Event()

    async def listen(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(str(message.params.uri))
            heard.set()

    async with connect(http, "streamable", "auto") as writer:
        profile_id = await new_profile(writer)
        async with connect(http, transport, "legacy", message_handler=listen) as reader:
            with pytest.warns(MCPDeprecationWarning):
                await reader.subscribe_resource(observations(profile_id))

            await add(writer, profile_id, "Wants delivery to the office")
            with anyio.fail_after(10):
                await heard.wait()

    assert told == [observations(profile_id)]


async def test_a_change_is_told_to_a_listener_of_the_stateless_era(http: Http) -> None:
    async with connect(http, "streamable", "legacy") as writer, connect(http, "streamable", "auto") as reader:
        profile_id = await new_profile(writer)
        async with reader.listen(resource_subscriptions=[observations(profile_id)]) as changes:
            await add(writer, profile_id, "Wants delivery to the office")
            with anyio.fail_after(10):
                change = await anext(aiter(changes))

    assert change == ResourceUpdated(uri=observations(profile_id))


async def test_what_is_learned_in_the_background_is_told_to_a_listener(home: Home) -> None:
    said = [{"text": "I live in Porto.", "role": "customer"}]
    with http_server(home, {"MCP_MEMORY_TOOLSETS": "agent,conversation"}) as http:
        async with connect(http, "streamable", "legacy") as writer, connect(http, "streamable", "auto") as reader:
            about = {"profile_id": await new_profile(writer), "conversation_id": "c-1"}
            async with reader.listen(resource_subscriptions=[observations(about["profile_id"])]) as changes:
                for tool, given in (("record_messages", {**about, "messages": said}), ("close_conversation", about)):
                    assert not (await writer.call_tool(tool, given)).is_error
                with anyio.fail_after(20):
                    change = await anext(aiter(changes))

    assert change == ResourceUpdated(uri=observations(about["profile_id"]))


def observations(profile_id: str) -> str:
    return f"memory://profiles/{profile_id}/observations"


async def new_profile(client: Client) -> str:
    result = await client.call_tool("upsert_traits", {"traits": {"Contact": {"phone": PHONE}}})
    profile_id: str = result.structured_content["profile_id"]
    return profile_id


async def add(client: Client, profile_id: str, content: str) -> None:
    new = {"profile_id": profile_id, "observations": [{"content": content}]}
    assert not (await client.call_tool("add_observation", new)).is_error
