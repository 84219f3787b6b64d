"""Every change of a conversation of several people is told, signed, in the order in which it was made."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.delivery import Calling
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.callbacks import StatusCallback
from mcp_memory.callbacks.requests import DELIVERED, TOKEN, Outcome, Outgoing
from mcp_memory.callbacks.signing import SIGNATURE, signature
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflicting, Invalid
from mcp_memory.model import Scope
from mcp_memory.orchestrator import ChannelSetting, ConversationChanges, SettingsChanges
from mcp_memory.wire.orchestrator import resource
from tests.contract.conftest import Clock
from tests.contract.talks import AGENT, BEN, CUSTOMER, configured, opened, say, who

pytestmark = pytest.mark.anyio

HOOK = StatusCallback(url="https://hooks.example.com/memory?shop=1")
SECRET = "0123456789abcdef"


class Told:
    """`came`: what was sent, in its order."""

    def __init__(self, folder: Path, embedder: MiniLM, clock: Clock) -> None:
        self.came: list[Outgoing] = []
        self.backend = SqlBackend(
            SqliteDatabase(folder),
            embedder,
            now=clock,
            make_id=clock.make_id,
            region="US",
            calling=Calling(send=self._receive, make_secret=lambda: SECRET, resource_of=resource),
        )

    def _receive(self, request: Outgoing) -> Outcome:
        self.came.append(request)
        return DELIVERED

    async def events(self, scope: Scope) -> list[Any]:
        """Those since it was asked before."""
        await anyio.to_thread.run_sync(self._deliver, scope)
        events, self.came = [json.loads(one.content or b"null") for one in self.came], []
        return events

    def _deliver(self, scope: Scope) -> None:
        while self.backend._delivery.deliver(scope):
            pass


@pytest.fixture
async def told(tmp_path: Path, embedder: MiniLM, clock: Clock) -> AsyncIterator[Told]:
    told = Told(tmp_path, embedder, clock)
    yield told
    await told.backend.close()


@pytest.fixture
async def scope(told: Told) -> Scope:
    return await told.backend.open_store("acme", "default")


def types(events: list[Any]) -> list[str]:
    return [one["eventType"] for one in events]


async def test_every_change_is_told_as_the_api_answers_it(told: Told, scope: Scope, clock: Clock) -> None:
    backend = told.backend
    one = await opened(backend, scope, await configured(backend, scope, callbacks=(HOOK,)), CUSTOMER)
    ada = await backend.add_participant(scope, one.conversation_id, AGENT)
    posted = await say(backend, scope, one, "I live in Porto.")
    await say(backend, scope, one, "Hello.", by="+13175550199")
    seen = await told.events(scope)

    assert types(seen) == [
        *("CONVERSATION_CREATED", "PARTICIPANT_ADDED", "PARTICIPANT_ADDED", "COMMUNICATION_CREATED"),
        *("PARTICIPANT_ADDED", "COMMUNICATION_CREATED"),
    ]
    assert seen[0]["data"] == resource("acme", one) and seen[2]["data"] == resource("acme", ada)
    assert seen[3]["data"] == resource("acme", posted) and seen[3]["timestamp"] == "2026-05-04T09:30:00.000Z"
    assert seen[4]["data"]["type"] == "UNKNOWN"

    dana = one.participants[0].participant_id
    await backend.update_participant(scope, one.conversation_id, dana, who(BEN, "CUSTOMER", name="Ben"))
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(name="Order B-2077"))
    clock.pass_(minutes=15)
    await backend.learn(scope)
    await say(backend, scope, one, "Still there?", by=BEN)
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(status="CLOSED"))
    seen = await told.events(scope)

    assert types(seen) == [
        *("PARTICIPANT_UPDATED", "CONVERSATION_UPDATED", "CONVERSATION_UPDATED"),
        *("CONVERSATION_UPDATED", "COMMUNICATION_CREATED", "CONVERSATION_UPDATED"),
    ]
    updated = [(each["data"]["status"], each["data"]["name"]) for each in seen if "status" in each["data"]]
    assert updated == [(status, "Order B-2077") for status in ("ACTIVE", "INACTIVE", "ACTIVE", "CLOSED")]


async def test_it_ends_by_itself_and_says_so(told: Told, scope: Scope, clock: Clock) -> None:
    settings: dict[str, Any] = {"callbacks": (HOOK,), "channels": {"SMS": ChannelSetting(closed=5, timed=True)}}
    await opened(told.backend, scope, await configured(told.backend, scope, **settings), CUSTOMER)
    clock.pass_(minutes=5)
    await told.backend.learn(scope)

    assert [one["data"].get("status") for one in await told.events(scope)] == ["ACTIVE", None, "CLOSED"]


async def test_what_changed_in_the_background_is_sent_at_once(
    told: Told, scope: Scope, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"callbacks": (HOOK,), "channels": {"SMS": ChannelSetting(closed=5, timed=True)}}
    await opened(told.backend, scope, await configured(told.backend, scope, **settings), CUSTOMER)
    clock.pass_(minutes=5)
    looked_after: list[Scope] = []
    monkeypatch.setattr(told.backend, "_background", True)
    monkeypatch.setattr(told.backend._delivery, "look_after", looked_after.append)
    await told.backend.learn(scope)

    assert looked_after == [scope]


async def test_what_is_sent_is_signed_with_the_tenants_secret(told: Told, scope: Scope) -> None:
    await opened(told.backend, scope, await configured(told.backend, scope, callbacks=(HOOK,)))
    await anyio.to_thread.run_sync(told._deliver, scope)
    (sent,) = told.came

    assert sent.headers[SIGNATURE] == signature(SECRET, f"https://hooks.example.com{sent.target.path}")
    assert sent.target.path.startswith("/memory?shop=1&bodySHA256=") and sent.headers[TOKEN]
    assert await told.backend.callback_secret("acme") == SECRET


async def test_what_was_not_done_is_not_told(told: Told, scope: Scope) -> None:
    backend = told.backend
    configuration = await configured(backend, scope, callbacks=(HOOK,))
    one = await opened(backend, scope, configuration, CUSTOMER)
    await say(backend, scope, one, "Hello.", resource_id="SM1")
    await told.events(scope)
    await say(backend, scope, one, "Hello.", resource_id="SM1")
    with pytest.raises(Conflicting):
        await opened(backend, scope, configuration, CUSTOMER)
    with pytest.raises(Conflicting):
        await backend.add_participant(scope, one.conversation_id, CUSTOMER)

    assert await told.events(scope) == []


async def test_a_conversation_tells_whom_it_began_with_until_it_is_told_otherwise(told: Told, scope: Scope) -> None:
    backend, other = told.backend, StatusCallback(url="https://other.example.com/")
    configuration = await configured(backend, scope, callbacks=(HOOK,))
    one = await opened(backend, scope, configuration, CUSTOMER)
    await backend.update_configuration("acme", configuration.configuration_id, SettingsChanges(callbacks=(other,)))
    await say(backend, scope, one, "Hello.")
    await anyio.to_thread.run_sync(told._deliver, scope)
    hosts = {sent.target.host for sent in told.came}
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(callbacks=()))
    await told.events(scope)
    await say(backend, scope, one, "Hello again.")

    assert hosts == {"hooks.example.com"} and await told.events(scope) == []


async def test_of_what_is_forgotten_nothing_is_told_any_more(told: Told, scope: Scope) -> None:
    backend = told.backend
    configuration = await configured(backend, scope, callbacks=(HOOK,))
    one = await opened(backend, scope, configuration, CUSTOMER, who(BEN, "CUSTOMER"))
    await say(backend, scope, one, "I live in Porto.")
    dana = one.participants[0].profile_id
    assert dana is not None
    await backend.delete_profile(scope, dana)
    forgotten = await told.events(scope)
    await say(backend, scope, one, "I live in Oslo.", by=BEN)
    await backend.delete_conversation(scope, one.conversation_id)

    assert forgotten == [] and await told.events(scope) == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "https://localhost/", "ftp://example.com/", "nowhere"]
)
async def test_a_callback_may_not_lead_inside(told: Told, scope: Scope, url: str) -> None:
    backend, callbacks = told.backend, (HOOK, StatusCallback(url=url))
    with pytest.raises(Invalid, match=r"statusCallbacks\[1\]\.url"):
        await configured(backend, scope, callbacks=callbacks)
    configuration = await configured(backend, scope)
    changes = SettingsChanges(callbacks=callbacks)
    with pytest.raises(Invalid, match=r"statusCallbacks\[1\]\.url"):
        await backend.update_configuration("acme", configuration.configuration_id, changes)
    with pytest.raises(Invalid, match=r"statusCallbacks\[1\]\.url"):
        await backend.replace_configuration(
            scope, configuration.configuration_id, replace(configuration.settings, callbacks=callbacks)
        )
    one = await opened(backend, scope, configuration, CUSTOMER)
    with pytest.raises(Invalid, match=r"statusCallbacks\[1\]\.url"):
        await backend.update_conversation(scope, one.conversation_id, ConversationChanges(callbacks=callbacks))
