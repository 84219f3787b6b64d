"""A tenant goes with all that it had; what another has stays, whatever it is called."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import NewStore
from mcp_memory.errors import NotFound
from mcp_memory.listing import PageQuery
from mcp_memory.operations import Reply
from tests.contract.people import PHONE, find, note, notes, person, refused

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=10)


async def test_a_tenant_goes_with_its_stores_and_what_it_could_ask_about(backend: Backend) -> None:
    first = await backend.open_store("acme", "default")
    await backend.create_store("acme", NewStore(display_name="second"))
    profile = await person(backend, first, phone=PHONE)
    await note(backend, first, profile.profile_id, "Keeps bees")
    operation = await backend.record_operation("acme", first.store_id)
    await backend.begin_request("acme", "key", b"digest")
    await backend.end_request("acme", "key", Reply(status=202, headers=(), body=b"theirs"))

    await backend.delete_tenant("acme")

    assert (await backend.list_stores("acme", ALL)).items == []
    await refused(NotFound, backend.get_profile(first, profile.profile_id))
    await refused(NotFound, backend.get_operation("acme", operation.operation_id))
    assert await backend.begin_request("acme", "key", b"digest") is None


async def test_who_takes_the_name_later_finds_nothing(backend: Backend) -> None:
    before = await backend.open_store("acme", "default")
    await person(backend, before, phone=PHONE)
    await backend.delete_tenant("acme")

    after = await backend.open_store("acme", "default")

    assert after != before and await find(backend, after, PHONE) is None


async def test_another_tenant_keeps_all_it_has(backend: Backend) -> None:
    mine, theirs = await backend.open_store("acme", "default"), await backend.open_store("globex", "default")
    await person(backend, mine, phone=PHONE)
    profile = await person(backend, theirs, phone=PHONE)
    await note(backend, theirs, profile.profile_id, "Keeps bees")
    operation = await backend.record_operation("globex", theirs.store_id)

    await backend.delete_tenant("acme")

    assert await notes(backend, theirs, profile.profile_id) == {"Keeps bees"}
    assert await backend.get_operation("globex", operation.operation_id) == operation


async def test_a_tenant_that_has_nothing_may_go(backend: Backend) -> None:
    await backend.delete_tenant("nobody")


async def test_a_tenant_has_a_secret_of_its_own_that_stays_until_it_is_rotated_or_the_tenant_goes(
    backend: Backend,
) -> None:
    secret = await backend.callback_secret("acme")
    assert len(secret) >= 32 and await backend.callback_secret("acme") == secret
    assert await backend.callback_secret("globex") != secret

    rotated = await backend.callback_secret("acme", rotate=True)
    assert rotated != secret and await backend.callback_secret("acme") == rotated

    await backend.delete_tenant("acme")
    assert await backend.callback_secret("acme") not in (secret, rotated)
