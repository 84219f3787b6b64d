import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import language
from mcp_memory.mentions import NO_DATES, Dates, dates, ids, spellings, words_and_ids

# Ids


def named(question: str) -> list[set[str]]:
    return [set(one) for one in ids(question)]


TODAY = date(2026, 5, 4)  # a Monday


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Where is order A-1042?", [{"a1042"}]),
        ("where is a1042", [{"a1042"}]),
        ("ticket TCK_88213.", [{"tck88213"}]),
        ("INV/2024/0042", [{"inv20240042"}]),
        ("1042-A", [{"1042a"}]),
        ("#1042", [{"1042"}]),
        ("#7 and #a12", [{"7"}, {"a12"}]),
        ("order 1042", [{"1042"}]),
        ("order 88213", [{"88213"}]),
        ("dana.reyes@example.com", [{"danareyesexamplecom"}]),
        ("<Dana+Shop@Example.COM>", [{"danashopexamplecom"}]),
        ("A-1042 or A-1043", [{"a1042"}, {"a1043"}]),
        ("A-1042, a1042 and A/1042", [{"a1042"}]),
        ("A-1042 of dana@x.io", [{"a1042"}, {"danaxio"}]),
        ("+1 (317) 555-0142 or A-1042", [{"13175550142", "3175550142"}, {"a1042"}]),
        ("iphone15", [{"iphone15"}]),
        ("", []),
        ("Where is my order?", []),
    ],
)
def test_the_ids_of_a_question_are_found(question: str, found: list[set[str]]) -> None:
    assert named(question) == found


@pytest.mark.parametrize(
    "question",
    [
        "in 2024",
        "since 1999",
        "3 bottles",
        "104 bottles",
        "$50",
        "\u20ac50",
        "50%",
        "1,299",
        "the 24th",
        "the 1st",
        "at 9am",
        "16gb",
        "2500ml",
        "2026-05-04",
        "05/04/2026",
        "4.5.2026",
        "5/4",
        "24/7",
        "5-6 days",
        "on 7 May 2023",
        "room 12b",
        "in the 1990s",
        "-",
        "@",
        "a@",
        "@dana",
    ],
)
def test_what_only_counts_or_dates_is_no_id(question: str) -> None:
    assert named(question) == []


@pytest.mark.parametrize("question", ["$19.99", "19.99", "\u20ac1,299.00", "$2500"])
def test_a_price_is_no_id(question: str) -> None:
    assert named(question) == []


@pytest.mark.parametrize("question", ["at 10:30", "10:30am", "at 12:30:45", "9.30am", "20:15"])
def test_a_time_is_no_id(question: str) -> None:
    assert named(question) == []


@pytest.mark.parametrize("question", ["10-20 units", "2020-2024", "4-star", "12-month", "10.5kg", "in 2019/2020"])
def test_a_range_or_a_measure_is_no_id(question: str) -> None:
    assert named(question) == []


US_PHONE = [
    "+1 (317) 555-0142",
    "+13175550142",
    "+1.317.555.0142",
    "+1-317-555-0142",
    "1-317-555-0142",
    "001 317 555 0142",
    "(317) 555-0142",
    "(317)555-0142",
    "317-555-0142",
    "317.555.0142",
    "317 555 0142",
    "3175550142",
    "tel:+1-317-555-0142",
    "tel: 317-555-0142,",
]
PHONES = {
    "us": US_PHONE,
    "london": ["+44 20 7946 0958", "020 7946 0958", "0044 20 7946 0958", "+442079460958"],
    "berlin": ["+49 30 1234567", "030 1234567", "0049 (30) 1234567", "030-1234567"],
    "paris": ["+33 6 12 34 56 78", "06 12 34 56 78", "06.12.34.56.78", "0033612345678"],
    "warsaw": ["+48 555 123 456", "555 123 456", "555-123-456"],
}
PAIRS = [(stored, asked) for spelled in PHONES.values() for stored in spelled for asked in spelled]


@pytest.mark.parametrize(("stored", "asked"), PAIRS)
def test_a_phone_is_found_in_any_spelling(stored: str, asked: str) -> None:
    assert held(f"My number is {stored}", f"Who has {asked}?")


def held(stored: str, asked: str) -> bool:
    """Whether the stored text has every id that is asked for."""
    has = set(language.terms(stored))
    return bool(ids(asked)) and all(one & has for one in language.id_terms(asked))


def test_a_local_number_is_found_by_its_last_seven_digits() -> None:
    for stored in US_PHONE:
        assert held(stored, "555-0142") and held(stored, "5550142")


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("6123 4567", "+65 6123 4567"),
        ("+65 6123 4567", "6123 4567"),
        ("+45 12 34 56 78", "12 34 56 78"),
    ],
)
def test_a_number_of_eight_digits_is_found_with_and_without_its_country(stored: str, asked: str) -> None:
    assert held(stored, asked)


@pytest.mark.parametrize(
    "stored",
    [
        "317\u2011555\u20110142",
        "317\u2013555\u20130142",
        "+1\u00a0317\u00a0555\u00a00142",
        "317/555-0142",
        "317-555-0142x5",
    ],
)
def test_a_phone_is_found_as_it_is_copied_from_elsewhere(stored: str) -> None:
    assert held(stored, "+1 317 555 0142") and held(stored, "317-555-0142")


@pytest.mark.parametrize(
    "stored",
    [
        "Call +1 317 555 0142 9am to 5pm",
        "317-555-0142 2nd line",
        "317-555-0142 24 hours",
        "2 lines: 5 317-555-0142",
        "on 2026-05-04 317-555-0142",
        "317-555-0142 (0317)",
    ],
)
def test_a_phone_is_found_beside_other_numbers(stored: str) -> None:
    assert held(stored, "317-555-0142")


@pytest.mark.parametrize("asked", ["+1 317 555 0143", "317-555-1142", "+1 217 555 0142", "417.555.0142"])
def test_another_phone_is_not_found(asked: str) -> None:
    assert not held("+1 (317) 555-0142", asked)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("order a1042", "A-1042"),
        ("order A-1042", "a1042"),
        ("order A_1042", "A/1042"),
        ("order A-1042", "1042"),
        ("order A-1042", "#1042"),
        ("order #1042", "1042"),
        ("Write to Dana.Reyes@Example.com.", "dana.reyes@example.com"),
    ],
)
def test_an_id_is_found_in_any_spelling(stored: str, asked: str) -> None:
    assert held(stored, asked)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Email:dana@example.com", "dana@example.com"),
        ("mailto:dana@example.com", "dana@example.com"),
        ("Order:A-1042", "A-1042"),
        ("A-1042/A-1043", "A-1042"),
        ("https://shop.example/orders/A-1042", "A-1042"),
    ],
)
def test_an_id_is_found_behind_a_label_or_in_a_link(stored: str, asked: str) -> None:
    assert held(stored, asked)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dogs, A-1042!", ["Dogs", "A-1042"]),
        ("Dana's e-mail: d@x.io.", ["Dana's", "e-mail", "d@x.io"]),
        ("\u559d\u8336 tea", ["\u559d\u8336", "tea"]),
        ("  ", []),
    ],
)
def test_words_are_as_the_text_writes_them(text: str, words: list[str]) -> None:
    assert words_and_ids(text) == words


# Dates


DAYS = [
    ("on 7 May 2023", (2023, 5, 7)),
    ("7th of May", (None, 5, 7)),
    ("May 7", (None, 5, 7)),
    ("May 7th, 2023", (2023, 5, 7)),
    ("sept 3", (None, 9, 3)),
    ("Sept. 3rd 2024", (2024, 9, 3)),
    ("2023-05-07", (2023, 5, 7)),
    ("ordered in 2024 on 7 May", (2024, 5, 7)),
    ("December 31, 1999", (1999, 12, 31)),
    ("on the 3rd of march", (None, 3, 3)),
    ("\u0663 may", (None, 5, 3)),  # an Arabic-Indic 3
]


@pytest.mark.parametrize(("question", "day"), DAYS)
def test_a_day_is_named(question: str, day: tuple[int | None, int, int]) -> None:
    assert dates(question, TODAY) == Dates(days=(day,))


@pytest.mark.parametrize(
    ("question", "months"),
    [
        ("in May", [(None, 5)]),
        ("in march", [(None, 3)]),
        ("june", [(None, 6)]),
        ("What did she say in June 2023?", [(2023, 6)]),
        ("last december", [(None, 12)]),
        ("in jan", [(None, 1)]),
        ("from may to july", [(None, 5), (None, 7)]),
        ("in may and in may", [(None, 5)]),
        ("between March and July 2024", [(2024, 3), (2024, 7)]),
        ("between May and July 2024", [(2024, 5), (2024, 7)]),
        ("the May 2023 invoice", [(2023, 5)]),
        ("March 2024", [(2024, 3)]),
        ("Jan 2024", [(2024, 1)]),
    ],
)
def test_a_month_is_named(question: str, months: list[tuple[int | None, int]]) -> None:
    assert dates(question, TODAY) == Dates(months=tuple(months))


@pytest.mark.parametrize(
    ("question", "years"), [("in 2024", (2024,)), ("2023 and 2024", (2023, 2024)), ("2023, 2023", (2023,))]
)
def test_a_year_is_named(question: str, years: tuple[int, ...]) -> None:
    assert dates(question, TODAY) == Dates(years=years)


def test_days_and_months_are_named_beside_each_other() -> None:
    found = dates("between 7 May 2023 and 2024-01-02, or in June", TODAY)

    assert set(found.days) == {(2023, 5, 7), (2024, 1, 2)} and found.months == ((None, 6),) and not found.years


@pytest.mark.parametrize(
    "question",
    [
        "May I return it?",
        "and may I ask",
        "I may order again",
        "you may not",
        "can they march",
        "marching in augustus",
        "a mar on the table",
        "may 10:30 work?",
        "45 may",
        "0 may",
        "2023-13-45",
        "order 20245 and 120245",
        "1899",
        "\u00b2 may",
        "on the 7th",
        "",
    ],
)
def test_no_date_is_named(question: str) -> None:
    assert dates(question, TODAY) == NO_DATES and not dates(question, TODAY)


@pytest.mark.parametrize("question", ["item 5 may be broken", "and may my mother return it"])
def test_may_and_march_as_verbs_name_no_month(question: str) -> None:
    assert not dates(question, TODAY)


@pytest.mark.parametrize("question", ["INV/2024/0042", "inv-2024-0042", "A2024"])
def test_a_year_inside_an_id_is_no_date(question: str) -> None:
    assert not dates(question, TODAY)


def test_each_month_keeps_its_own_year() -> None:
    found = dates("since June 2023 until July 2024", TODAY)

    assert found == Dates(months=((2023, 6), (2024, 7)))


# Whatever the text


EXOTIC = "\u0661\u0662\u0663\u00b2\u00b3\u00b9\u2460\u2167\u4e94\uff11\U0001d7d9\u0130\u00df\u0345'\u2019"
PIECE = st.sampled_from(
    [*EXOTIC, *"-._/@+:#()1 a\n", "may ", "2024", "-05-", "7", "th", " of ", "in ", "march", "31", ", "]
)
FUNCTIONS: list[Callable[[str], object]] = [
    ids,
    lambda text: dates(text, TODAY),
    words_and_ids,
    lambda text: list(spellings(text.lower())),
]


@given(st.text() | st.lists(PIECE).map("".join))
def test_no_text_is_too_strange(text: str) -> None:
    for one in ids(text):
        assert one and all(spelled and spelled.isalnum() for spelled in one)
    found = dates(text, TODAY)
    assert all(1 <= month <= 12 and 1 <= day <= 31 for _, month, day in found.days)
    assert all(1 <= month <= 12 for _, month in found.months)
    years = [*found.years, *(day[0] for day in found.days), *(month[0] for month in found.months)]
    assert all(year is None or 1900 <= year <= 2099 for year in years)
    assert all(spelled for spelled in spellings(text.lower()))
    assert all(word in text for word in words_and_ids(text))


@given(st.lists(PIECE).map("".join))
def test_what_is_named_is_named_once(text: str) -> None:
    for found in (ids(text), dates(text, TODAY).days, dates(text, TODAY).months, dates(text, TODAY).years):
        assert len(found) == len(set(found))


HOSTILE = [
    *["1-", "a.", "(1", "1 ", "@a", "1", "in may ", "+1(", "+", "(", "1(", "1  ", " 1", "#1", "#", "a1", "may 1 "],
    *["1 may ", "2024-01-01 ", "1.", "1/", "--1", "a@", "_", "1_", "\u0663", "\u00b2", "2024 ", "of ", "a'", "1 of "],
    *["(555) ", "1 (", "-1", "1)(", "january", "1,", "may,", "# 1", "a+1@", "12 34 56 78 ", "1 2 3 4 5 6 7 a "],
]


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("end", ["", "!", "x"])
def test_time_is_in_proportion_to_the_text(pattern: str, end: str) -> None:
    text = (pattern * 100_000)[:100_000] + end
    started = time.process_time()

    for function in FUNCTIONS:
        function(text)

    assert time.process_time() - started < 2  # a half on an idle machine; a quadratic pattern takes minutes


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What did she say yesterday?", "2026-05-03", "2026-05-03"),
        ("Anything today?", "2026-05-04", "2026-05-04"),
        ("orders of this week", "2026-05-04", "2026-05-04"),
        ("What was promised last week?", "2026-04-27", "2026-05-04"),
        ("complaints this month", "2026-05-01", "2026-05-04"),
        ("complaints last month", "2026-04-01", "2026-05-04"),
        ("what happened this year", "2026-01-01", "2026-05-04"),
        ("what happened last year", "2025-01-01", "2026-05-04"),
        ("the call three days ago", "2026-05-01", "2026-05-01"),
        ("the call 2 weeks ago", "2026-04-17", "2026-04-23"),
        ("bought a year ago", "2024-11-03", "2025-11-02"),
    ],
)
def test_what_is_counted_from_today_is_a_span(question: str, first: str, last: str) -> None:
    (span,) = dates(question, TODAY).spans

    assert span == (date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))


@pytest.mark.parametrize("question", ["999 years ago", "100 years ago", "000 days ago"])
def test_no_span_leaves_the_calendar(question: str) -> None:
    for day in (date.min, TODAY):
        assert dates(question, day).spans
