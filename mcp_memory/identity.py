"""Pure: what an identifier is, and which type a bare value has.

Normalising twice is normalising once. Types and their rules are those every store is provisioned with.
"""

import re
import unicodedata
from collections.abc import Callable

import phonenumbers

from mcp_memory.errors import Invalid
from mcp_memory.model import MAX_IDENTIFIER, Identifier
from mcp_memory.text import clean, required_text

DEFAULT_REGION = "US"

_CHANNEL = re.compile(r"^(?:(whatsapp|tel|sms|mms|rcs|mailto|email|chat):(?://)?\s*)+", re.IGNORECASE)
_CHANNEL_TYPES = {
    "whatsapp": ("whatsapp", "phone"),
    "mailto": ("email",),
    "email": ("email",),
    "chat": ("chat",),
}
_PHONE = re.compile(r"\+?[\d\s().\-/\u2010-\u2015\u00a0]{7,}")
_JOINER = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
_NAMED_EMAIL = re.compile(r"[^<>]*<([^<>]*)>")  # Ann Smith <ann@example.com>
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"\\?]+@[^@\s.<>()\[\],;:\"\\?]+(\.[^@\s.<>()\[\],;:\"\\?]+)+")
MAX_EMAIL = 254  # RFC 5321: a path is at most 256 octets, two of them the brackets


def normalise(identifier: Identifier, region: str, name: str) -> Identifier:
    """The identifier as it is stored and compared, or `Invalid` naming `name` and the form it takes."""
    rule = _RULES.get(identifier.id_type)
    if rule is None:
        raise Invalid(f"id_type is unknown in this store. Known: {', '.join(ID_TYPES)}.")
    # NFKC, and no joiners: what is pasted from elsewhere differs in ways nobody sees.
    value = _JOINER.sub("", unicodedata.normalize("NFKC", required_text(identifier.value, MAX_IDENTIFIER, name)))
    return Identifier(identifier.id_type, rule(required_text(value, MAX_IDENTIFIER, name), region, name))


def candidate_types(value: str) -> tuple[str, ...]:
    """The types a bare value can have, likeliest first: a number may be known from a call or from WhatsApp alone."""
    value = clean(value)
    channel = _CHANNEL.match(value)
    if channel:
        return _CHANNEL_TYPES.get(channel[1].lower(), ("phone", "whatsapp"))
    if "@" in value:
        return ("email",)
    if _PHONE.fullmatch(value):
        return ("phone", "whatsapp")
    return ("chat",)


def _phone(value: str, region: str, name: str) -> str:
    try:
        number = phonenumbers.parse(_CHANNEL.sub("", value), region)
    except phonenumbers.NumberParseException as exc:
        raise _not_a_phone(name) from exc
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise _not_a_phone(name)
    if number.extension:
        raise Invalid(f"{name} has an extension, which several people share: leave it out, or use an email or chat id.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _not_a_phone(name: str) -> Invalid:
    return Invalid(f"{name} is not a phone number: write it with its country code, like +13175556789.")


def _email(value: str, region: str, name: str) -> str:
    named = _NAMED_EMAIL.fullmatch(value)
    address, _, _ = _CHANNEL.sub("", named[1] if named else value).partition("?")  # mailto:ann@example.com?subject=…
    email = unicodedata.normalize("NFKC", "".join(address.split()).lower())  # lower() can take a letter apart
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise Invalid(f"{name} is not an email address: write it like ann@example.com.")
    return email


def _trim(value: str, region: str, name: str) -> str:
    return required_text(_CHANNEL.sub("", value), MAX_IDENTIFIER, name)


_RULES: dict[str, Callable[[str, str, str], str]] = {
    "email": _email,
    "whatsapp": _phone,  # a WhatsApp address is a phone number, so spellings of it are one address
    "phone": _phone,
    "chat": _trim,
}
ID_TYPES = tuple(_RULES)
