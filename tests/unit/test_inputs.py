from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import inputs
from mcp_memory.errors import Invalid

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-03T14:30:00Z", datetime(2026, 5, 3, 14, 30, tzinfo=UTC)),
        ("2026-05-03T14:30:00+02:00", datetime(2026, 5, 3, 12, 30, tzinfo=UTC)),
        (" 2026-05-03 14:30:00.5-05:00 ", datetime(2026, 5, 3, 19, 30, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_offset_is_read_as_utc(text: str, utc: datetime) -> None:
    read = inputs.parse_time(text, "begin")

    assert read == utc and read.utcoffset() == timedelta(0)


@given(st.text())
def test_any_other_text_is_refused_by_its_field(text: str) -> None:
    try:
        inputs.parse_time(text, "begin")
    except Invalid as exc:
        assert str(exc).startswith("begin ")


def test_what_happens_tomorrow_may_be_a_wrong_clock_and_what_happens_later_is_refused() -> None:
    tomorrow = (NOW + timedelta(hours=23)).isoformat()

    assert inputs.happened(tomorrow, NOW, "occurred_at") == NOW + timedelta(hours=23)
    with pytest.raises(Invalid, match="occurred_at lies in the future"):
        inputs.happened((NOW + timedelta(hours=25)).isoformat(), NOW, "occurred_at")


def test_a_conversation_named_twice_is_named_once() -> None:
    new = inputs.new_observation(content="x", now=NOW, conversation_ids=["a", " a ", "b"])

    assert new.conversation_ids == ("a", "b")


def test_an_empty_question_is_no_question() -> None:
    assert inputs.recall_query(query=" \x00 ").query is None


@pytest.mark.parametrize(
    "wrong",
    [{"observations_limit": -1}, {"summaries_limit": 101}, {"relevance_threshold": float("nan")}, {"max_tokens": 0}],
)
def test_a_query_out_of_its_limits_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=f"{next(iter(wrong))} must be from"):
        inputs.recall_query(**wrong)
