"""What is asked again, when, and what never is."""

from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest

from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.calls import Call
from mcp_memory.backends.twilio.client import Client
from mcp_memory.errors import Unavailable
from tests.twilio.conftest import DANA, KEY_ID, NOTE, NOW, SECRET, STORE, URL, Script, answer

pytestmark = pytest.mark.anyio

LOST = httpx2.ReadError("gone")
SLOW = httpx2.ReadTimeout("slow")
NOBODY = httpx2.ConnectError("refused")

REPEATED = [calls.FETCH_PROFILE, calls.LOOKUP_PROFILES, calls.RECALL, calls.CREATE_PROFILE, calls.UPDATE_SETTINGS]
ONCE = [
    calls.CREATE_OBSERVATIONS,
    calls.CREATE_SUMMARIES,
    calls.CREATE_IDENTIFIER,
    calls.CREATE_STORE,
    calls.CREATE_GROUP,
    calls.CREATE_MAPPING,
    calls.PATCH_TRAITS,
    calls.PATCH_OBSERVATION,
    calls.PATCH_IDENTIFIER,
    calls.DELETE_IDENTIFIER,
]


def at(call: Call) -> list[str]:
    return [STORE, DANA, NOTE][: call.template.count("{}")]


async def ask(client: Client, call: Call) -> int:
    return (await client.send(call, *at(call), body=None if call.method == "GET" else {})).status


@pytest.mark.parametrize("call", REPEATED, ids=lambda call: call.name)
@pytest.mark.parametrize("trouble", [LOST, SLOW, NOBODY, answer(500), answer(503), answer(429)], ids=repr)
async def test_what_is_done_once_by_doing_it_twice_is_tried_again(
    client: Client, script: Script, call: Call, trouble: Exception
) -> None:
    script.then(trouble, trouble, answer(200))

    assert await ask(client, call) == 200
    assert len(script.asked) == 3


@pytest.mark.parametrize("call", ONCE, ids=lambda call: call.name)
@pytest.mark.parametrize(
    "trouble", [LOST, SLOW, answer(500), answer(503), answer(503, Retry_After="1"), answer(504)], ids=repr
)
async def test_what_may_have_been_done_is_not_repeated(
    client: Client, script: Script, call: Call, trouble: Exception
) -> None:
    script.then(trouble)

    with pytest.raises(Unavailable, match="It is not known whether anything was done"):
        await ask(client, call)
    assert len(script.asked) == 1


@pytest.mark.parametrize("call", ONCE, ids=lambda call: call.name)
@pytest.mark.parametrize("trouble", [NOBODY, answer(429)], ids=repr)
async def test_what_was_certainly_not_done_is_tried_again(
    client: Client, script: Script, call: Call, trouble: Exception
) -> None:
    script.then(trouble, answer(202))

    assert await ask(client, call) == 202
    assert len(script.asked) == 2


async def test_a_write_that_broke_off_says_whether_it_may_be_made_again(client: Client, script: Script) -> None:
    script.then(LOST)

    with pytest.raises(Unavailable, match="could be there twice"):
        await ask(client, calls.CREATE_OBSERVATIONS)
    with pytest.raises(Unavailable, match="can be made again safely"):
        await ask(client, calls.PATCH_TRAITS)


async def test_a_change_of_a_version_is_not_repeated(client: Client, script: Script) -> None:
    script.then(LOST)

    with pytest.raises(Unavailable, match="not known"):
        await client.send(calls.UPDATE_SETTINGS, STORE, body={}, if_match='"1"')
    assert len(script.asked) == 1


async def test_pauses_double_and_are_left_to_chance(client: Client, script: Script) -> None:
    script.then(answer(500))

    with pytest.raises(Unavailable, match="HTTP 500"):
        await ask(client, calls.FETCH_PROFILE)
    assert script.slept == [0.25, 0.5]  # half of half a second and of a second: chance is 0.5


@pytest.mark.parametrize(
    ("said", "pause"), [("3", 3.0), ("Mon, 04 May 2026 09:30:07 GMT", 7.0), ("Mon, 04 May 2026 09:29:00 GMT", 0.0)]
)
async def test_retry_after_is_respected_in_both_its_forms(
    client: Client, script: Script, said: str, pause: float
) -> None:
    script.then(answer(429, Retry_After=said), answer(200))

    assert await ask(client, calls.FETCH_PROFILE) == 200
    assert script.slept == [pause]


@pytest.mark.parametrize("said", ["11", "999999999", "Mon, 04 May 2026 10:30:00 GMT"])
async def test_whoever_is_to_wait_for_long_is_told_so_at_once(client: Client, script: Script, said: str) -> None:
    script.then(answer(429, Retry_After=said))

    with pytest.raises(Unavailable, match=r"Try again in \d+ s\."):
        await ask(client, calls.CREATE_OBSERVATIONS)
    assert (len(script.asked), script.slept) == (1, [])


@pytest.mark.parametrize("said", ["soon", "-1", "1e9", "٣", "9" * 400, "Mon, 99 May 2026 09:30:07 GMT"])
async def test_a_retry_after_that_is_none_is_passed_over(client: Client, script: Script, said: str) -> None:
    script.then(lambda request: httpx2.Response(503, headers=[(b"retry-after", said.encode())], json={}), answer(200))

    assert await ask(client, calls.FETCH_PROFILE) == 200
    assert script.slept == [0.25]


async def test_what_an_earlier_attempt_deleted_is_deleted(client: Client, script: Script) -> None:
    script.then(LOST, answer(404))

    assert await ask(client, calls.DELETE_OBSERVATION) == 202


class Dripping(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=drops())


async def drops() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await anyio.sleep(0.01)


async def test_a_service_that_drips_is_given_up_on(script: Script) -> None:
    client = Client(
        URL,
        KEY_ID,
        SECRET,
        timeout=0.05,
        now=lambda: NOW,
        chance=lambda: 0.0,
        sleep=script.sleep,
        transport=Dripping(),
    )
    with anyio.fail_after(5), pytest.raises(Unavailable, match="took longer than"):
        await ask(client, calls.FETCH_PROFILE)
    await client.close()
