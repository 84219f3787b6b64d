import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import traits
from mcp_memory.errors import Invalid


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("firstName", "firstName"),
        ("first_name", "firstName"),
        ("First Name", "firstName"),
        ("first-name", "firstName"),
        ("CRM id", "cRMId"),
        ("vip", "vip"),
    ],
)
def test_a_name_is_kept_in_lower_camel_case(given_name: str, name: str) -> None:
    assert traits.trait_name(given_name, "traits.Contact") == name


@given(st.text())
def test_naming_twice_is_naming_once(name: str) -> None:
    try:
        once = traits.trait_name(name, "traits.Contact")
    except Invalid:
        return
    assert traits.trait_name(once, "traits.Contact") == once


def test_the_default_definitions_pass_their_own_rules() -> None:
    given_values = {"Contact": {one.name: "x" for one in traits.DEFAULT_DEFINITIONS}}

    wanted = traits.changes(given_values, traits.DEFAULT_DEFINITIONS)

    assert traits.undeclared(wanted, traits.DEFAULT_DEFINITIONS) == []
    assert {where[1] for where in traits.identifying(wanted.values, traits.DEFAULT_DEFINITIONS)} == {
        "email",
        "phone",
        "whatsapp",
        "chat",
    }
