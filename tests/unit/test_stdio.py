import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.stdio import mended


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (r'{"text": "cut \ud83d"}', "cut ?"),
        (r'{"text": "\ude00 cut"}', "? cut"),
        (r'{"text": "whole \ud83d\ude00"}', "whole \U0001f600"),
        (r'{"text": "a backslash \\ud83d"}', r"a backslash \ud83d"),
    ],
)
def test_half_an_emoji_is_replaced_and_the_rest_stays(line: str, text: str) -> None:
    assert json.loads(mended(line)) == {"text": text}


@given(st.text())
def test_what_is_no_json_passes_as_it_is(line: str) -> None:
    assert mended("\\ud" + line) == "\\ud" + line


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_a_sound_message_means_the_same_afterwards(message: dict[str, object]) -> None:
    assert json.loads(mended(json.dumps(message))) == message
