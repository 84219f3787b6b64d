"""Whatever is sent for a body: it is read as JSON or refused, in bounded room, and never answered with a 500."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.types import Message

from mcp_memory.http.api import bodies
from tests.http_api.accounts import PHONE, Account, note

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps({"traits": {"Contact": {"phone": PHONE}}}).encode()
SECRET_TEXT = "the-card-is-4111"


def raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw),
        ("identity", bytes),
    ],
)
async def test_bodies_may_come_compressed(acme: Account, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    headers = {**JSON, "Content-Encoding": encoding}

    await acme.ask("POST", f"{acme.data}/Profiles", 202, content=pack(GOOD), headers=headers)


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(GOOD, mtime=0)[:-10], 400),
        ("gzip", gzip.compress(GOOD, mtime=0)[:3], 400),
        ("gzip", GOOD, 400),
        ("gzip", gzip.compress(GOOD, mtime=0) + b"more", 400),
        ("gzip", zlib.compress(GOOD), 400),
        ("deflate", GOOD, 400),
        ("deflate", zlib.compress(GOOD)[:-4], 400),
        ("deflate", raw(GOOD)[:-4], 400),
        ("br", GOOD, 415),
        ("compress", GOOD, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(GOOD, mtime=0), mtime=0), 415),
        ("\xe4", GOOD, 415),
        ("", GOOD, 415),
    ],
)
async def test_what_cannot_be_decompressed_is_refused(shared: Account, encoding: str, body: bytes, status: int) -> None:
    headers = {**JSON, "Content-Encoding": encoding.encode("latin-1")}
    said = await shared.refused("POST", f"{shared.data}/Profiles", status, content=body, headers=headers)

    assert "Content-Encoding" in said


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw])
async def test_a_bomb_takes_no_more_room_than_a_body_may(shared: Account, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b" " * (40 * bodies.MAX_BODY // 10))
    headers = {**JSON, "Content-Encoding": "gzip" if pack is gzip.compress else "deflate"}
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        await shared.refused("POST", f"{shared.data}/Profiles", 413, content=bomb, headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * bodies.MAX_BODY


async def test_a_body_that_is_too_large_is_refused_as_soon_as_that_is_known(shared: Account) -> None:
    path = f"{shared.data}/Profiles"
    headers = {**JSON, "Content-Length": str(10**12)}
    assert str(bodies.MAX_BODY) in await shared.refused("POST", path, 413, content=b"{}", headers=headers)
    for length in ("-1", "1_000", "x", "9" * 400, "\xb2"):
        await shared.refused(
            "POST", path, 400, content=b"{}", headers={**JSON, "Content-Length": length.encode("latin-1")}
        )


BROKEN: list[tuple[str, bytes]] = [
    ("no json", b"hello"),
    ("half", b'{"traits": {'),
    ("two", b"{}{}"),
    ("trailing comma", b'{"traits": {},}'),
    ("comment", b"{} // well"),
    ("single quotes", b"{'traits': {}}"),
    ("utf-16", '{"traits": {}}'.encode("utf-16")),
    ("utf-32", '{"traits": {}}'.encode("utf-32-le")),
    ("latin-1", '{"ä": 1}'.encode("latin-1")),
    ("broken utf-8", b'{"traits": {"\xff\xfe": 1}}'),
    ("overlong utf-8", b'{"\xc0\xaf": 1}'),
    ("surrogate in utf-8", b'{"\xed\xa0\x80": 1}'),
    ("nul", b"\x00" * 100),
    ("nul in text", b'{"a\x00b": 1}'),
    ("control", b'{"a\nb": 1}'),
    ("nan", b'{"traits": {"Contact": {"phone": NaN}}}'),
    ("infinity", b'{"traits": {"Contact": {"phone": -Infinity}}}'),
    ("twice", b'{"traits": {}, "traits": {}}'),
    ("twice below", b'{"traits": {"Contact": {"phone": "1", "phone": "2"}}}'),
    ("many digits", b'{"traits": ' + b"9" * 10_000 + b"}"),
    ("deep arrays", b"[" * 100_000 + b"]" * 100_000),
    ("deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("deep and open", b"[" * 1_000_000),
    ("33 levels", b"[" * 33 + b"]" * 33),
]


@pytest.mark.parametrize("body", [body for _, body in BROKEN], ids=[name for name, _ in BROKEN])
async def test_what_is_no_json_as_it_should_be_is_refused(shared: Account, body: bytes) -> None:
    profile = f"{shared.data}/Profiles/{await shared.profile()}"
    for method, path in (
        ("POST", f"{shared.data}/Profiles"),
        ("PATCH", profile),
        ("POST", f"{profile}/Recall"),
        ("POST", "/v1/ControlPlane/Stores"),
        ("PUT", f"{shared.control}/IdentityResolutionSettings"),
    ):
        said = await shared.refused(method, path, content=body, headers=JSON)
        assert said.startswith("The body ")


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"5", b'"x"', b"true", b"", b" ", b"[{}]", b"\xef\xbb\xbf{}", b"1e999", b"-0"]
)
async def test_what_is_no_object_is_refused(shared: Account, body: bytes) -> None:
    paths = [f"{shared.data}/Profiles", f"{shared.data}/Profiles/Lookup", "/v1/ControlPlane/Stores"]
    paths += [f"{shared.control}/TraitGroups", f"{shared.control}/DataMappings"]
    for path in paths:
        await shared.refused("POST", path, content=body, headers=JSON)
    await shared.refused("PATCH", shared.control, content=b"[]", headers=JSON)


async def test_ten_levels_are_read(shared: Account) -> None:
    deep: Any = 1
    for _ in range(10):
        deep = {"a": deep}
    profile_id = await shared.profile()

    await shared.ask("POST", f"{shared.data}/Profiles/{profile_id}/Recall", json={"unknown": deep})
    said = await shared.refused(
        "PATCH", f"{shared.data}/Profiles/{profile_id}", json={"traits": {"Contact": {"city": deep}}}
    )
    assert "Contact.city" in said


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "",
        "json",
    ],
)
async def test_a_body_in_another_form_is_refused(shared: Account, content_type: str) -> None:
    path = f"{shared.data}/Profiles"
    response = await shared.ask("POST", path, 415, content=GOOD, headers={"Content-Type": content_type})

    assert response.json()["code"] == 20422 and "application/json" in response.json()["message"]
    await shared.refused("POST", path, 415, content=GOOD)


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json", "application/json;"],
)
async def test_json_has_several_names(shared: Account, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    await shared.ask(
        "POST", f"{shared.data}/Profiles/Lookup", content=b'{"idType":"phone","value":"+13175550142"}', headers=headers
    )


async def test_what_reads_takes_no_notice_of_a_content_type_or_a_body(shared: Account) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "br"}
    for path in ("/v1/ControlPlane/Stores?pageSize=5", shared.control, f"{shared.data}/Profiles"):
        await shared.ask("GET", path, headers=form)
        await shared.ask("GET", path, headers=form, content=b"{not json")
    await shared.ask("DELETE", f"{shared.control}/TraitGroups/Absent", 404, headers=form, content=b"{not json")


@pytest.mark.parametrize(
    "text", ["\ud800", "a\udfffb", "\u0000", "a\u0000b", "\ufffe\uffff", "🙂" * 5000, "\u202e", "'; --"]
)
async def test_odd_letters_break_nothing(acme: Account, text: str) -> None:
    """As JSON spells them: lone halves of letters too."""
    profile_id = await acme.profile()
    path = f"{acme.data}/Profiles"
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/v1/ControlPlane/Stores", {"displayName": "x", "description": text}),
        ("POST", f"{acme.control}/TraitGroups", {"displayName": text}),
        (
            "PATCH",
            f"{acme.control}/TraitGroups/Contact",
            {"description": text, "traits": {text: {"dataType": "STRING"}}},
        ),
        ("POST", f"{acme.control}/DataMappings", {"displayName": text}),
        ("POST", path, {"traits": {"Contact": {"phone": text}}}),
        ("POST", path, {"traits": {text: {text: text}}}),
        ("PATCH", f"{path}/{profile_id}", {"traits": {"Contact": {"firstName": text}}}),
        ("POST", f"{path}/Lookup", {"idType": "chat", "value": text}),
        ("POST", f"{path}/Lookup", {"idType": text, "value": text}),
        ("POST", f"{path}/{profile_id}/Identifiers", {"idType": "chat", "value": text}),
        ("POST", f"{path}/{profile_id}/Observations", {"observations": [note(text), note("x", source=text)]}),
        ("POST", f"{path}/{profile_id}/Observations", {"observations": [note(f"dog {text}"[:4000])]}),
        ("POST", f"{path}/{profile_id}/Recall", {"query": text, "conversationId": text}),
        ("POST", f"{path}/{profile_id}/Recall", {"query": text}),
        ("POST", f"{path}/{profile_id}/Recall", {text: text}),
        ("POST", path, {text: text}),
    ]
    for method, where, body in asked:
        response = await acme.http.request(method, where, content=json.dumps(body).encode(), headers=JSON)
        assert response.status_code < 500, f"{method} {where}: {response.text[:300]}"
        response.json()
    await acme.get(f"{path}/{profile_id}")
    assert (await acme.get(f"{path}/{profile_id}/Observations"))["meta"]["key"] == "observations"


async def test_odd_letters_in_paths_and_queries_break_nothing(acme: Account) -> None:
    profile = f"{acme.data}/Profiles/{await acme.profile()}"
    for odd in ("%00", "%0A", "%F0%9F%99%82", "%FF", "%ED%A0%80", "'", "%25", "a" * 5000):
        for path in (
            f"{acme.data}/Profiles/{odd}",
            f"{profile}/Identifiers/{odd}",
            f"{acme.control}/TraitGroups/{odd}",
            f"{profile}/Observations?source={odd}",
            f"{profile}/Observations?createdAfter={odd}",
            f"{profile}/Traits?traitGroups={odd}",
            f"{acme.control}/TraitGroups?includeTraits={odd}",
            f"{profile}/Observations?pageToken={odd}&pageSize={odd}",
            f"{profile}?{odd}={odd}",
        ):
            response = await acme.http.get(path)
            assert response.status_code in (200, 400, 404), f"{path[-60:]}: {response.text[:300]}"


async def test_a_value_is_given_once(acme: Account) -> None:
    assert "pageSize" in await acme.refused("GET", f"{acme.data}/Profiles?pageSize=5&pageSize=6")


async def test_no_refusal_repeats_what_was_sent(shared: Account) -> None:
    """Logs keep refusals; what customers said has no place there."""
    profile = f"{shared.data}/Profiles/{await shared.profile()}"
    sent: list[tuple[str, str, Any]] = [
        ("POST", f"{profile}/Observations", {"observations": [note(SECRET_TEXT, source=f"{SECRET_TEXT};")]}),
        ("POST", f"{profile}/Observations", {"observations": [note(SECRET_TEXT * 500)]}),
        ("POST", f"{profile}/Observations", {"observations": [note("x", occurredAt=SECRET_TEXT)]}),
        ("POST", f"{profile}/Identifiers", {"idType": "email", "value": SECRET_TEXT}),
        ("PATCH", f"{profile}/Identifiers/phone", {"idType": "phone", "oldValue": SECRET_TEXT, "newValue": PHONE}),
        ("POST", f"{profile}/Recall", {"query": SECRET_TEXT * 500}),
        ("POST", f"{profile}/Recall", {"observationsLimit": SECRET_TEXT}),
        ("PATCH", profile, {"traits": {"Contact": {"phone": SECRET_TEXT}}}),
        ("PATCH", profile, {"traits": {"Contact": {"firstName": [SECRET_TEXT]}}}),
        ("POST", f"{shared.data}/Profiles/Lookup", {"idType": "email", "value": SECRET_TEXT}),
    ]
    for method, path, body in sent:
        response = await shared.http.request(method, path, json=body)
        assert response.status_code in (400, 404), f"{method} {path}: {response.text}"
        assert SECRET_TEXT not in response.text


async def test_many_faults_are_told_in_a_message_that_is_not_too_long(shared: Account) -> None:
    traits = {"x" * 300 + str(at): {"dataType": "NO", "y" * 300: 1} for at in range(90)}
    said = await shared.refused(
        "POST", f"{shared.control}/TraitGroups", json={"displayName": "Group", "traits": traits}
    )

    assert len(said) <= 1024


async def test_who_is_too_slow_is_told_so(shared: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.05)

    request = shared.http.build_request("POST", f"{shared.data}/Profiles", headers=JSON)
    assert shared.http.auth is not None
    headers = next(shared.http.auth.sync_auth_flow(request)).headers
    messages: list[Message] = [{"type": "http.request", "body": b'{"traits": ', "more_body": True}]
    answered: list[Message] = []

    async def receive() -> Message:
        if not messages:
            await anyio.sleep_forever()
        return messages.pop()

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        **{"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "root_path": ""},
        **{"path": request.url.path, "query_string": b"", "server": ("memory.test", 80), "client": ("127.0.0.1", 1)},
        "headers": [(name.lower(), value) for name, value in headers.raw],
    }
    with anyio.fail_after(5):
        await shared.app(scope, receive, send)

    assert answered[0]["status"] == 408
