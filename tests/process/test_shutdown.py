"""`serve` that is told to end: what it accepted is finished and told, what only listens ends at once, and it leaves."""

import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import anyio
import apsw
import httpx2
import pytest
from anyio import to_thread
from mcp.client import Client

from mcp_memory.backends.sql.sqlite.connection import run

from .raw import Json, answer, begin, connected, refuses, request, status
from .servers import ANSWER_SECONDS, Home, Http, http_server, until
from .test_ends import open_session

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it: no signals"),
]

PHONE = "+13175550142"
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
INITIALIZE: Json = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "0"}},
}
INITIALIZED: Json = {"jsonrpc": "2.0", "method": "notifications/initialized"}
BOTH = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def http(home: Home) -> Iterator[Http]:
    """One that has the time it takes: the first write loads the model."""
    with http_server(home, {"MCP_MEMORY_SHUTDOWN_SECONDS": "60"}) as http:
        yield http


@contextmanager
def busy(home: Home) -> Iterator[Callable[[], None]]:
    """Another program is in the midst of a write, until it is told to end it: whoever writes waits."""
    (store,) = (home.data / "stores").glob("*.db")
    other = apsw.Connection(str(store))
    other.execute("begin immediate")
    with ExitStack() as ended:
        ended.callback(other.close)
        yield lambda: run(other, "rollback")


async def new_profile(http: Http) -> str:
    async with Client(f"{http.address}/mcp") as client:
        made = await client.call_tool("upsert_traits", {"traits": {"Contact": {"phone": PHONE}}})
        profile_id: str = made.structured_content["profile_id"]
        return profile_id


async def remembered(home: Home, profile_id: str) -> list[str]:
    """Of a server that is started for the question."""
    with http_server(home) as http:
        async with Client(f"{http.address}/mcp") as client:
            read = await client.read_resource(f"memory://profiles/{profile_id}/observations")
            return [one["content"] for one in json.loads(read.contents[0].text)["observations"]]  # type: ignore[union-attr]


def call(profile_id: str, meta: Json | None = None) -> Json:
    arguments = {"profile_id": profile_id, "observations": [{"content": "Under way"}]}
    params = {"name": "add_observation", "arguments": arguments, **({"_meta": meta} if meta else {})}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


async def api(http: Http, profile_id: str) -> bytes:
    (store_id,) = httpx2.get(f"{http.address}/v1/ControlPlane/Stores").json()["stores"]
    new = {"observations": [{"content": "Under way", "source": "x", "occurredAt": "2026-11-20T18:30:00Z"}]}
    return request(http, "POST", f"/v1/Stores/{store_id}/Profiles/{profile_id}/Observations", new)


async def modern(http: Http, profile_id: str) -> bytes:
    headers = {**BOTH, "MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "add_observation"}
    return request(http, "POST", "/mcp", call(profile_id, MODERN), **headers)


async def legacy(http: Http, profile_id: str) -> bytes:
    async with httpx2.AsyncClient(base_url=http.address) as client:
        session = await open_session(client)
    return request(
        http, "POST", "/mcp", call(profile_id), **{name.replace("-", "_"): session[name] for name in session}
    )


@pytest.mark.parametrize(("door", "sent"), [(api, signal.SIGTERM), (modern, signal.SIGINT), (legacy, signal.SIGTERM)])
async def test_a_write_under_way_is_finished_and_acknowledged(
    home: Home, http: Http, door: Callable[[Http, str], Awaitable[bytes]], sent: signal.Signals
) -> None:
    profile_id = await new_profile(http)
    writes = await door(http, profile_id)
    with busy(home) as finish, connected(http) as connection:
        begin(connection, writes)

        http.process.send_signal(sent)
        until(lambda: refuses(http))
        finish()
        answered = await to_thread.run_sync(answer, connection)
        code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert (status(answered), code) == (202 if door is api else 200, 0)
    assert door is api or b'"isError":false' in answered.replace(b" ", b"")
    assert "Traceback" not in http.stderr and "ERROR" not in http.stderr
    assert await remembered(home, profile_id) == ["Under way"]


async def test_a_call_that_was_accepted_over_sse_is_answered_before_its_stream_ends(home: Home, http: Http) -> None:
    profile_id = await new_profile(http)
    with anyio.fail_after(ANSWER_SECONDS), busy(home) as finish:
        async with (
            httpx2.AsyncClient(base_url=http.address, timeout=ANSWER_SECONDS) as client,
            client.stream("GET", "/sse") as stream,
        ):
            events = data(stream)
            messages = await anext(events)
            for message in (INITIALIZE, INITIALIZED, call(profile_id)):
                assert (await client.post(messages, json=message)).status_code == 202
            assert json.loads(await anext(events))["id"] == INITIALIZE["id"]

            http.process.send_signal(signal.SIGTERM)
            await to_thread.run_sync(until, lambda: refuses(http))
            finish()
            (answered,) = [json.loads(one) async for one in events]  # raises where the stream is cut
        code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert (answered["id"], answered["result"]["isError"], code) == (7, False, 0)
    assert "Traceback" not in http.stderr and "ERROR" not in http.stderr


async def data(stream: httpx2.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


async def test_a_body_that_is_still_coming_is_waited_for(http: Http) -> None:
    await new_profile(http)
    whole = request(http, "POST", "/v1/ControlPlane/Stores", {"displayName": "halves"})
    with connected(http) as connection:
        begin(connection, whole[:-5])

        http.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(http))
        connection.sendall(whole[-5:])
        answered = await to_thread.run_sync(answer, connection)
        code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert (status(answered), code) == (202, 0)


@asynccontextmanager
async def listening(http: Http, profile_id: str) -> AsyncIterator[list[httpx2.Response]]:
    """One stream of each kind, open."""
    listen = {
        "notifications": {"resourceSubscriptions": [f"memory://profiles/{profile_id}/observations"]},
        "_meta": MODERN,
    }
    headers = {**BOTH, "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen"}
    asking = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": listen}
    async with httpx2.AsyncClient(base_url=http.address, timeout=ANSWER_SECONDS) as client, AsyncExitStack() as stack:
        session = await open_session(client)
        yield [
            await stack.enter_async_context(client.stream("GET", "/mcp", headers=session)),
            await stack.enter_async_context(client.stream("GET", "/sse")),
            await stack.enter_async_context(client.stream("POST", "/mcp", headers=headers, json=asking)),
        ]


async def test_open_streams_end_at_once_and_whole_whatever_is_under_way(home: Home, http: Http) -> None:
    profile_id = await new_profile(http)
    writes = await modern(http, profile_id)
    with anyio.fail_after(ANSWER_SECONDS), busy(home) as finish, connected(http) as connection:
        async with listening(http, profile_id) as streams:
            assert [stream.status_code for stream in streams] == [200, 200, 200]
            begin(connection, writes)

            http.process.send_signal(signal.SIGTERM)
            ends = [(await stream.aread()).decode() for stream in streams]  # raises where one is cut
            assert http.process.poll() is None  # the write still waits
            finish()
        answered = await to_thread.run_sync(answer, connection)
        code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert '"result"' in ends[2]  # of the request that was a stream: so the client knows that it was ended
    assert (status(answered), code) == (200, 0)
    assert "Traceback" not in http.stderr and "ERROR" not in http.stderr


async def test_what_takes_longer_than_it_may_is_cut_and_was_not_acknowledged(home: Home) -> None:
    with http_server(home, {"MCP_MEMORY_SHUTDOWN_SECONDS": "1"}) as http:
        profile_id = await new_profile(http)
        async with Client(f"{http.address}/mcp") as client:  # with this one the model is loaded
            before = {"profile_id": profile_id, "observations": [{"content": "Before"}]}
            assert not (await client.call_tool("add_observation", before)).is_error
        writes = await api(http, profile_id)
        with busy(home), connected(http) as connection:
            begin(connection, writes)

            http.process.send_signal(signal.SIGTERM)
            answered = await to_thread.run_sync(answer, connection)
            code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert code == 1 and status(answered) in (0, 500, 503)
    assert "does not close" in http.stderr and "Traceback" not in http.stderr
    assert await remembered(home, profile_id) == ["Before"]


@pytest.mark.parametrize(("first", "second"), [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)])
async def test_a_second_signal_ends_it_there_and_then(
    home: Home, http: Http, first: signal.Signals, second: signal.Signals
) -> None:
    profile_id = await new_profile(http)
    writes = await modern(http, profile_id)
    with busy(home), connected(http) as connection:
        begin(connection, writes)
        http.process.send_signal(first)
        until(lambda: refuses(http))

        http.process.send_signal(second)
        code = await to_thread.run_sync(http.exit_code)

    assert code == 128 + second
