"""A host ends its server by closing stdin, or by a signal; a person by Ctrl-C. Each is obeyed within two seconds."""

import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import apsw
import httpx2
import pytest
from anyio import to_thread

from .servers import Home, Http, Stdio, batch, error_text, ids_of, new_profile, stdio_server, structured, timeline

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it: no signals")

End = Callable[[Stdio], None]


def eof(server: Stdio) -> None:
    server.close_stdin()


def sigint(server: Stdio) -> None:
    server.process.send_signal(signal.SIGINT)


def sigterm(server: Stdio) -> None:
    server.process.send_signal(signal.SIGTERM)


ENDS = [eof, pytest.param(sigint, marks=posix), pytest.param(sigterm, marks=posix)]


@pytest.mark.parametrize("end", ENDS)
def test_an_idle_server_ends_when_told_to(cold: Home, end: End) -> None:
    with stdio_server(cold) as server:
        server.call("lookup_profile", value="+13175550142")

        end(server)

        assert server.exit_code() == 0
        assert server.stderr == ""


@pytest.mark.parametrize("end", ENDS)
def test_a_server_that_is_writing_ends_when_told_to_and_keeps_what_it_acknowledged(
    home: Home, server: Stdio, end: End
) -> None:
    profile_id = new_profile(server)
    server.call("add_observation", **batch(profile_id, ["The model is loaded with this one"]))
    asked = [
        server.ask_tool("add_observation", batch(profile_id, [f"Sentence {n} of batch {number}" for n in range(5)]))
        for number in range(20)
    ]
    server.answer(asked[0])

    end(server)

    assert server.exit_code() == 0
    assert server.stderr == ""
    server.end()
    answered = [answer for one, answer in server.answered().items() if one in asked]
    too_late = [answer for answer in answered if answer["result"].get("isError")]
    acknowledged = {id for answer in answered if answer not in too_late for id in ids_of(structured(answer))}
    assert acknowledged and {error_text(one) for one in too_late} <= {"unavailable: The memory is closing."}
    with stdio_server(home) as next_server:
        assert acknowledged <= {item["id"] for item in timeline(next_server, profile_id)}


@pytest.mark.parametrize("end", ENDS)
def test_a_server_with_the_largest_writes_in_hand_ends_in_time_all_the_same(server: Stdio, end: End) -> None:
    profile_id = new_profile(server)
    server.call("add_observation", **batch(profile_id, ["The model is loaded with this one"]))
    for number in range(8):
        largest = [f"{number}.{n} " + "said a lot about " * 240 for n in range(10)]
        server.ask_tool("add_observation", batch(profile_id, largest))
    server.request("ping")  # answered after what came before it was taken up

    end(server)

    assert server.exit_code() == 0
    assert server.stderr == ""


@posix
@pytest.mark.parametrize("end", [sigint, sigterm])
def test_a_second_signal_changes_nothing(server: Stdio, end: End) -> None:
    new_profile(server)

    end(server)
    end(server)

    assert server.exit_code() == 0
    assert server.stderr == ""


@posix
@pytest.mark.anyio
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_serve_ends_when_told_to_whatever_is_connected(http: Http, sent: signal.Signals) -> None:
    async with httpx2.AsyncClient(base_url=http.address) as client, AsyncExitStack() as streams:
        session = await open_session(client)
        listening = await streams.enter_async_context(client.stream("GET", "/mcp", headers=session))
        sse = await streams.enter_async_context(client.stream("GET", "/sse"))
        assert (listening.status_code, sse.status_code) == (200, 200)

        http.process.send_signal(sent)
        code = await to_thread.run_sync(http.exit_code)

    assert code == 0
    assert "Traceback" not in http.stderr
    assert "ERROR" not in http.stderr


async def open_session(client: httpx2.AsyncClient) -> dict[str, str]:
    """A session of the handshake era. Returns the headers that belong to it."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "0"}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    answer = await client.post("/mcp", json=initialize, headers=headers)
    session = {**headers, "mcp-session-id": answer.headers["mcp-session-id"]}
    greeting = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await client.post("/mcp", json=greeting, headers=session)).status_code == 202
    return session


@pytest.mark.parametrize("end", ENDS)
def test_a_server_that_waits_for_another_program_ends_in_time_all_the_same(home: Home, server: Stdio, end: End) -> None:
    new_profile(server)
    (store,) = (home.data / "stores").glob("*.db")
    other = apsw.Connection(str(store))
    other.execute("begin immediate")  # another program, in the middle of a write
    server.ask_tool("upsert_traits", {"traits": {"Contact": {"chat": "waits"}}})
    server.call("lookup_profile", value="+13175550142")  # by now the write is on its way, and waits

    end(server)

    assert server.exit_code() == 0
    other.close()
