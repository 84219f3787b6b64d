"""An address that an import was given is good for that import alone: whatever of it is changed, it is good for none."""

import base64
import json
from typing import Any

import pytest

from tests.wall.conftest import Neighbours
from tests.wall.planted import ABSENT, FILE, Ids, leaks
from tests.wall.speaking import Said, said
from tests.wall.world import Client

pytestmark = pytest.mark.anyio


def parts(ticket: str) -> list[str]:
    found: list[str] = json.loads(base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4)))
    return found


def ticket(*inside: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")


async def put(client: Client, ticket: str) -> Said:
    return said(await client.http.put(f"/uploads/{ticket}", content=FILE, headers={"content-type": "text/csv"}))


def forged(own: Ids, their: Ids) -> dict[str, str]:
    """Of the two addresses, whatever can be put together but what was given."""
    tenant, store_id, import_id, _ = parts(their.ticket)
    mine = parts(own.ticket)
    return {
        "their import, my secret": ticket(tenant, store_id, import_id, mine[3]),
        "my import, said to be theirs": ticket(tenant, store_id, mine[2], mine[3]),
        "my import in their store": ticket(mine[0], store_id, mine[2], mine[3]),
        "their import in my store": ticket(mine[0], mine[1], import_id, mine[3]),
        "their import without a secret": ticket(tenant, store_id, import_id, ""),
        "nobody's": ABSENT.ticket,
    }


async def test_an_address_that_was_put_together_holds_for_nothing(neighbours: Neighbours) -> None:
    before = await neighbours.world.kept(neighbours.theirs.tenant, neighbours.their.store_id)
    answers = {
        name: await put(neighbours.mine, made) for name, made in forged(neighbours.own, neighbours.their).items()
    }
    after = await neighbours.world.kept(neighbours.theirs.tenant, neighbours.their.store_id)

    assert {one.status for one in answers.values()} == {403}, answers
    assert len({one.text for one in answers.values()}) == 1
    assert all(leaks(one, neighbours.their, neighbours.their) == [] for one in answers.values())
    assert after == before


async def test_a_secret_that_is_wrong_takes_the_way_of_an_import_that_is_not_there(neighbours: Neighbours) -> None:
    tenant, store_id, _, _ = parts(neighbours.their.ticket)
    neighbours.world.database.taken()
    ways = []
    for import_id in (neighbours.their.import_id, ABSENT.import_id):
        await put(neighbours.mine, ticket(tenant, store_id, import_id, "x" * 32))
        ways.append(neighbours.world.database.taken())

    assert ways[0] == ways[1]


async def test_the_address_as_it_was_given_brings_the_file_to_whom_it_belongs(neighbours: Neighbours) -> None:
    """Whoever holds it: it needs no key, and another's changes nothing."""
    answer = await put(neighbours.theirs, neighbours.their.ticket)

    assert answer.status == 200
    path = f"/v1/Stores/{neighbours.own.store_id}/Profiles/Imports/{neighbours.their.import_id}"
    assert (await neighbours.mine.http.get(path)).status_code == 404
