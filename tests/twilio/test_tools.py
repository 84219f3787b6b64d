"""The same tools and resources over the strict fake of the managed service."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from mcp.client import Client

from mcp_memory.app import now
from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.tools.toolsets import tools_of
from tests.published.checked import Checked
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake

pytestmark = pytest.mark.anyio


async def at_once(seconds: float) -> None:
    """Nothing here needs time to pass."""


@pytest.fixture
def fake() -> Fake:
    return Fake(now=lambda: datetime.now(UTC))


@pytest.fixture
async def host(fake: Fake) -> AsyncIterator[Client]:
    backend = TwilioBackend(
        "http://memory.test",
        KEY_ID,
        KEY_SECRET,
        tenant="local",
        store="default",
        create_store=True,
        region="US",
        timeout=5.0,
        now=now,
        transport=httpx2.ASGITransport(Checked(fake)),
        sleep=at_once,
    )
    server = build_server(Memory(backend, now), lambda ctx: Caller(tenant="local"), tools_of(["agent", "curator"]))
    async with Client(server) as host:
        yield host
    await backend.close()


async def call(host: Client, name: str, **arguments: Any) -> tuple[str, Any]:
    result = await host.call_tool(name, arguments)
    return str(getattr(result.content[0], "text", "")), result.structured_content


async def dana(host: Client) -> str:
    _, made = await call(host, "upsert_traits", traits={"Contact": {"phone": "+13175550142", "firstName": "Dana"}})
    return str(made["profile_id"])


async def test_what_is_remembered_is_recalled(host: Client) -> None:
    profile_id = await dana(host)
    said, _ = await call(host, "add_observation", profile_id=profile_id, observations=[{"content": "likes tea"}])
    await call(host, "write_summary", profile_id=profile_id, content="Spoke of tea.", conversation_id="chat-1")

    recalled, _ = await call(host, "recall", profile_id=profile_id, query="tea")
    context = await host.read_resource(f"memory://profiles/{profile_id}/context")

    assert said.startswith("added mem_observation_")
    assert '"likes tea"' in recalled and '"Spoke of tea."' in recalled
    assert "likes tea" in str(context.contents[0])


async def test_what_is_only_accepted_is_said_to_be(host: Client, fake: Fake) -> None:
    profile_id = await dana(host)
    fake.lag(None)

    said, added = await call(host, "add_observation", profile_id=profile_id, observations=[{"content": "likes tea"}])

    assert said.startswith("accepted") and added["observations"] == [{"outcome": "accepted"}]


async def test_a_profile_that_comes_later_is_told_of_as_it_was_accepted(host: Client, fake: Fake) -> None:
    profile_id = await dana(host)
    fake.lag(None)

    said, _ = await call(host, "upsert_traits", traits={"Contact": {"city": "Gary"}}, profile_id=profile_id)

    assert 'city "Gary"' in said


async def test_what_the_service_lacks_is_said(host: Client) -> None:
    said, _ = await call(host, "explain_identity", profile_id=await dana(host))

    assert said.startswith("unsupported: The memory service does not say why")


async def test_a_service_that_is_gone_is_unavailable(host: Client, fake: Fake) -> None:
    profile_id = await dana(host)
    fake.fail(503, times=100)

    said, _ = await call(host, "recall", profile_id=profile_id, query="tea")

    assert said.startswith("unavailable: The memory service failed with HTTP 503")
