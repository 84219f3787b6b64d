"""Who may call: a key id and a secret, as HTTP Basic has them. An account is a tenant."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from mcp_memory.http.api.problems import UNAUTHORIZED, Refused


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """`secret_digest`: SHA-256; the secret itself is nowhere."""

    key_id: str
    secret_digest: bytes = field(repr=False)
    tenant: str


class Credentials:
    """Without keys, everybody is `tenant`: for loopback, where whoever launched the process is the one who asks."""

    def __init__(self, keys: tuple[ApiKey, ...], tenant: str) -> None:
        self._keys = {one.key_id: one for one in keys}
        self._tenant = tenant

    def tenant(self, authorization: str | None) -> str:
        """Raises Refused, alike for a key that is unknown and a secret that is wrong."""
        if not self._keys:
            return self._tenant
        key_id, secret = _basic(authorization)
        key = self._keys.get(key_id)
        digest = sha256(secret.encode("utf-8", "replace")).digest()
        known = hmac.compare_digest(digest, key.secret_digest if key else bytes(32))
        if key is None or not known:
            raise _unauthorized("The key id or its secret is wrong.")
        return key.tenant


def _basic(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        key_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise _unauthorized("Send an API key: its id as the user and its secret as the password of HTTP Basic.")
    return key_id, secret


def _unauthorized(message: str) -> Refused:
    return Refused(401, UNAUTHORIZED, message, {"WWW-Authenticate": 'Basic realm="memory", charset="UTF-8"'})
