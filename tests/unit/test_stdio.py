import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.stdio import mended, refusal


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


@pytest.mark.parametrize(
    ("line", "id", "code"),
    [
        ("no json", None, -32700),
        ("[" * 100_000, None, -32700),
        ('{"id": ' + "1" * 5000 + "}", None, -32700),
        ('{"jsonrpc": "1.0", "id": 7, "method": "ping"}', 7, -32600),
        ('{"jsonrpc": "2.0", "id": "a", "method": 5}', "a", -32600),
        ('{"jsonrpc": "2.0", "id": true, "method": "ping"}', None, -32600),
        ('{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', None, -32600),
        ('[{"jsonrpc": "2.0", "id": 7, "method": "ping"}]', None, -32600),
        ('{"jsonrpc": "2.0", "id": 7, "result": "x"}', None, -32600),
    ],
)
def test_a_line_that_is_no_message_is_refused_with_its_id_where_it_has_one(
    line: str, id: int | str | None, code: int
) -> None:
    refused = refusal(line)

    assert (refused.id, refused.error.code) == (id, code)
