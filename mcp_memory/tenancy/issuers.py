"""Issuers of tokens: whose are taken, and what their claims mean. Values alone; no I/O."""

from dataclasses import dataclass
from datetime import datetime

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those that may be allowed: signatures by a private key alone. With a shared secret, whoever checks could sign."""


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Either `tenant`, whose tokens all of them are, or `tenant_claim`, for an issuer that may speak for any tenant."""

    url: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    jwks_url: str | None = None
    """None: as the issuer's /.well-known/openid-configuration says."""
    tenant: str | None = None
    tenant_claim: str | None = None
    store_claim: str | None = None
    """The claim that narrows a token to one store; a token without it is refused."""
    scope_claim: str = "scope"


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
