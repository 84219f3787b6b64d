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


@pytest.mark.parametrize(
    "given_values",
    [{"Plan": {"fooBar": 1, "foobar": 2}}, {"Plan": {"a": 1}, "PLAN": {"A": 2}}, {"Plan": {"a": None, "A": 2}}],
)
def test_two_spellings_of_one_new_name_in_one_call_are_refused(given_values: dict[str, dict[str, object]]) -> None:
    with pytest.raises(Invalid, match="given twice, in different spellings"):
        traits.Declared([]).changes(given_values)


def test_two_spellings_of_a_new_group_are_one_group() -> None:
    assert traits.Declared([]).changes({"Plan": {"a": 1}, "PLAN": {"b": 2}}).values == {"Plan": {"a": 1, "b": 2}}


@pytest.mark.parametrize("name", ["gr\xf6\xdfe", "\u0130", "1st", "", "x" * 65])
def test_a_name_that_would_have_several_spellings_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="must be 1 to 64 ASCII letters and digits"):
        traits.trait_name(name, "traits.Plan")


def test_the_default_definitions_pass_their_own_rules() -> None:
    given_values = {"Contact": {one.name: "x" for one in traits.DEFAULT_DEFINITIONS}}

    declared = traits.Declared(traits.DEFAULT_DEFINITIONS)
    wanted = declared.changes(given_values)

    assert declared.undeclared(wanted) == []
    assert {where[1] for where in declared.identifying(wanted.values)} == {"email", "phone", "whatsapp", "chat"}
