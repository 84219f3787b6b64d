import logging

import pytest
from pydantic import TypeAdapter

from mcp_memory.logs import without_values


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
