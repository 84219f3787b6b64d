"""Sessions and streams belong to the key that opened them: to any other they are not there, and go on unharmed."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.wall.conftest import Neighbours
from tests.wall.planted import leaks
from tests.wall.speaking import (
    ACCEPT,
    GREETING,
    LEGACY,
    META,
    Json,
    Legacy,
    Modern,
    Said,
    Streaming,
    legacy_speaker,
    modern,
    modern_speaker,
    request,
    said,
    sse_speaker,
    streaming,
)
from tests.wall.world import Client

pytestmark = pytest.mark.anyio

NOBODYS = "0123456789abcdef0123456789abcdef"
POSTED = [
    request("tools/list", {}),
    request("initialize", GREETING),
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    {"jsonrpc": "2.0", "id": 1, "result": {}},
]


@pytest.fixture
async def session(neighbours: Neighbours) -> AsyncIterator[Legacy]:
    async with legacy_speaker(neighbours.theirs) as session:
        yield session


async def tried(client: Client, session_id: str) -> list[Said]:
    """Every method that takes a session, with this one."""
    headers = {**ACCEPT, "mcp-protocol-version": LEGACY, "mcp-session-id": session_id}
    answers = [said(await client.http.post("/mcp", headers=headers, json=body)) for body in POSTED]
    for method in ("GET", "DELETE"):
        async with streaming(client.world.app, method, "/mcp", {**headers, **client.headers}) as stream:
            answers.append(Said(stream.status, stream.headers, await stream.rest()))
    resumed = {**headers, **client.headers, "last-event-id": "1"}
    async with streaming(client.world.app, "GET", "/mcp", resumed) as stream:
        answers.append(Said(stream.status, stream.headers, await stream.rest()))
    return answers


async def test_a_session_of_somebody_else_is_not_there(neighbours: Neighbours, session: Legacy) -> None:
    foreign = await tried(neighbours.mine, session.session)
    absent = await tried(neighbours.mine, NOBODYS)

    assert {one.status for one in foreign} == {404}
    assert [(one.status, one.text) for one in foreign] == [(one.status, one.text) for one in absent]
    assert all(leaks(one, neighbours.their, neighbours.their) == [] for one in foreign)
    found = await session.call("lookup_profile", profile_id=neighbours.their.profile_id)
    assert found["profile_id"] == neighbours.their.profile_id


async def test_a_modern_request_in_somebody_elses_session_is_ones_own(neighbours: Neighbours, session: Legacy) -> None:
    asked = modern("tools/call", {"name": "lookup_profile", "arguments": {"profile_id": neighbours.their.profile_id}})
    asked["headers"]["mcp-session-id"] = session.session
    answer = (await neighbours.mine.http.post("/mcp", **asked)).json()

    assert answer["result"]["structuredContent"]["found"] is False


async def test_a_stream_of_sse_of_somebody_else_is_not_there(neighbours: Neighbours) -> None:
    """And what was posted to it is answered nowhere."""
    async with sse_speaker(neighbours.theirs) as theirs, sse_speaker(neighbours.mine) as mine:
        nowhere = theirs.path.partition("=")[0] + "=" + NOBODYS
        for body in POSTED:
            foreign = said(await neighbours.mine.http.post(theirs.path, headers=ACCEPT, json=body))
            absent = said(await neighbours.mine.http.post(nowhere, headers=ACCEPT, json=body))
            assert (foreign.status, foreign.text) == (absent.status, absent.text) and foreign.status == 404

        found = await theirs.call("lookup_profile", profile_id=neighbours.their.profile_id)
        assert found["profile_id"] == neighbours.their.profile_id
        assert (await mine.call("lookup_profile", profile_id=neighbours.their.profile_id))["found"] is False
        assert theirs.stream is not None and theirs.stream.read == ""


# Who listens


async def heard(stream: Streaming) -> Json:
    _, data = await stream.event()
    found: Json = json.loads(data)
    return found


def listening(client: Client, uris: list[str]) -> bytes:
    wanted = {"notifications": {"resourceSubscriptions": uris}, "_meta": META}
    return json.dumps(request("subscriptions/listen", wanted)).encode()


async def test_nobody_hears_of_what_changes_at_somebody_elses(neighbours: Neighbours) -> None:
    """In both eras: whoever listens to their addresses hears of the same address at one's own, and of nothing else."""
    their, mine = neighbours.their, neighbours.mine
    uris = [f"memory://profiles/{their.profile_id}/observations", "memory://store"]
    headers = {**mine.headers, **modern("subscriptions/listen", {})["headers"]}
    async with (
        streaming(mine.world.app, "POST", "/mcp", headers, listening(mine, uris)) as stream,
        sse_speaker(mine) as sse,
        modern_speaker(neighbours.theirs) as owner,
    ):
        assert (await heard(stream))["method"] == "notifications/subscriptions/acknowledged"
        for uri in uris:
            assert (await sse.ask("resources/subscribe", {"uri": uri})).message["result"] == {}
        about = {"Contact": {"lastName": "Changed"}}
        await owner.call("upsert_traits", profile_id=their.profile_id, traits=about)
        await owner.call("add_observation", profile_id=their.profile_id, observations=[{"content": "New canary"}])
        await Modern(mine).call("upsert_traits", traits={"Contact": {"chat": "somebody-of-mine"}})

        first = await heard(stream)
        assert first["params"]["uri"] == "memory://store"
        assert sse.stream is not None
        told = await heard(sse.stream)
        assert told["params"]["uri"] == "memory://store"
        assert stream.messages.statistics().current_buffer_used == 0
        assert (await sse.ask("resources/unsubscribe", {"uri": uris[0]})).message["result"] == {}


async def test_to_listen_to_what_is_somebody_elses_is_as_to_listen_to_nothing(neighbours: Neighbours) -> None:
    said_of: list[tuple[int, Json]] = []
    mine = neighbours.mine
    headers = {**mine.headers, **modern("subscriptions/listen", {})["headers"]}
    for profile_id in (neighbours.their.profile_id, neighbours.their.profile_id[:-4] + "0000"):
        body = listening(mine, [f"memory://profiles/{profile_id}"])
        async with streaming(mine.world.app, "POST", "/mcp", headers, body) as stream, sse_speaker(mine) as sse:
            begun = await heard(stream)
            for method in ("resources/subscribe", "resources/unsubscribe"):
                taken = await sse.ask(method, {"uri": f"memory://profiles/{profile_id}"})
                said_of.append((taken.status, taken.message))
            said_of.append((stream.status, json.loads(json.dumps(begun).replace(profile_id, ""))))

    assert said_of[:3] == said_of[3:]
