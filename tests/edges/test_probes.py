"""/health and /ready."""

from collections.abc import Awaitable, Callable

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from mcp_memory.errors import Unavailable
from mcp_memory.http import probes
from mcp_memory.http.app import build_app
from mcp_memory.http.leaving import Leaving
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory

pytestmark = pytest.mark.anyio

Check = Callable[[], Awaitable[object]]


async def well() -> None:
    pass


async def broken() -> None:
    raise Unavailable("The store of customer Dana is damaged: password hunter2.")


def client(memory: Memory, check: Check, leaving: Leaving | None = None) -> httpx2.AsyncClient:
    server = build_server(memory, lambda ctx: Caller(tenant="acme"))
    app = build_app(server, Starlette(), memory.close, checks={"memory": check}, leaving=leaving)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")


async def test_a_server_that_can_be_asked_is_ready(memory: Memory) -> None:
    async with client(memory, well) as asking:
        answer = await asking.get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["checks"] == {"serving": "ok", "memory": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_one_whose_memory_fails_is_not_and_tells_no_more_than_which_check_it_is(memory: Memory) -> None:
    async with client(memory, broken) as asking:
        answer, alive = await asking.get("/ready"), await asking.get("/health")

    assert (answer.status_code, alive.status_code) == (503, 200)
    assert answer.json() == {"status": "unavailable", "checks": {"serving": "ok", "memory": "failing"}}


async def test_one_that_was_told_to_end_is_not(memory: Memory) -> None:
    leaving = Leaving()
    async with client(memory, well, leaving) as asking:
        leaving.begin()
        answer, alive = await asking.get("/ready"), await asking.get("/health")

    assert (answer.status_code, alive.status_code) == (503, 200)
    assert answer.json()["checks"] == {"serving": "failing", "memory": "ok"}


async def test_many_who_ask_at_once_make_it_look_once(memory: Memory) -> None:
    looks, asked, go = 0, anyio.Event(), anyio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        asked.set()
        await go.wait()

    statuses: list[int] = []

    async def ask(asking: httpx2.AsyncClient) -> None:
        statuses.append((await asking.get("/ready")).status_code)

    async with client(memory, look) as asking:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(ask, asking)
                await asked.wait()
                go.set()
            again = await asking.get("/ready")

    assert (looks, statuses, again.status_code) == (1, [200] * 20, 200)


async def test_a_check_that_never_ends_is_a_failing_one(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "CHECK_SECONDS", 0.01)

    async with client(memory, anyio.sleep_forever) as asking:
        answer = await asking.get("/ready")

    assert answer.status_code == 503 and answer.json()["checks"]["memory"] == "failing"


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_probes_are_asked_with_get_and_by_a_name_that_is_served(memory: Memory, path: str) -> None:
    async with client(memory, well) as asking:
        posted, elsewhere = await asking.post(path), await asking.get(path, headers={"host": "evil.example"})

    assert (posted.status_code, elsewhere.status_code) == (405, 421)
