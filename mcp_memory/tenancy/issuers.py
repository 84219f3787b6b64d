"""Issuers of tokens: whose are taken, and what their claims mean. Values and rules; no I/O."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from mcp_memory.errors import Invalid
from mcp_memory.setting_values import LOOPBACK
from mcp_memory.tenancy.tenants import checked_name

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those that may be allowed: signatures by a private key alone. With a shared secret, whoever checks could sign."""

MAX_URL: Final = 500  # characters, as of all that follow
MAX_AUDIENCES: Final = 50
MAX_AUDIENCE: Final = 500
MAX_CLAIM_NAME: Final = 200
OF_THE_TOKEN: Final = ("iss", "aud", "exp", "nbf", "iat", "jti")  # claims that say nothing of who asks
_URL = re.compile(  # one reading for every parser: no user, no fragment, no letters but ASCII's
    r"(?P<scheme>https?)://(?P<host>[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(/[a-zA-Z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[a-zA-Z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Either `tenant`, whose tokens all of them are, or `tenant_claim`, for an issuer that may speak for any tenant."""

    url: str
    """As the tokens have it in `iss`, to the letter: with a slash at the end, or without."""
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    jwks_url: str | None = None
    """None: as the issuer's /.well-known/openid-configuration says."""
    tenant: str | None = None
    tenant_claim: str | None = None
    store_claim: str | None = None
    """The claim that narrows a token to one store; a token without it is refused."""
    scope_claim: str = "scope"


NAMES: Final = tuple(one.name for one in fields(Issuer))


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a token says, once it is known to be true."""

    issuer: str
    subject: str
    client_id: str
    tenant: str
    store: str | None
    scopes: frozenset[str]
    expires_at: datetime


def checked_issuer(table: Mapping[str, object], field: str) -> Issuer:
    """`field`: what the table is called where it was written. Raises Invalid naming what is wrong in it.

    None counts as left out.
    """
    for name in table:
        if name not in NAMES:
            raise Invalid(f"{field}.{name[:50]} is no setting of an issuer. Settings: {', '.join(NAMES)}.")
    given = {name: value for name, value in table.items() if value is not None}
    for name in ("url", "audiences"):
        if name not in given:
            raise Invalid(f"{field}.{name} is missing: an issuer has a url, and audiences that its tokens are for.")
    if ("tenant" in given) == ("tenant_claim" in given):
        raise Invalid(
            f"{field} must have either tenant, if all its tokens are of one, or tenant_claim, the claim that names it."
        )
    checks: Mapping[str, Callable[[object, str], Any]] = {
        "url": checked_url,
        "audiences": _audiences,
        "algorithms": _algorithms,
        "jwks_url": lambda value, name: checked_url(value, name, query=True),
        "tenant": checked_name,
        "tenant_claim": _claim_name,
        "store_claim": _claim_name,
        "scope_claim": _claim_name,
    }
    issuer = Issuer(**{name: check(given[name], f"{field}.{name}") for name, check in checks.items() if name in given})
    claims = [one for one in (issuer.tenant_claim, issuer.store_claim, issuer.scope_claim) if one is not None]
    if len(set(claims)) < len(claims):
        raise Invalid(f"{field} names one claim twice: tenant_claim, store_claim and scope_claim must differ.")
    return issuer


def checked_url(value: object, field: str, *, query: bool = False) -> str:
    """Encrypted, or on this machine: who could change the keys on their way could sign anything."""
    found = _URL.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_URL else None
    if found is None or not 1 <= int(found["port"] or 443) <= 65_535 or (found["query"] is not None and not query):
        but = "no user and no #" if query else "no user, no ? and no #"
        raise Invalid(f"{field} must be a URL of at most {MAX_URL} characters, https://…, with a host, {but}.")
    if found["scheme"] == "http" and not is_loopback(found[0]):
        raise Invalid(f"{field} must begin with https://; only on this machine http:// will do.")
    return found[0]


def is_loopback(url: str) -> bool:
    """Of a URL that is checked."""
    found = _URL.fullmatch(url)
    return found is not None and found["host"].strip("[]").lower() in LOOPBACK


def _audiences(value: object, field: str) -> tuple[str, ...]:
    found = _texts(value)
    if not 1 <= len(found) <= MAX_AUDIENCES or not all(_plain(one, MAX_AUDIENCE) for one in found):
        raise Invalid(
            f"{field} must be a list of 1 to {MAX_AUDIENCES} texts of at most {MAX_AUDIENCE} printable characters, "
            "without blanks: what the issuer's tokens for this server have in aud."
        )
    return tuple(dict.fromkeys(found))


def _algorithms(value: object, field: str) -> tuple[str, ...]:
    found = _texts(value)
    if not found or any(one not in ALGORITHMS for one in found):
        raise Invalid(f"{field} must be a list of one or more of {', '.join(ALGORITHMS)}.")
    return tuple(dict.fromkeys(found))


def _claim_name(value: object, field: str) -> str:
    if not isinstance(value, str) or not _plain(value, MAX_CLAIM_NAME) or value in OF_THE_TOKEN:
        raise Invalid(
            f"{field} must be the name of a claim: 1 to {MAX_CLAIM_NAME} printable characters without blanks, "
            f"and none of {', '.join(OF_THE_TOKEN)}."
        )
    return value


def _texts(value: object) -> tuple[str, ...]:
    """Of a list of nothing but texts; otherwise none."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        return ()
    return tuple(value)


def _plain(text: str, limit: int) -> bool:
    return 1 <= len(text) <= limit and text.isprintable() and " " not in text
