"""Each of the published operations, asked rightly, wrongly, and in bad times. `Checked` looks at every answer."""

import httpx2
import pytest

from .conftest import client
from .document import Document, operation_ids
from .fake.app import Fake
from .world import BODIES, World, ask

pytestmark = pytest.mark.anyio

everything = pytest.mark.parametrize("operation_id", operation_ids())


def test_nothing_that_takes_a_body_is_left_out(document: Document) -> None:
    assert len(operation_ids()) == 46
    assert set(BODIES) == {one.id for one in document.operations if one.body}


@everything
async def test_it_is_done(document: Document, world: World, operation_id: str) -> None:
    response = await ask(world.http, world, document.named(operation_id))

    assert response.status_code == min(document.named(operation_id).answers)


@everything
async def test_nobody_gets_in_without_the_key(document: Document, fake: Fake, world: World, operation_id: str) -> None:
    async with client(fake, auth=("SKwrong", "secret")) as stranger:
        response = await ask(stranger, world, document.named(operation_id))

    assert (response.status_code, response.json()["code"]) == (401, 20003)


@everything
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_bad_times_pass(document: Document, fake: Fake, world: World, operation_id: str, status: int) -> None:
    fake.fail(status, operation=operation_id, retry_after=3)
    failed = await ask(world.http, world, document.named(operation_id))
    again = await ask(world.http, world, document.named(operation_id))

    assert failed.status_code == failed.json()["status"] == status
    assert failed.headers.get("Retry-After") == ("3" if status == 429 else None)
    assert again.is_success


@everything
async def test_what_is_not_published_is_refused(
    document: Document, fake: Fake, world: World, operation_id: str
) -> None:
    operation = document.named(operation_id)
    async with client(fake, requests=False) as careless:
        extra = await careless.request(operation.method, world.path(operation.path), params={"debug": "1"})
        body = await careless.request(operation.method, world.path(operation.path), json=[1])

    assert (extra.status_code, body.status_code) == (400, 400)
    assert "'debug' is no parameter" in extra.json()["message"]
    assert extra.json()["more_info"].endswith("/400")


@everything
async def test_what_is_not_there_is_not_found(document: Document, world: World, operation_id: str) -> None:
    """Of each path the last thing that it names."""
    operation = document.named(operation_id)
    names = [one.name for one in operation.parameters if one.place == "path"]
    if not names:
        return
    there = world.ids[names[-1]]
    nowhere = f"{there.rpartition('_')[0]}_{'7' * 26}" if "_" in there else "nowhere"
    path = operation.path.format(**{**world.ids, names[-1]: nowhere})
    body = BODIES.get(operation_id)
    if names[-1] == "idType" and body:
        body = {**body, "idType": nowhere}

    response = await world.http.request(operation.method, path, json=body)

    assert response.status_code == 404


async def test_there_is_nothing_else(fake: Fake) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(fake), base_url="http://memory.test") as http:
        assert (await http.get("/v1/Services")).status_code == 401
    async with client(fake) as http:
        with pytest.raises(AssertionError, match="GET /v1/Services: no such operation"):
            await http.get("/v1/Services")
