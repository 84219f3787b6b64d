"""Pure: what a text names exactly: ids (of orders, tickets, phones, emails), and dates.

An id counts whole, whatever its spelling: "A-1042" and "a1042" are one, and so are "+1 (317) 555-0142" and
"317.555.0142". Dates are those of English questions; a day may be named without its year.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

SUFFIXES = (10, 9, 8, 7)  # digits that a phone number's spellings with and without its prefixes may have in common

# What is copied from elsewhere: blanks that don't break, hyphens that are longer.
_COPIED = str.maketrans("\u00a0\u2007\u202f\u2010\u2011\u2012\u2013", "   ----")
# Possessive and tried at the start of a run only: else a text without a separator takes time in its square.
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]++(?:[-._/@+:][^\W_]++)+")
_SPOKEN = re.compile(r"[^\W_]++(?:['\u2019._/@+:-][^\W_]++)*")
_PHONE = re.compile(r"(?<!\w\.)(?<![\w#@/-])\+?+\(?+\d(?:[ ()./-]{0,3}\d){6,14}(?![^\Wx])", re.ASCII)
_WRITTEN_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[./-]\d\d?[./-](?:\d\d)?\d\d$|(?:19|20)\d\d[-/](?:19|20)\d\d$")
_NUMBERED = re.compile(r"#[^\W_]*\d[^\W_]*|(?<![\w$\u20ac\u00a3])[^\W_]*\d[^\W_]*")
# A number, a year, what is measured or counted: 24th, 16gb, 10.5kg, 4-star, 9.30am; a price, a range.
_QUANTITY = re.compile(
    r"\d+(?:[.,]\d+)?[a-z]{1,3}|(?:19|20)\d\d(?:[-/](?:19|20)?\d\d)?|\d{1,3}|\d{1,3}-[a-z]+|"
    r"\d?\d[:.]\d\d(?:[:.]\d\d)?(?:[ap]m)?|"
    r"\d+(?:,\d{3})*[.,]\d{1,2}|\d{1,4}-\d{1,4}"
)

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS.split("|")[:12], start=1)}
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY_MONTH = re.compile(rf"\b{_DAY}(?: of)? (?P<month>{_MONTHS})\b\.?(?! (?:be|have|not)\b)(?:,? {_YEAR}\b)?")
_MONTH_DAY = re.compile(rf"\b(?P<month>{_MONTHS})\.? {_DAY}\b(?!:)(?:,? {_YEAR}\b)?")
_ISO_DAY = re.compile(rf"\b{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)\b")
_MONTH_YEAR = re.compile(rf"\b(?P<month>{_MONTHS})\b\.?,? {_YEAR}\b")
# "may" asks for leave more often than it names a month, and one can march.
_MONTH = re.compile(
    rf"\b(?P<month>(?!(?:may|mar|march|sep|dec|jan|jun|jul|apr|oct|nov|feb|aug)\b)(?:{_MONTHS}))\b|"
    r"\b(?:in|since|until|till|by|during|last|this|next|early|late|mid|before|after|from|through|around|between|of|and|"
    rf"or|to) (?P<guarded>{_MONTHS})\b(?! (?:i|we|you|they|he|she|it|my|your|our|their|his|her|the|this|that|be)\b)"
)
_ONLY_YEAR = re.compile(rf"(?<![\w/#-]){_YEAR}(?![\w/-])")


_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_COUNTED = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "a few": 3,
    "a couple of": 2,
}
MOST_AGO = 100
_FROM_TODAY = re.compile(
    r"\b(?:(?P<day>today|yesterday)|(?P<which>this|last|past|previous) (?P<unit>week|month|year)|"
    rf"(?P<number>\d{{1,3}}|{'|'.join(_COUNTED)}) (?P<ago_unit>day|week|month|year)s? ago)\b"
)


@dataclass(frozen=True, kw_only=True)
class Dates:
    """`days` holds (year or None, month, day); `months` (year or None, month); `years` those named without a month;
    `spans` what is counted from today, as the first day and the one after the last."""

    days: Sequence[tuple[int | None, int, int]] = ()
    months: Sequence[tuple[int | None, int]] = ()
    years: Sequence[int] = ()
    spans: Sequence[tuple[date, date]] = ()

    def __bool__(self) -> bool:
        return bool(self.days or self.months or self.years or self.spans)


NO_DATES = Dates()


def spellings(lowered: str) -> Iterator[str]:
    """The ids of a text in lower case, each in every way in which a question may ask for it."""
    text = lowered.translate(_COPIED)
    for match in _COMPOUND.finditer(text):
        if _is_id(match[0]):
            yield _joined(match[0])
            yield from (_joined(part) for part in _parts(match[0]) if part != match[0])
    for digits in _phones(text):
        yield digits
        yield from (digits[-length:] for length in SUFFIXES if len(digits) > length)


def words_and_ids(text: str) -> list[str]:
    """The blank-separated or joined words of a text in order: "dogs", "A-1042"."""
    return [match[0] for match in _SPOKEN.finditer(text)]


def ids(question: str) -> list[frozenset[str]]:
    """The ids that a question names; each as the spellings, as of `spellings`, one of which an item must have."""
    rest = question.lower().translate(_COPIED)
    found = [_alternatives(match) for match in _PHONE.finditer(rest) if not _WRITTEN_DATE.match(match[0])]
    rest = _PHONE.sub(lambda match: match[0] if _WRITTEN_DATE.match(match[0]) else " ", rest)
    for match in _COMPOUND.finditer(rest):
        parts = _parts(match[0])
        found += [frozenset({_joined(part)}) for part in parts if _is_id(part) and not _is_quantity(part)]
    for match in _NUMBERED.finditer(_COMPOUND.sub(" ", rest)):
        if match[0].startswith("#") or not _QUANTITY.fullmatch(match[0]):
            found.append(frozenset({match[0].removeprefix("#")}))
    return list(dict.fromkeys(found))


def dates(question: str, today: date) -> Dates:
    """Every day, month and year that a question names, once each. A year that stands alone is that of all others."""
    lowered, days, months = question.lower(), [], []
    for pattern in (_ISO_DAY, _DAY_MONTH, _MONTH_DAY):
        for match in pattern.finditer(lowered):
            days.append((_year(match), _month(match["month"]), int(match["day"])))
        lowered = pattern.sub(" ", lowered)
    dated = [(int(match["year"]), _month(match["month"])) for match in _MONTH_YEAR.finditer(lowered)]
    lowered = _MONTH_YEAR.sub(" ", lowered)
    years = [int(match["year"]) for match in _ONLY_YEAR.finditer(lowered)]
    named = {*years, *(year for year, _ in dated), *(year for year, *_ in days if year)}
    year = named.pop() if len(named) == 1 else None  # "between May and July 2024"
    for match in _MONTH.finditer(lowered):
        months.append((year, _month(match["month"] or match["guarded"])))
    days = [(day[0] or year, *day[1:]) for day in days if 1 <= day[1] <= 12 and 1 <= day[2] <= 31]
    alone = [] if (months or dated or days) and year is not None else years
    return Dates(
        days=tuple(dict.fromkeys(days)),
        months=tuple(dict.fromkeys([*months, *dated])),
        years=tuple(dict.fromkeys(alone)),
        spans=tuple(dict.fromkeys(_span(match, today) for match in _FROM_TODAY.finditer(lowered))),
    )


def undated(question: str) -> str:
    """The question in lower case, without what names a date."""
    rest = question.lower()
    for pattern in (_ISO_DAY, _DAY_MONTH, _MONTH_DAY, _MONTH_YEAR, _FROM_TODAY, _MONTH, _ONLY_YEAR):
        rest = pattern.sub(" ", rest)
    return rest


def _span(match: re.Match[str], today: date) -> tuple[date, date]:
    """ "Last week" may mean the calendar's, or the last seven days: both. So with months and years."""
    if match["day"]:
        first = today - timedelta(days=match["day"] == "yesterday")
        return first, first + timedelta(days=1)
    length = _DAYS[match["unit"] or match["ago_unit"]]
    if match["ago_unit"]:
        number = _COUNTED.get(match["number"]) or min(int(match["number"]), MOST_AGO)
        middle = _before(today, number * length)
        return _before(middle, length // 2), middle + timedelta(days=length // 2 + 1)
    into = {7: today.weekday(), 365: today.timetuple().tm_yday - 1}.get(length, today.day - 1)
    begun = today - timedelta(days=into)
    if match["which"] == "this":
        return begun, today + timedelta(days=1)
    return _before(begun, length), today + timedelta(days=1)


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(day.toordinal() - days, 1))


def _phones(lowered: str) -> Iterator[str]:
    for match in _PHONE.finditer(lowered):
        if not _WRITTEN_DATE.match(match[0]):
            yield _digits(match[0])


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _alternatives(phone: re.Match[str]) -> frozenset[str]:
    """Whole, without what says the country or the trunk, as far as that can be told; and long groups, which may be an
    id of their own."""
    digits = _digits(phone[0])
    groups = {group for group in re.findall(r"\d{5,}", phone[0]) if group != digits}  # as in "INV 2025 00331"
    return _whole(digits, phone[0].startswith("+")) | groups


def _whole(digits: str, with_country: bool) -> frozenset[str]:
    if len(digits) <= 9:
        return frozenset({digits})
    if digits[0] == "0" or (len(digits) == 11 and digits[0] == "1"):
        return frozenset({digits, digits[1:] if len(digits) <= 11 else digits[-9:]})
    if len(digits) == 10:
        return frozenset({digits, digits[2:] if with_country else digits})
    return frozenset({digits, digits[-9:]})


def _parts(compound: str) -> list[str]:
    """What a label, a link or a slash joins, where the parts are ids by themselves; else the whole."""
    parts = re.split("[:/]", compound)
    telling = [part for part in parts if _is_id(part) and not part.isdigit()]
    return telling if telling and len(parts) > 1 else [compound]


def _is_quantity(part: str) -> bool:
    return bool(_QUANTITY.fullmatch(part) or _WRITTEN_DATE.match(part)) or len(_joined(part)) < 4


def _is_id(compound: str) -> bool:
    return any(letter.isdigit() or letter == "@" for letter in compound)


def _joined(compound: str) -> str:
    return "".join(letter for letter in compound if letter.isalnum())


def _month(name: str) -> int:
    return int(name) if name.isdigit() else _NUMBERS[name[:3]]


def _year(match: re.Match[str]) -> int | None:
    return int(match["year"]) if match["year"] else None
