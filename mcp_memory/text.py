"""Pure: text as it is kept: what hides or breaks it is gone, and one text has one spelling."""

import re
import unicodedata

from mcp_memory.errors import Invalid

# What hides text from the person who reviews it but not from a model, or hides nothing but differs: control
# characters but tab and line feed; soft hyphens, zero-width characters but joiners, direction marks; variation
# selectors but the emoji ones, and tags, both of which can spell out a text unseen; lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufe00-\ufe0d\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_JOINERS = re.compile("([\u200c\u200d\ufe0e\ufe0f]{2})[\u200c\u200d\ufe0e\ufe0f]+")  # an emoji has two at most in a row
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"


def clean(text: str) -> str:
    """Without characters that hide or break text, line ends as \\n, no blanks around."""
    if text.isascii() and text.isprintable():
        return text.strip()
    stripped = _JOINERS.sub(r"\1", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))
    return unicodedata.normalize("NFC", stripped).strip()  # one spelling of é, or it would not be found by the other


def visible(text: str) -> bool:
    """Whether a reader sees anything of it."""
    return any(unicodedata.category(letter)[0] not in "CZM" and letter not in _BLANK_LETTERS for letter in text)


def required_text(text: str, limit: int, name: str) -> str:
    cleaned = clean(text)
    if not visible(cleaned):
        raise Invalid(f"{name} is empty: give 1 to {limit} characters.")
    if len(cleaned) > limit:
        raise Invalid(f"{name} is {len(cleaned)} characters long, the limit is {limit}: shorten or split it.")
    return cleaned
