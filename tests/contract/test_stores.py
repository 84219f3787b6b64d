import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import NotFound
from mcp_memory.model import Scope

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


async def test_a_new_store_is_empty_and_declares_what_is_new(backend: Backend, scope: Scope) -> None:
    store = await backend.get_store(scope)

    assert (store.display_name, store.profile_count, store.undeclared_traits) == ("default", 0, "declare")


async def test_a_store_counts_its_profiles_and_keeps_its_rules(backend: Backend, scope: Scope) -> None:
    await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    await backend.update_store(scope, StoreChanges(undeclared_traits="refuse"))

    store = await backend.get_store(scope)

    assert (store.profile_count, store.undeclared_traits) == (1, "refuse")


async def test_a_store_of_another_tenant_is_not_found(backend: Backend, scope: Scope) -> None:
    with pytest.raises(NotFound):
        await backend.get_store(Scope(tenant="globex", store_id=scope.store_id))
