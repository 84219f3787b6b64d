"""What the clients of `make bench` ask, and what they take for an answer."""

import json

import pytest

from tests.benchmarks import asks
from tests.benchmarks.asks import TITLES, Access, Call, Script, Transport
from tests.benchmarks.loading import Point, wrong
from tests.benchmarks.memories import Writer

ACCESS = Access(token="key.secret", store_id="mem_store_1", profile_id="mem_profile_1", other_id="mem_profile_2")
TOLD = {"seconds": 2.0, "client_cpu": 0.1, "refused": 0, "errors": {}}


def stream(message: object) -> bytes:
    return f"event: message\r\ndata: {json.dumps(message)}\r\n\r\n".encode()


@pytest.mark.parametrize("transport", ["mcp", "handshake"])
def test_an_error_of_mcp_is_no_answer_whatever_its_status(transport: Transport) -> None:
    refused = {"jsonrpc": "2.0", "id": 2, "error": {"code": -32602, "message": "Unknown tool"}}
    failed = {"jsonrpc": "2.0", "id": 2, "result": {"isError": True, "content": []}}
    answered = {"jsonrpc": "2.0", "id": 2, "result": {"structuredContent": {}}}

    for wire in (stream, lambda message: json.dumps(message).encode()):
        assert asks.trouble(transport, 200, wire(refused)) is not None
        assert asks.trouble(transport, 200, wire(failed)) is not None
        assert asks.trouble(transport, 200, wire(answered)) is None


@pytest.mark.parametrize("transport", [*TITLES])
def test_a_status_that_is_no_success_is_no_answer(transport: Transport) -> None:
    assert asks.trouble(transport, 401, b"{}") is not None


@pytest.mark.parametrize("transport", [*TITLES])
@pytest.mark.parametrize("call", ["recall", "write", "lookup"])
def test_each_request_shows_the_credential_and_no_write_is_like_another(transport: Transport, call: Call) -> None:
    writer = Writer(seed=1)
    request = Script(transport=transport, writer=writer).requests(call, writer.questions())

    sent = [request(ACCESS) for _ in range(20)]

    assert {one.headers["Authorization"] for one in sent} == {"Bearer key.secret"}
    assert call != "write" or len({one.body for one in sent}) == 20


def test_what_went_wrong_is_told_beside_what_was_measured() -> None:
    point = Point()

    point.add({**TOLD, "walls": [1.0, 2.0, 3.0, 4.0], "errors": {"503: busy": 3}}, 0.04)

    assert (point.rate, point.calls.cpu) == (2.0, 10.0)
    assert "3 ERRORS" in wrong(point, Point()) and "503: busy" in wrong(point)


def test_a_round_without_an_answer_counts_as_a_rate() -> None:
    point = Point()

    point.add({**TOLD, "walls": [], "refused": 8}, 0.04)

    assert (point.rate, point.refused_rate, point.calls.cpu) == (0.0, 4.0, None)
