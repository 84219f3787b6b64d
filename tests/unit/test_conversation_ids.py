"""Ids of conversations: whatever form a host gives them, the API's is the same, and most can be read back."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.conversation_ids import PATTERN, from_api, to_api


@given(st.text(min_size=1, max_size=128))
def test_any_id_has_the_form_of_the_api_and_always_the_same(id: str) -> None:
    try:
        id.encode()
    except UnicodeEncodeError:
        return  # no id has half a letter: they are cleaned before

    assert re.fullmatch(PATTERN, to_api(id))
    assert to_api(id) == to_api(id)


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=14))
def test_a_short_id_is_read_back(id: str) -> None:
    assert from_api(to_api(id)) == id


@given(st.uuids(version=4))
def test_a_uuid_is_read_back(id: uuid.UUID) -> None:
    assert from_api(to_api(str(id))) == str(id)


def test_what_the_api_made_stays_as_it_is() -> None:
    made = "conv_conversation_01kammq7gwf5sb8d9r2hkjx3e4"

    assert to_api(made) == made
    assert from_api(made) == made


@pytest.mark.parametrize("id", ["conv_conversation_" + "0" * 26, "conv_conversation_7" + "u" * 25, "anything"])
def test_what_nobody_mapped_is_what_it_is(id: str) -> None:
    assert from_api(id) == id


@given(st.text(min_size=15, max_size=128), st.text(min_size=15, max_size=128))
def test_a_long_id_is_told_from_others_but_not_read_back(one: str, other: str) -> None:
    mapped = to_api(one.encode("utf-8", "replace").decode())

    assert from_api(mapped) is None or not one.isascii() or re.fullmatch(r"[0-9a-f-]{36}", one)
    assert (mapped == to_api(other.encode("utf-8", "replace").decode())) == (one == other)


@given(st.from_regex(PATTERN.removesuffix("$") + r"\Z"))
def test_any_id_of_the_api_can_be_asked_about(id: str) -> None:
    back = from_api(id)

    assert back is None or to_api(back) == id
