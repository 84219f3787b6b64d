"""Pure: days that are named from where the speaker stands in time, as dates.

"Yesterday" is told from the time of the message, in UTC. A weekday without "next" or "last" is the one that comes, or
where the sentence is in the past tense, the one that was. What can't be a date of the calendar stays as it was said.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from mcp_memory.extraction.words import is_past, pattern

MOST_BACK = 120  # years, and as many of any unit

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
_SEASONS = {"spring": 5, "summer": 8, "autumn": 11, "fall": 11}  # the month they end in, in the north
_DAY = rf"(?P<day>{'|'.join(_WEEKDAYS)})"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
_UNITS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_TEENS = (
    "tenth",
    "eleventh",
    "twelfth",
    *(f"{one}teenth" for one in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
)
_ORDINAL = (*_UNITS, *_TEENS, "twentieth", *(f"twenty {one}" for one in _UNITS), "thirtieth", "thirty first")
_ORDINALS = "|".join(one.replace(" ", "[ -]") for one in sorted(_ORDINAL, key=len, reverse=True))
_OF_MONTH = rf"(?:(?P<number>[0-3]?\d)(?:st|nd|rd|th)?|(?P<spoken>{_ORDINALS}))"
_OF_YEAR = r"(?P<year>,? \d{4}\b)?"
_COUNTED = {
    **dict(
        zip(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), range(1, 11), strict=True)
    ),
    **{"a": 1, "an": 1, "a couple of": 2, "a couple": 2, "eleven": 11, "twelve": 12},
}
_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(_COUNTED, key=len, reverse=True))})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_BEFORE = r"(?P<before>(?:on|by|until|till|since|before|after|from|for|starting|every|each|due|of|to) )?"
_ON = re.compile(r"\bon$")

_FUTURE = pattern(
    r"""
    \b(?:will|'ll|shall|going~to|gonna|plan(?:s|ning)? (?:to|on)|want|need|would~like|next|coming|tomorrow|have~to|
    must|can|could|hop(?:e|ing)|expect(?:ing|ed)?|due|scheduled|by|until|booked|let's|(?:am|are|is|'m|'re|
    's)~\w+ing|please)\b
    """
)
_COMING = re.compile(r"\b(?:from|until|till|by|starting)(?: the)? $", re.IGNORECASE)
_IS = re.compile(r"\b(yesterday|today|tomorrow)'s\b(?= (?:going|gonna|been|not|an?|the|my|our|when)\b)", re.IGNORECASE)
_PAST_SIGNS = re.compile(r"\b(?:was|were|had|did|didn't|wasn't|weren't|ago|since|been)\b", re.IGNORECASE)


def absolute(text: str, said: date) -> str:
    """The text with its days as dates, as far as they can be told."""
    text = _IS.sub(r"\1 is", text)
    told = _Told(said, future=_FUTURE.search(text) is not None, past=_is_past(text))
    for named, tell in _RULES:
        text = named.sub(told.by(tell), text)
    return text


def shown(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def with_weekday(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()].capitalize()} {shown(day)}"


def _is_past(text: str) -> bool:
    words = re.findall(r"[a-z]+", text.lower())
    return _PAST_SIGNS.search(text) is not None or any(map(is_past, words))


class _Told:
    """When it was said, and in which tense."""

    def __init__(self, said: date, *, future: bool, past: bool) -> None:
        self.said, self.future, self.past = said, future, past

    def by(self, tell: "Callable[[_Told, re.Match[str]], str | None]") -> Callable[[re.Match[str]], str]:
        def told(match: re.Match[str]) -> str:
            try:
                said = tell(self, match)
            except (OverflowError, ValueError):  # before the year 1, after 9999, the 31st of June
                said = None
            return match[0] if said is None else said

        return told

    @property
    def week(self) -> date:
        return self.said - timedelta(days=self.said.weekday())

    @property
    def weekend(self) -> date:
        """This one, or the one that comes."""
        return self.week + timedelta(days=5)


def _near(told: _Told, match: re.Match[str]) -> str:
    day = told.said + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[match["near"].lower()])
    if match["ago"]:
        day += timedelta(days=1 if match["ago"].strip().lower().startswith("after") else -1)
    if match["whose"]:
        return f"{match['before'] or ''}the {shown(day)}"
    part = f"the {match['part'].strip()} of " if match["part"] else ""
    on = "on " if match["is"] is None else ""
    return f"{match['before'] or on}{part}{shown(day)}"


def _part(told: _Told, match: re.Match[str]) -> str:
    spoken = match[0].lower()
    day = told.said - timedelta(days=1) if "last" in spoken else told.said
    part = "evening" if spoken == "tonight" else spoken.split()[-1]
    return f"on the {part} of {shown(day)}"


def _weekday(told: _Told, match: re.Match[str]) -> str | None:
    before, which, number = match["before"] or "", (match["which"] or "").lower(), _WEEKDAYS.index(match["day"].lower())
    if before.strip().lower() in ("every", "each") or (not before and not which):
        return None
    ahead = (number - told.said.weekday()) % 7
    if which in ("last", "past"):
        day = told.said - timedelta(days=7 - ahead)
    elif which == "next":  # from Monday to Thursday that is of the week that comes
        day = told.week + timedelta(days=7 + number)
    elif before.strip().lower() == "since":
        day = told.said - timedelta(days=(7 - ahead) % 7)
    elif which or told.future or not told.past:
        day = told.said + timedelta(days=ahead)
    else:
        day = told.said - timedelta(days=(7 - ahead) % 7)
    if day == told.said and not which:
        return None  # "on Monday", said on a Monday
    return f"{before or 'on '}{with_weekday(day)}"


def _span(told: _Told, match: re.Match[str]) -> str | None:
    before, which, unit = match["before"] or "", match["which"].lower(), match["unit"].lower()
    step = {"last": -1, "past": -1, "this": 0, "next": 1, "coming": 1}[which]
    if which == "past" and before.strip() in ("for", "over", "in"):
        return None
    end = match["end"] or ""
    if unit == "weekend":
        day = told.weekend + timedelta(days=7 * step)
        if step == 1 and told.said.weekday() < 5:
            day = told.weekend + timedelta(days=7)
        return f"{before or 'on '}{end}the weekend of {shown(day)}"
    if unit in _SEASONS:
        over = told.said.month > _SEASONS[unit]
        year = told.said.year + (over if step == 1 else 0 if over or step == 0 else -1)
        return f"{before or ('' if end else 'in ')}{end}the {unit} of {date(year, 1, 1).year}"
    if unit == "week":
        return f"{before or ('' if end else 'in ')}{end}the week of {shown(told.week + timedelta(days=7 * step))}"
    if unit == "year":
        return f"{before or ('' if end else 'in ')}{end}{date(told.said.year + step, 1, 1).year}"
    return f"{before or ('' if end else 'in ')}{end}{_month(told.said, step)}"


def _month(said: date, step: int) -> str:
    year, month = divmod(said.year * 12 + said.month - 1 + step, 12)
    return f"{_MONTHS[month]} {date(year, month + 1, 1).year}"


def _end(told: _Told, match: re.Match[str]) -> str:
    if match["unit"] == "week":
        return f"{match['end']}the week of {shown(told.week)}"
    return f"{match['end']}{told.said.year if match['unit'] == 'year' else _month(told.said, 0)}"


def _counted(told: _Told, match: re.Match[str]) -> str | None:
    unit, spoken = match["unit"].lower(), match["number"].lower()
    number = _COUNTED.get(spoken) or int(spoken)
    if number > MOST_BACK:
        return None
    number = -number if match["ago"] else number
    if unit == "year":
        return f"in {date(told.said.year + number, 1, 1).year}"
    if unit == "month":
        return f"in {_month(told.said, number)}"
    day = told.said + timedelta(days=number * (7 if unit == "week" else 1))
    if unit == "week":
        return f"in the week of {shown(day - timedelta(days=day.weekday()))}"
    return f"on {shown(day)}"


def _dated(told: _Told, match: re.Match[str]) -> str | None:
    """A day of a month, to which the year is added."""
    name = match["month"][:3].lower()
    month = next(number for number, full in enumerate(_MONTHS, start=1) if full[:3].lower() == name)
    if match["year"]:
        return None
    number = int(match["number"]) if match["number"] else _ORDINAL.index(match["spoken"].lower().replace("-", " ")) + 1
    ahead = _COMING.search(match.string[max(0, match.start() - 12) : match.start()]) is not None
    return shown(_nearest(told, month, number, ahead=ahead or told.future))


def _nearest(told: _Told, month: int, number: int, *, ahead: bool) -> date:
    days = [date(told.said.year + step, month, number) for step in (-1, 0, 1) if (month, number) != (2, 29)]
    if ahead or not told.past:
        coming = [day for day in days if day >= told.said]
        if ahead or (coming and (coming[0] - told.said).days < 200):
            return coming[0]
    return max(day for day in days if day <= told.said)


def _only_month(told: _Told, match: re.Match[str]) -> str | None:
    """ "In June": the one that comes, or that was."""
    name = match["month"][:3].lower()
    month = next(number for number, full in enumerate(_MONTHS, start=1) if full[:3].lower() == name)
    which = (match["which"] or "").strip().lower()
    if (match["before"] or "").lower().startswith(("from", "until", "by")) and not which:
        which = "next"
    if told.future and told.past and not which:
        return None
    past = which in ("last", "past") or (told.past and not told.future and not which)
    year = told.said.year + (-(month >= told.said.month) if past else month < told.said.month)
    if past and month == told.said.month and not which:
        year += 1
    return f"{match['before'] or 'in '}{_MONTHS[month - 1]} {year}"


_Rule = tuple[re.Pattern[str], Callable[[_Told, re.Match[str]], str | None]]
_RULES: tuple[_Rule, ...] = (
    (
        re.compile(
            rf"\b(?:the day (?P<ago>before |after ))?{_BEFORE}(?P<near>yesterday|today|tomorrow)\b(?P<whose>'s\b)?"
            r"(?P<part> (?:morning|afternoon|evening|night)\b)?(?P<is>(?= (?:is|was|will)\b))?",
            re.IGNORECASE,
        ),
        _near,
    ),
    (re.compile(r"\b(?:tonight|last night|this (?:morning|afternoon|evening))\b", re.IGNORECASE), _part),
    (
        re.compile(
            rf"\b{_BEFORE}(?P<end>(?:the )?(?:end|start|beginning|middle) of )?(?:the )?(?P<which>last|past|this|"
            rf"next|coming) "
            r"(?P<unit>week|weekend|month|year|spring|summer|autumn|fall)\b(?!')",
            re.IGNORECASE,
        ),
        _span,
    ),
    (re.compile(r"\b(?P<end>(?:the )?end of )the (?P<unit>week|month|year)\b", re.IGNORECASE), _end),
    (re.compile(rf"\b{_NUMBER} {_UNIT} (?P<ago>ago)\b", re.IGNORECASE), _counted),
    (re.compile(rf"\bin {_NUMBER} {_UNIT}\b(?P<ago>)(?! (?:of|or|and|to|old|time)\b|')", re.IGNORECASE), _counted),
    (
        re.compile(rf"\b{_BEFORE}(?:(?P<which>last|past|this|next|coming) )?{_DAY}\b(?! \d|s\b|')", re.IGNORECASE),
        _weekday,
    ),
    (re.compile(rf"\b(?:the )?{_OF_MONTH}(?: of)? {_MONTH}\b\.?{_OF_YEAR}", re.IGNORECASE), _dated),
    (re.compile(rf"\b{_MONTH}\.? (?:the )?{_OF_MONTH}\b(?!:){_OF_YEAR}", re.IGNORECASE), _dated),
    (
        re.compile(
            r"\b(?:(?P<before>(?:in|since|until|by|from) (?:early |late |mid )?)|(?=last |past |next |this ))"
            rf"(?P<which>(?:last|past|next|this) )?{_MONTH}\b(?! \d|')",
            re.IGNORECASE,
        ),
        _only_month,
    ),
)
