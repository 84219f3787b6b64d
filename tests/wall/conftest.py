"""One server for each module: in it, somebody has planted what somebody else is after."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

import pytest

from mcp_memory.embedding.minilm import MiniLM
from tests.wall.planted import Ids, plant
from tests.wall.speaking import Modern
from tests.wall.world import Client, World, opened


@dataclass(frozen=True)
class Neighbours:
    """`mine` is hostile. `their` is what they are after."""

    world: World
    mine: Client
    own: Ids
    theirs: Client
    their: Ids

    async def twins(self) -> tuple[Ids, Ids]:
        """Stand-ins that are alike in all but their ids: what is done to one does not show at the other."""
        return await self._twin(), await self._twin()

    def about_them(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Of a tenant that both are of, the rows that are about the other store."""
        if self.mine.tenant != self.theirs.tenant:
            return kept
        ids = (self.their.store_id, self.their.mapping_id)
        return {
            name: [row for row in rows if any(one in row for one in ids)] if isinstance(rows, list) else rows
            for name, rows in kept.items()
        }

    async def _twin(self) -> Ids:
        chat = f"twin-{token_hex(8)}"
        made = await Modern(self.mine).call("upsert_traits", traits={"Contact": {"chat": chat}})
        return replace(self.own, profile_id=made["profile_id"], chat=chat)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, embedder: MiniLM) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("wall"), embedder) as world:
        yield world


@pytest.fixture(scope="module", params=["another tenant", "another store of the tenant"])
async def neighbours(request: pytest.FixtureRequest, world: World) -> Neighbours:
    if request.param == "another tenant":
        await world.tenant("acme", "one")
        await world.tenant("globex", "two")
        mine, theirs = await world.client("acme"), await world.client("globex")
    else:
        await world.tenant("initech", "one", "two")
        mine, theirs = await world.client("initech", store="one"), await world.client("initech", store="two")
    their = await plant(theirs, "two")
    return Neighbours(world, mine, await plant(mine, "one", "mine", "+13175550100"), theirs, their)
