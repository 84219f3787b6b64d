import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import columns
from mcp_memory.columns import Reading
from mcp_memory.errors import Invalid
from mcp_memory.identity import DEFAULT_SETTINGS, IdentitySettings
from mcp_memory.imports import ColumnMapping
from mcp_memory.model import DataType, TraitDefinition, UndeclaredTraits
from mcp_memory.traits import DEFAULT_DEFINITIONS

TYPES: dict[str, DataType] = {"seats": "NUMBER", "trial": "BOOLEAN", "tags": "ARRAY", "tier": "STRING"}
DECLARED = (
    *DEFAULT_DEFINITIONS,
    *(TraitDefinition(group="Plan", name=name, data_type=data_type) for name, data_type in TYPES.items()),
)


def read(
    *names: str,
    asked: Sequence[str] = (),
    declared: Sequence[TraitDefinition] = DECLARED,
    settings: IdentitySettings = DEFAULT_SETTINGS,
    policy: UndeclaredTraits = "declare",
) -> Reading:
    return columns.reading(names, asked, declared, settings, policy)


def mapped(reading: Reading) -> dict[str, str]:
    return {one.column_name: f"{one.trait_group}.{one.trait_name}" for one in reading.mappings}


def plan(**cells: str) -> dict[str, Any]:
    """What a row with a phone and these traits of the group Plan says of Plan."""
    reading = read("phone", *(f"Plan.{name}" for name in cells))
    row = reading.row(["+13175550142", *cells.values()])
    assert row.refusal is None
    return dict(row.traits["Plan"])


def refusal(reading: Reading, *cells: str) -> str:
    row = reading.row(cells)
    assert row.refusal is not None and row.traits == {}
    return row.refusal


# Which column is which trait


@pytest.mark.parametrize(
    "name", ["firstName", "First Name", "first_name", "FIRST-NAME", "firstname", "Contact.firstName"]
)
def test_a_column_that_spells_a_trait_is_that_trait(name: str) -> None:
    assert mapped(read("phone", name)) == {"phone": "Contact.phone", name: "Contact.firstName"}


@pytest.mark.parametrize(("name", "trait"), [("Plan.seats", "Plan.seats"), ("plan.SEATS", "Plan.seats")])
def test_a_column_can_say_group_and_trait(name: str, trait: str) -> None:
    assert mapped(read("phone", name))[name] == trait


def test_a_column_that_says_an_undeclared_trait_is_a_string() -> None:
    reading = read("phone", "Loyalty.points")

    assert mapped(reading)["Loyalty.points"] == "Loyalty.points"
    assert reading.row(["+13175550142", "12"]).traits["Loyalty"] == {"points": "12"}


def test_a_column_that_is_no_trait_is_named_among_the_ignored() -> None:
    assert read("phone", "Notes", "email", "No. of kids").ignored == ("Notes", "No. of kids")


def test_what_is_asked_for_comes_before_what_a_column_is_named() -> None:
    reading = read("phone", "Mobile", "city", asked=["Mobile=contact.Phone"])

    assert mapped(reading) == {"Mobile": "Contact.phone", "city": "Contact.city"}
    assert reading.ignored == ("phone",)


def test_a_column_with_an_equals_sign_can_be_mapped() -> None:
    assert mapped(read("phone", "a=b", asked=["a=b=Plan.tier"]))["a=b"] == "Plan.tier"


@pytest.mark.parametrize("asked", ["Mobile", "Mobile=phone", "=Contact.phone", "Mobile=.phone", "Mobile=Contact."])
def test_a_mapping_of_another_form_is_refused_with_the_form(asked: str) -> None:
    with pytest.raises(Invalid, match=r"COLUMN=Group\.trait"):
        read("phone", "Mobile", asked=[asked])


def test_a_mapping_of_a_column_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(Invalid, match=r"no column Mobile in the file\. Columns: phone, city\."):
        read("phone", "city", asked=["Mobile=Contact.phone"])


def test_a_column_mapped_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="city is mapped twice"):
        read("phone", "city", asked=["city=Plan.tier", "city=Contact.city"])


@pytest.mark.parametrize("asked", [(), ("Mail=Contact.email", "E-mail=Contact.email")])
def test_two_columns_of_one_trait_are_refused_by_name(asked: Sequence[str]) -> None:
    names = ("Email", "E-mail") if not asked else ("Mail", "E-mail")
    with pytest.raises(Invalid, match=f"columns {names[0]} and {names[1]} are both Contact.email") as refused:
        read(*names, asked=asked)

    assert f'--map "{names[1]}=Contact.email"' in str(refused.value)


def test_two_columns_of_one_trait_are_settled_as_the_refusal_says() -> None:
    assert mapped(read("Email", "E-mail", "city", asked=["E-mail=Contact.email"])) == {
        "E-mail": "Contact.email",
        "city": "Contact.city",
    }


def test_a_single_mapped_column_is_refused() -> None:
    with pytest.raises(Invalid, match="at least 2"):
        read("phone", "Notes")


def test_a_file_that_says_of_nobody_who_they_are_is_told_what_does() -> None:
    with pytest.raises(Invalid, match=r"Contact\.email, Contact\.phone, Contact\.whatsapp, Contact\.chat"):
        read("city", "first name")


def test_a_trait_that_nobody_is_matched_by_does_not_say_who_a_customer_is() -> None:
    phones_only = replace(DEFAULT_SETTINGS, matching_rules=("phone",))

    with pytest.raises(Invalid, match=r"These traits do: Contact\.phone\."):
        read("email", "city", settings=phones_only)


def test_a_store_that_refuses_undeclared_traits_refuses_to_map_to_them() -> None:
    with pytest.raises(Invalid, match=r"Loyalty\.points, for the column Points, is not declared"):
        read("phone", "Points", asked=["Points=Loyalty.points"], policy="refuse")

    assert read("phone", "city", "Loyalty.points", policy="refuse").ignored == ("Loyalty.points",)


def test_more_traits_than_a_group_can_have_are_refused_before_the_first_row() -> None:
    with pytest.raises(Invalid, match=r"traits\.Big: the group would have 96 traits, the limit is 95"):
        read("phone", *(f"Big.trait{number}" for number in range(96)))


@pytest.mark.parametrize("target", ["Plan.größe", "Pl an.tier", "Plan.1st"])
def test_a_mapping_to_a_name_against_the_rules_is_refused(target: str) -> None:
    with pytest.raises(Invalid, match="--map, column city"):
        read("phone", "city", asked=[f"city={target}"])


# By mappings alone, as an upload has them


def mapping(column: str, trait: str) -> ColumnMapping:
    group, _, name = trait.partition(".")
    return ColumnMapping(column_name=column, trait_group=group, trait_name=name)


def read_as(
    names: Sequence[str],
    *given: ColumnMapping,
    policy: UndeclaredTraits = "declare",
    settings: IdentitySettings = DEFAULT_SETTINGS,
) -> Reading:
    return columns.reading_as(names, given, DECLARED, settings, policy)


def test_mappings_are_taken_as_they_are_and_no_name_says_more() -> None:
    reading = read_as(
        ["email", "Mobile", "Plan.seats", "Points"],
        mapping("Points", "loyalty.points"),
        mapping(" Mobile ", "contact.PHONE"),
    )

    assert mapped(reading) == {"Mobile": "Contact.phone", "Points": "loyalty.points"}
    assert reading.ignored == ("email", "Plan.seats")
    assert reading.keep_empty is False


PHONE = mapping("Phone", "Contact.phone")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([PHONE, mapping(" Phone", "Plan.tier")], r"columnMappings\[1\] maps the same column, as columnMappings\[0\]"),
        ([PHONE, mapping("Other", "contact.phone")], r"columnMappings\[1\] maps the trait Contact\.phone"),
        ([PHONE, mapping(" ", "Plan.tier")], r"columnMappings\[1\]\.columnName is blank"),
        ([PHONE, mapping("City", "Pl an.tier")], r"columnMappings\[1\]"),
        ([PHONE, mapping("City", "Plan.größe")], r"columnMappings\[1\]"),
        ([PHONE, mapping("Points", "Loyalty.points")], r"columnMappings\[1\]: Loyalty\.points is not declared"),
        (
            [mapping("City", "Contact.city"), mapping("Tier", "Plan.tier")],
            r"map one to Contact\.email or Contact\.phone",
        ),
    ],
)
def test_mappings_that_no_file_could_be_read_by_are_named(given: Sequence[ColumnMapping], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        columns.check_mappings(given, DECLARED, DEFAULT_SETTINGS, "refuse")


def test_a_mapped_column_that_the_file_lacks_is_named_with_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"columnMappings\[1\] is about a column City, .* Columns: Phone, Town\."):
        read_as(["Phone", "Town"], PHONE, mapping("City", "Contact.city"))


# What a file must be like


@pytest.mark.parametrize("size", [1, columns.MAX_FILE])
def test_a_file_may_have_any_size_up_to_the_limit(size: int) -> None:
    columns.check_size(size)


@pytest.mark.parametrize(("size", "says"), [(0, "is empty"), (columns.MAX_FILE + 1, "limit is 104857600")])
def test_a_file_of_another_size_is_refused(size: int, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        columns.check_size(size)


def test_names_of_columns_are_cleaned() -> None:
    assert columns.column_names([" phone ", "first\u200b \t name"]) == ("phone", "first name")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ([f"column {number}" for number in range(101)], "101 columns, the limit is 100"),
        (["phone", "x" * 65], "Column 2 of the header has a name of 65 characters, the limit is 64"),
        (["phone", " ", "city"], "Column 2 of the header has no name"),
        (["phone", "city", "phone "], "Columns 1 and 3 are both named phone"),
        (["phone;email"], "separate columns by commas"),
        (["phone\temail"], "separate columns by commas"),
    ],
)
def test_a_header_against_the_rules_is_refused_by_column(header: Sequence[str], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        columns.column_names(header)


def test_a_hundred_columns_with_names_of_64_characters_are_taken() -> None:
    header = [f"{number:064}" for number in range(100)]

    assert columns.column_names(header) == tuple(header)


def test_a_file_is_known_by_its_content_and_by_how_it_is_read() -> None:
    one, other = (read("phone", "a", asked=[f"a=Plan.{name}"]) for name in ("tier", "seats"))

    ways = [(b"content", one, False), (b"content", other, False), (b"content", one, True), (b"", one, False)]

    def digest(content: bytes, how: Reading, keep_empty: bool) -> bytes:
        return columns.digest(content, how.mappings, keep_empty)

    assert digest(*ways[0]) == digest(b"content", replace(one), False)
    assert len({digest(*way) for way in ways}) == 4


# What a cell says


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("gold", "gold"),
        ("  gold   and \t silver ", "gold and silver"),
        ("two\r\nlines", "two lines"),
        ("", ""),
        ("   ", ""),
        (r"\N", None),
        (r"\n", r"\n"),
        ("12", "12"),
        ("null", "null"),
    ],
)
def test_a_string_is_taken_as_it_is_without_blanks_that_say_nothing(cell: str, value: str | None) -> None:
    assert plan(tier=cell) == {"tier": value}


@pytest.mark.parametrize(
    ("cell", "value"), [("12", 12), ("+3", 3), ("-4", -4), ("9.5", 9.5), (".5", 0.5), ("1e3", 1000.0), (" 7 ", 7)]
)
def test_a_number_is_read(cell: str, value: float) -> None:
    seats = plan(seats=cell)["seats"]

    assert (seats, type(seats)) == (value, type(value))


@pytest.mark.parametrize(("cell", "value"), [("true", True), ("TRUE", True), ("False", False)])
def test_a_boolean_is_read_in_any_case(cell: str, value: bool) -> None:
    assert plan(trial=cell) == {"trial": value}


@pytest.mark.parametrize(("cell", "value"), [('["a", 1, true]', ["a", 1, True]), ("[]", [])])
def test_an_array_is_read_as_json(cell: str, value: list[object]) -> None:
    assert plan(tags=cell) == {"tags": value}


@pytest.mark.parametrize("cell", ["", "  ", r"\N"])
@pytest.mark.parametrize("name", ["seats", "trial", "tags"])
def test_an_empty_cell_removes_what_is_no_string(name: str, cell: str) -> None:
    assert plan(**{name: cell}) == {name: None}


@pytest.mark.parametrize(
    ("name", "cell", "form"),
    [
        *(
            ("seats", cell, "like 12 or 9.5")
            for cell in ("twelve", "1,000", "1_000", "nan", "inf", "0x1f", "\u0663", ".")
        ),
        *(("trial", cell, "true or false") for cell in ("yes", "1", "t")),
        *(("tags", cell, "in JSON") for cell in ("silver", '{"a": 1}', "[1", '"a"')),
        pytest.param("tags", "[" * 90_000, "in JSON", id="deep"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_form_and_without_the_value(name: str, cell: str, form: str) -> None:
    reason = refusal(read("phone", f"Plan.{name}"), "+13175550142", cell)

    assert f"Plan.{name}" in reason
    assert form in reason
    assert len(cell) == 1 or cell not in reason


def test_an_identifier_that_is_not_given_is_left_as_it_is() -> None:
    row = read("phone", "email", "city").row(["+13175550142", " ", ""])

    assert row.traits == {"Contact": {"phone": "+13175550142", "city": ""}}


def test_an_empty_cell_can_be_told_to_leave_things_as_they_are() -> None:
    row = replace(read("phone", "city", "Plan.seats"), keep_empty=True).row(["+13175550142", "", " "])

    assert row.traits == {"Contact": {"phone": "+13175550142"}}


def test_an_identifier_can_be_removed() -> None:
    assert read("phone", "email").row(["+13175550142", r"\N"]).traits == {
        "Contact": {"phone": "+13175550142", "email": None}
    }


@pytest.mark.parametrize("cells", [("", "", "Gary"), (r"\N", " ", "Gary")])
def test_a_row_about_nobody_is_refused(cells: Sequence[str]) -> None:
    assert "at least one of Contact.phone, Contact.email" in refusal(read("phone", "email", "city"), *cells)


@pytest.mark.parametrize("cells", [["+13175550142"], ["+13175550142", "Gary", ""], []])
def test_a_row_with_more_or_fewer_cells_than_the_header_is_refused(cells: Sequence[str]) -> None:
    assert f"{len(cells)} cells, the header has 2" in refusal(read("phone", "city"), *cells)


def test_cells_of_ignored_columns_say_nothing() -> None:
    assert read("Notes", "phone", "city").row(["\ud800", "1", "Gary"]).traits == {
        "Contact": {"phone": "1", "city": "Gary"}
    }


@given(st.lists(st.text(), min_size=5, max_size=5))
def test_any_row_is_taken_or_refused_and_never_quoted(cells: list[str]) -> None:
    reading = read("phone", *(f"Plan.{name}" for name in TYPES))

    row = reading.row(cells)

    if row.refusal is None:
        json.dumps(row.traits)
        assert row.traits["Contact"]["phone"]
    else:
        assert row.refusal in {reading.row(["", "", "", "", ""]).refusal, *UNREADABLE}


UNREADABLE = {
    refusal(read("phone", "Plan.seats"), "+13175550142", "x"),
    refusal(read("phone", "Plan.trial"), "+13175550142", "x"),
    refusal(read("phone", "Plan.tags"), "+13175550142", "x"),
}
