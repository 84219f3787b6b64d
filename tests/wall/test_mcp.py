"""Whatever MCP offers, asked with the ids of somebody else: answered as if there were no such thing, and nothing done.

For somebody else's read another tenant's, and another store's of the same tenant for a key that is for one store.
"""

import pytest
from mcp.server.lowlevel import Server
from mcp.shared.uri_template import UriTemplate

from mcp_memory import served
from mcp_memory.changes import Changes
from mcp_memory.prompts import PROMPTS as REGISTERED_PROMPTS
from mcp_memory.resources import RESOURCES as REGISTERED_RESOURCES
from mcp_memory.server import build_server
from mcp_memory.tools.toolsets import TOOLSETS, tools_of
from tests.wall.conftest import Neighbours
from tests.wall.planted import ABSENT, CANARY, alike, leaks, plant
from tests.wall.questions import COMPLETED, METHODS, OPENING, PROMPTS, RESOURCES, SUBSCRIBING, TOOLS, questions
from tests.wall.speaking import SPEAKERS, Speaking
from tests.wall.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture(params=SPEAKERS)
def speaking(request: pytest.FixtureRequest) -> Speaking:
    return SPEAKERS[request.param]


async def test_whatever_mcp_offers_is_attacked(world: World) -> None:
    server: Server[object] = build_server(world.host.memory, served.who, tools_of(TOOLSETS), Changes())
    arguments = {one.name for prompt in REGISTERED_PROMPTS for one in prompt.arguments}
    arguments |= {name for one in REGISTERED_RESOURCES for name in UriTemplate.parse(one.uri).variable_names}

    assert {tool.name for tools in TOOLSETS.values() for tool in tools} == set(TOOLS)
    assert {one.uri for one in REGISTERED_RESOURCES} == set(RESOURCES)
    assert {one.name for one in REGISTERED_PROMPTS} == set(PROMPTS)
    assert arguments == set(COMPLETED)
    assert set(server._request_handlers) | {"initialize"} == {*METHODS, *SUBSCRIBING, *OPENING}


async def test_a_listing_shows_what_is_attacked_and_nothing_else(neighbours: Neighbours, speaking: Speaking) -> None:
    async with speaking(neighbours.mine) as speaker:
        tools = (await speaker.ask("tools/list", {})).message["result"]["tools"]
        fixed = (await speaker.ask("resources/list", {})).message["result"]["resources"]
        templates = (await speaker.ask("resources/templates/list", {})).message["result"]["resourceTemplates"]
        prompts = (await speaker.ask("prompts/list", {})).message["result"]["prompts"]

    assert {one["name"] for one in tools} == set(TOOLS)
    assert {one["uri"] for one in fixed} | {one["uriTemplate"] for one in templates} == set(RESOURCES)
    assert {one["name"] for one in prompts} == set(PROMPTS)


async def test_with_ids_of_somebody_else_it_is_as_with_ids_of_nobody(
    neighbours: Neighbours, speaking: Speaking
) -> None:
    world, their = neighbours.world, neighbours.their
    one, other = await neighbours.twins()
    before = await world.kept(neighbours.theirs.tenant, their.store_id)
    asked = list(zip(questions(one, ABSENT), questions(other, their), strict=True))
    async with speaking(neighbours.mine) as speaker:
        world.database.taken()
        for about_nobody, about_them in asked:
            absent, ways = await speaker.ask(about_nobody.method, about_nobody.params), world.database.taken()
            foreign = await speaker.ask(about_them.method, about_them.params)

            assert leaks(foreign, their, their) == [], about_them
            assert alike(foreign, their, other) == alike(absent, ABSENT, one), about_them
            assert world.database.taken() == ways, about_them
    after = await world.kept(neighbours.theirs.tenant, their.store_id)

    assert neighbours.about_them(after) == neighbours.about_them(before)
    assert CANARY.encode() not in await world.bytes_of(neighbours.own.store_id)


async def test_to_whom_it_belongs_each_is_answered(world: World, speaking: Speaking) -> None:
    """Or else being refused would show nothing."""
    tenant = f"owner-{speaking.__name__.replace('_', '-')}"
    await world.tenant(tenant)
    owner = await world.client(tenant)
    theirs = await plant(owner, "default", "own")
    async with speaking(owner) as speaker:
        for name, made in TOOLS.items():
            if name == "merge_profiles":  # by then they are one no more
                assert (await speaker.call("explain_identity", profile_id=theirs.profile_id))["merges"]
            answer = await speaker.call(name, **made(theirs, theirs)[0])
            assert answer.get("found") is not False, name
        for name in RESOURCES:
            for uri in RESOURCES[name](theirs):
                assert "result" in (await speaker.ask("resources/read", {"uri": uri})).message
        for name, arguments in PROMPTS.items():
            rendered = await speaker.ask("prompts/get", {"name": name, "arguments": arguments(theirs)})
            assert "Likes own" in rendered.text
        for typed in COMPLETED["profile_id"](theirs):
            ref = {"type": "ref/prompt", "name": "handoff"}
            found = await speaker.ask(
                "completion/complete", {"ref": ref, "argument": {"name": "profile_id", "value": typed}}
            )
            assert theirs.profile_id in found.message["result"]["completion"]["values"], typed
