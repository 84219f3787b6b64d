"""On stdout there is the protocol and nothing else, whatever comes in; and the log keeps what it saw to itself."""

import json
from collections.abc import Iterator

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from .servers import ANSWER_SECONDS, Home, Json, Stdio, batch, error_text, make_home, new_profile, stdio_server

SECRET = "zebra-striped umbrella"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stdio]:
    """One process for all of these tests: none of them may leave it worse than it was."""
    with stdio_server(make_home(tmp_path_factory.mktemp("wire") / "machine")) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_but_protocol(server: Stdio) -> Iterator[None]:
    """After every test here."""
    printed, logged = len(server.lines), len(server.stderr)
    yield
    server.request("ping")
    for line in server.lines[printed:]:
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert "method" in message or ("id" in message and ("result" in message) != ("error" in message))
    assert SECRET not in server.stderr[logged:]


def test_a_whole_session_speaks_nothing_but_the_protocol(server: Stdio) -> None:
    profile_id = server.call("upsert_traits", traits={"Contact": {"phone": "+13175550142", "city": SECRET}})[
        "profile_id"
    ]
    server.call("lookup_profile", value="+13175550142")
    server.call("add_observation", **batch(profile_id, [f"Lost a {SECRET} in the shop", "Prefers evenings"]))
    server.call("write_summary", profile_id=profile_id, conversation_id="1", content=f"Asked about the {SECRET}")
    recalled = server.call("recall", profile_id=profile_id, query=f"where is the {SECRET}?")
    for method in ("ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        server.request(method)
    views = ["", "/context", "/traits", "/observations", "/summaries", "/timeline"]
    texts = [server.read("memory://store"), *(server.read(f"memory://profiles/{profile_id}{view}") for view in views)]
    for name in ("customer_briefing", "handoff"):
        texts.append(json.dumps(server.request("prompts/get", {"name": name, "arguments": {"profile_id": profile_id}})))
    reference = {"type": "ref/resource", "uri": "memory://profiles/{profile_id}"}
    completed = server.request(
        "completion/complete", {"ref": reference, "argument": {"name": "profile_id", "value": "mem_"}}
    )

    assert SECRET in recalled["observations"][0]["content"]
    assert all(texts)
    assert completed["completion"]["values"] == [profile_id]
    assert server.stderr == ""


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_a_client_of_either_era_is_served(home: Home, mode: str, version: str) -> None:
    command, *arguments = home.command("--data-dir", str(home.data))
    started = StdioServerParameters(command=command, args=arguments, env=home.environment(), cwd=home.root / "cwd")

    with anyio.fail_after(ANSWER_SECONDS):
        async with Client(started, mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            store = (await client.read_resource("memory://store")).contents[0]
            spoken = client.protocol_version

    assert spoken == version
    assert tools == ["lookup_profile", "recall", "add_observation", "write_summary", "upsert_traits"]
    assert store.uri == "memory://store"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": "forget_everything", "arguments": {"content": SECRET}}),
        ("tools/call", {"name": "recall", "arguments": {"profile_id": SECRET}}),
        ("tools/call", {"name": "recall", "arguments": {"profile_id": 7, "query": [SECRET], SECRET: 1}}),
        ("tools/call", {"name": "recall", "arguments": [SECRET]}),
        ("tools/call", {"name": "add_observation", "arguments": {"observations": SECRET}}),
        ("tools/call", {"name": "upsert_traits", "arguments": {"traits": {"Contact": {"phone": SECRET}}}}),
        ("tools/call", {"name": SECRET}),
        ("tools/call", {}),
        ("resources/read", {"uri": f"memory://profiles/{SECRET}"}),
        ("resources/read", {"uri": SECRET}),
        ("prompts/get", {"name": "handoff", "arguments": {SECRET: SECRET}}),
        ("prompts/get", {"name": SECRET}),
        (SECRET, {"content": SECRET}),
        ("initialize", {"protocolVersion": SECRET}),
    ],
)
def test_bad_requests_are_answered_and_forgotten(server: Stdio, method: str, params: Json) -> None:
    response = server.answer(server.ask(method, params))

    assert "error" in response or response["result"]["isError"]
    assert new_profile(server).startswith("mem_profile_")


LINES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"   \t", id="blank"),
    pytest.param(b"Hello, is this the %s shop?", id="no-json"),
    pytest.param(b"\xff\xfe\xc3\x28 %s", id="broken-utf-8"),
    pytest.param(b'{"jsonrpc":"2.0","id":9001,"method":"ping","params":{"x":"\xc3\x28 %s"}}', id="broken-utf-8-inside"),
    pytest.param(b"\x00\x00 %s \x00", id="nul-bytes"),
    pytest.param(b'{"jsonrpc":"2.0","id":9002,"method":"ping","params":{"x":"%s \\u0000"}}', id="nul-inside"),
    pytest.param(b'{"jsonrpc":"2.0","id":9003,"method":"ping","params":{"x":"%s \\ud800"}}', id="half-surrogate"),
    pytest.param(b'{"jsonrpc":"2.0","id":9004,"content":"%s"}', id="no-method"),
    pytest.param(b'{"jsonrpc":"1.0","id":9005,"method":"ping","content":"%s"}', id="other-version"),
    pytest.param(b'{"jsonrpc":"2.0","id":null,"method":"ping","content":"%s"}', id="null-id"),
    pytest.param(b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping","content":"%s"}', id="object-id"),
    pytest.param(b'{"jsonrpc":"2.0","id":9006,"result":{"content":"%s"}}', id="answer-to-nothing"),
    pytest.param(b'{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"%s"}}', id="error-to-nothing"),
    pytest.param(b'{"jsonrpc":"2.0","method":"notifications/%s"}', id="unknown-notification"),
    pytest.param(
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"%s"}}', id="cancel-nothing"
    ),
    pytest.param(b'{"jsonrpc":"2.0","method":"notifications/progress","params":"%s"}', id="bad-notification"),
    pytest.param(b'[{"jsonrpc":"2.0","id":9007,"method":"ping"},"%s"]', id="batch"),
    pytest.param(b'"%s"', id="text"),
    pytest.param(b"null", id="null"),
    pytest.param(b"1e999999", id="huge-number"),
    pytest.param(b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"ping"}', id="huge-id"),
    pytest.param(
        b'{"jsonrpc":"2.0","id":9008,"method":"ping","params":{"x":"%s' + b"x" * 5_000_000 + b'"}}', id="5-MB"
    ),
    pytest.param(b"%s" + b"x" * 5_000_000, id="5-MB-no-json"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep-array"),
    pytest.param(
        b'{"jsonrpc":"2.0","id":9009,"method":"tools/call","params":{"name":"recall","arguments":'
        + b'{"query":' * 150
        + b'"%s"'
        + b"}" * 150
        + b"}}",
        id="deep-arguments",
    ),
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_makes_no_sense_is_survived(server: Stdio, line: bytes) -> None:
    server.send_line(line.replace(b"%s", SECRET.encode()))

    assert new_profile(server).startswith("mem_profile_")


def test_content_with_every_odd_character_comes_back_in_one_line(server: Stdio) -> None:
    profile_id = new_profile(server)
    odd = "NUL \0 line\nfeed \u2028 \u2029 \x85 \x1b[31m \ud83d\ude00 \u202e RTL \ufeff end"

    added = server.call("add_observation", **batch(profile_id, [odd]))
    found = server.call("recall", profile_id=profile_id)

    assert added["observations"][0]["outcome"] == "added"
    assert "end" in found["observations"][0]["content"]


def test_a_text_that_a_host_has_cut_through_an_emoji_is_answered(server: Stdio) -> None:
    """JavaScript cuts strings between the halves of a character, and JSON can carry such a half."""
    profile_id = new_profile(server)

    request = server.ask_tool("add_observation", batch(profile_id, ["Sent a smile \ud83d"]))

    assert server.answer(request, within=5)["id"] == request


def test_json_nested_without_end_in_a_text_is_refused_as_an_argument_is(server: Stdio) -> None:
    logged = len(server.stderr)
    nested = {"profile_id": new_profile(server), "observations": "[" * 100_000}

    response = server.answer(server.ask_tool("add_observation", nested))

    assert error_text(response).startswith("invalid: observations")
    assert server.stderr[logged:] == ""
