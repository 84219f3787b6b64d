"""What is kept in memory is never taken for somebody else's: names, numbers and addresses that are the same."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.commands import Console, tenants
from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Caller
from mcp_memory.settings import Settings
from mcp_memory.tenancy import keys
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Tenant
from tests.wall.planted import CANARY, Ids, leaks, plant
from tests.wall.speaking import SPEAKERS, Modern, Speaker, Speaking, legacy_speaker, said
from tests.wall.world import Client, World

pytestmark = pytest.mark.anyio

PHONE = "+13175550142"
STORES = "/v1/ControlPlane/Stores"
SECRET = "a-secret-of-tests"
QUIET = Console(say=lambda text: None, tell=lambda text: None)
NOBODY = "mem_profile_01kammq7gwf5sb8d9r2hkjx3e4"


@pytest.fixture(params=SPEAKERS)
def speaking(request: pytest.FixtureRequest) -> Speaking:
    return SPEAKERS[request.param]


async def remember(speaker: Speaker, content: str, phone: str = PHONE) -> str:
    made = await speaker.call("upsert_traits", traits={"Contact": {"phone": phone, "firstName": content}})
    profile_id: str = made["profile_id"]
    await speaker.call("add_observation", profile_id=profile_id, observations=[{"content": content}])
    words = [{"text": content, "role": "customer"}]
    await speaker.call("record_messages", profile_id=profile_id, conversation_id="talk", messages=words)
    return profile_id


async def recalled(speaker: Speaker, profile_id: str) -> set[str]:
    asked = {"conversation_id": "talk", "communications_limit": 20}
    found = await speaker.call("recall", profile_id=profile_id, **asked)
    return {one["content"] for kind in ("observations", "communications") for one in found[kind]}


async def test_one_number_and_one_conversation_are_two_peoples(world: World, speaking: Speaking) -> None:
    names = [f"{name}-{speaking.__name__.partition('_')[0]}" for name in ("acme", "globex")]
    for name in names:
        await world.tenant(name)
    acme, globex = [await world.client(name) for name in names]
    async with speaking(acme) as one, speaking(globex) as other:
        ids = [await remember(one, "Likes tea"), await remember(other, "Likes gin")]
        for _ in range(3):  # whoever asks first, and whoever asks next
            assert await recalled(one, ids[0]) == {"Likes tea"}
            assert await recalled(other, ids[1]) == {"Likes gin"}
            for speaker, id, content in ((one, ids[0], "Likes tea"), (other, ids[1], "Likes gin")):
                found = await speaker.call("lookup_profile", value=PHONE)
                assert (found["profile_id"], found["traits"]["Contact"]["firstName"]) == (id, content)
                store = (await speaker.ask("resources/read", {"uri": "memory://store"})).message["result"]
                assert json.loads(store["contents"][0]["text"])["counts"] == {"profiles": 1}


async def test_a_tenant_that_is_removed_and_added_again_is_another(world: World, embedder: MiniLM) -> None:
    """By commands, while the server goes on: whatever it has in memory is of the one before."""
    await world.tenant("umbrella")
    before = await world.client("umbrella")
    their = await plant(before, "default")
    made = await _create_once(before)
    async with legacy_speaker(before) as session:
        async with world.elsewhere(embedder) as host:
            await tenants.remove(host.memory, host.directory, {"name": "umbrella", "delete_data": True}, QUIET)
            await tenants.add(host.memory, host.directory, {"name": "umbrella"}, QUIET)
        after = await world.client("umbrella")
        answers = [said(await after.http.get(path)) for path in _paths(their)]
        answers.append(said(await after.http.post("/mcp", headers=session.headers, json={})))
        gone = said(await before.http.get(STORES))
    again = await _create_once(after)

    assert all(answer.status == 404 for answer in answers), answers
    assert gone.status == 401
    assert again.headers["operation-id"] != made.headers["operation-id"]
    assert "idempotency-replayed" not in again.headers
    assert (await Modern(after).call("lookup_profile", value=their.phone))["found"] is False
    assert leaks(said(await after.http.get(STORES)), their, their) == []
    new_id = await remember(Modern(after), "Likes tea")
    assert await recalled(Modern(after), new_id) == {"Likes tea"}
    assert CANARY.encode() not in b"".join([one.read_bytes() for one in world.folder.glob(f"stores/{their.store_id}*")])


async def _create_once(client: Client) -> Any:
    sent = {"displayName": "again"}
    answer = await client.http.post(STORES, json=sent, headers={"Idempotency-Key": "the same in both lives"})
    assert answer.status_code == 202, answer.text
    return answer


def _paths(their: Ids) -> list[str]:
    data = f"/v1/Stores/{their.store_id}"
    return [
        f"{STORES}/{their.store_id}",
        f"/v1/ControlPlane/Operations/{their.operation_id}",
        f"{data}/Profiles",
        f"{data}/Profiles/{their.profile_id}",
        f"{data}/Profiles/Imports/{their.import_id}",
    ]


async def test_a_name_that_is_given_to_another_store_means_that_one(world: World, embedder: MiniLM) -> None:
    """In another process, which tells nobody: for a tenant's keys, and for one that is for this store alone."""
    await world.tenant("hooli", "one", "two")
    wide, narrow = await world.client("hooli"), await world.client("hooli", store="one")
    earlier = await remember(Modern(wide), "Likes tea")
    assert await recalled(Modern(narrow), earlier) == {"Likes tea"}
    (store_id,) = (await narrow.http.get(STORES)).json()["stores"]
    async with world.elsewhere(embedder) as host:
        caller = Caller(tenant="hooli", store=store_id)
        await host.memory.update_store(caller, StoreChanges(display_name="formerly-one"))
        await host.memory.create_store(caller, NewStore(display_name="one"))

    for client in (wide, narrow):
        speaker = Modern(client)
        assert (await speaker.call("lookup_profile", value=PHONE))["found"] is False
        assert (await speaker.call("lookup_profile", profile_id=earlier))["found"] is False
    assert (await narrow.http.get(f"{STORES}/{store_id}")).status_code == 404
    assert store_id not in (await narrow.http.get(STORES)).json()["stores"]


async def test_a_store_that_is_deleted_and_made_again_is_empty(world: World, embedder: MiniLM) -> None:
    """Here, or in another process."""
    await world.tenant("initrode")
    client = await world.client("initrode")
    seen = set()
    for content in ("Likes tea", "Likes gin"):
        profile_id = await remember(Modern(client), content)
        assert await recalled(Modern(client), profile_id) == {content}
        (store_id,) = (await client.http.get(STORES)).json()["stores"]
        seen.add(store_id)
        if content == "Likes tea":
            assert (await client.http.delete(f"{STORES}/{store_id}")).status_code == 202
        else:
            async with world.elsewhere(embedder) as host:
                await host.memory.delete_store(Caller(tenant="initrode", store=store_id))
        assert (await Modern(client).call("lookup_profile", value=PHONE))["found"] is False
        assert (await Modern(client).call("lookup_profile", profile_id=profile_id))["found"] is False
    (last,) = (await client.http.get(STORES)).json()["stores"]

    assert last not in seen


async def test_a_key_that_is_rotated_keeps_its_session_and_the_old_secret_none(world: World) -> None:
    await world.tenant("vandelay")
    client = await world.client("vandelay")
    async with legacy_speaker(client) as session:
        profile_id = await remember(session, "Likes tea")
        rotated = keys.rotated(client.key, "another-secret-of-it", world.host.memory.now(), keys.MAX_GRACE * 0)
        await world.directory.put_key(rotated)
        refused = await session.ask("tools/list", {})
        fresh = Client(world, client.tenant, rotated, "another-secret-of-it")
        world.clients.append(fresh)

        assert refused.status == 401 and profile_id not in refused.text
        session.client = fresh
        assert await recalled(session, profile_id) == {"Likes tea"}


async def test_what_a_session_may_do_is_what_its_key_may_do_now(world: World) -> None:
    """As a configuration says that is read again: fewer rights hold at once, and another reach ends it."""
    client = await configured(world, Key(key_id="duffs", tenant="duff", digest=keys.digest(SECRET), store="one"))
    more = {"name": "add_observation", "arguments": {"profile_id": NOBODY, "observations": [{"content": "x"}]}}
    async with legacy_speaker(client) as session:
        profile_id = await remember(session, "Likes tea")
        await configured(world, replace(client.key, scopes=("memory:read",)))
        assert (await session.ask("tools/call", more)).status == 403
        assert await recalled(session, profile_id) == {"Likes tea"}
        await configured(world, replace(client.key, store="two"))
        assert (await session.ask("tools/list", {})).status == 404
        assert (await Modern(client).call("lookup_profile", profile_id=profile_id))["found"] is False
        await configured(world, replace(client.key, tenant="pied", store=None))
        assert (await session.ask("tools/list", {})).status == 404
        assert (await Modern(client).call("lookup_profile", profile_id=profile_id))["found"] is False


async def configured(world: World, key: Key) -> Client:
    both = {name: Tenant(name=name, stores=("one", "two")) for name in ("duff", "pied")}
    settings = Settings(data_dir=world.folder, hosting=Hosting(tenants=both, keys={key.key_id: key}))
    await world.host.configure(settings)
    world.clients.append(Client(world, key.tenant, key, SECRET))
    return world.clients[-1]


async def test_two_tenants_with_the_same_key_of_a_request_are_answered_each_its_own(world: World) -> None:
    for name in ("stark", "wayne"):
        await world.tenant(name)
    stark, wayne = await world.client("stark"), await world.client("wayne")
    first, second = await _create_once(stark), await _create_once(wayne)
    again = [await _create_once(stark), await _create_once(wayne)]

    assert [one.headers["idempotency-replayed"] for one in again] == ["true", "true"]
    assert [one.text for one in again] == [first.text, second.text] and first.text != second.text
