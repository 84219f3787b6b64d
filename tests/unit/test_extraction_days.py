"""Days are told from the time of the message, so that they can be read at any later one."""

from datetime import date

import pytest

from mcp_memory.extraction.days import absolute

THURSDAY = date(2026, 3, 12)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It came yesterday", "It came on 11 March 2026"),
        ("I'll call tomorrow morning", "I'll call on the morning of 13 March 2026"),
        ("It came the day before yesterday", "It came on 10 March 2026"),
        ("since yesterday", "since 11 March 2026"),
        ("yesterday's parcel", "the 11 March 2026 parcel"),
        ("I slept last night", "I slept on the night of 11 March 2026"),
        ("I'll come tonight", "I'll come on the evening of 12 March 2026"),
        ("I moved last week", "I moved in the week of 2 March 2026"),
        ("I'm off next week", "I'm off in the week of 16 March 2026"),
        ("I moved last month", "I moved in February 2026"),
        ("I'm away next month", "I'm away in April 2026"),
        ("We met last year", "We met in 2025"),
        ("I'll do it this weekend", "I'll do it on the weekend of 14 March 2026"),
        ("I did it last weekend", "I did it on the weekend of 7 March 2026"),
        ("We met last summer", "We met in the summer of 2025"),
        ("by the end of the month", "by the end of March 2026"),
        ("3 days ago", "on 9 March 2026"),
        ("two weeks ago", "in the week of 23 February 2026"),
        ("a year ago", "in 2025"),
        ("in two months", "in May 2026"),
        ("It's due in 5 days", "It's due on 17 March 2026"),
        ("I'll pay by Friday", "I'll pay by Friday 13 March 2026"),
        ("I called on Monday", "I called on Monday 9 March 2026"),
        ("I'll call on Monday", "I'll call on Monday 16 March 2026"),
        ("next Tuesday", "on Tuesday 17 March 2026"),
        ("last Thursday", "on Thursday 5 March 2026"),
        ("since Tuesday", "since Tuesday 10 March 2026"),
        ("I was there on May 3rd", "I was there on 3 May 2025"),
        ("I will be there on May 3rd", "I will be there on 3 May 2026"),
        ("I was there on 3 May 2019", "I was there on 3 May 2019"),
        ("I got married last June", "I got married in June 2025"),
        ("She starts in September", "She starts in September 2026"),
        ("I've switched it from april first", "I've switched it from 1 April 2026"),
        ("I was there on April twenty-first", "I was there on 21 April 2025"),
        ("It's closed until June", "It's closed until June 2026"),
        ("I work on Mondays", "I work on Mondays"),
        ("every Friday", "every Friday"),
        ("on Thursday", "on Thursday"),
        ("for the past year", "for the past year"),
        ("999 years ago", "999 years ago"),
        ("on 31 June", "on 31 June"),
        ("on 29 February", "on 29 February"),
        ("I may march in may", "I may march in May 2026"),
    ],
)
def test_relative_days_become_dates(said: str, told: str) -> None:
    assert absolute(said, THURSDAY) == told


@pytest.mark.parametrize("said", [date.min, date.max])
@pytest.mark.parametrize(
    "text", ["yesterday, tomorrow", "last week and next week", "100 years ago", "in 100 years", "next month"]
)
def test_at_the_ends_of_the_calendar_days_stay_as_they_were_said(said: date, text: str) -> None:
    assert absolute(text, said)


def test_a_text_with_dates_is_not_changed_again() -> None:
    once = absolute("I moved last week, called on Monday, and I'll pay on 3 May", THURSDAY)

    assert absolute(once, date(2027, 1, 1)) == once
