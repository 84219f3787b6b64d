"""Whose stores a host looks after though nobody asks about them, and what may be kept of what is learned there."""

from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from mcp_memory.app import Host, build_host
from mcp_memory.errors import Unavailable
from mcp_memory.model import Caller, NewMessage
from mcp_memory.settings import Settings
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.tenants import Limits, Tenant

pytestmark = pytest.mark.anyio

PATIENCE = 20


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Host, int, str], "Asked"]:
    def watch(host: Host, number: int, broken: str = "") -> Asked:
        watched = Asked(number, broken)
        monkeypatch.setattr(host.memory, "look_after_stores", watched)
        return watched

    return watch


class Asked:
    """So many callers, whose stores were to be looked after; where one is `broken`, it can't be."""

    def __init__(self, number: int, broken: str) -> None:
        self._number, self._broken = number, broken
        self.callers: list[Caller] = []
        self.all = anyio.Event()

    async def __call__(self, caller: Caller) -> None:
        self.callers.append(caller)
        if len(self.callers) == self._number:
            self.all.set()
        if caller.tenant == self._broken:
            raise Unavailable("The disk failed.")


async def once(host: Host, watched: Asked) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.look_after_stores)
        with anyio.fail_after(PATIENCE):
            await watched.all.wait()
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


async def test_those_are_who_are_served_and_whose_data_is_here_and_one_that_fails_keeps_no_other_waiting(
    tmp_path: Path, asked: Callable[[Host, int, str], Asked]
) -> None:
    configured = [
        Tenant(name="acme", limits=Limits(observations_per_profile=7)),
        Tenant(name="away", backend="service"),
        Tenant(name="gone", suspended=True),
    ]
    hosting = Hosting(
        tenants={one.name: one for one in configured}, backends={"service": {}}, accounts={"service": "AC1"}
    )
    host = build_host(Settings(data_dir=tmp_path, hosting=hosting))
    try:
        await host.directory.add_tenant(Tenant(name="globex"))
        watched = asked(host, 2, "acme")
        await once(host, watched)
    finally:
        await host.close()

    assert [one.tenant for one in watched.callers] == ["acme", "globex"]
    assert watched.callers[0].quota.observations_per_profile == 7


async def test_where_there_is_nobody_to_tell_from_others_those_of_the_one_there_is(
    tmp_path: Path, asked: Callable[[Host, int, str], Asked]
) -> None:
    host = build_host(Settings(data_dir=tmp_path, hosting=Hosting(sole="local")))
    try:
        watched = asked(host, 1, "")
        await once(host, watched)
    finally:
        await host.close()

    assert [one.tenant for one in watched.callers] == ["local"]


async def test_what_is_learned_there_keeps_to_the_limits_of_its_tenant(tmp_path: Path) -> None:
    acme = Tenant(name="acme", limits=Limits(observations_per_profile=1))
    settings = Settings(data_dir=tmp_path, hosting=Hosting(tenants={"acme": acme}))
    host = build_host(settings)
    caller = Caller(tenant="acme")
    try:
        done = await host.memory.upsert_traits(caller, {"Contact": {"phone": "+13175550142"}}, None)
        about = done.profile.profile_id, "c-1"
        said = [NewMessage(text=text, role="customer") for text in ("I live in Porto.", "I have two cats.")]
        await host.memory.record_messages(caller, *about, said)
        await host.memory.close_conversation(caller, *about)
    finally:
        await host.close()

    tried = anyio.Event()

    def learned(*given: object) -> None:
        anyio.from_thread.run_sync(tried.set, token=token)

    token = anyio.lowlevel.current_token()
    host = build_host(settings, background=True, learned=learned)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host.look_after_stores)
            with anyio.fail_after(PATIENCE):
                await tried.wait()
            tasks.cancel_scope.cancel()
        found = await host.memory.latest_observations(caller, about[0], 9)
    finally:
        await host.close()

    assert len(found) == 1
