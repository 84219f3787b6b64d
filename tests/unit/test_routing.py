"""Every call of a backend says first where it is, and goes there."""

import inspect
from typing import Any, cast, get_type_hints

import pytest

from mcp_memory.backend import Backend
from mcp_memory.backends.routing import CALLS, routing
from mcp_memory.errors import NoStore
from mcp_memory.model import Scope

pytestmark = pytest.mark.anyio


class Named:
    """It tells which backend it is, and what came to it."""

    def __init__(self, name: str) -> None:
        self.name, self.closed = name, 0

    def __getattr__(self, call: str) -> Any:
        async def told(*given: Any, **named: Any) -> Any:
            return self.name, call, given, named

        return told

    async def close(self) -> None:
        self.closed += 1


ONE, OTHER = Named("one"), Named("other")
HOSTS = {"acme": ONE, "globex": OTHER}


async def backend_of(tenant: str) -> Backend:
    if tenant not in HOSTS:
        raise NoStore("There is no such store.")
    return cast(Backend, HOSTS[tenant])


ROUTED = routing(backend_of, ONE.close)


def test_there_is_no_call_but_those_of_a_backend() -> None:
    public = {name for name, _ in inspect.getmembers(Backend, inspect.isfunction) if not name.startswith("_")}

    assert public - {"close"} == CALLS and len(CALLS) > 50
    assert not hasattr(ROUTED, "LACKS") and not hasattr(ROUTED, "__deepcopy__")


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_says_first_where_it_is(name: str) -> None:
    call = getattr(Backend, name)
    first, kind = list(inspect.signature(call).parameters)[1], get_type_hints(call)

    assert (first, kind[first]) in (("scope", Scope), ("tenant", str))
    assert inspect.iscoroutinefunction(call)


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_call_goes_to_the_backend_of_its_tenant_as_it_came(name: str) -> None:
    for tenant, host in HOSTS.items():
        first = list(inspect.signature(getattr(Backend, name)).parameters)[1]
        where = tenant if first == "tenant" else Scope(tenant=tenant, store_id="mem_store_1")

        assert await getattr(ROUTED, name)(where, 1, two=2) == (host.name, name, (where, 1), {"two": 2})


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_tenant_that_is_nowhere_has_no_store(name: str) -> None:
    for where in ("initech", Scope(tenant="initech", store_id="mem_store_1")):
        with pytest.raises(NoStore):
            await getattr(ROUTED, name)(where)


async def test_it_closes_what_it_was_told_to_close() -> None:
    before = ONE.closed, OTHER.closed
    await ROUTED.close()

    assert (ONE.closed, OTHER.closed) == (before[0] + 1, before[1])
