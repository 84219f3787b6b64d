"""API keys: an id that may be seen, and a secret that is shown once and kept as a hash. Values and rules; no I/O."""

import hmac
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from mcp_memory.errors import Invalid
from mcp_memory.rights import RIGHTS

PREFIX = "mem_key"
MIN_SECRET = 16  # characters; shorter ones are guessed
MAX_SECRET = 512
MAX_LABEL = 64
MAX_GRACE = timedelta(days=7)
JWT = "eyJ"  # how a JWT begins: an object in JSON, in base64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # no dot: a token ends the id there; no colon: HTTP Basic does


@dataclass(frozen=True, kw_only=True)
class Key:
    """`digest`: SHA-256 of the secret, which has more entropy than could be tried. `store`: the only one it reaches.
    After a rotation, the secret before holds until `previous_until`."""

    key_id: str
    tenant: str
    digest: bytes = field(repr=False)
    label: str = ""
    store: str | None = None
    scopes: tuple[str, ...] = RIGHTS
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    previous_digest: bytes | None = field(default=None, repr=False)
    previous_until: datetime | None = None


NOBODYS = Key(key_id="", tenant="", digest=bytes(32), revoked_at=datetime.min)
"""What an unknown key is compared with, so that it takes as long as a known one."""


def digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()


def token(key_id: str, secret: str) -> str:
    """Both in one, for `Authorization: Bearer`."""
    return f"{key_id}.{secret}"


def holds(key: Key, secret: str, now: datetime) -> bool:
    """Every comparison is made, whatever the others said."""
    given = digest(secret)
    current = hmac.compare_digest(given, key.digest)
    earlier = hmac.compare_digest(given, key.previous_digest or bytes(32))
    graced = earlier and key.previous_until is not None and now < key.previous_until
    alive = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return (current or graced) and alive


def rotated(key: Key, secret: str, now: datetime, grace: timedelta) -> Key:
    """The same key with another secret. Raises Invalid for one that is revoked: it would not hold again."""
    if key.revoked_at is not None:
        raise Invalid(f"{key.key_id} is revoked: create another key.")
    if not timedelta(0) <= grace <= MAX_GRACE:
        raise Invalid(f"grace must be from 0 to {MAX_GRACE.days} days.")
    previous = (key.digest, now + grace) if grace else (None, None)
    return replace(key, digest=digest(secret), previous_digest=previous[0], previous_until=previous[1])


def checked_id(value: object, name: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or value.startswith(JWT):
        raise Invalid(f"{name} must be 1 to 64 letters, digits, - or _, and not begin with {JWT}.")
    return value


def checked_secret(value: object, name: str) -> str:
    """It is not repeated, however wrong it is."""
    text = value.strip() if isinstance(value, str) else ""
    if not (text.isascii() and text.isprintable() and " " not in text and MIN_SECRET <= len(text) <= MAX_SECRET):
        raise Invalid(f"{name} must be {MIN_SECRET} to {MAX_SECRET} printable ASCII characters, without blanks.")
    return text


def checked_label(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_LABEL or not value.isprintable():
        raise Invalid(f"{name} must be at most {MAX_LABEL} printable characters.")
    return value
