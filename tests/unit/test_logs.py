import asyncio
import logging

import pytest
from pydantic import TypeAdapter

from mcp_memory.logs import OneLine, without_values


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
