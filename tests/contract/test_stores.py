import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.errors import Full, NotFound, Stale, Taken
from mcp_memory.listing import PageQuery
from mcp_memory.model import MAX_STORES, Scope
from tests.contract.conftest import Clock
from tests.contract.people import PHONE, everything, how_many, note, person, refused

pytestmark = pytest.mark.anyio


async def test_a_store_is_created_once_and_found_again(backend: Backend, scope: Scope) -> None:
    assert await backend.open_store("acme", "default") == scope


async def test_a_store_opened_by_many_at_once_is_one(backend: Backend) -> None:
    opened: list[Scope] = []

    async def open_() -> None:
        opened.append(await backend.open_store("globex", "default"))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(open_)

    assert len(set(opened)) == 1 and len(opened) == 8


async def test_each_tenant_and_each_name_has_a_store_of_its_own(backend: Backend, scope: Scope) -> None:
    others = [await backend.open_store("globex", "default"), await backend.open_store("acme", "staging")]

    assert len({one.store_id for one in (scope, *others)}) == 3


async def test_a_new_store_is_empty(backend: Backend, scope: Scope) -> None:
    assert (await backend.get_store(scope)).display_name == "default"
    assert await how_many(backend, scope) == 0


async def test_a_store_that_was_opened_by_its_name_declares_what_is_new(backend: Backend, scope: Scope) -> None:
    assert (await backend.get_store(scope)).undeclared_traits == "declare"


async def test_a_store_counts_its_profiles(backend: Backend, scope: Scope) -> None:
    await person(backend, scope, phone=PHONE)

    assert (await backend.get_store(scope)).profile_count == 1


async def test_a_store_keeps_its_rules(backend: Backend, scope: Scope) -> None:
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))

    assert (await backend.get_store(scope)).undeclared_traits == "refuse"


async def test_a_store_of_another_tenant_is_not_found(backend: Backend, scope: Scope) -> None:
    with pytest.raises(NotFound):
        await backend.get_store(Scope(tenant="globex", store_id=scope.store_id))


async def test_a_created_store_is_as_it_was_asked_for(backend: Backend) -> None:
    made = await backend.create_store("acme", NewStore(display_name="shop", description="All of Gary."))

    scope = await backend.find_store("acme", made.store_id)

    assert await backend.get_store(scope) == made
    assert (made.display_name, made.description, made.version) == ("shop", "All of Gary.", 1)
    assert made.undeclared_traits == "refuse"
    assert [one.display_name for one in await backend.list_trait_groups(scope)] == ["Contact"]
    assert await backend.open_store("acme", "shop") == scope


async def test_a_name_is_taken_once_per_tenant(backend: Backend, scope: Scope) -> None:
    for tenant, name, taken in (("acme", "default", True), ("acme", "shop", False), ("globex", "default", False)):
        if taken:
            await refused(Taken, backend.create_store(tenant, NewStore(display_name=name)))
        else:
            await backend.create_store(tenant, NewStore(display_name=name))


async def test_of_many_who_create_one_store_at_once_one_does(backend: Backend) -> None:
    outcomes: list[str] = []

    async def create() -> None:
        try:
            outcomes.append((await backend.create_store("acme", NewStore(display_name="shop"))).store_id)
        except Taken:
            outcomes.append("taken")

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(create)

    assert outcomes.count("taken") == 5
    assert (await backend.list_stores("acme", PageQuery(limit=10))).items == [set(outcomes).difference({"taken"}).pop()]


async def test_a_tenant_has_no_more_stores_than_published(backend: Backend) -> None:
    for number in range(MAX_STORES):
        last = await backend.create_store("acme", NewStore(display_name=f"store-{number}"))

    await refused(Full, backend.create_store("acme", NewStore(display_name="another")))
    await backend.create_store("globex", NewStore(display_name="another"))
    await backend.delete_store(await backend.find_store("acme", last.store_id))
    await backend.create_store("acme", NewStore(display_name="another"))


async def test_stores_are_listed_a_page_at_a_time(backend: Backend, clock: Clock) -> None:
    ids = []
    for number in range(5):
        ids.append((await backend.create_store("acme", NewStore(display_name=f"store-{number}"))).store_id)
        clock.pass_(seconds=1)
    await backend.create_store("globex", NewStore(display_name="theirs"))

    async def pages(newest_first: bool) -> list[str]:
        return await everything(lambda page: backend.list_stores("acme", page), newest_first=newest_first)

    assert await pages(False) == ids
    assert await pages(True) == ids[::-1]
    assert (await backend.list_stores("initech", PageQuery(limit=1))).items == []


async def test_a_store_is_changed_and_counts_its_changes(backend: Backend, scope: Scope) -> None:
    before = await backend.get_store(scope)
    after = await backend.update_store(scope, StoreChanges(display_name="shop", description="Gary."), before.version)

    assert (after.display_name, after.description, after.version) == ("shop", "Gary.", 2)
    assert await backend.update_store(scope, StoreChanges(description="Gary.")) == after
    assert await backend.open_store("acme", "shop") == scope
    assert await backend.open_store("acme", "default") != scope
    await refused(Stale, backend.update_store(scope, StoreChanges(description="x"), before.version))
    await refused(Taken, backend.update_store(scope, StoreChanges(display_name="default")))
    assert await backend.get_store(scope) == after


async def test_of_two_who_change_one_version_one_is_stale(backend: Backend, scope: Scope) -> None:
    outcomes: list[str] = []

    async def change(name: str) -> None:
        try:
            await backend.update_store(scope, StoreChanges(description=name), 1)
            outcomes.append("changed")
        except Stale:
            outcomes.append("stale")

    async with anyio.create_task_group() as tasks:
        for name in ("one", "other"):
            tasks.start_soon(change, name)

    assert sorted(outcomes) == ["changed", "stale"]


async def test_a_deleted_store_is_gone_and_its_name_is_free(backend: Backend, scope: Scope) -> None:
    profile = await person(backend, scope, phone=PHONE)
    await note(backend, scope, profile.profile_id, "Has a dog.")
    await backend.delete_store(scope)

    for call in (
        backend.get_store(scope),
        backend.find_store("acme", scope.store_id),
        backend.get_profile(scope, profile.profile_id),
        backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None),
        backend.update_store(scope, StoreChanges(description="x")),
        backend.delete_store(scope),
    ):
        await refused(NotFound, call)
    assert (await backend.list_stores("acme", PageQuery(limit=10))).items == []
    again = await backend.open_store("acme", "default")
    assert again != scope and await how_many(backend, again) == 0


async def test_a_store_is_deleted_by_its_tenant_only(backend: Backend, scope: Scope) -> None:
    await refused(NotFound, backend.delete_store(Scope(tenant="globex", store_id=scope.store_id)))
    await refused(NotFound, backend.find_store("globex", scope.store_id))

    assert (await backend.get_store(scope)).display_name == "default"
