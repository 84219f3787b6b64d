import asyncio
import json
import logging
import unicodedata
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from mcp_memory.logs import REQUEST_ID, JsonLine, OneLine, without_values


def logged(error: BaseException) -> str:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "it failed", (), (type(error), error, None))
    assert without_values(record)
    return logging.Formatter().format(record)


def test_an_error_that_quotes_what_was_sent_is_logged_without_it() -> None:
    with pytest.raises(ValueError) as caught:
        TypeAdapter(int).validate_python("s3cret")
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = caught.value

    assert logged(caught.value) == logged(wrapped) == "it failed"


def test_any_other_error_is_logged_with_its_cause() -> None:
    assert "ZeroDivisionError: the cause" in logged(ZeroDivisionError("the cause"))


def test_a_stream_that_is_cut_at_the_end_is_no_news() -> None:
    error = asyncio.CancelledError()
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "it failed", (), (type(error), error, None))

    assert not without_values(record)


def test_what_comes_from_outside_cannot_forge_a_line() -> None:
    record = logging.LogRecord(
        "x", logging.WARNING, "x", 1, "got %s", ("a\n2026 ERROR forged\x1b[31m\u2028b" + "x" * 999,), None
    )

    line = OneLine("%(message)s").format(record)

    assert line.splitlines() == [line] and "\x1b" not in line
    assert line.startswith(r"got a\x0a2026 ERROR forged\x1b[31m\x2028b") and len(line) == 500


# What stands beside the message

HOSTILE = 'a b" c=d\n2026 ERROR forged\x1b[31m\u2028\ud800'


def record(message: str = "ended", **values: object) -> logging.LogRecord:
    made = logging.LogRecord("mcp_memory.operations", logging.INFO, "x", 1, message, (), None)
    if values:
        made.fields = values
    return made


def test_fields_stand_behind_the_message_and_what_could_be_taken_for_two_is_quoted() -> None:
    line = OneLine("%(message)s").format(record(operation="recall", latency_ms=1.5, tenant=None, actor="a b"))

    assert line == 'ended operation=recall latency_ms=1.5 tenant=- actor="a b"'


@pytest.mark.parametrize("form", [OneLine("%(message)s"), JsonLine()])
def test_a_field_forges_neither_a_line_nor_another_field(form: logging.Formatter) -> None:
    line = form.format(record(tenant=HOSTILE, actor="x" * 999))

    assert line.splitlines() == [line]
    assert not [one for one in line if unicodedata.category(one) in ("Cc", "Zl", "Zp")]
    assert "x" * 128 in line and "x" * 129 not in line
    assert r'"a b\" c=d\n2026 ERROR forged' in line or r'"a b\" c=d\\x0a2026 ERROR forged' in line


def test_a_line_of_json_is_one_object_with_a_time_a_level_and_the_fields() -> None:
    line = JsonLine().format(record("it said\n%", operation="recall", latency_ms=1.5, tenant=None))
    said = json.loads(line)

    assert line.isascii()
    assert datetime.fromisoformat(said.pop("ts")).tzinfo == UTC
    assert said == {
        "level": "info",
        "logger": "mcp_memory.operations",
        "message": r"it said\x0a%",
        "operation": "recall",
        "latency_ms": 1.5,
        "tenant": None,
    }


def test_a_traceback_is_a_member_of_the_line_and_without_what_was_sent() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    with pytest.raises(ValueError) as quoting:
        TypeAdapter(int).validate_python("s3cret")
    lines = []
    for error in (caught.value, quoting.value):
        failed = logging.LogRecord("x", logging.ERROR, "x", 1, "it failed", (), (type(error), error, None))
        assert without_values(failed)
        lines.append(JsonLine().format(failed))

    assert "ZeroDivisionError" in json.loads(lines[0])["exception"] and "\n" not in lines[0]
    assert "exception" not in json.loads(lines[1]) and "s3cret" not in lines[1]


def test_whatever_is_logged_while_a_request_is_answered_says_which() -> None:
    token = REQUEST_ID.set("abc-1")
    try:
        assert OneLine("%(message)s").format(record("it failed")) == "it failed request_id=abc-1"
        assert json.loads(JsonLine().format(record("it failed")))["request_id"] == "abc-1"
        assert json.loads(JsonLine().format(record(request_id="its-own")))["request_id"] == "its-own"
    finally:
        REQUEST_ID.reset(token)

    assert OneLine("%(message)s").format(record("it failed")) == "it failed"
