"""Who asks: an API key as Bearer or Basic, or a token of an issuer that is believed. The same for MCP and the API.

It is asked anew for each request, and for those that stay open again and again. Whatever does not hold is refused with
the same words: unknown, wrong, expired, revoked, of a tenant that is suspended or gone.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcp_memory import rights
from mcp_memory.errors import Limited, Unauthorized
from mcp_memory.http.auth.tokens import WRONG
from mcp_memory.model import Caller
from mcp_memory.tenancy import keys
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.issuers import Claims
from mcp_memory.tenancy.keys import JWT
from mcp_memory.tenancy.tenants import Limits, Tenant

MAX_HEADER = 16_384  # characters
MISSING = "Send a credential: `Authorization: Bearer TOKEN`, or an API key as HTTP Basic."


@dataclass(frozen=True, kw_only=True)
class Asker:
    """`session`: what an MCP session is bound to; another credential, or the same with another reach, is not let in."""

    caller: Caller
    limits: Limits
    session: str
    limited: Limited | None = None
    """Why what is asked is not done, where it is to be told behind the door."""
    base_url: str = ""
    """How they reached us, without a slash at the end."""


class Authenticator(Protocol):
    async def asker(self, authorization: str | None) -> Asker:
        """Raises Unauthorized, or Unavailable where nobody can say."""
        ...


class Tokens(Protocol):
    async def verify(self, token: str) -> Claims: ...


class Credentials:
    def __init__(self, directory: Directory, tokens: Callable[[], Tokens], seen: Callable[[Tenant], None]) -> None:
        """`tokens`: those of the issuers that are configured now. `seen`: is told of each tenant that was let in."""
        self._directory, self._tokens, self._seen = directory, tokens, seen

    async def asker(self, authorization: str | None) -> Asker:
        scheme, _, sent = (authorization or "").partition(" ")
        sent = sent.strip()
        match scheme.lower():
            case _ if len(authorization or "") > MAX_HEADER:
                raise Unauthorized(WRONG)
            case "bearer" if sent:
                return await self._bearer(sent)
            case "basic" if sent:
                return await self._key(*_basic(sent))
        raise Unauthorized(MISSING, sent=authorization is not None)

    async def _bearer(self, sent: str) -> Asker:
        """A key's id holds no dot, and does not begin as the header of a JWT does."""
        if not sent.startswith(JWT):
            key_id, _, secret = sent.partition(".")
            return await self._key(key_id, secret)
        claims = await self._tokens().verify(sent)
        tenant = await self._directory.tenant(claims.tenant)
        if tenant is None or claims.store not in (None, *tenant.stores):
            raise Unauthorized(WRONG)
        actor = "\n".join((claims.issuer, claims.client_id, claims.subject))  # none of them holds a line end
        return self._let_in(tenant, claims.store, frozenset(claims.scopes), actor)

    async def _key(self, key_id: str, secret: str) -> Asker:
        found = await self._directory.key(key_id)
        key = keys.NOBODYS if found is None else found[0]
        if not keys.holds(key, secret, self._directory.now()) or found is None:
            raise Unauthorized(WRONG)
        return self._let_in(found[1], key.store, frozenset(key.scopes), key.key_id)

    def _let_in(self, tenant: Tenant, store: str | None, scopes: frozenset[str], actor: str) -> Asker:
        if tenant.suspended:
            raise Unauthorized(WRONG)
        self._seen(tenant)
        reach = (store,) if store is not None else self._directory.hosting.reach(tenant)
        caller = Caller(
            tenant=tenant.name,
            store=store or tenant.stores[0],
            stores=reach,
            rights=rights.granted(scopes),
            quota=tenant.limits.quota,
            actor=actor,
        )
        return Asker(caller=caller, limits=tenant.limits, session="\n".join((tenant.name, actor, *(reach or ()))))


class Unasked:
    """As long as there is no tenant, nobody is asked for anything: whoever asks is the one who launched the process.
    From the first one on it is as with `Credentials`, in sessions that are open too, and stays so when the last one
    goes."""

    def __init__(self, directory: Directory, credentials: Credentials) -> None:
        self._directory, self._credentials = directory, credentials
        self._asking = False

    async def asker(self, authorization: str | None) -> Asker:
        own = self._directory.hosting.sole
        if self._asking or own is None or not await self._directory.is_empty():
            self._asking = True
            return await self._credentials.asker(authorization)
        limits = self._directory.hosting.limits
        return Asker(caller=Caller(tenant=own, quota=limits.quota), limits=limits, session=own)


def _basic(sent: str) -> tuple[str, str]:
    try:
        key_id, colon, secret = base64.b64decode(sent, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Unauthorized(WRONG)
    return key_id, secret
