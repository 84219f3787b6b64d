import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Invalid
from mcp_memory.text import clean, required_text


@given(st.text())
def test_cleaning_twice_is_cleaning_once_and_leaves_text_that_can_be_stored(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    cleaned.encode()
    assert not set(cleaned) & set("\x00\r\u2028\u2029\u200b\u202e\ufeff")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_cleaning_leaves_visible_text_alone(text: str) -> None:
    assert clean(text) == unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("one\u2028two\r\nthree\rfour", "one\ntwo\nthree\nfour"),
        ("hid\u200bden \u202eoverride\u2066 \U000e0041tag\U000e0100", "hidden override tag"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),  # a heart on fire stays one
        ("a" + "\ufe0e\ufe0f" * 40 + "b", "a\ufe0e\ufe0fb"),  # a text spelled in emoji selectors does not
    ],
)
def test_what_hides_text_goes_and_what_is_seen_stays(text: str, kept: str) -> None:
    assert clean(text) == kept


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164", "\u2800\xa0", "\ufe0f", "\u200d", "\u0301"])
def test_text_in_which_nobody_sees_anything_is_empty(text: str) -> None:
    with pytest.raises(Invalid, match="content is empty: give 1 to 10 characters"):
        required_text(text, 10, "content")
