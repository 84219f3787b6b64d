"""A key that may only read writes nothing, whatever it is told to: not a byte, not a row."""

import pytest

from tests.wall.calls import BODIES, Call, calls
from tests.wall.planted import Ids, plant
from tests.wall.questions import TOOLS
from tests.wall.speaking import SPEAKERS
from tests.wall.world import Client, World

pytestmark = pytest.mark.anyio

READS = {"lookup_profile", "recall", "explain_identity", "observation_history"}
SCOPES = {"reader": ("memory:read",), "agent": ("memory:read", "memory:write")}
# What takes more than to write: the rules of a store, and what can't be undone.
ADMINISTERED = {
    *("CreateStore", "PatchStore", "DeleteStore", "UpdateIdentityResolutionSettings", "CreateTraitGroup"),
    *("PatchTraitGroup", "DeleteTraitGroup", "CreateDataMapping", "PatchDataMapping", "DeleteDataMapping"),
    *("CreateConfiguration", "UpdateConfiguration", "PatchConfiguration", "DeleteConfiguration"),
    *("DeleteProfile", "DeleteConversationAsync"),
    "UpdateLearningSettings",
}


@pytest.fixture(scope="module")
async def owned(world: World) -> tuple[Client, Ids]:
    await world.tenant("acme")
    owner = await world.client("acme")
    return owner, await plant(owner, "default")


async def test_a_tool_that_writes_is_refused_over_every_transport(world: World, owned: tuple[Client, Ids]) -> None:
    _, ids = owned
    reader = await world.client("acme", scopes=SCOPES["reader"])
    before = await world.kept("acme", ids.store_id)
    for transport, speaking in SPEAKERS.items():
        async with speaking(reader) as speaker:
            listed = (await speaker.ask("tools/list", {})).message["result"]["tools"]
            assert {one["name"] for one in listed} == READS
            for name, made in TOOLS.items():
                answer = await speaker.ask("tools/call", {"name": name, "arguments": made(ids, ids)[0]})
                if name in READS:
                    assert answer.message["result"].get("isError", False) is False, name
                elif "sse" in transport:  # whose clients wait for a message, and pass over a status
                    assert answer.message["result"]["isError"] and "memory:write" in answer.text, name
                else:
                    assert answer.status == 403 and 'scope="memory:write"' in answer.headers["www-authenticate"], name

    assert await world.kept("acme", ids.store_id) == before


@pytest.mark.parametrize("role", SCOPES)
async def test_a_route_that_takes_more_rights_is_refused(world: World, owned: tuple[Client, Ids], role: str) -> None:
    """With an idempotency key, and without."""
    _, ids = owned
    client = await world.client("acme", scopes=SCOPES[role])
    before, refused = await world.kept("acme", ids.store_id), set()
    for call in calls(world):
        if not beyond(call, role):
            continue
        for headers in ({}, {"Idempotency-Key": f"{role} {call.operation}"}):
            answer = await call.of(client, ids, headers=headers)
            assert answer.status == 403, (call, answer)
        refused.add(call.operation)

    assert await world.kept("acme", ids.store_id) == before
    assert len(refused) == (39 if role == "reader" else len(ADMINISTERED))  # another one is to be decided


def beyond(call: Call, role: str) -> bool:
    return call.operation in ADMINISTERED or (role == "reader" and not call.reads)


async def test_what_only_reads_is_answered(world: World, owned: tuple[Client, Ids]) -> None:
    _, ids = owned
    reader = await world.client("acme", scopes=SCOPES["reader"])
    before = await world.kept("acme", ids.store_id)
    for call in calls(world):
        if call.reads:
            assert (await call.of(reader, ids)).status == 200, call

    assert await world.kept("acme", ids.store_id) == before
    assert set(BODIES) >= ADMINISTERED
