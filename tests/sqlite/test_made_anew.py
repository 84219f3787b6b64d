"""A store that another process deleted and made anew: who asks by its name gets the new one, by its id none."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_memory import app, scoping
from mcp_memory.errors import NoStore, NotFound
from mcp_memory.listing import PageQuery
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.settings import Settings

pytestmark = pytest.mark.anyio

ACME = Caller(tenant="acme")
TRAITS = {"Contact": {"phone": "+13175550142"}}


@pytest.fixture
async def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Memory, Memory]]:
    """As two processes have them on one folder; the first has found the store by its name, a minute ago."""
    monkeypatch.setattr(scoping, "ALONE", timedelta(0))
    async with AsyncExitStack() as stack:
        made = [app.build_memory(Settings(data_dir=tmp_path)) for _ in range(2)]
        for memory in made:
            stack.push_async_callback(memory.close)
        await made[0].upsert_traits(ACME, TRAITS, None)
        yield made[0], made[1]


async def test_a_name_means_what_is_called_so_now(two: tuple[Memory, Memory]) -> None:
    here, there = two
    await there.delete_tenant(ACME)
    fresh = (await there.upsert_traits(ACME, TRAITS, None)).profile.profile_id

    found = await here.lookup_profile(ACME, "+13175550142", None)

    assert found.profile is not None and found.profile.profile_id == fresh


async def test_what_is_done_again_is_done_once(two: tuple[Memory, Memory]) -> None:
    here, there = two
    await there.delete_tenant(ACME)

    made = await here.upsert_traits(ACME, TRAITS, None)

    assert (await here.list_profiles(ACME, PageQuery(limit=10))).items == [made.profile.profile_id]
    assert (await there.list_profiles(ACME, PageQuery(limit=10))).items == [made.profile.profile_id]


async def test_an_id_means_that_store_and_no_other(two: tuple[Memory, Memory]) -> None:
    here, there = two
    by_id = replace(ACME, store=(await here.get_store(ACME)).store_id)
    await here.list_profiles(by_id, PageQuery(limit=1))
    await there.delete_tenant(ACME)

    for _ in range(2):
        with pytest.raises(NoStore):
            await here.list_profiles(by_id, PageQuery(limit=1))
        with pytest.raises(NotFound):
            await here.upsert_traits(by_id, TRAITS, None)
    assert (await there.list_stores(ACME, PageQuery(limit=10))).items == []


async def test_who_reaches_one_store_alone_reaches_it_anew(two: tuple[Memory, Memory]) -> None:
    here, there = two
    narrow = replace(ACME, stores=("default",))
    (old,) = (await here.list_stores(narrow, PageQuery(limit=10))).items
    await there.delete_tenant(ACME)
    new = (await there.get_store(ACME)).store_id

    assert (await here.get_store(replace(narrow, store=new))).store_id == new
    assert (await here.list_stores(narrow, PageQuery(limit=10))).items == [new] != [old]
    with pytest.raises(NoStore):
        await here.get_store(replace(narrow, store=old))


async def test_a_store_that_is_not_among_those_is_not_reached_however_often_it_is_asked_for(
    two: tuple[Memory, Memory],
) -> None:
    here, _ = two
    other = (await here.get_store(replace(ACME, store="other"))).store_id
    for _ in range(3):
        with pytest.raises(NoStore):
            await here.get_store(replace(ACME, stores=("default",), store=other))
