"""The same calls on both event loops: the contract is tried on one of them."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.errors import NotFound
from mcp_memory.model import NewObservation, RecallQuery
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.twilio.conftest import NOW

pytestmark = pytest.mark.anyio

PHONE = "+13175550142"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake() -> Fake:
    return Fake(now=lambda: NOW)


@pytest.fixture
async def service(fake: Fake) -> AsyncIterator[TwilioBackend]:
    """With the pauses that it makes by itself."""
    backend = TwilioBackend(
        "http://memory.test",
        KEY_ID,
        KEY_SECRET,
        tenant="acme",
        store="default",
        create_store=True,
        region="US",
        timeout=5.0,
        now=lambda: NOW,
        transport=httpx2.ASGITransport(fake),
    )
    yield backend
    await backend.close()


async def test_what_is_told_is_recalled(service: TwilioBackend) -> None:
    scope = await service.open_store("acme", "default")
    dana = (await service.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)).profile.profile_id
    await service.add_observations(scope, dana, [NewObservation(content="Has a dog.")])

    recall = await service.recall(scope, dana, RecallQuery(query="dog"))

    assert [one.item.content for one in recall.observations] == ["Has a dog."]
    assert (await service.get_profile(scope, dana)).identifiers == {"phone": [PHONE]}  # four questions at once


async def test_many_are_looked_up_at_once(service: TwilioBackend) -> None:
    scope = await service.open_store("acme", "default")

    outcomes = await service.upsert_profiles(
        scope, [{"Contact": {"phone": f"+1317555{number:04}"}} for number in range(20)]
    )

    assert len({one.profile_id for one in outcomes}) == 20


async def test_a_connection_that_broke_is_tried_again(service: TwilioBackend, fake: Fake) -> None:
    scope = await service.open_store("acme", "default")
    fake.drop(times=2)

    assert (await service.get_store(scope)).display_name == "default"


async def test_one_of_several_that_is_refused_refuses_all(service: TwilioBackend) -> None:
    scope = await service.open_store("acme", "default")

    with pytest.raises(NotFound):
        await service.get_profile(scope, "mem_profile_" + "0" * 26)
