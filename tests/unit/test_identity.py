import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_memory.errors import Invalid
from mcp_memory.identity import DEFAULT_SETTINGS, RESERVED, candidate_types, normalise
from mcp_memory.model import Identifier


def normal(id_type: str, value: str, region: str = "US") -> str:
    return normalise(Identifier(id_type, value), DEFAULT_SETTINGS, region, "value").value


@pytest.mark.parametrize(
    ("id_type", "value", "stored"),
    [
        ("phone", "1-317-555-6789", "+13175556789"),
        ("phone", "(317) 555-6789", "+13175556789"),
        ("phone", "317.555.6789", "+13175556789"),
        ("phone", "whatsapp:+13175556789", "+13175556789"),
        ("phone", "tel:+1-317-555-6789", "+13175556789"),
        ("phone", "+49 30 901820", "+4930901820"),
        ("whatsapp", "whatsapp:+49 30 901820", "+4930901820"),
        ("whatsapp", "+4930901820", "+4930901820"),
        ("email", " Ann.Lee@Example.COM ", "ann.lee@example.com"),
        ("email", "ann . lee @example.com", "ann.lee@example.com"),
        ("email", "mailto:ann+tag@example.com", "ann+tag@example.com"),
        ("chat", "  User_8841 ", "User_8841"),
        ("chat", "chat:chat:User_8841", "User_8841"),
        ("chat", "User\u200b_88\u200d41", "User_8841"),
        ("phone", "\u202a+1 (317) 555-6789\u202c", "+13175556789"),
        ("email", "\ufeffann\u200b@example.com", "ann@example.com"),
        ("email", "Ann Smith <ann@example.com>", "ann@example.com"),
        ("email", "mailto:Ann@example.com?subject=hi", "ann@example.com"),
        ("email", "a\u0308nn@example.com", "\xe4nn@example.com"),
        ("email", "\u0130\u0338@example.com", "i\u0338\u0307@example.com"),
    ],
)
def test_a_value_is_stored_in_one_spelling(id_type: str, value: str, stored: str) -> None:
    assert normal(id_type, value) == stored


def test_a_national_number_belongs_to_the_default_region() -> None:
    assert normal("phone", "030 901820", region="DE") == "+4930901820"


@pytest.mark.parametrize("id_type", list(RESERVED))
@example(value="+820000000")
@given(value=st.text() | st.from_regex(r"\+?[0-9 ().-]{5,17}", fullmatch=True) | st.emails())
def test_normalising_twice_is_normalising_once(id_type: str, value: str) -> None:
    try:
        once = normal(id_type, value)
    except Invalid:
        return
    assert normal(id_type, once) == once


@pytest.mark.parametrize(
    ("id_type", "value"),
    [
        ("phone", "12"),
        ("phone", "call me"),
        ("phone", "555-0142"),
        ("phone", "+1 317 555 67890"),
        ("phone", "+999 123456"),
        ("phone", "+820000000"),
        ("phone", "+1 317 555 6789 ext. 5"),
        ("email", "ann@example.com;bob@example.com"),
        ("email", "ann@example.com,"),
        ("email", "<script>@example.com"),
        ("whatsapp", "whatsapp:me"),
        ("email", "ann"),
        ("email", "ann@example"),
        ("email", "@example.com"),
        ("email", "ann@lee@example.com"),
        ("email", "a" * 250 + "@b.co"),
        ("chat", "chat:"),
    ],
)
def test_what_is_no_such_identifier_is_refused_by_its_field(id_type: str, value: str) -> None:
    with pytest.raises(Invalid, match=r"^value"):
        normal(id_type, value)


def test_an_unknown_type_is_refused_with_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"id_type is unknown in this store\. Known: email, whatsapp, phone, chat"):
        normal("fax", "x")


@pytest.mark.parametrize("value", ["\u202a+1 (317) 555-0142\u202c", "\u200e+13175550142", "\ufeff317 555 0142"])
def test_the_type_is_inferred_from_what_is_seen(value: str) -> None:
    assert candidate_types(value, DEFAULT_SETTINGS)[0] == "phone"


@given(st.text())
def test_every_value_has_a_likely_type(value: str) -> None:
    assert set(candidate_types(value, DEFAULT_SETTINGS)) <= set(RESERVED)
