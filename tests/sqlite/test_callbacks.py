"""What was announced is told, whatever happens in between: in order, at least once, and never of what was erased."""

import itertools
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import anyio.to_thread
import pytest

from mcp_memory import app, ids
from mcp_memory.backends.sql import callback_secrets, callbacks, rounds
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.callback_rows import CallbackRow
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.delivery import LEASE, LOOK, SOON, TURN, Calling, Delivery, Send
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.callbacks import StatusCallback
from mcp_memory.callbacks.addresses import PUBLIC, Reach, reach
from mcp_memory.callbacks.requests import DELIVERED, TOKEN, Outcome, Outgoing
from mcp_memory.callbacks.retries import DAY, FIRST, KEPT, LEAST, LONGEST, REST
from mcp_memory.callbacks.signing import SIGNATURE, signature
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.model import Scope
from mcp_memory.settings import Settings
from tests.callbacks.receiver import Reply, receiving
from tests.sqlite.test_database import MONDAY, add_store
from tests.sqlite.test_erased import found

HERE, THERE = StatusCallback(url="https://here.example.com/h"), StatusCallback(url="https://there.example.com/t")
SECRET_WORD = "xylophone"
NOT_NOW = Outcome("HTTP 500.")
NO_ANSWER = Outcome("It took longer than 5 s.", silent=True)


class Clock:
    def __init__(self) -> None:
        self.time = MONDAY

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, duration: timedelta) -> None:
        self.time += duration


def calling(send: Send | None, reach: Reach = PUBLIC) -> Calling:
    return Calling(send=send, reach=reach, make_secret=lambda: "a secret")


class Receivers:
    """Each is told what it is to answer by its URL, else DELIVERED. `came`: of each request what it was about."""

    def __init__(self) -> None:
        self.answers: dict[str, Outcome] = {}
        self.came: list[tuple[str, str]] = []  # host, and what is told
        self.requests: list[Outgoing] = []
        self.then: Callable[[], None] = lambda: None

    def __call__(self, request: Outgoing) -> Outcome:
        self.requests.append(request)
        self.came.append((request.target.host.partition(".")[0], json.loads(request.content or b"{}")["data"]["name"]))
        self.then()
        return self.answers.get(request.target.host, DELIVERED)

    def answer(self, outcome: Outcome, *callbacks: StatusCallback) -> None:
        self.answers = {one.url.split("/")[2]: outcome for one in callbacks}

    @property
    def tokens(self) -> list[str]:
        return [one.headers[TOKEN] for one in self.requests]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scope(database: SqliteDatabase) -> Scope:
    return add_store(database, "acme", 1)


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


@pytest.fixture
def delivery(database: SqliteDatabase, receivers: Receivers, clock: Clock) -> Iterator[Delivery]:
    with delivering(database, receivers, clock) as one:
        yield one


@contextmanager
def delivering(
    database: SqliteDatabase, send: Send, clock: Callable[[], datetime], holder: str = "one"
) -> Iterator[Delivery]:
    one = Delivery(database, calling(send), clock, holder)
    yield one
    one.stop()


def announce(
    database: SqliteDatabase,
    scope: Scope,
    name: str,
    *,
    to: Sequence[StatusCallback] = (HERE,),
    conversation: str = "c-1",
    at: datetime = MONDAY,
) -> None:
    database.write(
        scope,
        lambda tx: callbacks.announce(
            tx, to, "CONVERSATION_UPDATED", conversation, {"name": name}, now=at, make_id=app.make_id
        ),
    )


def waiting(database: SqliteDatabase, scope: Scope, conversation: str = "c-1") -> list[CallbackRow]:
    return database.read(scope, lambda tx: tx.conversation_callbacks(conversation))


def deliver(delivery: Delivery, scope: Scope) -> int:
    """All that is due."""
    return sum(1 for _ in itertools.takewhile(bool, iter(lambda: delivery.deliver(scope), None)))


def test_what_is_announced_is_there_with_the_change_or_not_at_all(database: SqliteDatabase, scope: Scope) -> None:
    def work(tx: Transaction) -> None:
        callbacks.announce(tx, [HERE], "X", "c-1", {"name": "a"}, now=MONDAY, make_id=app.make_id)
        raise Conflict("It can't be changed.")

    with pytest.raises(Conflict):
        database.write(scope, work)
    assert waiting(database, scope) == []

    announce(database, scope, "a", to=[HERE, replace(THERE, method="GET")])
    one, other = waiting(database, scope)
    assert json.loads(one.body) == {
        "eventType": "CONVERSATION_UPDATED",
        "timestamp": "2026-05-04T09:30:00.123Z",
        "data": {"name": "a"},
    }
    assert (one.url, one.method, other.url, other.method) == (HERE.url, "POST", THERE.url, "GET")
    assert one.token != other.token and one.token.startswith("conv_callback_")
    assert ids.check(one.token, ids.CALLBACK, "token") == one.token


def test_nothing_is_announced_where_nobody_wants_to_know(database: SqliteDatabase, scope: Scope) -> None:
    announce(database, scope, "a", to=[])

    assert waiting(database, scope) == []
    assert database.read(scope, lambda tx: tx.next_callback_due()) is None


def test_what_is_delivered_is_gone_and_signed_with_the_tenants_secret(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers
) -> None:
    announce(database, scope, "a")
    (row,) = waiting(database, scope)

    assert deliver(delivery, scope) == 1
    assert waiting(database, scope) == [] and receivers.came == [("here", "a")]
    (sent,) = receivers.requests
    secret = database.read_catalog(lambda catalog: catalog.find_callback_secret("acme"))
    assert secret == "a secret" and sent.content == row.body.encode()
    assert sent.headers[SIGNATURE] == signature(secret, sent.target.url) and sent.headers[TOKEN] == row.token


def test_what_a_conversation_tells_one_receiver_keeps_its_order_and_keeps_nothing_else_waiting(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    for name in "abc":
        announce(database, scope, name, to=[HERE, THERE])
    announce(database, scope, "other", conversation="c-2")
    receivers.answer(NOT_NOW, HERE)

    deliver(delivery, scope)
    assert sorted(receivers.came) == [("here", "a"), ("here", "other"), *(("there", name) for name in "abc")]
    assert [name for host, name in receivers.came if host == "there"] == ["a", "b", "c"]

    receivers.came.clear()
    receivers.answers.clear()
    announce(database, scope, "d")
    assert deliver(delivery, scope) == 0
    clock.pass_(FIRST)
    deliver(delivery, scope)
    assert [name for _, name in receivers.came if name != "other"] == ["a", "b", "c", "d"]
    assert waiting(database, scope) == waiting(database, scope, "c-2") == []


def test_what_fails_is_tried_again_later_each_time_for_a_day_and_then_told_of_without_its_text(
    database: SqliteDatabase,
    scope: Scope,
    delivery: Delivery,
    receivers: Receivers,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    announce(database, scope, SECRET_WORD)
    announce(database, scope, "next")
    receivers.answer(NOT_NOW, HERE)
    pauses = list[timedelta]()
    with caplog.at_level(logging.INFO, "mcp_memory"):
        while (row := waiting(database, scope)[0]).status == "PENDING":
            assert row.due_at is not None
            pauses.append(row.due_at - clock())
            clock.time = row.due_at
            assert delivery.deliver(scope)

    assert pauses[:4] == [timedelta(0), FIRST, FIRST * 2, FIRST * 4] and pauses[-1] == LONGEST == max(pauses)
    assert DAY - LONGEST < clock() - MONDAY <= DAY and len(set(receivers.tokens)) == 1
    assert (row.body, row.error, row.attempts) == ("", "HTTP 500.", len(pauses))
    told = [record.getMessage() for record in caplog.records]
    assert told[-1] == f"a callback is given up after {len(pauses)} attempts: HTTP 500."
    assert not any(word in line for line in told for word in (SECRET_WORD, "example.com"))

    receivers.answers.clear()
    assert deliver(delivery, scope) == 1 and receivers.came[-1] == ("here", "next")
    clock.pass_(KEPT - timedelta(seconds=1))
    assert deliver(delivery, scope) == 0 and len(waiting(database, scope)) == 1
    clock.pass_(timedelta(seconds=1))
    deliver(delivery, scope)
    assert waiting(database, scope) == [] and receivers.came[-1] == ("here", "next")


def test_what_waited_a_day_for_its_turn_is_still_tried(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    announce(database, scope, "a")
    clock.pass_(DAY * 3)
    receivers.answer(NOT_NOW, HERE)

    for attempt in range(LEAST):
        assert waiting(database, scope)[0].status == "PENDING"
        assert deliver(delivery, scope) == 1
        clock.pass_(FIRST * 2**attempt)
    assert waiting(database, scope)[0].status == "FAILED" and deliver(delivery, scope) == 0


def test_a_receiver_that_never_answers_does_not_fill_the_store(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    receivers.answer(NO_ANSWER, HERE)
    kept, step = list[int](), timedelta(hours=3)
    for number in range(20):
        announce(database, scope, "a", to=[HERE, THERE], at=clock())
        announce(database, scope, "a", conversation=f"other {number}", at=clock())
        deliver(delivery, scope)
        kept.append(database.read(scope, lambda tx: len(tx.due_callbacks(clock() + DAY, 1000))))
        clock.pass_(step)

    day = DAY // step
    assert kept[-1] <= day + 2 and kept[day - 1] == day + 1
    assert len([host for host, _ in receivers.came if host == "here"]) == len(kept)
    mine = waiting(database, scope)
    assert [row.status for row in mine] == ["FAILED"] * (len(mine) - day - 1) + ["PENDING"] * (day + 1)
    assert {row.body for row in mine if row.status == "FAILED"} == {""}


def test_who_waits_behind_what_is_given_up_is_due(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    receivers.answer(NO_ANSWER, HERE)
    for name in "ab":
        announce(database, scope, name, conversation="c-1")
        announce(database, scope, name, conversation="c-2")
    clock.pass_(DAY + timedelta(seconds=1))
    announce(database, scope, "new", conversation="c-2", at=clock())
    for _ in range(LEAST):
        assert deliver(delivery, scope) == 1
        clock.pass_(LONGEST)

    assert [row.status for row in waiting(database, scope)] == ["FAILED"] * 2
    assert [row.status for row in waiting(database, scope, "c-2")] == ["FAILED", "FAILED", "PENDING"]
    receivers.answers.clear()
    assert deliver(delivery, scope) == 1 and receivers.came[-1] == ("here", "new")


def test_a_receiver_that_is_gone_is_not_asked_again(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers
) -> None:
    announce(database, scope, "a")
    announce(database, scope, "b")
    receivers.answer(Outcome("HTTP 410: the receiver is gone for good.", final=True), HERE)

    assert deliver(delivery, scope) == 2 and receivers.came == [("here", "a"), ("here", "b")]
    assert [(row.status, row.body) for row in waiting(database, scope)] == [("FAILED", "")] * 2

    receivers.answers.clear()
    announce(database, scope, "c")
    assert deliver(delivery, scope) == 1 and receivers.came[-1] == ("here", "c")


def test_a_receiver_that_does_not_answer_is_left_alone_by_all_conversations_longer_each_time(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    for number in range(20):
        announce(database, scope, "a", conversation=f"c-{number}")
    announce(database, scope, "b", to=[THERE], conversation="c-0")
    receivers.answer(NO_ANSWER, HERE)

    assert deliver(delivery, scope) == 2
    assert sorted(receivers.came) == [("here", "a"), ("there", "b")]
    pauses = list[timedelta]()
    for _ in range(10):
        turn = delivery._turn(scope)
        while not turn.pause:
            turn = delivery._turn(scope)
        pauses.append(timedelta(seconds=turn.pause))
        clock.pass_(pauses[-1])
    assert pauses == [min(FIRST * 2**number, REST) for number in range(10)]
    assert len(receivers.came) == 1 + 10

    receivers.answers.clear()
    deliver(delivery, scope)
    clock.pass_(LONGEST)
    deliver(delivery, scope)
    assert all(waiting(database, scope, f"c-{number}") == [] for number in range(20))


def test_where_callbacks_may_not_go_any_more_nothing_goes(
    database: SqliteDatabase, scope: Scope, receivers: Receivers, clock: Clock
) -> None:
    inside = StatusCallback(url="http://hooks.internal/")
    for allowed, came in ((PUBLIC, []), (reach(["hooks.internal"]), [("hooks", "a")])):
        announce(database, scope, "a", to=[inside])
        Delivery(database, calling(receivers, allowed), clock, "one").deliver(scope)
        assert receivers.came == came
        rows = waiting(database, scope)
        assert [row.error for row in rows] == ["Callbacks may not go to its URL any more.", None][: len(rows)]
        database.write(scope, lambda tx: callbacks.forget(tx, "c-1"))


# Crashes, and several processes


class Crash(BaseException):
    """As if the process had died there."""


def test_whoever_dies_after_sending_sends_it_again_under_the_same_token(
    database: SqliteDatabase, scope: Scope, receivers: Receivers, clock: Clock, tmp_path: Path
) -> None:
    def die() -> None:
        raise Crash

    announce(database, scope, "a")
    announce(database, scope, "b")
    receivers.then = die
    with delivering(database, receivers, clock) as torn, pytest.raises(Crash):
        torn.deliver(scope)
    database.close()

    receivers.then = lambda: None
    again = SqliteDatabase(tmp_path)
    with delivering(again, receivers, clock, "two") as delivery:
        deliver(delivery, scope)
        assert [name for _, name in receivers.came] == ["a", "a", "b"]
        assert receivers.tokens[0] == receivers.tokens[1] != receivers.tokens[2]
        assert waiting(again, scope) == []
    again.close()


SENDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mcp_memory.backends.sql.delivery import Calling, Delivery
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.callbacks.addresses import reach
from mcp_memory.model import Scope

folder, tenant, store_id = sys.argv[1:]
here = reach(["127.0.0.0/8"])
database = SqliteDatabase(Path(folder))
calling = Calling(reach=here, make_secret=lambda: "a secret")
delivery = Delivery(database, calling, lambda: datetime.now(UTC), "other")
delivery.deliver(Scope(tenant=tenant, store_id=store_id))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it is about kill -9")
def test_nothing_is_lost_by_kill_minus_nine(database: SqliteDatabase, scope: Scope, tmp_path: Path) -> None:
    """It was sent, and the answer had not come yet."""
    here = reach(["127.0.0.0/8"])
    hold, came = threading.Event(), threading.Event()
    with receiving(Reply(hold=hold)) as receiver:
        announce(database, scope, "a", to=[StatusCallback(url=receiver.url())])
        (row,) = waiting(database, scope)
        receiver.came = lambda seen: came.set()
        with subprocess.Popen([sys.executable, "-c", SENDS, str(tmp_path), scope.tenant, scope.store_id]) as process:
            assert came.wait(30)
            process.kill()
            assert process.wait(30) == -signal.SIGKILL
        hold.set()
        assert waiting(database, scope) == [row]

        delivery = Delivery(database, calling(None, here), app.now, "one")
        assert deliver(delivery, scope) == 1
        assert waiting(database, scope) == []

    first, second = receiver.seen
    assert first.token == second.token == row.token and first.body == second.body


def test_of_two_processes_one_sends(
    database: SqliteDatabase, scope: Scope, receivers: Receivers, clock: Clock, tmp_path: Path
) -> None:
    other_database = SqliteDatabase(tmp_path)
    with delivering(database, receivers, clock) as one, delivering(other_database, receivers, clock, "two") as other:
        announce(database, scope, "a")
        turns = list[rounds.Turn]()
        receivers.then = lambda: turns.append(other._turn(scope))
        one._turn(scope)
        assert turns == [rounds.Turn(SOON)] and receivers.came == [("here", "a")]

        receivers.then = lambda: None
        assert one._turn(scope) == rounds.DONE
        announce(database, scope, "b")
        clock.pass_(timedelta(microseconds=1))
        other._turn(scope)
        assert receivers.came == [("here", "a"), ("here", "b")] and other._turn(scope) == rounds.DONE
    other_database.close()


def test_who_comes_late_with_what_another_has_sent_meanwhile_changes_no_order(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    """As a machine that slept in the middle of it."""
    for name in "abc":
        announce(database, scope, name)

    def meanwhile() -> None:
        receivers.then = lambda: receivers.answer(NOT_NOW, HERE) if receivers.came[-1][1] == "b" else None
        with delivering(database, receivers, clock, "two") as other:
            assert deliver(other, scope) == 2
        receivers.answers.clear()

    receivers.then = meanwhile
    delivery.deliver(scope)

    assert [name for _, name in receivers.came] == ["a", "a", "b"]
    b, c = waiting(database, scope)
    assert (b.attempts, b.due_at, c.due_at) == (1, clock() + FIRST, None)


def test_who_died_with_the_lease_is_not_waited_for_long(
    database: SqliteDatabase, scope: Scope, receivers: Receivers, clock: Clock
) -> None:
    announce(database, scope, "a")
    database.write(scope, lambda tx: tx.take_lease("callbacks", "dead", clock(), clock() + LEASE))
    with delivering(database, receivers, clock) as one:
        assert one._turn(scope) == rounds.Turn(SOON) and receivers.came == []
        clock.pass_(LEASE + timedelta(seconds=1))
        one._turn(scope)
        assert receivers.came == [("here", "a")]


def test_a_store_that_waits_is_looked_after_when_its_time_comes(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, clock: Clock
) -> None:
    assert delivery._turn(scope) == rounds.DONE
    announce(database, scope, "a")
    receivers.answer(NOT_NOW, HERE)
    delivery._turn(scope)

    assert delivery._turn(scope) == rounds.Turn(FIRST.total_seconds())
    clock.pass_(FIRST * 400)
    for _ in range(12):
        clock.pass_(LONGEST)
        delivery._turn(scope)
    assert delivery._turn(scope) == rounds.Turn(LOOK)


# In the background


def test_a_store_with_slow_receivers_lets_others_of_its_thread_in_between(
    database: SqliteDatabase, scope: Scope, receivers: Receivers, clock: Clock
) -> None:
    for number in range(9):
        slow = StatusCallback(url=f"https://slow{number}.example.com/")
        announce(database, scope, "a", to=[slow], conversation=f"c-{number}")
    time = itertools.count(step=TURN / 3)  # at the begin of a turn, and after each attempt
    delivery = Delivery(database, calling(receivers), clock, "one", clock=lambda: float(next(time)))

    assert delivery._turn(scope) == rounds.Turn(0.0) and len(receivers.came) == 3
    assert delivery._turn(scope) == rounds.Turn(0.0) and len(receivers.came) == 6


def test_in_the_background_all_stores_are_told_of(database: SqliteDatabase, receivers: Receivers) -> None:
    stores = [add_store(database, "acme", number, f"store-{number}") for number in range(1, 9)]
    all_came = threading.Event()
    receivers.then = lambda: all_came.set() if len(receivers.came) == len(stores) else None

    with delivering(database, receivers, app.now) as delivery:
        for number, scope in enumerate(stores):
            announce(database, scope, f"{number}", at=app.now())
            delivery.look_after(scope)
        assert all_came.wait(10)
    assert sorted(name for _, name in receivers.came) == [f"{number}" for number in range(len(stores))]


@pytest.mark.anyio
async def test_what_was_left_is_sent_when_the_store_is_opened_again(
    tmp_path: Path, embedder: MiniLM, receivers: Receivers
) -> None:
    def backend(background: bool) -> SqlBackend:
        return SqlBackend(
            SqliteDatabase(tmp_path),
            embedder,
            now=app.now,
            make_id=app.make_id,
            region="US",
            background=background,
            calling=Calling(send=receivers),
        )

    came = threading.Event()
    receivers.then = came.set
    before = backend(False)
    scope = await before.open_store("acme", "default")
    database = SqliteDatabase(tmp_path)
    await anyio.to_thread.run_sync(announce, database, scope, "a")
    await anyio.to_thread.run_sync(database.close)
    before._deliver(scope)
    await before.close()
    assert receivers.came == []

    after = backend(True)
    await after.open_store("acme", "default")
    assert await anyio.to_thread.run_sync(came.wait, 10)
    await after.close()
    assert receivers.came == [("here", "a")]


@pytest.mark.anyio
async def test_over_http_it_goes_where_the_settings_let_it_and_can_be_verified(tmp_path: Path) -> None:
    came, database = threading.Event(), SqliteDatabase(tmp_path)
    with receiving() as receiver:
        receiver.came = lambda seen: came.set()
        settings = Settings(data_dir=tmp_path, callback_hosts=("127.0.0.0/8",))
        memory, caller = app.build_memory(settings, background=True), app.local_caller(settings)
        secret = await memory.callback_secret(caller)
        scope = await memory.scope(caller)
        to = [StatusCallback(url=receiver.url("/hook?x=1"))]
        await anyio.to_thread.run_sync(partial(announce, database, scope, "a", to=to, at=app.now()))
        cast(SqlBackend, memory._backend)._deliver(scope)
        assert await anyio.to_thread.run_sync(came.wait, 10)
        await memory.close()
        await anyio.to_thread.run_sync(database.close)

    (seen,) = receiver.seen
    assert json.loads(seen.body)["data"] == {"name": "a"}
    assert seen.headers[SIGNATURE] == signature(secret, f"http://{seen.headers['Host']}{seen.path}")


# Secrets


def test_a_tenant_has_a_secret_of_its_own_and_another_one_holds_at_once(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers
) -> None:
    names = (f"secret {number}" for number in itertools.count())

    def make() -> str:
        return next(names)

    assert callback_secrets.current(database, "acme", MONDAY, make) == "secret 0"
    assert callback_secrets.current(database, "globex", MONDAY, make) == "secret 1"
    assert callback_secrets.current(database, "acme", MONDAY, make) == "secret 0"
    announce(database, scope, "a")
    assert callback_secrets.rotated(database, "acme", MONDAY, make) == "secret 2"
    deliver(delivery, scope)

    (sent,) = receivers.requests
    assert sent.headers[SIGNATURE] == signature("secret 2", sent.target.url)
    assert callback_secrets.current(database, "globex", MONDAY, make) == "secret 1"
    database.write_catalog(lambda catalog: catalog.forget_tenant("acme"))
    assert callback_secrets.current(database, "acme", MONDAY, make) == "secret 3"


# Erasure


def test_of_what_is_erased_nothing_is_told_and_no_byte_is_left(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, tmp_path: Path
) -> None:
    announce(database, scope, f"plays {SECRET_WORD} " * 500, to=[HERE, THERE])
    announce(database, scope, "other", conversation="c-2")
    assert found(tmp_path, SECRET_WORD)

    database.erase(scope, lambda tx: callbacks.forget(tx, "c-1"))

    assert found(tmp_path, SECRET_WORD) == []
    assert deliver(delivery, scope) == 1 and receivers.came == [("here", "other")]


@pytest.mark.parametrize("answer", [DELIVERED, NOT_NOW, Outcome("HTTP 410.", final=True)])
def test_what_is_erased_while_it_is_sent_does_not_come_back(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers, answer: Outcome
) -> None:
    announce(database, scope, "a")
    announce(database, scope, "b")
    receivers.answer(answer, HERE)
    receivers.then = lambda: database.erase(scope, lambda tx: callbacks.forget(tx, "c-1"))

    deliver(delivery, scope)

    assert waiting(database, scope) == [] and receivers.came == [("here", "a")]
    assert database.read(scope, lambda tx: tx.next_callback_due()) is None


def test_of_a_store_that_is_deleted_nothing_is_told(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers
) -> None:
    announce(database, scope, "a")
    database.delete_store(scope)

    assert delivery._turn(scope) == rounds.DONE and receivers.came == []
    with pytest.raises(NotFound):
        delivery.deliver(scope)


def test_a_store_that_is_deleted_while_something_is_sent_is_done_with(
    database: SqliteDatabase, scope: Scope, delivery: Delivery, receivers: Receivers
) -> None:
    announce(database, scope, "a")
    receivers.then = lambda: database.delete_store(scope)

    assert delivery._turn(scope) == rounds.DONE and receivers.came == [("here", "a")]
