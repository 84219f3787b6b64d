"""Lists of profiles and traits, a page at a time; and cursors that no list gave."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Invalid
from mcp_memory.listing import EVERYTHING, Page, PageQuery
from mcp_memory.model import NewObservation, NewSummary, Scope, TraitDefinition
from mcp_memory.traits import Raw
from tests.contract.conftest import Clock
from tests.contract.people import event, everything, person, refused

pytestmark = pytest.mark.anyio

FIRST = PageQuery(limit=1)


async def several(backend: Backend, scope: Scope, clock: Clock, count: int) -> list[str]:
    ids = []
    for number in range(count):
        ids.append((await person(backend, scope, chat=f"web-{number}")).profile_id)
        clock.pass_(seconds=1)
    return ids


async def test_profiles_are_listed_by_their_creation(backend: Backend, scope: Scope, clock: Clock) -> None:
    ids = await several(backend, scope, clock, 5)
    await event(backend, scope, ids[0], city="Gary")  # a change is no creation

    assert await everything(lambda page: backend.list_profiles(scope, page)) == ids[::-1]
    assert await everything(lambda page: backend.list_profiles(scope, page), newest_first=False) == ids


async def test_profiles_of_one_moment_are_listed_once_each(backend: Backend, scope: Scope) -> None:
    ids = [(await person(backend, scope, chat=f"web-{number}")).profile_id for number in range(7)]

    for newest_first in (True, False):
        found = await everything(lambda page: backend.list_profiles(scope, page), newest_first=newest_first)
        assert sorted(found) == sorted(ids)


async def test_of_merged_profiles_only_the_live_one_is_listed(backend: Backend, scope: Scope, clock: Clock) -> None:
    ids = await several(backend, scope, clock, 3)
    await backend.merge_profiles(scope, ids[2], ids[0])

    assert await everything(lambda page: backend.list_profiles(scope, page)) == [ids[1], ids[0]]
    assert await backend.live_profile_id(scope, ids[2]) == ids[0] == await backend.live_profile_id(scope, ids[0])
    await backend.unmerge_profile(scope, ids[2])
    assert await everything(lambda page: backend.list_profiles(scope, page)) == ids[::-1]
    assert await backend.live_profile_id(scope, ids[2]) == ids[2]


async def test_a_last_page_that_is_full_is_the_last(backend: Backend, scope: Scope, clock: Clock) -> None:
    ids = await several(backend, scope, clock, 2)

    assert await backend.list_profiles(scope, PageQuery(limit=2)) == Page(items=ids[::-1])
    assert (await backend.list_profiles(scope, FIRST)).next_cursor is not None


async def test_traits_are_listed_by_the_time_they_were_given(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = (await person(backend, scope, chat="dana", city="Gary")).profile_id
    clock.pass_(seconds=1)
    await event(backend, scope, dana, country="US")
    clock.pass_(seconds=1)
    await event(backend, scope, dana, city="Hammond")

    async def names(newest_first: bool) -> list[str]:
        found = await everything(
            lambda page: backend.list_traits(scope, dana, None, page), newest_first=newest_first, limit=1
        )
        return [one.name for one in found]

    assert await names(True) == ["city", "country", "chat"]
    assert await names(False) == ["chat", "country", "city"]
    (latest,) = (await backend.list_traits(scope, dana, None, FIRST)).items
    assert (latest.group, latest.value, latest.updated_at) == ("Contact", "Hammond", clock.time)


async def test_traits_of_one_moment_are_listed_once_each(backend: Backend, scope: Scope) -> None:
    names = [f"trait{number}" for number in range(7)]
    await backend.create_trait_group(
        scope,
        TraitGroup(
            display_name="Shop",
            definitions=tuple(TraitDefinition(group="Shop", name=name, data_type="NUMBER") for name in names),
        ),
    )
    given: Raw = {"Contact": {"chat": "dana"}, "Shop": dict.fromkeys(names, 1)}
    dana = (await backend.upsert_traits(scope, given, None)).profile.profile_id

    async def listed(groups: list[str] | None, newest_first: bool) -> list[str]:
        found = await everything(lambda page: backend.list_traits(scope, dana, groups, page), newest_first=newest_first)
        return sorted(one.name for one in found)

    for newest_first in (True, False):
        assert await listed(None, newest_first) == ["chat", *names]
        assert await listed(["Shop", "Nowhere"], newest_first) == names
        assert await listed(["shop"], newest_first) == []
        assert await listed([], newest_first) == []


async def test_of_a_merged_profile_each_trait_is_listed_as_it_holds(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    dana, lee = await several(backend, scope, clock, 2)
    for id, city in ((dana, "Gary"), (lee, "Hammond")):
        await event(backend, scope, id, city=city)
        clock.pass_(seconds=1)
    await event(backend, scope, lee, email="dana@example.com")
    clock.pass_(seconds=1)
    await event(backend, scope, dana, email="dana@example.com")

    found = await everything(lambda page: backend.list_traits(scope, dana, None, page))

    assert [(one.name, one.value) for one in found] == [
        ("email", "dana@example.com"),
        ("city", "Hammond"),
        ("chat", "web-1"),
    ]


LISTS: dict[str, Callable[[Backend, Scope, str, str, PageQuery], Awaitable[Page[object]]]] = {
    "stores": lambda backend, scope, profile, item, page: backend.list_stores(scope.tenant, page),
    "profiles": lambda backend, scope, profile, item, page: backend.list_profiles(scope, page),
    "traits": lambda backend, scope, profile, item, page: backend.list_traits(scope, profile, None, page),
    "observations": lambda backend, scope, profile, item, page: backend.list_observations(
        scope, profile, EVERYTHING, page
    ),
    "summaries": lambda backend, scope, profile, item, page: backend.list_summaries(scope, profile, EVERYTHING, page),
    "revisions": lambda backend, scope, profile, item, page: backend.list_revisions(scope, profile, item, page),
    "imports": lambda backend, scope, profile, item, page: backend.list_imports(scope, page),
}


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("name", LISTS)
async def test_a_cursor_that_the_list_did_not_give_is_refused(
    backend: Backend, scope: Scope, clock: Clock, name: str
) -> None:
    dana, *_ = await several(backend, scope, clock, 2)
    await event(backend, scope, dana, city="Gary")
    await backend.add_observations(scope, dana, [NewObservation(content=one) for one in ("A.", "B.")])
    await backend.add_summaries(scope, dana, [NewSummary(content=one, conversation_id="c") for one in ("A.", "B.")])
    item = (await backend.latest_observations(scope, dana, 1))[0].id
    others = [
        (await list_(backend, scope, dana, item, FIRST)).next_cursor for one, list_ in LISTS.items() if one != name
    ]
    wrong = ["", "x", "ä", "=", "9" * 5000, "null", encoded("[]"), encoded('["' + name + '"]'), encoded("{}")]
    wrong += [
        encoded(f'["{name}",{one}]') for one in ("null,null", "1,1,1", "1e999,1", f"{10**30},{10**30}", '"a","b"')
    ]
    wrong += [encoded("[" * 300), encoded("\x00"), *(one for one in others if one is not None)]

    for cursor in wrong:
        said = await refused(Invalid, LISTS[name](backend, scope, dana, item, replace(FIRST, cursor=cursor)))
        assert said.startswith("cursor is not one that this list gave"), cursor
