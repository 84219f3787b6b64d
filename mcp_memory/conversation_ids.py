"""Pure: ids of conversations, as agents' hosts have them and as the Memory API wants them.

The API knows `conv_conversation_` and 26 letters, which is a UUID. Ids in another form are mapped to one and back: a
UUID keeps its bits; a short text stands in the free bits of a version 8 (RFC 9562: of our own making); of anything
else a hash does, which can be told again but not read.
"""

import hashlib
import re
from uuid import UUID

from mcp_memory import ids

PREFIX = "conv_conversation"
PATTERN = r"^conv_conversation_[0-7][0-9a-z]{25}$"
_API = re.compile(PATTERN)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LONGEST = 14  # bytes of a text that has room beside its length
HASHED = 15  # what stands for a length where there is a hash
_OURS = 8
_OURS_BITS = 8 << 76 | 0b10 << 62


def to_api(id: str) -> str:
    """The same for the same id, always. What the API knows already stays as it is."""
    if _API.fullmatch(id):
        return id
    if _UUID.fullmatch(id) and UUID(id).version not in (None, _OURS):
        return ids.from_bytes(PREFIX, UUID(id).bytes)
    text = id.encode()
    if 1 <= len(text) <= LONGEST:
        return _pack(len(text), int.from_bytes(text, "big"))
    return _pack(HASHED, int.from_bytes(hashlib.sha256(text).digest()[:LONGEST], "big"))


def from_api(id: str) -> str | None:
    """What `to_api` was given; the id itself where the API made it; None where only a hash of it is left."""
    if not _API.fullmatch(id) or ids.spelled_otherwise(id):
        return id
    found = UUID(bytes=ids.to_bytes(id))
    if found.version == _OURS:
        length, number = _unpack(found.int)
        if length == HASHED:
            return None
        try:
            text = number.to_bytes(LONGEST, "big")[LONGEST - length :].decode()
        except UnicodeDecodeError:
            return id
        return text if text and to_api(text) == id else id
    return str(found) if found.version in (1, 2, 3, 4, 5, 6) else id


def _pack(length: int, number: int) -> str:
    """116 bits around those that say which version it is: 4 of length, 112 of text."""
    bits = length << 112 | number
    packed = bits >> 74 << 80 | (bits >> 62 & 0xFFF) << 64 | bits & (1 << 62) - 1
    return ids.from_bytes(PREFIX, (packed | _OURS_BITS).to_bytes(16, "big"))


def _unpack(packed: int) -> tuple[int, int]:
    bits = packed >> 80 << 74 | (packed >> 64 & 0xFFF) << 62 | packed & (1 << 62) - 1
    return bits >> 112, bits & (1 << 112) - 1
