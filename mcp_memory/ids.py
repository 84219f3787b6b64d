"""TypeIDs: a prefix and a UUIDv7 in lower-case Crockford base32, as in `mem_profile_01kammq7gwf5sb8d9r2hkjx3e4`.

Ids sort by the millisecond they were made in; within one millisecond their order is arbitrary.
"""

import re
from collections.abc import Callable
from datetime import datetime

from mcp_memory.errors import Invalid

STORE, PROFILE, IMPORT = "mem_store", "mem_profile", "mem_import"
OBSERVATION, SUMMARY, COMMUNICATION = "mem_observation", "mem_summary", "conv_communication"
CONFIGURATION, CONVERSATION, PARTICIPANT = "conv_configuration", "conv_conversation", "conv_participant"
DATA_MAPPING, OPERATION, CALLBACK = "mem_datamapping", "mem_operation", "conv_callback"
EXTRACTION, TRAIT_PROPOSAL = "mem_extraction", "mem_proposal"

MakeId = Callable[[str], str]
"""prefix -> a new id."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # two letters at once: recall writes many ids
_SHIFTS = range(120, -1, -10)
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")  # 26 letters hold 130 bits: the first is 0-7


def new_id(prefix: str, at: datetime, entropy: bytes) -> str:
    """`entropy` is 10 random bytes, 74 bits of which are used (RFC 9562, version 7)."""
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(entropy, "big")
    number = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 64 & 0xFFF) << 64
    return from_bytes(prefix, (number | 0b10 << 62 | random & (1 << 62) - 1).to_bytes(16, "big"))


def from_bytes(prefix: str, raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return prefix + "_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def to_bytes(text: str) -> bytes:
    """The 16 bytes of an id that `check` has let through."""
    number = 0
    for letter in text[-26:]:
        number = number << 5 | _VALUES[letter]
    return number.to_bytes(16, "big")


def spelled_otherwise(text: str) -> bool:
    """Whether it has the form that the Memory API takes, but letters that stand for no number."""
    return not _SUFFIX.fullmatch(text[-26:])


def check(text: str, prefix: str, field: str) -> str:
    """The id, or `Invalid` naming the field and the form it takes."""
    if text.startswith(prefix + "_") and _SUFFIX.fullmatch(text, len(prefix) + 1):
        return text
    raise Invalid(
        f"{field} is not a {prefix} id: it looks like {prefix}_ followed by 26 letters and digits. "
        "Copy it from an earlier result."
    )


def prefix_range(prefix: str, start: str) -> tuple[str, str] | None:
    """The least and the greatest id that start so; None where none can."""
    stem = f"{prefix}_"
    if stem.startswith(start):
        return f"{stem}{'0' * 26}", f"{stem}7{'z' * 25}"
    suffix = start.removeprefix(stem)
    low, high = suffix.ljust(26, "0"), suffix.ljust(26, "z")
    if start == suffix or not (_SUFFIX.fullmatch(low) and _SUFFIX.fullmatch(high)):
        return None
    return stem + low, stem + high
