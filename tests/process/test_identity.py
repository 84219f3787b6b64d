"""Sixteen clients of three servers make, link and merge hundreds of people: in the end the profiles are the people.

`IDENTITY_SEEDS=20` runs each of these tests with twenty seeds instead of one.
"""

import itertools
import json
import os
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import apsw
import pytest

from .servers import ANSWER_SECONDS, Home, Json, Refused, Stdio, batch, ids_of, stdio_server, timeline

T = TypeVar("T")
R = TypeVar("R")
N = TypeVar("N", bound=Hashable)
Identifier = tuple[str, str]
"""Its type, and its value as the server writes it."""
Groups = set[frozenset[N]]
Kind = Literal["tell", "tell by id", "note", "summary", "overrule"]

SEEDS = range(int(os.environ.get("IDENTITY_SEEDS", "1")))
SERVERS, CLIENTS = 3, 16
PEOPLE, FEWER = 200, 60
CROWD = 5  # people of whom the clients speak at a time: few, so that the clients are in each other's way
WORK: Sequence[Kind] = ("tell", "tell", "tell by id", "note", "summary")
CURATED: Sequence[Kind] = (*WORK, "overrule", "overrule")
CURATORS = {"MCP_MEMORY_TOOLSETS": "agent,curator"}

VALUES: Mapping[str, str] = {
    "phone": "+1317555{:04}",
    "whatsapp": "+1463555{:04}",
    "email": "dana.{}@example.com",
    "chat": "web-{}",
}
SPELLINGS: Mapping[str, Sequence[Callable[[str], str]]] = {
    "phone": (str, "tel:{}".format, lambda n: f"({n[2:5]}) {n[5:8]}-{n[8:]}", lambda n: f"{n[2:5]}.{n[5:8]}.{n[8:]}"),
    "whatsapp": (str, "whatsapp:{}".format, lambda n: f"+1 {n[2:5]} {n[5:8]} {n[8:]}"),
    "email": (str, str.upper, "mailto:{}".format, lambda address: f"Dana <{address.title()}>"),
    "chat": (str, " {} ".format, "chat:{}".format),
}


# The people, and what is to be done about them


@dataclass(frozen=True)
class Person:
    """The first identifier is the only one of its type, so that a call can link it with any other."""

    number: int
    identifiers: Sequence[Identifier]


@dataclass(frozen=True)
class Act:
    """`chance`: which of the ids answered so far it names, if it names one. `number`: no other act has it."""

    kind: Kind
    person: Person
    identifiers: Sequence[Identifier]
    chance: float
    number: int


def make_people(dice: random.Random, count: int) -> list[Person]:
    """Three to five identifiers each, sometimes several of one type."""
    values = itertools.count()
    people = []
    for number in range(count):
        first, *others = dice.sample(list(VALUES), 4)
        kinds = [first, *(dice.choice(others) for _ in range(dice.randint(2, 4)))]
        people.append(Person(number, [(kind, VALUES[kind].format(next(values))) for kind in kinds]))
    return people


def some(dice: random.Random, person: Person) -> list[Identifier]:
    """One to three of different types, for a call brings one of each; mostly one, for others to link."""
    shuffled = dice.sample(list(person.identifiers), len(person.identifiers))
    return list(dict(shuffled).items())[: dice.choice((1, 1, 2, 3))]


def random_work(dice: random.Random, people: Iterable[Person], kinds: Sequence[Kind]) -> list[Act]:
    return crowded(dice, [make_act(dice, kind, person, some(dice, person)) for person in people for kind in kinds])


def linking_work(dice: random.Random, people: Sequence[Person]) -> list[Act]:
    """After it, all that identifies a person is known to be one person's."""
    links = [
        make_act(dice, "tell", person, [person.identifiers[0], other])
        for person in people
        for other in person.identifiers[1:]
    ]
    return crowded(dice, [*links, *random_work(dice, people, ["note"])])


def make_act(dice: random.Random, kind: Kind, person: Person, identifiers: Sequence[Identifier]) -> Act:
    return Act(kind, person, identifiers, dice.random(), dice.getrandbits(64))


def crowded(dice: random.Random, acts: Iterable[Act]) -> list[Act]:
    return sorted(acts, key=lambda act: act.person.number + dice.uniform(0, CROWD))


# What the clients ask, and what they are answered


@dataclass(frozen=True)
class Call:
    """`about`: identifiers that are one person's if the call happens. `content`: what is remembered of that person."""

    person: int
    tool: str
    arguments: Json
    about: frozenset[Identifier]
    content: str = ""


class Log:
    """What the clients were answered, all of them together."""

    def __init__(self) -> None:
        self.acknowledged: list[Call] = []
        self.in_doubt: list[Call] = []
        self.ids: dict[str, Identifier] = {}
        """Every profile id answered, with an identifier of whom it was answered for."""
        self.memories: dict[str, Call] = {}
        """By the ids of what was added."""
        self.taken_apart: list[str] = []
        self._answered: dict[int, list[str]] = {}

    def keep(self, call: Call, answer: Json) -> None:
        self.acknowledged.append(call)
        self.learn(call.person, answer["profile_id"], min(call.about))
        if call.content:
            added = ids_of(answer) if "observations" in answer else [answer["id"]]
            self.memories.update(dict.fromkeys(added, call))

    def learn(self, person: int, profile_id: str, identifier: Identifier) -> None:
        self.ids[profile_id] = identifier
        known = self._answered.setdefault(person, [])
        if profile_id not in known:
            known.append(profile_id)

    def earlier(self, act: Act) -> str | None:
        """An id that some client was answered for this person, and that may be merged by now."""
        known = self._answered.get(act.person.number, [])
        return known[int(act.chance * len(known))] if known else None

    def call(self, act: Act, named: str | None) -> Call:
        if named is None or act.kind == "tell":
            return self.upsert(act, act.identifiers)
        if act.kind == "tell by id":
            return self.upsert(act, act.identifiers, named)
        about, content = frozenset({self.ids[named]}), f"What person {act.person.number} said in act {act.number}"
        if act.kind == "note":
            return Call(act.person.number, "add_observation", batch(named, [content]), about, content)
        summary = {"profile_id": named, "conversation_id": f"conversation {act.number}", "content": content}
        return Call(act.person.number, "write_summary", summary, about, content)

    def upsert(self, act: Act, identifiers: Iterable[Identifier], named: str | None = None) -> Call:
        contact = {kind: SPELLINGS[kind][act.number % len(SPELLINGS[kind])](value) for kind, value in identifiers}
        arguments: Json = {"traits": {"Contact": contact}}
        if named is None:
            return Call(act.person.number, "upsert_traits", arguments, frozenset(identifiers))
        about = frozenset([*identifiers, self.ids[named]])
        return Call(act.person.number, "upsert_traits", {**arguments, "profile_id": named}, about)


# The servers, and the clients that share them


class Office:
    """Sixteen clients on three servers, which have one data folder."""

    def __init__(self, home: Home, stack: ExitStack, environment: Mapping[str, str] | None) -> None:
        self.home, self.log = home, Log()
        self._stack, self._environment = stack, environment
        self.servers = [self._start() for _ in range(SERVERS)]
        for server in self.servers:
            server.hand_shake()
        self._killed: Stdio | None = None
        self._restarted = threading.Event()

    def ask_all(self, ask: Callable[[Stdio, T], R], things: Iterable[T]) -> list[R]:
        """Each client asks its share."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(lambda each: ask(self.servers[each[0] % SERVERS], each[1]), enumerate(things)))

    def work(self, acts: Collection[Act], kill: bool = False) -> None:
        """Each client takes one act after the other. Half-way, a server may be killed, and is started again."""
        waiting: queue.SimpleQueue[Act] = queue.SimpleQueue()
        for act in acts:
            waiting.put(act)
        half_way = threading.Event()

        def client(number: int) -> None:
            for act in taken(waiting):
                if waiting.qsize() <= len(acts) // 2:
                    half_way.set()
                self._do(number % SERVERS, act)

        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(client, number) for number in range(CLIENTS)]
            if kill:
                assert half_way.wait(ANSWER_SECONDS)
                self._kill_and_restart()
            for one in clients:
                one.result()

    def repeat(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self.log.keep(call, self.servers[1].call(call.tool, **call.arguments))

    def _do(self, number: int, act: Act) -> None:
        server, named = self.servers[number], self.log.earlier(act)
        if act.kind == "overrule" and named is not None:
            self._overrule(server, act, named)
            return
        call = self.log.call(act, named)
        try:
            answer = server.call(call.tool, **call.arguments)
        except (AssertionError, OSError, ValueError):  # no answer, or no pipe any more
            if server is not self._killed:
                raise
            self.log.in_doubt.append(call)
            assert self._restarted.wait(ANSWER_SECONDS)
        else:
            self.log.keep(call, answer)

    def _overrule(self, server: Stdio, act: Act, named: str) -> None:
        """A curator takes a person apart, then learns that it was one nevertheless."""
        merged = server.call("lookup_profile", profile_id=named).get("merged", [])
        if not merged:
            return
        try:
            parted = server.call("unmerge_profile", profile_id=merged[int(act.chance * len(merged))]["profile_id"])
        except Refused as exc:  # another curator was faster
            assert "is not merged with another" in str(exc) or "the others were merged into" in str(exc)
            return
        ids = parted["restored_profile_id"], parted["remaining_profile_id"]
        self.log.taken_apart.append(ids[0])
        for id in ids:
            self.log.learn(act.person.number, id, self.log.ids[named])
        if act.number % 2:
            for id in ids:
                call = self.log.upsert(act, [("chat", f"evidence-{act.number}")], id)
                self.log.keep(call, server.call(call.tool, **call.arguments))
        else:
            try:
                server.call("merge_profiles", profile_id=ids[0], other_id=ids[1])
            except Refused as exc:
                assert "are one profile already" in str(exc)

    def _start(self) -> Stdio:
        return self._stack.enter_context(stdio_server(self.home, env=self._environment, greeted=False))

    def _kill_and_restart(self) -> None:
        self._killed = self.servers[0]
        self._killed.kill()
        self.servers[0] = self._start()
        self.servers[0].hand_shake()
        self._restarted.set()


def taken(waiting: "queue.SimpleQueue[Act]") -> Iterator[Act]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return


@pytest.fixture
def open_office(home: Home) -> Iterator[Callable[..., Office]]:
    with ExitStack() as stack:
        yield lambda environment=None: Office(home, stack, environment)


# What must be so


def components(links: Iterable[Collection[N]], known: Groups[N] | None = None) -> Groups[N]:
    """What hangs together."""
    group: dict[N, set[N]] = {one: members for each in known or () for members in [set(each)] for one in each}
    for link in links:
        joined = set(link).union(*(group.get(one, ()) for one in link))
        group.update(dict.fromkeys(joined, joined))
    return {frozenset(each) for each in group.values()}


def possible(log: Log) -> list[Groups[Identifier]]:
    """Each call in doubt has happened or not."""
    sure = components(call.about for call in log.acknowledged)
    doubtful = [call.about for call in log.in_doubt]
    happened = [each for size in range(len(doubtful) + 1) for each in itertools.combinations(doubtful, size)]
    return [components(each, sure) for each in happened]


def live_profiles(office: Office) -> dict[Identifier, str]:
    """The live profile of every identifier that a client ever gave, by asking for it."""

    def look_up(server: Stdio, one: Identifier) -> str | None:
        profile_id: str | None = server.call("lookup_profile", value=one[1], id_type=one[0]).get("profile_id")
        return profile_id

    log = office.log
    given = list(set[Identifier]().union(*(call.about for call in (*log.acknowledged, *log.in_doubt))))
    found = dict(zip(given, office.ask_all(look_up, given), strict=True))
    return {one: profile_id for one, profile_id in found.items() if profile_id is not None}


def check(office: Office) -> Groups[Identifier]:
    """Returns who is one person."""
    live = live_profiles(office)
    held: dict[str, set[Identifier]] = {}
    for one, profile_id in live.items():
        held.setdefault(profile_id, set()).add(one)
    people = {frozenset(each) for each in held.values()}

    assert people in possible(office.log)
    assert json.loads(office.servers[0].read("memory://store"))["counts"]["profiles"] == len(held)
    check_ids(office, live)
    check_memories(office, live)
    check_file(office.home)
    return people


def check_ids(office: Office, live: Mapping[Identifier, str]) -> None:
    """Every id that was ever answered names the person it was answered for."""
    answered = list(office.log.ids)
    found = office.ask_all(lambda server, id: server.call("lookup_profile", profile_id=id)["profile_id"], answered)

    assert dict(zip(answered, found, strict=True)) == {id: live[one] for id, one in office.log.ids.items()}


def check_memories(office: Office, live: Mapping[Identifier, str]) -> None:
    """All that was acknowledged is remembered once, of whom it was said, and what is in doubt at most once."""
    log, profiles = office.log, sorted(set(live.values()))
    kept = dict(zip(profiles, office.ask_all(timeline, profiles), strict=True))
    home = {item["id"]: profile_id for profile_id, items in kept.items() for item in items}
    seen = Counter((item["content"], profile_id) for profile_id, items in kept.items() for item in items)
    expected = {(call.content, live[min(call.about)]) for call in log.memories.values()}
    doubtful = {(call.content, live[min(call.about)]) for call in log.in_doubt if call.content}

    assert {id: home.get(id) for id in log.memories} == {id: live[min(c.about)] for id, c in log.memories.items()}
    assert expected <= seen.keys() <= expected | doubtful
    assert set(seen.values()) <= {1}


def check_file(home: Home) -> None:
    """What no answer shows: nothing hangs in the air, and the merges that stand are a tree of each person's ids."""
    (path,) = (home.data / "stores").glob("*.db")
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as file:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return list(file.execute(query))

        into = dict(rows("select no, merged_into from profile"))
        members = [(no, no if canonical is None else canonical) for no, canonical in into.items()]
        edges = rows("select one_no, other_no from profile_merge where undone_at is null")
        owners = rows("select distinct profile_no from identifier union select id >> 23 from observation")
        identifiers = rows("select id_type, value_norm from identifier where retired = 0")
        wrong_counts = rows(
            "select no from profile where observation_count != (select count(*) from observation where id >> 23 = no)"
            " or summary_count != (select count(*) from summary where id >> 23 = no)"
        )
        damage = rows("pragma integrity_check") + rows("pragma foreign_key_check")

    assert all(into.get(canonical, 0) is None for _, canonical in members)
    assert {no for (no,) in owners} <= into.keys()
    assert len(set(identifiers)) == len(identifiers)
    people = components(members)
    assert components([*((no,) for no in into), *edges]) == people
    assert len(edges) == len(into) - len(people)
    assert wrong_counts == []
    assert damage == [("ok",)]


def of_each(people: Iterable[Person]) -> Groups[Identifier]:
    return {frozenset(person.identifiers) for person in people}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_profiles_are_the_people_whoever_told_of_them(open_office: Callable[..., Office], seed: int) -> None:
    dice, office = random.Random(seed), open_office()
    people = make_people(dice, PEOPLE)
    office.work(random_work(dice, people, WORK))

    before = check(office)
    office.work(linking_work(dice, people))

    assert len(before) > PEOPLE
    assert check(office) == of_each(people)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_is_killed_leaves_nobody_torn(open_office: Callable[..., Office], seed: int) -> None:
    dice, office = random.Random(seed), open_office()
    people = make_people(dice, FEWER)
    office.work(random_work(dice, people, WORK), kill=True)
    assert office.log.in_doubt

    check(office)
    office.repeat(office.log.in_doubt)
    check(office)
    office.work(linking_work(dice, people))

    assert check(office) == of_each(people)


@pytest.mark.parametrize("seed", SEEDS)
def test_those_whom_a_curator_takes_apart_and_joins_again_are_one(
    open_office: Callable[..., Office], seed: int
) -> None:
    dice, office = random.Random(seed), open_office(CURATORS)
    people = make_people(dice, FEWER)
    office.work(random_work(dice, people, CURATED))

    check(office)
    office.work([*linking_work(dice, people), *random_work(dice, people, CURATED)])
    found = check(office)

    assert len(office.log.taken_apart) > FEWER // 2
    assert len(found) == len(people)
    assert all(any(one <= more for more in found) for one in of_each(people))  # and what the curators knew of them
