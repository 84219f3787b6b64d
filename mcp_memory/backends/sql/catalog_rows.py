"""The rows of the catalog, in the words of the domain: which stores there are, whose, and what was asked of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.orchestrator_rows import ConfigurationRows
from mcp_memory.model import Scope, Store
from mcp_memory.operations import Operation, Reply
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Tenant


@dataclass(frozen=True, kw_only=True)
class Request:
    """One with an idempotency key; `reply` is None while it is under way."""

    digest: bytes
    begun_at: datetime
    reply: Reply | None = None


STIR = timedelta(minutes=10)  # how often it is told, at most, that a store is stirred, while it goes on
SLACK = STIR + timedelta(minutes=5)  # by then what was begun after it was told is written


@dataclass(frozen=True, kw_only=True)
class DueNote:
    """What is known of a store without opening it. `stirred_at`: told before something was written, and again while
    that goes on. `looked_at`: then `due_at` was due next, None: nothing was."""

    stirred_at: datetime | None
    looked_at: datetime | None
    due_at: datetime | None

    def stirred_by(self, looked_at: datetime) -> bool:
        """Whether whoever looked then may not have seen all."""
        return self.stirred_at is not None and self.stirred_at + SLACK > looked_at

    @property
    def is_stale(self) -> bool:
        """Something may be due before `due_at`."""
        return self.looked_at is None or self.stirred_by(self.looked_at)


class TenantRows(Protocol):
    def find_tenant(self, name: str) -> Tenant | None: ...

    def list_tenants(self) -> list[Tenant]:
        """By name."""
        ...

    def has_tenants(self) -> bool: ...

    def put_tenant(self, tenant: Tenant) -> None:
        """As it is now; when it was created stays."""
        ...

    def remove_tenant(self, name: str) -> None:
        """With its keys."""
        ...

    def find_key(self, key_id: str) -> tuple[Key, Tenant] | None: ...

    def list_keys(self, tenant: str | None) -> list[Key]:
        """By tenant, the oldest first."""
        ...

    def put_key(self, key: Key) -> None:
        """As it is now: its secret, and whether it is revoked. What else it is stays; what was revoked, too."""
        ...


class UsageRows(Protocol):
    def add_usage(self, tenant: str, day: date, unit: str, amount: int) -> None: ...

    def count_generated(self, scope: Scope, characters: int) -> int:
        """So many in all: how many of them are new."""
        ...

    def add_used_profiles(self, tenant: str, day: date, profiles: Iterable[bytes]) -> int:
        """Digests. How many of them are new that day."""
        ...

    def forget_used_profiles(self, before: date, limit: int) -> None:
        """At most so many, of days before that one."""
        ...

    def list_usage(self, since: date, until: date, tenant: str | None) -> list[tuple[date, str, str, int]]:
        """Day, tenant, unit and amount, in this order; both days included."""
        ...


class SecretRows(Protocol):
    def find_callback_secret(self, tenant: str) -> str | None: ...

    def put_callback_secret(self, tenant: str, secret: str, at: datetime) -> None:
        """In place of the one before."""
        ...


class Catalog(TenantRows, UsageRows, SecretRows, ConfigurationRows, Protocol):
    """Which stores there are, who may reach them, what tenants used, and what clients may ask about later: one
    transaction over the
    catalog."""

    def find_store(self, tenant: str, display_name: str) -> Store | None: ...

    def get_store(self, scope: Scope) -> Store | None: ...

    def insert_store(self, tenant: str, store: Store) -> None:
        """Nobody has the name: in a write, to look is to know."""
        ...

    def put_store(self, scope: Scope, store: Store) -> None:
        """As it is now: its name, description, version and policy."""
        ...

    def count_stores(self, tenant: str) -> int: ...

    def list_stores(
        self, tenant: str, after: Place | None, limit: int, newest_first: bool
    ) -> list[tuple[Place, str]]: ...

    # When somebody has to look after a store

    def stir(self, scope: Scope, at: datetime) -> None:
        """Something is about to be written in it that makes something due."""
        ...

    def note_due(self, scope: Scope, looked_at: datetime, due_at: datetime | None) -> None:
        """What was due next, when it was looked for. None: nothing."""
        ...

    def due_note(self, scope: Scope) -> DueNote | None: ...

    def due_notes(self, tenant: str) -> list[tuple[str, DueNote]]:
        """Of its stores, by id."""
        ...

    def insert_operation(self, tenant: str, new: Operation, forget: datetime) -> None:
        """Those completed before `forget` are gone."""
        ...

    def find_operation(self, tenant: str, operation_id: str) -> Operation | None: ...

    def find_request(self, tenant: str, key: str) -> Request | None: ...

    def put_request(self, tenant: str, key: str, request: Request, forget: datetime) -> None:
        """Those begun before `forget` are gone."""
        ...

    def remove_request(self, tenant: str, key: str) -> None: ...

    def forget_tenant(self, tenant: str) -> None:
        """All that it may ask about later, and its secret."""
        ...
