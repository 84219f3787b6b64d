"""What is left after the worst: kill -9, several processes on one file, everybody creating the same customer."""

import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp.shared.exceptions import MCPError

from mcp_memory import app
from mcp_memory.errors import NotFound
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.settings import Settings

from .client import Server, running
from .lab import Lab
from .report import Row

PHONE = "+13175550102"
BATCH = 5
CREATORS = 16
CROWD = 5  # people of whom sixteen clients speak at a time
EVERYTHING = 1_000_000
Contents = Callable[[], list[str]]


@dataclass
class Log:
    """What a server was asked to keep, and what it said it had kept."""

    sent: list[list[str]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """Ids."""

    async def write(self, server: Server, profile_id: str, contents: list[str]) -> None:
        self.sent.append(contents)
        new = [{"content": content} for content in contents]
        receipts = await server.call("add_observation", profile_id=profile_id, observations=new)
        self.acknowledged += [one["id"] for one in receipts["observations"]]


async def kill(lab: Lab) -> list[Row]:
    """Two writers at a time, and the process is killed while they wait for answers."""
    data, log, kills, chance = lab.path("kill"), Log(), 2 if lab.quick else 10, random.Random(31)
    async with running(data) as server:
        profile_id = await server.profile(PHONE)
    for number in range(kills):
        async with running(data) as server, anyio.create_task_group() as tasks:
            writing = anyio.Event()
            for writer in range(2):
                contents = _numbered(f"kill {number}, writer {writer}")
                tasks.start_soon(_until_death, server, profile_id, log, contents, writing)
            await writing.wait()
            await anyio.sleep(chance.uniform(0.02, 0.3))
            server.process.kill()
    stored = await _stored(data, profile_id)
    lost, torn = _lost(log, stored), _torn(log, stored)
    measured = f"{lost} lost, {torn} torn writes: {kills} kills, {len(log.acknowledged)} acknowledged observations"
    return [Row(measure="kill -9", measured=measured, target="0 lost", met=lost == torn == 0)]


async def _until_death(server: Server, profile_id: str, log: Log, contents: Contents, writing: anyio.Event) -> None:
    try:
        while True:
            await log.write(server, profile_id, contents())
            writing.set()
    except MCPError:  # the connection closed under the call
        return


async def processes(lab: Lab) -> list[Row]:
    """All from the first moment on: they also make the file and the customer at once."""
    data, log, failed, writes = lab.path("processes"), Log(), Counter[str](), 10 if lab.quick else 40
    profiles: set[str] = set()

    async def write(server: Server, number: int) -> None:
        profile_id, contents = await server.profile(PHONE), _numbered(f"process {number}")
        profiles.add(profile_id)
        for _ in range(writes):
            try:
                await log.write(server, profile_id, contents())
            except (MCPError, RuntimeError):
                failed["writes"] += 1

    await _on_servers(data, 3, lambda server, number: [(write, (server, number))])
    stored = [ids for profile_id in profiles for ids in (await _stored(data, profile_id)).items()]
    lost = _lost(log, dict(stored))
    refused = f", {failed['writes']} writes refused" if failed else ""
    measured = f"{lost} lost of {len(log.acknowledged)} acknowledged, {len(profiles)} profile{refused}"
    return [Row(measure="3 processes on one file", measured=measured, target="0 lost", met=lost == 0 and not failed)]


async def creators(lab: Lab) -> list[Row]:
    """Callers of several processes, one phone number per round."""
    data, rounds, servers = lab.path("creators"), 3 if lab.quick else 10, 2 if lab.quick else 4
    answers: list[Counter[str]] = [Counter() for _ in range(rounds)]
    gates = [anyio.Event() for _ in range(rounds)]
    waiting = Counter[int]()

    async def create(server: Server) -> None:
        for number, phones in enumerate(answers):
            waiting[number] += 1
            if waiting[number] == CREATORS:
                gates[number].set()
            await gates[number].wait()
            phones[await server.profile(f"+1317555{200 + number:04}")] += 1

    await _on_servers(data, servers, lambda server, _: [(create, (server,))] * (CREATORS // servers))
    stored, most = await _profile_count(data), max(len(phones) for phones in answers)
    calls = sum(phones.total() for phones in answers)
    measured = (
        f"{stored / rounds:.2f} per phone: {stored} profiles for {rounds} phones, {calls} calls, {servers} processes"
    )
    met = stored == rounds and most == 1
    return [Row(measure=f"{CREATORS} concurrent creators of one phone", measured=measured, target="1 profile", met=met)]


@dataclass
class Town:
    """People with a phone, an email and a chat each, of whom clients learn bit by bit."""

    ids: dict[int, set[str]] = field(default_factory=dict)
    """Person -> every profile id that was answered for them."""
    notes: dict[int, set[str]] = field(default_factory=dict)
    written: int = 0
    calls: int = 0
    began: float = 0.0
    ended: float = 0.0

    async def tell(self, server: Server, person: int, *names: str) -> None:
        values = {"phone": f"+1317555{person:04}", "email": f"p{person}@example.com", "chat": f"web-{person}"}
        traits = {"Contact": {name: values[name] for name in names}}
        self._count(person, await server.call("upsert_traits", traits=traits))

    async def note(self, server: Server, person: int, profile_id: str) -> None:
        self.written += 1
        new = [{"content": f"Note {self.written}, about person {person}"}]
        answer = await server.call("add_observation", profile_id=profile_id, observations=new)
        self.notes.setdefault(person, set()).update(one["id"] for one in answer["observations"])
        self._count(person, answer)

    def _count(self, person: int, answer: dict[str, Any]) -> None:
        self.calls, self.ended = self.calls + 1, time.perf_counter()
        self.ids.setdefault(person, set()).add(answer["profile_id"])


async def people(lab: Lab) -> list[Row]:
    """Clients of three processes who tell at random what belongs together, until all has been told."""
    data, count, servers, town = lab.path("people"), 40 if lab.quick else 200, 3, Town()
    chance = random.Random(47)
    work = iter(_hearsay(chance, count))  # each client takes the next

    async def client(server: Server) -> None:
        town.began = town.began or time.perf_counter()
        for person, names in work:
            known = sorted(town.ids.get(person, ()))
            if known and not names:
                await town.note(server, person, chance.choice(known))
            else:
                await town.tell(server, person, *(names or ["chat"]))

    share = [CREATORS // servers + (number < CREATORS % servers) for number in range(servers)]
    await _on_servers(data, servers, lambda server, number: [(client, (server,))] * share[number])
    async with _opened(data) as (memory, caller):
        live = (await memory.get_store(caller)).profile_count or 0
        checked = [await _checked(memory, caller, town, person) for person in range(count)]
    merges, stranded, dangling = (sum(each) for each in zip(*checked, strict=True))
    rate = town.calls / (town.ended - town.began)
    measured = (
        f"{live / count:.2f} profiles per person, {stranded} notes stranded, {dangling} ids dangling: {count} people, "
        f"{town.calls} calls, {merges} merges, {servers} processes, {rate:.0f} calls/s"
    )
    met = live == count and stranded == dangling == 0
    return [Row(measure=f"{CREATORS} clients who link people", measured=measured, target="1.00, 0, 0", met=met)]


def _hearsay(chance: random.Random, count: int) -> list[tuple[int, Sequence[str]]]:
    """Person and what is told of them: names of identifiers, or none for a note."""
    names = ("phone", "email", "chat")
    told: list[tuple[int, Sequence[str]]] = []
    for person in range(count):
        told += [(person, chance.sample(names, chance.choice((1, 1, 2)))) for _ in range(4)]
        told += [(person, ()), (person, ()), (person, names[:2]), (person, names[1:])]
    return sorted(told, key=lambda one: one[0] + chance.uniform(0, CROWD))


async def _checked(memory: Memory, caller: Caller, town: Town, person: int) -> tuple[int, int, int]:
    """Merges, notes that are not with the person, and ids that do not lead to them."""
    live = (await memory.lookup_profile(caller, f"web-{person}", "chat")).profile
    if live is None:
        return 0, len(town.notes.get(person, ())), len(town.ids[person])
    found = {one.id for one in await memory.latest_observations(caller, live.profile_id, EVERYTHING)}
    dangling = 0
    for id in town.ids[person]:
        try:
            dangling += (await memory.get_profile(caller, id)).profile_id != live.profile_id
        except NotFound:
            dangling += 1
    return len(live.merges), len(town.notes.get(person, set()) - found), dangling


async def _on_servers(
    data: Path, count: int, work: Callable[[Server, int], Iterable[tuple[Callable[..., Any], tuple[Any, ...]]]]
) -> None:
    """So many servers on one folder, and all the work on them at once."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(running(data)) for _ in range(count)]
        async with anyio.create_task_group() as tasks:
            for number, server in enumerate(servers):
                for function, arguments in work(server, number):
                    tasks.start_soon(function, *arguments)


def _numbered(who: str) -> Contents:
    counter = iter(range(EVERYTHING))
    return lambda: [f"Written by {who}: number {next(counter)}" for _ in range(BATCH)]


async def _stored(data: Path, profile_id: str) -> dict[str, str]:
    """Id -> content of all that a process that opens the folder now finds."""
    async with _opened(data) as (memory, caller):
        found = await memory.latest_observations(caller, profile_id, EVERYTHING)
    return {one.id: one.content for one in found}


async def _profile_count(data: Path) -> int:
    async with _opened(data) as (memory, caller):
        return (await memory.get_store(caller)).profile_count or 0


@asynccontextmanager
async def _opened(data: Path) -> AsyncIterator[tuple[Memory, Caller]]:
    settings = Settings(data_dir=data)
    memory = app.build_memory(settings)
    try:
        yield memory, app.local_caller(settings)
    finally:
        await memory.close()


def _lost(log: Log, stored: dict[str, str]) -> int:
    return len(set(log.acknowledged) - set(stored))


def _torn(log: Log, stored: dict[str, str]) -> int:
    """Writes of which a part is there: a write is all or none, acknowledged or not."""
    contents = set(stored.values())
    return sum(0 < len(contents & set(batch)) < len(batch) for batch in log.sent)
