"""Several worker processes on one port, and several servers on one folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from .raw import answer, begin, connected, refuses, request, status
from .servers import ANSWER_SECONDS, Home, Http, http_server, make_home, until
from .test_shutdown import PHONE, busy, modern, new_profile

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no socket for several processes"),
]

TWO = {"MCP_MEMORY_WORKERS": "2", "MCP_MEMORY_SHUTDOWN_SECONDS": "60"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with http_server(make_home(tmp_path_factory.mktemp("workers") / "machine"), TWO) as http:
        yield http


@pytest.fixture
def http(home: Home) -> Iterator[Http]:
    with http_server(home, TWO) as http:
        yield http


def workers(http: Http) -> list[int]:
    """Those that serve; not the process that counts what multiprocessing shares."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, encoding="utf-8", check=True)
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, parent, command in lines if int(parent) == http.process.pid and "spawn_main" in command]


def settled(http: Http) -> None:
    assert httpx2.get(f"{http.address}/health", timeout=ANSWER_SECONDS).status_code == 200


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_clients_of_both_eras_are_served_whichever_process_they_meet(shared: Http, mode: str) -> None:
    for _ in range(3):  # each on connections of its own
        async with Client(f"{shared.address}/mcp", mode=mode) as client:
            made = await client.call_tool("upsert_traits", {"traits": {"Contact": {"phone": PHONE}}})
            found = await client.call_tool("lookup_profile", {"value": PHONE})

            assert made.structured_content["profile_id"] in str(found.structured_content)


async def test_what_one_process_alone_could_tell_is_not_offered(shared: Http) -> None:
    async with Client(f"{shared.address}/mcp", mode="2026-07-28") as client:
        resources = client.server_capabilities.resources

        assert resources is None or not resources.subscribe
        with pytest.raises(MCPError):
            async with client.listen(resource_subscriptions=["memory://store"]):
                pass


async def test_sse_says_that_it_needs_one_worker(shared: Http) -> None:
    async with httpx2.AsyncClient(base_url=shared.address) as client:
        stream = await client.get("/sse")

    assert stream.status_code == 501 and "set workers to 1" in stream.text
    assert "/sse" not in shared.stderr


async def test_many_at_once_find_one_profile(shared: Http) -> None:
    found: set[str] = set()

    async def create() -> None:
        async with httpx2.AsyncClient(base_url=shared.address, timeout=ANSWER_SECONDS) as client:
            (store_id,) = (await client.get("/v1/ControlPlane/Stores")).json()["stores"]
            traits = {"traits": {"Contact": {"email": "ann@example.com"}}}
            found.add((await client.post(f"/v1/Stores/{store_id}/Profiles", json=traits)).json()["id"])

    await new_profile(shared)  # and with it the store
    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(create)

    assert len(found) == 1


async def test_a_worker_that_is_killed_is_replaced_and_the_others_serve_meanwhile(http: Http) -> None:
    settled(http)
    until(lambda: len(workers(http)) == 2)
    killed, other = workers(http)

    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in workers(http))
    for _ in range(20):
        settled(http)
    until(lambda: len(workers(http)) == 2)
    os.kill(other, signal.SIGKILL)  # so that only the new one is left
    settled(http)

    assert {killed, other}.isdisjoint(workers(http))
    until(lambda: http.stderr.count("code -9") == 2)  # whatever they were about when they were killed


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_write_under_way_in_a_worker_is_finished(home: Home, http: Http, sent: signal.Signals) -> None:
    profile_id = await new_profile(http)
    writes = await modern(http, profile_id)
    with busy(home) as finish, connected(http) as connection:
        begin(connection, writes)
        if sent == signal.SIGINT:  # as a terminal does it: to all
            for pid in workers(http):
                os.kill(pid, sent)
        http.process.send_signal(sent)
        until(lambda: refuses(http))
        finish()
        answered = await to_thread.run_sync(answer, connection)
        code = await to_thread.run_sync(http.process.wait, ANSWER_SECONDS)

    assert (status(answered), code) == (200, 0)
    assert "Traceback" not in http.stderr and "ERROR" not in http.stderr


async def test_a_second_signal_ends_all_there_and_then(home: Home, http: Http) -> None:
    profile_id = await new_profile(http)
    writes = await modern(http, profile_id)
    with busy(home), connected(http) as connection:
        begin(connection, writes)
        pids = workers(http)
        http.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(http))
        http.process.send_signal(signal.SIGTERM)
        code = await to_thread.run_sync(http.exit_code)

    assert code == 128 + signal.SIGTERM
    assert not any(is_alive(pid) for pid in pids)


def test_workers_do_not_outlive_who_started_them(http: Http) -> None:
    settled(http)
    pids = workers(http)

    http.process.kill()
    http.process.wait()

    until(lambda: not any(is_alive(pid) for pid in pids))
    assert refuses(http) and len(pids) == 2


def test_workers_that_can_not_start_are_not_started_again_for_ever() -> None:
    """`print` stands for a worker that ends before it serves."""
    program = (
        "import socket; from mcp_memory.http.workers import Workers; "
        "Workers(print, socket.create_server(('127.0.0.1', 0)), 2, 1).run(print)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=60)

    assert done.returncode == 1
    assert "A worker could not start (code 0)" in done.stderr


async def test_several_servers_on_one_folder_are_one_memory(home: Home, http: Http) -> None:
    with http_server(home) as other:
        profile_id = await new_profile(other)
        for one in (http, other):
            async with Client(f"{one.address}/mcp") as client:
                add = {"profile_id": profile_id, "observations": [{"content": f"Said at {one.address}"}]}
                assert not (await client.call_tool("add_observation", add)).is_error
        seen = []
        for one in (http, other):
            async with Client(f"{one.address}/mcp") as client:
                read = await client.read_resource(f"memory://profiles/{profile_id}/observations")
                seen.append(str(read.contents[0]))

    for address in (http.address, other.address):
        assert all(address in one for one in seen)


def test_nobody_is_left_waiting_in_a_queue_when_the_workers_are_gone(http: Http) -> None:
    """Who connects while there is none is served by the next."""
    settled(http)
    for pid in workers(http):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with connected(http) as connection:
        connection.sendall(request(http, "GET", "/health", Connection="close"))

        try:
            assert status(answer(connection)) == 200
        except TimeoutError:
            pytest.fail("it was not answered")
