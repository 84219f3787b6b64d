"""Pure: what identifies a person in a store, and how an identifier is written so that spellings of it are one.

Normalising twice is normalising once.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from mcp_memory.errors import Conflict, Invalid, Unsupported
from mcp_memory.model import MAX_IDENTIFIER, Identifier
from mcp_memory.text import clean, required_text

Normalization = Literal["phone", "email", "trim", "none"]
LimitPolicy = Literal["fifo", "lifo"]
MatchingAlgo = Literal["exact", "fuzzy"]

DEFAULT_REGION = "US"

# Limits published for the Memory API.
MAX_ID_TYPES = 15
MAX_RULES = 15
MAX_VALUES = 100  # of one type, on one profile
DEFAULT_THRESHOLD = 75

_ID_TYPE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{1,29}")


@dataclass(frozen=True, kw_only=True)
class IdentifierConfig:
    """One type of identifier.

    `limit`: values of it that a profile keeps; past it `fifo` drops the oldest, `lifo` the newest.
    `enforce_unique`: a value belongs to one profile. Without, several may share it, and it takes two to match.
    `matching_threshold` belongs to fuzzy matching, which nobody offers yet.
    """

    id_type: str
    normalization: Normalization = "trim"
    limit: int = MAX_VALUES
    limit_policy: LimitPolicy = "fifo"
    enforce_unique: bool = True
    matching_algo: MatchingAlgo = "exact"
    matching_threshold: int = DEFAULT_THRESHOLD


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """`matching_rules`: types by which profiles are matched, the strongest first. `version` counts the changes."""

    identifier_configs: tuple[IdentifierConfig, ...]
    matching_rules: tuple[str, ...]
    version: int = 1

    def config(self, id_type: str) -> IdentifierConfig | None:
        return next((one for one in self.identifier_configs if one.id_type == id_type), None)

    def rank(self, id_type: str) -> int:
        """0 is the strongest; a type without a rule comes after all that have one."""
        rules = self.matching_rules
        return rules.index(id_type) if id_type in rules else len(rules)

    def matches(self, id_type: str) -> bool:
        return id_type in self.matching_rules


RESERVED: Mapping[str, tuple[Normalization, ...]] = {
    "email": ("email",),
    "whatsapp": ("phone", "trim"),
    "phone": ("phone",),
    "chat": ("trim", "none"),
}
"""The types every store starts with, and how their values may be normalised."""

DEFAULT_SETTINGS = IdentitySettings(
    identifier_configs=tuple(
        # A WhatsApp address is a phone number: written as one, its spellings are one address.
        IdentifierConfig(id_type=id_type, normalization=allowed[0])
        for id_type, allowed in RESERVED.items()
    ),
    matching_rules=tuple(RESERVED),
)


def check_settings(new: IdentitySettings) -> None:
    """Raise Invalid, or Unsupported for what is published and offered by nobody, naming the field."""
    types = [one.id_type for one in new.identifier_configs]
    if not 1 <= len(types) <= MAX_ID_TYPES:
        raise Invalid(f"identifier_configs has {len(types)} types: give 1 to {MAX_ID_TYPES}.")
    for position, one in enumerate(new.identifier_configs):
        _check_config(one, f"identifier_configs[{position}]")
    if len(set(types)) < len(types):
        raise Invalid("identifier_configs names an id_type twice: give each once.")
    rules = new.matching_rules
    if not 1 <= len(rules) <= MAX_RULES or len(set(rules)) < len(rules):
        raise Invalid(f"matching_rules has {len(rules)} rules: give 1 to {MAX_RULES}, each id_type at most once.")
    for position, rule in enumerate(rules):
        if rule not in types:
            raise Invalid(
                f"matching_rules[{position}] is no id_type of identifier_configs. There: {', '.join(types)}. "
                "Rules are alternatives, the strongest first; compound rules are not published."
            )


def _check_config(one: IdentifierConfig, name: str) -> None:
    check_id_type(one.id_type, f"{name}.id_type")
    if one.matching_algo == "fuzzy":
        raise Unsupported(f"{name}.matching_algo: fuzzy matching is not offered yet. Use exact.")
    if one.matching_threshold != DEFAULT_THRESHOLD:
        raise Unsupported(f"{name}.matching_threshold counts only for fuzzy matching, which is not offered yet.")
    if not 1 <= one.limit <= MAX_VALUES:
        raise Invalid(f"{name}.limit must be from 1 to {MAX_VALUES}.")
    allowed = RESERVED.get(one.id_type, (one.normalization,))
    if one.normalization not in allowed:
        raise Invalid(f"{name}.normalization of the reserved type {one.id_type} must be {' or '.join(allowed)}.")


def check_id_type(id_type: str, name: str) -> None:
    if not _ID_TYPE.fullmatch(id_type):
        raise Invalid(f"{name} must be 2 to 30 ASCII letters, digits, dots, dashes or underscores, a letter first.")


def check_change(old: IdentitySettings, new: IdentitySettings, stored: Callable[[str], tuple[int, int]]) -> None:
    """Raise Conflict where identifiers that are stored contradict the change.

    `stored`: id_type -> how many values there are, and how many of them several profiles share.
    """
    for before in old.identifier_configs:
        count, shared = stored(before.id_type)
        one = new.config(before.id_type)
        if one is None:
            if count:
                raise Conflict(
                    f"{before.id_type}: {count} identifiers of this type are stored, so it can't be left out of "
                    "identifier_configs; leave it out of matching_rules to match by it no longer."
                )
            continue
        if count and before.normalization != one.normalization:
            raise Conflict(
                f"{one.id_type}: {count} identifiers are stored as {before.normalization} makes them; "
                "its normalization can't change any more. Add another id_type instead."
            )
        if shared and one.enforce_unique and not before.enforce_unique:
            raise Conflict(
                f"{one.id_type}: {shared} values are shared by several profiles; merge those, then enforce uniqueness."
            )


def check_count(where: Mapping[Identifier, str], settings: IdentitySettings) -> None:
    """Raise Invalid where one call brings more values of a type than a profile can keep. `where`: the name of each."""
    for config in settings.identifier_configs:
        names = [where[one] for one in sorted(where) if one.id_type == config.id_type]
        if len(names) > config.limit:
            raise Invalid(
                f"{', '.join(names)} are {len(names)} identifiers of the type {config.id_type}, "
                f"and a profile keeps {config.limit}: give as many."
            )


# Normalising

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


def normalise(identifier: Identifier, settings: IdentitySettings, region: str, name: str) -> Identifier:
    """The identifier as it is stored and compared, or `Invalid` naming `name` and the form it takes.

    `region`: the country of phone numbers written without one.
    """
    config = settings.config(identifier.id_type)
    if config is None:
        known = ", ".join(one.id_type for one in settings.identifier_configs)
        raise Invalid(f"id_type is unknown in this store. Known: {known}.")
    value = required_text(identifier.value, MAX_IDENTIFIER, name)
    if config.normalization == "none":
        return Identifier(config.id_type, value)
    if not value.isascii():  # NFKC, and no joiners: what is pasted from elsewhere differs in ways nobody sees
        value = required_text(_JOINER.sub("", unicodedata.normalize("NFKC", value)), MAX_IDENTIFIER, name)
    match config.normalization:
        case "phone":
            value = _phone(value, region, name)
        case "email":
            value = _email(value, name)
        case _ if config.id_type in RESERVED:
            value = required_text(_CHANNEL.sub("", value), MAX_IDENTIFIER, name)
    return Identifier(config.id_type, value)


def candidate_types(value: str, settings: IdentitySettings) -> tuple[str, ...]:
    """The types of the store that a bare value can have, likeliest first; never none.

    A number may be known from a call or from WhatsApp alone; what is neither number nor address may be of any type
    that takes texts as they are.
    """
    likely = _likely_types(clean(value))
    plain = [one.id_type for one in settings.identifier_configs if one.normalization in ("trim", "none")]
    types = [*likely, *plain] if likely == ("chat",) else likely
    known = tuple(dict.fromkeys(one for one in types if settings.config(one)))
    return known or tuple(one.id_type for one in settings.identifier_configs)


def _likely_types(value: str) -> tuple[str, ...]:
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
    e164 = _e164(number)
    if _e164(phonenumbers.parse(e164, region)) != e164:
        raise _not_a_phone(name)  # a zero too many: read again, it would be another number
    if number.extension:
        raise Invalid(f"{name} has an extension, which several people share: leave it out, or use an email or chat id.")
    return e164


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _not_a_phone(name: str) -> Invalid:
    return Invalid(f"{name} is not a phone number: write it with its country code, like +13175556789.")


def _email(value: str, name: str) -> str:
    named = _NAMED_EMAIL.fullmatch(value)
    address, _, _ = _CHANNEL.sub("", named[1] if named else value).partition("?")  # mailto:ann@example.com?subject=…
    email = unicodedata.normalize("NFKC", "".join(address.split()).lower())  # lower() can take a letter apart
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise Invalid(f"{name} is not an email address: write it like ann@example.com.")
    return email
