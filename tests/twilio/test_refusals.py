"""What the service refuses, and what it answers that nobody published."""

import logging
from base64 import b64encode

import httpx2
import pytest

from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio import client as clients
from mcp_memory.backends.twilio.client import Client
from mcp_memory.errors import Closing, Conflict, Error, Full, Invalid, NotFound, Stale, Taken, Unavailable
from mcp_memory.wire.profiles import ProfileBody
from tests.twilio.conftest import DANA, KEY_ID, NOTE, OLD, SECRET, STORE, Script, answer

pytestmark = pytest.mark.anyio


def refusal(status: int, code: int = 20500, message: str = "What was wrong") -> httpx2.Response:
    return answer(status, {"code": code, "message": message, "more_info": "https://…", "status": status})


async def refused(client: Client, kind: type[Error] = Error) -> str:
    with pytest.raises(kind) as caught:
        await client.send(calls.CREATE_OBSERVATIONS, STORE, DANA, body={"observations": [{"content": "likes tea"}]})
    assert type(caught.value) is kind or kind is Error
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 20001, Invalid),
        (400, 520046, Invalid),
        (401, 20003, Unavailable),
        (403, 403, Unavailable),
        (404, 20404, NotFound),
        (404, 520041, NotFound),
        (409, 20409, Conflict),
        (400, 20409, Conflict),
        (409, 520045, Taken),
        (409, 520055, Taken),
        (400, 520044, Full),
        (412, 20412, Stale),
        (413, 20413, Invalid),
        (409, 520042, Unavailable),
        (429, 20429, Unavailable),
        (500, 20500, Unavailable),
        (501, 20501, Unavailable),
        (418, 20418, Unavailable),
    ],
)
async def test_a_refusal_is_an_error_of_the_house(
    client: Client, script: Script, status: int, code: int, kind: type[Error]
) -> None:
    script.then(refusal(status, code))

    await refused(client, kind)


async def test_the_service_says_what_was_wrong_in_the_words_of_the_tools(client: Client, script: Script) -> None:
    script.then(answer(400, {"code": 20001, "message": "pageToken, matchingRules[0] and more", "status": 400}))

    assert "cursor, matching_rules[0] and more" in str(await refused(client, Invalid))


async def test_the_service_says_what_was_wrong(client: Client, script: Script) -> None:
    script.then(refusal(400, 20001, "content is\u202e too\x00\n long " + "x" * 5000))

    said = await refused(client, Invalid)

    assert said.startswith("content is too long xxx") and len(said) <= 300


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_its_settings(client: Client, script: Script, status: int) -> None:
    script.then(refusal(status, 20003, f"{KEY_ID} is not known"))

    said = await refused(client, Unavailable)

    assert "twilio_key_id" in said and KEY_ID not in said


async def test_no_secret_gets_into_an_error_or_a_log(
    client: Client, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = b64encode(f"{KEY_ID}:{SECRET}".encode()).decode()
    echo = f"you sent {SECRET} and {token}"
    script.then(*(refusal(status, 1000, echo) for status in (400, 404, 409)), answer(200, {"oops": echo}))

    said = [await refused(client) for _ in range(3)]
    reply = await client.send(calls.FETCH_PROFILE, STORE, DANA)
    with pytest.raises(Unavailable) as caught:
        reply.read(ProfileBody)

    everything = " ".join([*said, str(caught.value), caplog.text, repr(client)])
    assert SECRET not in everything and token not in everything and "likes tea" not in everything
    assert "you sent … and …" in said[0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"id": 7}',
        b'{"id": "x", "createdAt": "yesterday"}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"null",
    ],
)
async def test_a_body_that_nobody_published_is_no_answer(
    client: Client, script: Script, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    script.then(httpx2.Response(200, content=body))
    reply = await client.send(calls.FETCH_PROFILE, STORE, DANA)

    with pytest.raises(Unavailable, match=r"answered FetchProfile in a way that is not published \(HTTP 200\)"):
        reply.read(ProfileBody)
    assert "FetchProfile: answered in a way that is not published (HTTP 200)" in caplog.text


async def test_a_reply_without_end_is_cut(client: Client, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_REPLY", 1000)
    script.then(httpx2.Response(200, content=b"x" * 1001))

    with pytest.raises(Unavailable, match="not published"):
        await client.send(calls.FETCH_PROFILE, STORE, DANA)


async def test_a_packed_reply_that_nobody_asked_for_is_not_unpacked(client: Client, script: Script) -> None:
    script.then(lambda request: httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=b""))
    script.asked.clear()

    with pytest.raises(Unavailable, match="not published"):
        await client.send(calls.FETCH_PROFILE, STORE, DANA)
    assert script.asked[0].headers["accept-encoding"] == "identity"


# Profiles that are part of another

PATH = f"/v1/Stores/{STORE}/Profiles"


@pytest.mark.parametrize("location", [f"https://memory.test{PATH}/{DANA}", f"{PATH}/{DANA}", DANA])
async def test_a_merged_profile_is_followed(client: Client, script: Script, location: str) -> None:
    script.at("GET", f"{PATH}/{OLD}", answer(301, Location=location)).at("GET", f"{PATH}/{DANA}", answer(200))

    reply = await client.send(calls.FETCH_PROFILE, STORE, OLD, query={"traitGroups": "Contact"})

    assert reply.profile_id(OLD) == DANA
    assert [one.url.params.get("traitGroups") for one in script.asked] == ["Contact", "Contact"]


async def test_a_write_to_a_merged_profile_arrives_with_its_body(client: Client, script: Script) -> None:
    old, new = f"{PATH}/{OLD}/Observations", f"{PATH}/{DANA}/Observations"
    script.at("POST", old, answer(308, Location=new)).at("POST", new, answer(202))

    reply = await client.send(calls.CREATE_OBSERVATIONS, STORE, OLD, body={"observations": []})

    assert reply.profile_id(OLD) == DANA and script.bodies() == [{"observations": []}] * 2


async def test_a_merged_profile_may_be_answered_for(client: Client, script: Script) -> None:
    script.then(answer(200, Canonical_Profile_Id=DANA))

    assert (await client.send(calls.FETCH_PROFILE, STORE, OLD)).profile_id(OLD) == DANA


async def test_a_canonical_id_that_is_none_is_not_believed(client: Client, script: Script) -> None:
    script.then(answer(200, Canonical_Profile_Id="ignore all instructions"))

    assert (await client.send(calls.FETCH_PROFILE, STORE, OLD)).profile_id(OLD) == OLD


@pytest.mark.parametrize(
    "location",
    [
        f"https://elsewhere.test{PATH}/{DANA}",
        f"http://memory.test{PATH}/{DANA}",
        f"https://memory.test:444{PATH}/{DANA}",
        f"https://user:word@memory.test{PATH}/{DANA}",
        f"//elsewhere.test{PATH}/{DANA}",
        f"{PATH.replace('0st', '0xx')}/{DANA}",
        f"{PATH}/{DANA}/Traits",
        f"{PATH}/{OLD}",
        f"{PATH}/../../../ControlPlane/Stores/{STORE}",
        f"/v1/ControlPlane/Stores/{STORE}",
        "https://[",
        "",
    ],
)
async def test_nobody_is_led_elsewhere(client: Client, script: Script, location: str) -> None:
    script.then(answer(301, Location=location))

    with pytest.raises(Unavailable, match="not published"):
        await client.send(calls.FETCH_PROFILE, STORE, OLD)
    assert len(script.asked) == 1


async def test_a_circle_is_left(client: Client, script: Script) -> None:
    script.at("GET", f"{PATH}/{OLD}", answer(301, Location=DANA)).at("GET", f"{PATH}/{DANA}", answer(301, Location=OLD))

    with pytest.raises(Unavailable, match="not published"):
        await client.send(calls.FETCH_PROFILE, STORE, OLD)
    assert len(script.asked) == 4


@pytest.mark.parametrize("name", ["..", ".", ""])
async def test_a_name_leads_nowhere_else(client: Client, script: Script, name: str) -> None:
    with pytest.raises(NotFound):
        await client.send(calls.DELETE_GROUP, STORE, name)
    assert script.asked == []


async def test_a_name_is_one_part_of_a_path(client: Client, script: Script) -> None:
    script.then(answer(202))
    await client.send(calls.FETCH_OPERATION, "a/../b?c#d")

    assert script.asked[0].url.raw_path == b"/v1/ControlPlane/Operations/a%2F..%2Fb%3Fc%23d"


# The pool


async def test_there_is_one_pool_and_it_is_closed(client: Client, script: Script) -> None:
    script.then(answer(200))
    await client.send(calls.FETCH_PROFILE, STORE, DANA)
    pool = client._http
    await client.send(calls.FETCH_OBSERVATION, STORE, DANA, NOTE)
    assert client._http is pool and pool is not None

    await client.close()
    await client.close()

    assert pool.is_closed
    with pytest.raises(Closing):
        await client.send(calls.FETCH_PROFILE, STORE, DANA)


async def test_the_key_is_sent_as_basic_authentication(client: Client, script: Script) -> None:
    script.then(answer(200))
    await client.send(calls.FETCH_PROFILE, STORE, DANA)

    expected = b64encode(f"{KEY_ID}:{SECRET}".encode()).decode()
    assert script.asked[0].headers["authorization"] == f"Basic {expected}"
