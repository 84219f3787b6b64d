"""Pure: what can be a value of an attribute. "The discount is too small" says something of it, and no value."""

import re

from mcp_memory.statements.wording import MONTH, stem, stem_set

_SOMETHING = re.compile(r"\d|[A-Z]|@")
_CAPITAL = re.compile(r"\b[A-Z]")
_NUMBER = re.compile(
    rf"\d|\b(?:{MONTH}|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|mornings?|evenings?|noon|"
    r"midnight|none|no|unlimited|half|once|twice|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?:\d\D{0,3}){5}")
_COUNTED = stem_set(
    "discount budget limit quota rate price fee cost size deadline date renewal hours window threshold "
    "allowance balance age headcount"
)
_PEOPLE = stem_set("manager representative rep accountant lead head director owner assistant successor deputy contact")
# How it is, or where: what a noun phrase may be at a time, without that being its value.
_DESCRIBES = stem_set(
    "on too very so quite rather really fairly extremely about unclear nice correct wrong broken confusing tight gone "
    "missing outdated invalid fine ok okay good bad great important available unavailable busy away sick "
    "late full unknown known down slow noisy dirty empty lost stuck ill out off up back here there "
    "happy unhappy annoyed angry upset pleased satisfied disappointed worried confused right okay better worse"
)


def fits(key: str, said: str) -> bool:
    """Whether what is said of the attribute can be its value."""
    text = said.strip(" :,")
    noun = key.split(" ")[-1].split(":")[-1]
    if key.startswith("email"):
        return "@" in text
    if key == "phone":
        return _PHONE.search(text) is not None
    if key.startswith(("address", "residence", "is:address")):
        return _SOMETHING.search(text) is not None
    generic = key.startswith("is:")
    if key in ("contact", "name") or (generic and noun in _PEOPLE):
        return _CAPITAL.search(text) is not None
    if key == "hours" or (generic and noun in _COUNTED):
        return _NUMBER.search(text) is not None
    return stem(text.split(" ", 1)[0].lower()) not in _DESCRIBES
