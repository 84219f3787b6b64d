"""Pure: how a receiver knows who calls it and that nobody changed what was sent: as Twilio signs its own webhooks, so
that the validators of its libraries verify ours."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import quote

SIGNATURE = "X-Twilio-Signature"
BODY_HASH = "bodySHA256"


def with_query(url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What is in its query already stays as it is, in its place."""
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)
    return f"{url}{'&' if '?' in url else '?'}{added}"


def with_body_hash(url: str, body: bytes) -> str:
    """What is signed is the URL, and the body by this."""
    return with_query(url, [(BODY_HASH, hashlib.sha256(body).hexdigest())])


def signature(secret: str, url: str) -> str:
    """`url`: all of it, as it is asked."""
    return base64.b64encode(hmac.new(secret.encode(), url.encode(), hashlib.sha1).digest()).decode()
