"""Who goes next, whatever is asked, ends or is given up in whatever order."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import anyio.abc
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.backends.sql.fairness import FairLimiter, Threads

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # it tells at once when all tasks wait; asyncio has to be polled


@dataclass
class Call:
    tenant: str
    began: bool = False
    ended: bool = False
    end: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @property
    def runs(self) -> bool:
        return self.began and not self.ended

    @property
    def waits(self) -> bool:
        return not self.began and not self.ended


class House:
    """Calls that end when they are told to."""

    def __init__(self, tasks: anyio.abc.TaskGroup, most: int, share: int) -> None:
        self.limiter, self.most, self.share = FairLimiter(most, share), most, share
        self.calls: list[Call] = []
        self.began: list[Call] = []
        self._tasks = tasks

    def ask(self, tenant: str) -> Call:
        self.calls.append(Call(tenant))
        self._tasks.start_soon(self._run, self.calls[-1])
        return self.calls[-1]

    async def asked(self, *tenants: str) -> list[Call]:
        return [await self._settled(self.ask(tenant)) for tenant in tenants]

    async def ended(self, *calls: Call) -> None:
        for one in calls:
            one.end.set()
            await anyio.wait_all_tasks_blocked()

    def running(self) -> Counter[str]:
        return Counter(one.tenant for one in self.calls if one.runs)

    def is_empty(self) -> bool:
        limiter = self.limiter
        return limiter._free == self.most and not limiter._running and not any(limiter._levels)

    async def _settled(self, call: Call) -> Call:
        await anyio.wait_all_tasks_blocked()
        return call

    async def _run(self, call: Call) -> None:
        try:
            with call.scope:
                async with self.limiter.turn(call.tenant):
                    call.began = True
                    self.began.append(call)
                    await call.end.wait()
        finally:
            call.ended = True


async def test_a_tenant_alone_has_its_share_and_its_calls_go_in_their_order() -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            house = House(tasks, most=4, share=2)
            calls = await house.asked(*["acme"] * 5)
            assert [one.runs for one in calls] == [True, True, False, False, False]
            for one in calls:
                await house.ended(one)
            assert house.began == calls and house.is_empty()


async def test_who_comes_late_goes_next_however_many_wait() -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            house = House(tasks, most=3, share=3)
            noisy = await house.asked(*["noisy"] * 20)
            (quiet,) = await house.asked("quiet")
            assert not quiet.runs
            await house.ended(noisy[0])
            assert quiet.runs and house.running() == {"noisy": 2, "quiet": 1}
            await house.ended(quiet, *noisy)


async def test_what_a_share_leaves_is_there_for_the_next_at_once() -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            house = House(tasks, most=3, share=2)
            noisy = await house.asked(*["noisy"] * 20)
            (quiet,) = await house.asked("quiet")
            assert quiet.runs
            await house.ended(quiet, *noisy)


async def test_those_who_have_as_much_take_turns() -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            house = House(tasks, most=1, share=1)
            await house.asked("a", "a", "a", "b", "b", "c", "a")
            for _ in range(7):
                await house.ended(next(one for one in house.calls if one.runs))
            assert "".join(one.tenant for one in house.began) == "abcabaa"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_who_is_cancelled_in_the_moment_in_which_its_turn_comes_passes_it_on() -> None:
    """By its loop: scopes of anyio are not as quick."""

    async def wait() -> None:
        async with house.limiter.turn("b"):
            raise AssertionError("nobody wants it any more")

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            house = House(tasks, most=1, share=1)
            async with house.limiter.turn("a"):
                gone = asyncio.create_task(wait())
                await anyio.wait_all_tasks_blocked()
                (next_,) = await house.asked("c")
            gone.cancel()  # it has the turn, and does not know yet
            await asyncio.wait([gone])
            await anyio.wait_all_tasks_blocked()
            assert (gone.cancelled(), next_.runs) == (True, True)
            await house.ended(next_)
            assert house.is_empty()


steps = st.lists(
    st.tuples(st.just("ask"), st.sampled_from("aaaabc"))
    | st.tuples(st.sampled_from(["end", "cancel", "end and cancel"]), st.integers(0, 30)),
    max_size=60,
)


@given(most=st.integers(1, 4), share=st.integers(1, 4), steps=steps)
def test_at_no_time_are_there_too_many_and_nobody_is_passed_over(
    most: int, share: int, steps: Sequence[tuple[str, str | int]]
) -> None:
    anyio.run(_story, most, min(most, share), steps, backend="trio")  # which tells at once when all of them wait


async def _story(most: int, share: int, steps: Sequence[tuple[str, str | int]]) -> None:
    async with anyio.create_task_group() as tasks:
        house = House(tasks, most, share)
        for step, which in steps:
            before = len(house.began)
            _do(house, step, which)
            await anyio.wait_all_tasks_blocked()
            _look(house, house.began[before:])
        while running := [one for one in house.calls if one.runs]:
            before = len(house.began)
            await house.ended(running[0])
            _look(house, house.began[before:])
        assert all(one.ended for one in house.calls), "somebody waits for ever"
        assert house.is_empty()


def _do(house: House, step: str, which: str | int) -> None:
    if isinstance(which, str):
        house.ask(which)
        return
    running = [one for one in house.calls if one.runs]
    waiting = [one for one in house.calls if one.waits]
    if step != "cancel" and running:
        running[which % len(running)].end.set()
    if step != "end" and waiting:
        waiting[which % len(waiting)].scope.cancel()


def _look(house: House, began: Sequence[Call]) -> None:
    running, waiting = house.running(), {one.tenant: one for one in reversed(house.calls) if one.waits}
    assert running.total() <= house.most and all(one <= house.share for one in running.values())
    assert house.limiter._running == running
    # Nothing is free that somebody who waits might have.
    assert running.total() == house.most or all(running[tenant] == house.share for tenant in waiting)
    for call in began:
        had = running[call.tenant] - 1
        assert all(running[other] >= min(had, house.share) for other in waiting if other != call.tenant)
        earlier = house.calls[: house.calls.index(call)]
        assert not any(one.waits for one in earlier if one.tenant == call.tenant)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_whoever_gives_up_waits_for_its_thread_and_nobody_has_its_place_meanwhile() -> None:
    threads, began, end = Threads(1, 1), threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        began.set()
        end.wait(10)
        done.append("first")

    async def give_up() -> None:
        with scope:
            await threads.hop("acme", work)

    scope = anyio.CancelScope()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(give_up)
            await anyio.to_thread.run_sync(began.wait, 10)
            tasks.start_soon(threads.hop, "globex", lambda: done.append("second"))
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            assert done == []
            end.set()

    assert done == ["first", "second"]
