"""Tenants: whose data it is, where it is kept, and how much each may ask and keep. Values alone; no I/O."""

import re
from dataclasses import dataclass, fields
from datetime import datetime

from mcp_memory.errors import Invalid
from mcp_memory.model import DEFAULT_STORE, MAX_STORE_NAME, MAX_STORES, MAX_TENANT, Quota

HERE = "default"  # the backend that the settings describe, where a tenant names none
_NAME = re.compile(rf"[a-z0-9]([a-z0-9._-]{{0,{MAX_TENANT - 2}}}[a-z0-9])?")
_STORE = re.compile(rf"[a-zA-Z0-9-]{{1,{MAX_STORE_NAME}}}")
MAX_LIMIT = 10**15


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one tenant, all its credentials together. None: no limit."""

    requests_per_minute: int | None = None
    concurrent_requests: int | None = None
    sessions: int | None = None
    """Open MCP sessions and streams."""
    stores: int | None = None
    profiles: int | None = None
    observations_per_profile: int | None = None
    storage_bytes: int | None = None

    @property
    def quota(self) -> Quota:
        return Quota(
            stores=self.stores,
            profiles=self.profiles,
            observations_per_profile=self.observations_per_profile,
            storage_bytes=self.storage_bytes,
        )


LIMIT_NAMES = tuple(one.name for one in fields(Limits))
NO_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """`backend`: the name of where its data is. `stores`: the names of its stores; the first is the one that is meant
    where none is named. `shared`: another tenant may have the same store of a managed service, and both say so."""

    name: str
    backend: str = HERE
    stores: tuple[str, ...] = (DEFAULT_STORE,)
    limits: Limits = NO_LIMITS
    shared: bool = False
    suspended: bool = False
    created_at: datetime | None = None


def checked_name(value: object, field: str = "tenant") -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Invalid(
            f"{field} must be a name of 1 to {MAX_TENANT} characters: small letters, digits and . _ - between them."
        )
    return value


def checked_stores(value: object, field: str = "stores") -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(names) <= MAX_STORES or not all(isinstance(one, str) and _STORE.fullmatch(one) for one in names):
        raise Invalid(
            f"{field} must be 1 to {MAX_STORES} names of letters, digits and dashes, of at most {MAX_STORE_NAME} each."
        )
    if len(set(names)) < len(names):
        raise Invalid(f"{field} names a store twice.")
    return names


def checked_limit(name: str, value: object) -> int:
    if name not in LIMIT_NAMES:
        raise Invalid(f"{name[:50]} is no limit. Limits: {', '.join(LIMIT_NAMES)}.")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LIMIT:
        raise Invalid(f"{name} must be a whole number from 1.")
    return value
