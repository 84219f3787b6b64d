"""Every route there is, asked with the ids of somebody else: answered as if there were no such thing, nothing done."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from tests.wall.calls import BODIES, UPLOADING, calls, routes
from tests.wall.conftest import Neighbours
from tests.wall.planted import ABSENT, CANARY, alike, leaks, plant
from tests.wall.speaking import said
from tests.wall.world import METRICS_KEY, World

pytestmark = pytest.mark.anyio

# Beside the API: path -> where it is attacked.
BESIDE: Mapping[str, str] = {
    "/mcp": "test_mcp.py, test_sessions.py",
    "/mcp/": "the same as /mcp",
    "/sse": "test_mcp.py, test_sessions.py",
    "/messages": "test_sessions.py",
    "/health": "below",
    "/ready": "below",
    "/metrics": "below",
}
OPEN = (
    *("/health", "/ready", "/metrics", "/openapi.json", "/nowhere", "/.well-known/nowhere"),
    *("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"),
)
REPLAYED = "idempotency-replayed"
# Nothing is sent for anybody, and who talks with them already is known again.
EVEN_TO_THEM: Mapping[str, int] = {
    "CreateConversationAction": 400,
    "CreateConversationWithConfig": 409,
    "CreateParticipantInConversation": 409,
}


async def test_every_route_is_attacked(world: World) -> None:
    found = list(routes(world))
    api = world.app.router.default
    assert isinstance(api, FastAPI)
    documented = api.openapi()["paths"]
    aliases = {one.path for one in found if one.path.startswith("/v1/Services")}
    beside = {one.path for one in world.app.routes if isinstance(one, Route | Mount)}

    assert {one.operation_id for one in found} == {*BODIES, UPLOADING}
    assert {one.path for one in found} - aliases == set(documented)
    assert len(aliases) >= 20 and beside == set(BESIDE)


async def test_with_ids_of_somebody_else_it_is_as_with_ids_of_nobody(neighbours: Neighbours) -> None:
    """In their store and in one's own, for whatever has an id."""
    world, their, own = neighbours.world, neighbours.their, neighbours.own
    before, read = await world.kept(neighbours.theirs.tenant, their.store_id), await _read(neighbours)
    for call in calls(world):
        places = [(their.store_id, ABSENT.store_id)] if "{storeId}" in call.path else []
        places += [(own.store_id, own.store_id)] if call.about else []
        for there, nowhere in places:
            world.database.taken()
            absent, ways = await call.of(neighbours.mine, ABSENT, nowhere), world.database.taken()
            foreign = await call.of(neighbours.mine, their, there)

            assert foreign.status == 404, (call, foreign)
            assert leaks(foreign, their, their) == [], call
            assert alike(foreign, their, own) == alike(absent, ABSENT, own), call
            assert world.database.taken() == ways, call
    after = await world.kept(neighbours.theirs.tenant, their.store_id)

    assert neighbours.about_them(after) == neighbours.about_them(before)
    assert await _read(neighbours) == read


async def test_in_their_store_ones_own_ids_name_nothing_either(neighbours: Neighbours) -> None:
    for call in calls(neighbours.world):
        if "{storeId}" in call.path:
            foreign = await call.of(neighbours.mine, neighbours.own, neighbours.their.store_id)
            absent = await call.of(neighbours.mine, neighbours.own, ABSENT.store_id)

            assert alike(foreign, neighbours.own) == alike(absent, neighbours.own), call
            assert (foreign.status, leaks(foreign, neighbours.their, neighbours.their)) == (404, []), call


async def test_what_lists_and_finds_lists_and_finds_ones_own(neighbours: Neighbours) -> None:
    """By their email, by their file, by their page tokens, under their idempotency key."""
    before = await neighbours.world.kept(neighbours.theirs.tenant, neighbours.their.store_id)
    for call in calls(neighbours.world):
        if call.about or call.operation == "DeleteStore":
            continue
        headers = {"Idempotency-Key": neighbours.their.idempotency_key}
        for more in ({}, {"headers": headers}):
            answer = await call.of(neighbours.mine, neighbours.their, neighbours.own.store_id, **more)
            assert leaks(answer, neighbours.their, neighbours.their) == [], call
    after = await neighbours.world.kept(neighbours.theirs.tenant, neighbours.their.store_id)

    assert neighbours.about_them(after) == neighbours.about_them(before)
    assert CANARY.encode() not in await neighbours.world.bytes_of(neighbours.own.store_id)


async def test_a_page_goes_on_only_for_whom_it_began(neighbours: Neighbours) -> None:
    tried = 0
    for call in calls(neighbours.world):
        if call.method != "GET" or "{storeId}" not in call.path:
            continue
        theirs = await call.of(neighbours.theirs, neighbours.their, params={"pageSize": 1})
        token = (theirs.message.get("meta") or {}).get("nextToken")
        if token is None:
            continue
        mine = await call.of(neighbours.mine, neighbours.own, params={"pageSize": 1, "pageToken": token})
        made_up = await call.of(neighbours.mine, neighbours.own, params={"pageSize": 1, "pageToken": "bm8"})

        assert mine.status == 400 and (mine.text, mine.status) == (made_up.text, made_up.status), call
        tried += 1
    assert tried >= 4


async def test_an_idempotency_key_of_somebody_else_is_new(neighbours: Neighbours) -> None:
    """With the very request that it was first used for."""
    key: dict[str, Any] = {"headers": {"Idempotency-Key": f"stores of {neighbours.theirs.tenant}"}}
    call = next(one for one in calls(neighbours.world) if one.operation == "CreateProfile")
    first = await call.of(neighbours.theirs, neighbours.their, **key)
    again = await call.of(neighbours.theirs, neighbours.their, **key)
    foreign = await call.of(neighbours.mine, neighbours.their, **key)
    own = await call.of(neighbours.mine, neighbours.their, neighbours.own.store_id, **key)

    assert again.headers[REPLAYED] == "true" and again.text == first.text
    assert foreign.status == 404 and REPLAYED not in foreign.headers
    assert REPLAYED not in own.headers and leaks(own, neighbours.their, neighbours.their) == []


async def test_what_is_open_tells_nothing_of_anybody(neighbours: Neighbours) -> None:
    for path in OPEN:
        answer = said(await neighbours.mine.http.get(path))
        assert leaks(answer, neighbours.their, ABSENT) == [], path
        assert neighbours.theirs.tenant not in answer.text
    shown = await neighbours.mine.http.get("/metrics", headers={"authorization": f"Bearer {METRICS_KEY}"})

    assert shown.status_code == 200 and leaks(said(shown), neighbours.their, ABSENT) == []


async def test_to_whom_it_belongs_each_is_answered(world: World) -> None:
    """Or else being refused would show nothing. Each by the name of today and by the older one, in its own store."""
    await world.tenant("owner")
    owner = await world.client("owner")
    for alias in (False, True):
        theirs = await plant(owner, "default", "own", "+13175550190" if alias else "+13175550191")
        for call in calls(world):
            if call.path.startswith("/v1/Services") is alias:
                accepted = call.operation == "RejectProfileTraitProposal"  # by now: there is another one
                answer = await call.of(
                    owner, replace(theirs, proposal_id=theirs.other_proposal_id) if accepted else theirs
                )
                assert answer.status == EVEN_TO_THEM.get(call.operation, min(answer.status, 399)), (call, answer)


async def _read(neighbours: Neighbours) -> dict[str, str]:
    """Whatever their owner reads."""
    reading = [one for one in calls(neighbours.world) if one.method == "GET"]
    return {one.path: (await one.of(neighbours.theirs, neighbours.their)).text for one in reading}
