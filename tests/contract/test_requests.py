"""What clients may ask about later, and what they may send twice."""

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.operations import Reply
from tests.contract.conftest import Clock
from tests.contract.people import refused

pytestmark = pytest.mark.anyio

REPLY = Reply(status=202, headers=(("content-type", "application/json"), ("etag", '"1"')), body=b'{"id": "\xc3\xa9"}')


async def test_an_operation_is_kept_for_a_week(backend: Backend, clock: Clock) -> None:
    made = await backend.record_operation("acme", "mem_store_x")
    assert (made.resource_id, made.completed_at) == ("mem_store_x", clock.time)

    clock.pass_(days=7)
    other = await backend.record_operation("acme", "mem_store_y")
    assert await backend.get_operation("acme", made.operation_id) == made

    clock.pass_(seconds=1)
    await refused(NotFound, backend.get_operation("acme", made.operation_id))
    await backend.record_operation("acme", "mem_store_z")
    await refused(NotFound, backend.get_operation("acme", made.operation_id))
    assert await backend.get_operation("acme", other.operation_id) == other


async def test_an_operation_is_its_tenants(backend: Backend) -> None:
    made = await backend.record_operation("acme", "mem_store_x")

    await refused(NotFound, backend.get_operation("globex", made.operation_id))


async def test_a_request_that_is_repeated_gets_the_reply_it_got(backend: Backend, clock: Clock) -> None:
    assert await backend.begin_request("acme", "key", b"digest") is None
    await backend.end_request("acme", "key", REPLY)

    clock.pass_(hours=24)
    assert await backend.begin_request("acme", "key", b"digest") == REPLY
    clock.pass_(seconds=1)
    assert await backend.begin_request("acme", "key", b"digest") is None


async def test_a_key_is_for_one_request_of_one_tenant(backend: Backend) -> None:
    await backend.begin_request("acme", "key", b"digest")
    await refused(Conflict, backend.begin_request("acme", "key", b"another"))
    await backend.end_request("acme", "key", REPLY)

    await refused(Conflict, backend.begin_request("acme", "key", b"another"))
    assert await backend.begin_request("globex", "key", b"another") is None
    assert await backend.begin_request("acme", "other key", b"another") is None


async def test_while_a_request_is_under_way_it_is_not_done_again(backend: Backend, clock: Clock) -> None:
    await backend.begin_request("acme", "key", b"digest")

    clock.pass_(seconds=59)
    assert "still under way" in await refused(Conflict, backend.begin_request("acme", "key", b"digest"))
    clock.pass_(seconds=1)
    assert await backend.begin_request("acme", "key", b"digest") is None  # whoever had it has died
    assert "still under way" in await refused(Conflict, backend.begin_request("acme", "key", b"digest"))


async def test_a_request_that_did_nothing_may_be_tried_again(backend: Backend) -> None:
    await backend.begin_request("acme", "key", b"digest")
    await backend.end_request("acme", "key", None)

    assert await backend.begin_request("acme", "key", b"corrected") is None


async def test_of_many_who_send_one_request_at_once_one_does_it(backend: Backend) -> None:
    outcomes: list[str] = []

    async def send() -> None:
        try:
            assert await backend.begin_request("acme", "key", b"digest") is None
            outcomes.append("first")
        except Conflict:
            outcomes.append("under way")

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(send)

    assert sorted(outcomes) == ["first", *["under way"] * 4]


async def test_what_may_be_done_only_once_is_not_begun_again_when_its_server_died(
    backend: Backend, clock: Clock
) -> None:
    assert await backend.begin_request("acme", "key", b"digest", repeatable=False) is None
    clock.pass_(seconds=61)

    said = await refused(Conflict, backend.begin_request("acme", "key", b"digest", repeatable=False))
    assert "not known" in said and "another key" in said

    clock.pass_(hours=24)
    assert await backend.begin_request("acme", "key", b"digest", repeatable=False) is None
