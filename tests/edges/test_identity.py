"""What an agent and a curator see of who is one person with whom."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from mcp.client import Client

from mcp_memory import app, ids, settings
from mcp_memory.definitions import TraitGroup
from mcp_memory.identity import IdentifierConfig, IdentitySettings
from mcp_memory.model import Caller, TraitDefinition
from mcp_memory.server import build_server
from mcp_memory.service import Memory
from mcp_memory.tools.toolsets import AGENT, CURATOR, TOOLSETS, tools_of
from tests.edges.conftest import ACME, Agent

pytestmark = pytest.mark.anyio

PHONE, EMAIL = "+13175550142", "lee@example.com"


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest, memory: Memory) -> AsyncIterator[Client]:
    """A host that has switched the curator's tools on as well."""
    server = build_server(memory, lambda ctx: ACME, tools_of(["agent", "curator"]))
    async with Client(server, mode=request.param) as client:
        yield client


@pytest.fixture
async def lee(agent: Agent, dana: str) -> str:
    created = await agent.call("upsert_traits", traits={"Contact": {"email": EMAIL, "firstName": "Lee"}})
    return str(created["profile_id"])


async def link(agent: Agent) -> dict[str, Any]:
    return await agent.call("upsert_traits", traits={"Contact": {"phone": PHONE, "email": EMAIL}})


# The lists


async def test_the_curators_tools_are_there_only_where_they_were_switched_on(client: Client, memory: Memory) -> None:
    both = [tool.name for tool in (await client.list_tools()).tools]
    async with Client(build_server(memory, lambda ctx: ACME)) as plain:
        alone = [tool.name for tool in (await plain.list_tools()).tools]

    assert alone == [tool.name for tool in AGENT]
    assert both == [*alone, *(tool.name for tool in CURATOR)]
    assert tuple(TOOLSETS) == settings.TOOLSETS == ("agent", "conversation", "curator")


async def test_the_curators_tools_are_fully_described_and_cost_little(client: Client) -> None:
    tools = [tool for tool in (await client.list_tools()).tools if tool.name in {one.name for one in CURATOR}]

    for tool in tools:
        assert tool.title and tool.description and tool.output_schema and tool.annotations
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations.read_only_hint == (tool.name in {"explain_identity", "observation_history"})
    dumped = [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools]
    assert len(json.dumps(dumped, ensure_ascii=False)) / 4 <= 2100


# Ids of one's own


async def test_an_id_of_ones_own_that_nobody_has_is_told_how_to_be_created(agent: Agent, memory: Memory) -> None:
    default = await memory.get_identity_settings(ACME)
    user_id = IdentifierConfig(id_type="user_id", limit=1)
    await memory.update_identity_settings(
        ACME,
        IdentitySettings(
            identifier_configs=(*default.identifier_configs, user_id),
            matching_rules=("user_id", *default.matching_rules),
        ),
    )
    trait = TraitDefinition(group="Account", name="userId", data_type="STRING", id_type_promotion="user_id")
    await memory.create_trait_group(ACME, TraitGroup(display_name="Account", definitions=(trait,)))

    asked = await agent.call("lookup_profile", value="u-77", id_type="user_id")
    guessed = await agent.call("lookup_profile", value="u-77")

    assert asked["found"] is guessed["found"] is False
    assert 'upsert_traits with traits {"Account": {"userId": "u-77"}}' in asked["hint"]
    assert "Nobody has this as chat or user_id." in guessed["hint"] and "upsert_traits" not in guessed["hint"]


async def test_a_customer_who_has_one_id_is_kept_apart_with_a_word_of_what_differs(
    agent: Agent, memory: Memory
) -> None:
    await test_an_id_of_ones_own_that_nobody_has_is_told_how_to_be_created(agent, memory)
    for number in (1, 2):
        traits = {"Account": {"userId": f"u-{number}"}, "Contact": {"phone": PHONE}}
        text = await agent.text("upsert_traits", traits=traits)

    assert f'Not taken: phone "{PHONE}" stays with mem_profile_' in text
    assert "a customer has one user_id, and these two have different ones" in text


# Merging by what was said


async def test_an_upsert_that_links_two_profiles_says_so(agent: Agent, dana: str, lee: str) -> None:
    linked = await link(agent)

    canonical = linked["profile_id"]
    (merged,) = linked["merged"]
    assert {canonical, merged["profile_id"]} == {dana, lee}
    assert (merged["id_type"], merged["value"]) == ("phone", PHONE)
    text = await agent.text("lookup_profile", value=EMAIL)
    assert f'Merged in: {merged["profile_id"]}, {merged["merged_at"]}, by phone "{PHONE}"' in text
    assert json.loads(await agent.read(f"memory://profiles/{canonical}"))["merged"] == [merged]


async def test_a_merged_id_is_looked_up_with_a_word_about_it(agent: Agent, dana: str, lee: str) -> None:
    linked = await link(agent)
    canonical, merged = linked["profile_id"], linked["merged"][0]["profile_id"]

    found = await agent.call("lookup_profile", profile_id=merged)
    text = await agent.text("lookup_profile", profile_id=merged)

    assert (found["profile_id"], found["merged_profile_id"]) == (canonical, merged)
    assert text.startswith(f"{merged} was merged into {canonical}: use that id from now on.")
    assert "merged_profile_id" not in await agent.call("lookup_profile", profile_id=canonical)


async def test_every_tool_takes_a_merged_id_and_answers_with_the_persons(agent: Agent, dana: str, lee: str) -> None:
    linked = await link(agent)
    canonical, merged = linked["profile_id"], linked["merged"][0]["profile_id"]
    calls: dict[str, dict[str, Any]] = {
        "add_observation": {"observations": [{"content": "Is allergic to wool."}]},
        "write_summary": {"conversation_id": "c", "content": "Asked about socks."},
        "recall": {"query": "wool"},
        "upsert_traits": {"traits": {"Contact": {"city": "Gary"}}},
    }

    for tool, arguments in calls.items():
        assert (await agent.call(tool, profile_id=merged, **arguments))["profile_id"] == canonical
        assert f"{merged} was merged into {canonical}" in await agent.text(tool, profile_id=merged, **arguments)
        assert "was merged into" not in await agent.text(tool, profile_id=canonical, **arguments)
    for view in ("", "/context", "/traits", "/observations", "/summaries", "/timeline"):
        assert await agent.read(f"memory://profiles/{merged}{view}") == await agent.read(
            f"memory://profiles/{canonical}{view}"
        )
    assert json.loads(await agent.read("memory://store"))["counts"] == {"profiles": 1}


async def test_who_listens_to_either_id_hears_of_the_merge_and_of_what_follows(memory: Memory) -> None:
    contacts = ({"phone": PHONE}, {"email": EMAIL})
    dana, lee = [(await memory.upsert_traits(ACME, {"Contact": one}, None)).profile.profile_id for one in contacts]
    uris = {f"memory://profiles/{id}/observations" for id in (dana, lee)}
    async with Client(build_server(memory, lambda ctx: ACME)) as client:
        agent = Agent(client)
        async with client.listen(resource_subscriptions=sorted(uris)) as events:
            for write in (
                link(agent),
                agent.call("add_observation", profile_id=lee, observations=[{"content": "Hi."}]),
            ):
                await write
                with anyio.fail_after(5):
                    assert {getattr(await anext(events), "uri", None) for _ in uris} == uris


# Curating


async def test_a_curator_merges_explains_and_unmerges(agent: Agent, dana: str, lee: str) -> None:
    merged = await agent.call("merge_profiles", profile_id=dana, other_id=lee)
    assert {merged["profile_id"], merged["merged_profile_id"]} == {dana, lee}
    assert merged["identifiers"] == {"phone": [PHONE], "email": [EMAIL]}

    explained = await agent.call("explain_identity", profile_id=lee)
    (entry,) = explained["merges"]
    assert (entry["by"], entry["profile_id"], "id_type" in entry) == ("curator", merged["profile_id"], False)
    assert {entry["had"]["traits"]["Contact"]["firstName"], entry["merged_had"]["traits"]["Contact"]["firstName"]} == {
        "Dana",
        "Lee",
    }
    brought = {one["value"]: one["profile_id"] for one in explained["identifiers"]}
    assert brought == {PHONE: dana, EMAIL: lee}

    undone = await agent.call("unmerge_profile", profile_id=merged["merged_profile_id"])
    assert undone["restored_profile_id"] == merged["merged_profile_id"]
    assert undone["remaining_profile_id"] == merged["profile_id"]
    assert (await agent.call("lookup_profile", value=EMAIL))["profile_id"] == lee
    explained = await agent.call("explain_identity", profile_id=dana)
    assert explained["merges"][0]["undone_at"]


async def test_what_was_unmerged_stays_apart_and_the_answer_says_why(agent: Agent, dana: str, lee: str) -> None:
    linked = await link(agent)
    undone = await agent.text("unmerge_profile", profile_id=linked["merged"][0]["profile_id"])
    assert f'phone "{PHONE}" does not link the two again.' in undone

    again = await link(agent)
    text = await agent.text("upsert_traits", traits={"Contact": {"phone": PHONE, "email": EMAIL}})

    assert again["profile_id"] == lee and "merged" not in again
    assert again["kept_apart"] == [
        {"id_type": "phone", "value": PHONE, "held_by": dana, "reason": "unmerged"},
    ]
    assert f'Not taken: phone "{PHONE}" stays with {dana}, since the two were taken apart' in text
    explained = await agent.text("explain_identity", profile_id=dana)
    assert "Taken apart:" in explained and "2 times, stays with" in explained


async def test_what_was_learned_under_the_common_id_is_reported(agent: Agent, dana: str, lee: str) -> None:
    merged = await agent.call("merge_profiles", profile_id=dana, other_id=lee)
    await agent.call("add_observation", profile_id=merged["profile_id"], observations=[{"content": "Of whom?"}])

    undone = await agent.text("unmerge_profile", profile_id=merged["merged_profile_id"])

    assert f"1 observation learned since the merge under {merged['profile_id']}, the id of both, stayed there" in undone


@pytest.mark.parametrize(
    ("tool", "arguments", "complaint"),
    [
        ("merge_profiles", {"profile_id": "dana", "other_id": "dana"}, "invalid: profile_id is not a mem_profile id"),
        ("merge_profiles", {"profile_id": "DANA", "other_id": "lee"}, "invalid: other_id is not a mem_profile id"),
        ("merge_profiles", {"profile_id": "DANA", "other_id": "DANA"}, "invalid: profile_id and other_id are the same"),
        ("merge_profiles", {"profile_id": "DANA", "other_id": "STRANGER"}, "not_found: There is no such profile"),
        ("merge_profiles", {"profile_id": "DANA"}, "invalid: other_id is required"),
        ("unmerge_profile", {"profile_id": "DANA"}, "is not merged with another profile"),
        ("unmerge_profile", {"profile_id": "NOBODY"}, "not_found: There is no such profile"),
        ("explain_identity", {"profile_id": "NOBODY"}, "not_found: There is no such profile"),
        ("explain_identity", {"profile_id": "DANA", "why": 1}, "invalid: unknown argument why"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_changes(
    agent: Agent, memory: Memory, dana: str, tool: str, arguments: dict[str, Any], complaint: str
) -> None:
    globex = Caller(tenant="globex")
    stranger = (await memory.upsert_traits(globex, {"Contact": {"phone": PHONE}}, None)).profile.profile_id
    known = {"DANA": dana, "STRANGER": stranger, "NOBODY": app.make_id(ids.PROFILE)}
    given = {name: known.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}

    assert complaint in await agent.refused(tool, **given)

    assert json.loads(await agent.read("memory://store"))["counts"] == {"profiles": 1}
    assert (await memory.get_profile(globex, stranger)).all_ids == [stranger]


async def test_an_explanation_of_many_merges_shows_the_latest_and_counts_the_others(
    agent: Agent, memory: Memory, dana: str
) -> None:
    for number in range(25):
        other = (await memory.upsert_traits(ACME, {"Contact": {"chat": f"web-{number}"}}, None)).profile.profile_id
        await memory.merge_profiles(ACME, dana, other)

    explained = await agent.call("explain_identity", profile_id=dana)

    assert (len(explained["merges"]), explained["left_out"], len(explained["identifiers"])) == (20, 5, 26)
    assert "Merged in: 20 earlier ones" in await agent.text("lookup_profile", profile_id=dana)
