"""What each operation of the Memory API counts for."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from starlette.types import ASGIApp

from mcp_memory import app as wiring
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.import_file import import_file
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.memory import MeteredMemory
from mcp_memory.metering.usage import CHARACTERS, PROFILE_OPERATIONS, RECALLS, UTILISED_PROFILES
from mcp_memory.model import Caller, NewMessage
from tests.doors import guarded
from tests.http_api.accounts import NOBODY, PHONE, Account, note, recap
from tests.http_api.conftest import Open
from tests.http_api.talks import SHOP, at, begun, configured, customer, party, said

pytestmark = pytest.mark.anyio

READ = {UTILISED_PROFILES: 1}
CHANGED = {PROFILE_OPERATIONS: 1}
NOTHING: dict[str, int] = {}
EMAIL = "dana@example.com"


class World:
    """Somebody with a phone, an email, two observations and a summary; and what was counted since it was looked."""

    def __init__(self, account: Account, book: SqlUsage, memory: MeteredMemory) -> None:
        self.account, self.memory = account, memory
        self._book = book
        self._before: dict[str, int] = {}
        self.names: dict[str, str] = {}

    async def settle(self) -> None:
        account = self.account
        await account.settle()
        profile_id = await account.profile(PHONE, email=EMAIL)
        (observation,) = await account.observed(profile_id, "Has a dog")
        (summary,) = await account.summarised(profile_id, "Talk")
        talk = await begun(account)
        self.names = {
            **{"profile": f"{account.data}/Profiles/{profile_id}", "o": observation, "s": summary},
            **{"talk": at(talk), "who": talk["participants"][0]["id"]},
        }
        await self.counted()

    async def counted(self) -> dict[str, int]:
        """Without requests, which front doors count."""

        def read() -> dict[str, int]:
            self.memory.usage.write()
            today = wiring.now().date()
            days = self._book.between(today, today, self.account.tenant)
            return dict(days[0].amounts) if days else {}

        now = await anyio.to_thread.run_sync(read)
        new = {unit: amount - self._before.get(unit, 0) for unit, amount in now.items()}
        self._before = now
        return {unit: amount for unit, amount in new.items() if amount}


@pytest.fixture(scope="module")
async def made(
    embedder: MiniLM, credentials: Authenticator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Callable[[], tuple[ASGIApp, SqlUsage, MeteredMemory]]]:
    database = SqliteDatabase(tmp_path_factory.mktemp("usage"))
    backend = SqlBackend(database, embedder, now=wiring.now, make_id=wiring.make_id, region="US")
    book = SqlUsage(database)
    memory = MeteredMemory(backend, wiring.now, UsageCounter(book, wiring.now))
    api = guarded(build_api(Front(memory=memory, now=wiring.now)), credentials)
    yield lambda: (api, book, memory)
    await memory.close()


@pytest.fixture
async def world(made: Callable[[], tuple[ASGIApp, SqlUsage, MeteredMemory]], opened: Open) -> World:
    api, book, memory = made()
    world = World(opened(api), book, memory)
    await world.settle()
    return world


CALLS: list[tuple[str, str, Any, dict[str, int]]] = [
    ("GET", "{profile}", None, READ),
    ("GET", "{profile}/Traits", None, READ),
    ("GET", "{profile}/Identifiers", None, READ),
    ("GET", "{profile}/Observations", None, READ),
    ("GET", "{profile}/Observations/{o}", None, READ),
    ("GET", "{profile}/Observations/{o}/Revisions", None, READ),
    ("GET", "{profile}/ConversationSummaries", None, READ),
    ("GET", "{profile}/ConversationSummaries/{s}", None, READ),
    ("POST", "{profile}/Recall", {"query": "pets"}, {**READ, RECALLS: 1}),
    ("POST", "{profile}/Recall", {"query": 5}, NOTHING),
    ("POST", "{data}/Profiles/Lookup", {"idType": "phone", "value": PHONE}, READ),
    ("POST", "{data}/Profiles/Lookup", {"idType": "phone", "value": "+13175550199"}, NOTHING),
    ("GET", f"{{data}}/Profiles/{NOBODY}", None, NOTHING),
    ("GET", "{data}/Profiles", None, NOTHING),
    ("POST", "{data}/Profiles", {"traits": {"Contact": {"phone": "+13175550199"}}}, CHANGED),
    ("POST", "{data}/Profiles", {"traits": {"Contact": {"phone": PHONE}}}, CHANGED),
    ("PATCH", "{profile}", {"traits": {"Contact": {"city": "Gary"}}}, CHANGED),
    ("PATCH", "{profile}", {"traits": {"Contact": {"phone": "nonsense"}}}, NOTHING),
    ("POST", "{profile}/Identifiers", {"idType": "email", "value": "d@example.com"}, CHANGED),
    (
        "PATCH",
        "{profile}/Identifiers/email",
        {"idType": "email", "oldValue": EMAIL, "newValue": "e@example.com"},
        CHANGED,
    ),
    ("DELETE", "{profile}/Identifiers/email", None, CHANGED),
    (
        "PUT",
        "{data}/Profiles/Bulk",
        {
            "profiles": [
                {"traits": {"Contact": {"phone": "+13175550198"}}},
                {"traits": {"Contact": {"phone": PHONE}}},
                {"traits": {"Contact": {"phone": "nonsense"}}},
            ]
        },
        {PROFILE_OPERATIONS: 2},
    ),
    ("POST", "{profile}/Observations", {"observations": [note("Likes tea"), note("Has a dog")]}, {CHARACTERS: 9}),
    ("PATCH", "{profile}/Observations/{o}", {"content": "Has a cat and a dog"}, {CHARACTERS: 19}),
    ("PATCH", "{profile}/Observations/{o}", {"source": "sms"}, NOTHING),
    ("DELETE", "{profile}/Observations/{o}", None, NOTHING),
    ("POST", "{profile}/ConversationSummaries", {"summaries": [recap("Talk of tea")]}, {CHARACTERS: 11}),
    ("PATCH", "{profile}/ConversationSummaries/{s}", {"content": "Talk of cats"}, {CHARACTERS: 12}),
    ("GET", "{talk}", None, NOTHING),
    ("POST", "{talk}/Communications", said("I have a dog"), NOTHING),
    ("POST", "{talk}/Participants", customer("+13175550197"), CHANGED),
    ("POST", "{talk}/Participants", customer(SHOP), NOTHING),
    ("POST", "{talk}/Participants", {"addresses": [party("+13175550197")]}, NOTHING),
    ("PUT", "{talk}/Participants/{who}", customer(), CHANGED),
    ("PUT", "{talk}/Participants/{who}", {"name": "Dana"}, NOTHING),
    ("DELETE", "{talk}", None, NOTHING),
    ("DELETE", "{profile}", None, NOTHING),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), CALLS)
async def test_an_operation_counts_for_what_it_is(
    world: World, method: str, path: str, body: Any, expected: dict[str, int]
) -> None:
    response = await world.account.http.request(
        method, path.format(data=world.account.data, **world.names), **({} if body is None else {"json": body})
    )
    response.read()

    assert response.is_success or expected == NOTHING, response.text
    assert await world.counted() == expected


async def test_a_profile_that_is_merged_by_an_upsert_counts_as_well(world: World) -> None:
    other = "+13175550199"
    await world.account.profile(other)
    await world.counted()

    await world.account.write("POST", f"{world.names['profile']}/Identifiers", {"idType": "phone", "value": other})

    assert await world.counted() == {PROFILE_OPERATIONS: 2}


async def test_each_customer_that_a_conversation_begins_with_counts(world: World) -> None:
    id = await configured(world.account)
    known = {"type": "CUSTOMER", "profileId": world.names["profile"].rpartition("/")[2]}
    await begun(world.account, customer("+13175550197"), customer("+13175550196"), known, configurationId=id)

    assert await world.counted() == {PROFILE_OPERATIONS: 2}


async def test_proposals_are_read_and_what_is_accepted_is_an_update(world: World, opened: Open) -> None:
    account, profile = opened(world.account.app, like=world.account, checked=False), world.names["profile"]
    caller, id = Caller(tenant=account.tenant, store=account.store_id), profile.rpartition("/")[2]
    said = [NewMessage(text="My name is Dana Petrov.", role="customer")]
    await world.memory.record_messages(caller, id, "c-1", said)
    await world.memory.close_conversation(caller, id, "c-1")
    await world.memory.learn(caller)
    await world.counted()

    first, second = (await account.get(f"{profile}/TraitProposals"))["traitProposals"]
    assert await world.counted() == READ
    await account.write("POST", f"{profile}/TraitProposals/{first['id']}/Accept", status=200)
    assert await world.counted() == CHANGED
    await account.write("POST", f"{profile}/TraitProposals/{second['id']}/Reject", status=200)
    await account.refused("POST", f"{profile}/TraitProposals/{second['id']}/Accept")
    assert await world.counted() == NOTHING


async def test_an_answer_that_is_repeated_is_counted_once(world: World) -> None:
    new = {"observations": [note("Likes tea")]}
    for _ in range(2):
        await world.account.write(
            "POST", f"{world.names['profile']}/Observations", new, headers={"Idempotency-Key": "tea"}
        )

    assert await world.counted() == {CHARACTERS: 9}


async def test_the_rows_of_an_import_count_as_the_profiles_they_made(world: World, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    rows = [f"+1317555{number:04}" for number in range(200, 1300)]  # more than one batch
    lines = ["Contact.phone,Contact.city", *(f"{phone},Gary" for phone in (*rows, PHONE, "nonsense"))]
    file.write_text("\n".join(lines), encoding="utf-8")
    caller = Caller(tenant=world.account.tenant, store=world.account.store_id)

    result = await import_file(world.memory, caller, file, (), lambda current: None, False)

    assert result.imported.refused == 1
    assert await world.counted() == {PROFILE_OPERATIONS: len(rows) + 1}
