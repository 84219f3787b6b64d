"""Tokens of OpenID issuers: JWTs (RFC 7519) whose signature, times, audience and claims are checked.

The law of this file: all that fails fails alike, and no message or log holds any of a token. What a token says of
itself never chooses how it is checked: the issuer's configuration does.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import jwt

from mcp_memory.errors import Invalid, Unauthorized
from mcp_memory.http.auth.key_set import PublicKey
from mcp_memory.tenancy.issuers import ALGORITHMS, Claims, Issuer
from mcp_memory.tenancy.tenants import checked_name

log = logging.getLogger(__name__)

KeyOf = Callable[[Issuer, str, str | None], Awaitable[PublicKey | None]]
"""The key for an issuer, an algorithm and a kid; None where there is none. Raises Unavailable."""

WRONG: Final = "The credential does not hold: it is unknown, wrong, expired or revoked."
MAX_TOKEN: Final = 8192  # characters
MAX_TEXT: Final = 255  # characters of a claim that names somebody; OpenID Connect Core 1.0, section 2, for `sub`
LEEWAY: Final = 30.0  # seconds that clocks may differ
TYPES: Final = ("jwt", "at+jwt")
SCOPE, SCP = "scope", "scp"  # some issuers abbreviate it
_SIGNATURES: Final = jwt.PyJWS(ALGORITHMS, {"verify_signature": True, "enforce_minimum_key_length": True})
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # no padding: a token has one spelling


class Tokens:
    def __init__(self, issuers: Sequence[Issuer], key_of: KeyOf, *, now: Callable[[], datetime]) -> None:
        self._issuers = {one.url: one for one in issuers}
        if len(self._issuers) < len(issuers):
            raise Invalid("issuers has the url of one twice.")
        self._key_of, self._now = key_of, now

    async def verify(self, token: str) -> Claims:
        """Raises Unauthorized, or Unavailable where nobody can say.

        What it says is read before its signature is checked, so that a token which could not hold makes nobody fetch
        keys; it is believed only after.
        """
        header, payload = _read(token)
        url = payload.get("iss")
        issuer = self._issuers.get(url) if isinstance(url, str) else None
        if issuer is None:
            _refuse("it is of an issuer that is not configured")
        algorithm, kid = _signed_with(header, issuer)
        claims = _claims(issuer, payload, self._now().timestamp())
        key = await self._key_of(issuer, algorithm, kid)
        if key is None:
            _refuse("its issuer has no such key")
        try:
            _SIGNATURES.decode(token, key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError, TypeError):
            _refuse("its signature is wrong")
        return claims


def _refuse(why: str) -> NoReturn:
    log.info("A token was refused: %s.", why)
    raise Unauthorized(WRONG) from None


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload. Nothing is known to be true."""
    if len(token) > MAX_TOKEN or not _COMPACT.fullmatch(token):
        _refuse(f"it is no signed JWT of at most {MAX_TOKEN} characters")
    try:
        found = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError):
        _refuse("it is no JWT")
    return found["header"], found["payload"]


def _signed_with(header: Mapping[str, Any], issuer: Issuer) -> tuple[str, str | None]:
    """Algorithm and kid. Keys that a header brings, or says where to find, are nobody's: `jwk`, `jku`, `x5c`, `x5u`."""
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        _refuse("its typ is another one's")
    if "crit" in header or "b64" in header:
        _refuse("it asks for an extension")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        _refuse("its issuer may not sign with that algorithm")
    return algorithm, kid


def _claims(issuer: Issuer, payload: Mapping[str, Any], now: float) -> Claims:
    expires = _time(payload, "exp")
    if expires is None or expires.timestamp() <= now - LEEWAY:
        _refuse("it is expired, or never expires")
    for name in ("nbf", "iat"):
        begins = _time(payload, name)
        if begins is not None and begins.timestamp() > now + LEEWAY:
            _refuse(f"its {name} is in the future")
    if not set(_texts(payload, "aud")) & set(issuer.audiences):
        _refuse("it is for another audience")
    subject = _text(payload, "sub")
    client = next((name for name in ("client_id", "azp") if name in payload), "sub")
    return Claims(
        issuer=issuer.url,
        subject=subject,
        client_id=_text(payload, client),
        tenant=_tenant(issuer, payload),
        store=None if issuer.store_claim is None else _text(payload, issuer.store_claim),
        scopes=_scopes(issuer, payload),
        expires_at=expires,
    )


def _tenant(issuer: Issuer, payload: Mapping[str, Any]) -> str:
    if issuer.tenant_claim is None:
        assert issuer.tenant is not None, "an issuer has one of both"
        return issuer.tenant
    try:
        return checked_name(payload.get(issuer.tenant_claim))
    except Invalid:
        _refuse(f"its {issuer.tenant_claim} names no tenant")


def _scopes(issuer: Issuer, payload: Mapping[str, Any]) -> frozenset[str]:
    name = SCP if issuer.scope_claim == SCOPE and SCOPE not in payload else issuer.scope_claim
    found = payload.get(name, "")
    return frozenset(found.split() if isinstance(found, str) else _texts(payload, name))


def _text(payload: Mapping[str, Any], name: str) -> str:
    found = payload.get(name)
    if not isinstance(found, str) or not 1 <= len(found) <= MAX_TEXT or not found.isprintable():
        _refuse(f"it has no {name} that is a text of 1 to {MAX_TEXT} printable characters")
    return found


def _texts(payload: Mapping[str, Any], name: str) -> list[str]:
    """One, or a list of them."""
    found = payload.get(name)
    listed: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(one, str) for one in listed):
        _refuse(f"its {name} is neither a text nor a list of them")
    return listed


def _time(payload: Mapping[str, Any], name: str) -> datetime | None:
    if name not in payload:
        return None
    found = payload[name]
    try:
        if isinstance(found, int | float) and not isinstance(found, bool):
            return datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError):  # JSON's numbers have no end, and Python's JSON has NaN
        pass
    _refuse(f"its {name} is no time")
