"""Where a list goes on: a token that only the same question about the same store takes, for a day."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from mcp_memory.errors import Invalid

KEPT = timedelta(days=1)
_LATEST = 2**62  # seconds; a number may have more digits than a float can hold
_FOREIGN = "pageToken is not one that this list gave: start again without it."


def write(cursor: str, asked: Sequence[object], now: datetime) -> str:
    """`asked`: all that says which list it is."""
    inside = json.dumps([_digest(asked), int(now.timestamp()), cursor])
    return base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")


def read(token: str, asked: Sequence[object], now: datetime) -> str:
    """The cursor. A token holds no right: whoever makes one up sees what they may see anyway."""
    try:
        padded = token + "=" * (-len(token) % 4)
        digest, made, cursor = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        sound = digest == _digest(asked) and type(made) is int and 0 <= made < _LATEST and isinstance(cursor, str)
    except (binascii.Error, ValueError, TypeError, RecursionError) as exc:
        raise Invalid(_FOREIGN) from exc
    if not sound:
        raise Invalid(_FOREIGN)
    if not 0 <= now.timestamp() - made <= KEPT.total_seconds():
        raise Invalid("pageToken has expired: start again without it.")
    return str(cursor)


def _digest(asked: Sequence[object]) -> str:
    return sha256(json.dumps([str(one) for one in asked]).encode()).hexdigest()[:16]
