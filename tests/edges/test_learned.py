"""What is learned in the background is told to those who listen, in both eras, and to nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import mcp
import pytest
from mcp.client import Client
from mcp.server.lowlevel import Server

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.changes import Changes
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Caller, NewMessage
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.tools.toolsets import tools_of
from tests.edges.conftest import ACME, Agent
from tests.edges.test_resources import HERE, deaf_session

pytestmark = pytest.mark.anyio

SAID = ("I live in Porto.", "My daughter Ana plays the cello.")
PATIENCE = 20


@pytest.fixture
async def changes() -> AsyncIterator[Changes]:
    changes = Changes()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        yield changes
        tasks.cancel_scope.cancel()


@pytest.fixture
async def memory(
    request: pytest.FixtureRequest, tmp_path: Path, embedder: MiniLM, changes: Changes
) -> AsyncIterator[Memory]:
    """As a server has it: it learns in a thread of its own, unless it is to learn when it is told to."""
    backend = SqlBackend(
        SqliteDatabase(tmp_path),
        embedder,
        now=app.now,
        make_id=app.make_id,
        region="US",
        background=getattr(request, "param", True),
        learned=changes.learned,
    )
    memory = Memory(backend, app.now)
    try:
        yield memory
    finally:
        await memory.close()


@pytest.fixture
def server(memory: Memory, changes: Changes) -> Server[Any]:
    return build_server(memory, lambda ctx: ACME, tools_of(["agent", "conversation"]), changes)


async def person(memory: Memory, caller: Caller = ACME) -> str:
    done = await memory.upsert_traits(caller, {"Contact": {"phone": "+13175550142"}}, None)
    return done.profile.profile_id


async def talk(memory: Memory, profile_id: str, caller: Caller = ACME) -> None:
    """By another door, which tells nobody: all that is heard is of what is learned."""
    said = [NewMessage(text=text, role="customer") for text in SAID]
    await memory.record_messages(caller, profile_id, "c-1", said)
    await memory.close_conversation(caller, profile_id, "c-1")


async def test_a_listener_of_today_hears_of_what_is_learned(server: Server[Any], memory: Memory) -> None:
    dana = await person(memory)
    uris = {f"memory://profiles/{dana}/{name}" for name in ("observations", "summaries", "context")}
    heard: set[str] = set()
    async with Client(server) as client:
        with anyio.fail_after(PATIENCE):
            async with client.listen(resource_subscriptions=sorted(uris)) as events:
                await talk(memory, dana)
                async for event in events:
                    heard.add(str(getattr(event, "uri", None)))
                    if heard == uris:
                        break
        told = await Agent(client).read(f"memory://profiles/{dana}/observations")

    assert heard == uris and "Porto" in told


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
async def test_a_subscriber_of_the_handshake_era_hears_of_what_is_learned(server: Server[Any], memory: Memory) -> None:
    heard: list[str] = []
    arrived = anyio.Event()

    async def receive(message: Any) -> None:
        if isinstance(message, mcp.types.ResourceUpdatedNotification):
            heard.append(str(message.params.uri))
            arrived.set()

    dana = await person(memory)
    uri = f"memory://profiles/{dana}/observations"
    async with Client(server, mode="legacy", message_handler=receive) as client:
        await client.session.subscribe_resource(uri)
        await talk(memory, dana)
        with anyio.fail_after(PATIENCE):
            await arrived.wait()

    assert heard == [uri]


async def test_who_listens_by_the_id_of_a_merged_profile_hears_of_it_too(server: Server[Any], memory: Memory) -> None:
    dana = await person(memory)
    other = (await memory.upsert_traits(ACME, {"Contact": {"chat": "dana"}}, None)).profile.profile_id
    await memory.merge_profiles(ACME, dana, other)
    uri = f"memory://profiles/{other}/observations"
    async with Client(server) as client:
        with anyio.fail_after(PATIENCE):
            async with client.listen(resource_subscriptions=[uri]) as events:
                await talk(memory, dana)
                assert getattr(await anext(aiter(events)), "uri", None) == uri


@pytest.mark.parametrize("memory", [False], indirect=True)
async def test_nobody_hears_of_what_is_learned_in_another_store(server: Server[Any], memory: Memory) -> None:
    globex = Caller(tenant="globex")
    theirs, dana = await person(memory, globex), await person(memory)
    uris = [f"memory://profiles/{one}/observations" for one in (theirs, dana)]
    async with Client(server) as client:
        with anyio.fail_after(PATIENCE):
            async with client.listen(resource_subscriptions=uris) as events:
                await talk(memory, theirs, globex)
                assert await memory.learn(globex) == 1
                await talk(memory, dana)
                assert await memory.learn(ACME) == 1
                heard = getattr(await anext(aiter(events)), "uri", None)

    assert heard == uris[1]


async def test_what_is_told_before_there_is_a_loop_or_after_it_goes_nowhere() -> None:
    """A thread may tell of something at any time."""
    changes, dana = Changes(), "mem_profile_1"
    changes.subscribe(HERE, f"memory://profiles/{dana}", deaf_session())
    await anyio.to_thread.run_sync(changes.learned, HERE, ["observations"], [dana])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    await anyio.to_thread.run_sync(changes.learned, HERE, ["observations"], [dana])

    assert changes.heard
