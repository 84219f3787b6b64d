"""The dialect of OpenAPI 3.0, where it is another one."""

from typing import Any

import pytest

from .schemas import complaints, read_text, to_json_schema


def wrong(schema: dict[str, Any], value: Any) -> bool:
    return bool(list(complaints(to_json_schema(schema), value)))


def test_null_is_right_where_it_may_be() -> None:
    assert not wrong({"type": "string", "nullable": True}, None)
    assert wrong({"type": "string", "nullable": False}, None)
    assert wrong({"type": "object", "properties": {"nullable": {"type": "string"}}}, {"nullable": None})


def test_the_end_of_a_pattern_is_the_end() -> None:
    assert wrong({"type": "string", "pattern": "^a+$"}, "aa\n")
    assert not wrong({"type": "string", "pattern": "^a+$"}, "aa")


@pytest.mark.parametrize("time", ["2026-05-04T12:00:00Z", "2026-05-04t12:00:00.25z", "2026-05-04T12:00:00+02:00"])
def test_a_time_is_one_of_rfc_3339(time: str) -> None:
    assert not wrong({"type": "string", "format": "date-time"}, time)


@pytest.mark.parametrize("time", ["2026-05-04", "2026-05-04T12:00:00", "2026-13-04T12:00:00Z", "20260504T120000Z", ""])
def test_anything_else_is_no_time(time: str) -> None:
    assert wrong({"type": "string", "format": "date-time"}, time)


def test_a_uri_is_absolute_and_a_number_fits() -> None:
    assert wrong({"type": "string", "format": "uri"}, "/v1/Stores")
    assert wrong({"type": "integer", "format": "int32"}, 2**31)
    assert wrong({"type": "integer"}, True)


def test_text_is_read_as_what_it_should_be() -> None:
    assert read_text({"type": "integer"}, "7") == 7
    assert read_text({"type": "boolean"}, "true") is True
    assert read_text({"type": "integer"}, "7.0") == "7.0"
    assert read_text({"type": "string"}, "7") == "7"
