"""A service that answers what a test wrote down, and a time that passes at once."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.backends.twilio.client import Client
from mcp_memory.model import Scope

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
KEY_ID, SECRET = "SK" + "1" * 32, "a-very-secret-secret"
URL = "https://memory.test"
STORE = "mem_store_01k000000000000000000000st"
DANA, OLD = "mem_profile_01k00000000000000000000dan", "mem_profile_01k000000000000000000000ld"
NOTE = "mem_observation_01k000000000000000000note1"
SCOPE = Scope(tenant="acme", store_id=STORE)

Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json={} if body is None else body, headers=named)


class Script:
    """Answers in the order that was written down; the last one again and again. By path, where one is given."""

    def __init__(self) -> None:
        self.asked: list[httpx2.Request] = []
        self.slept: list[float] = []
        self._answers: list[Answer] = []
        self._at: dict[tuple[str, str], list[Answer]] = {}

    def then(self, *answers: Answer) -> "Script":
        self._answers += answers
        return self

    def at(self, method: str, path: str, *answers: Answer) -> "Script":
        self._at.setdefault((method, path), []).extend(answers)
        return self

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.asked.append(request)
        answers = self._at.get((request.method, request.url.path), self._answers)
        assert answers, f"nothing is written down for {request.method} {request.url.path}"
        one = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(one, Exception):
            raise one
        found = one(request) if callable(one) else one
        return httpx2.Response(found.status_code, headers=found.headers, stream=httpx2.ByteStream(found.content))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def bodies(self) -> list[Any]:
        return [json.loads(one.content) for one in self.asked if one.content]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def client(script: Script) -> AsyncIterator[Client]:
    client = Client(
        URL,
        KEY_ID,
        SECRET,
        timeout=5.0,
        now=lambda: NOW,
        chance=lambda: 0.5,
        sleep=script.sleep,
        transport=httpx2.MockTransport(script),
    )
    yield client
    await client.close()


def backend_on(transport: httpx2.AsyncBaseTransport, sleep: Callable[[float], Awaitable[None]]) -> TwilioBackend:
    return TwilioBackend(
        URL,
        KEY_ID,
        SECRET,
        tenant="acme",
        store="default",
        create_store=False,
        region="US",
        timeout=5.0,
        now=lambda: NOW,
        transport=transport,
        sleep=sleep,
        chance=lambda: 0.5,
    )


@pytest.fixture
async def backend(script: Script) -> AsyncIterator[TwilioBackend]:
    backend = backend_on(httpx2.MockTransport(script), script.sleep)
    yield backend
    await backend.close()
