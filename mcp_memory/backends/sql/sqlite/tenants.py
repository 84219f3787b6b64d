"""Rows of tenants and keys, in the catalog."""

import json
from datetime import datetime
from typing import Any

import apsw

from mcp_memory.backends.sql.sqlite.keys import from_micros, to_micros
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Limits, Tenant

_TENANT = "tenant.name, backend, stores, limits, shared, suspended, tenant.created_at"
_KEY = (
    "key_id, tenant, label, store, scopes, digest, previous_digest, previous_until, key.created_at, expires_at, "
    "revoked_at"
)


class SqliteTenants:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find_tenant(self, name: str) -> Tenant | None:
        rows = self._rows(f"select {_TENANT} from tenant where name = ?", name)
        return _tenant(*rows[0]) if rows else None

    def list_tenants(self) -> list[Tenant]:
        return [_tenant(*row) for row in self._rows(f"select {_TENANT} from tenant order by name")]

    def has_tenants(self) -> bool:
        return bool(self._rows("select 1 from tenant limit 1"))

    def put_tenant(self, tenant: Tenant) -> None:
        limits = {name: value for name, value in vars(tenant.limits).items() if value is not None}
        self._rows(
            "insert into tenant (name, backend, stores, limits, shared, suspended, created_at) "
            "values (?, ?, ?, ?, ?, ?, ?) on conflict (name) do update set backend = excluded.backend, "
            "stores = excluded.stores, limits = excluded.limits, shared = excluded.shared, "
            "suspended = excluded.suspended",
            *(tenant.name, tenant.backend, json.dumps(tenant.stores), json.dumps(limits)),
            *(int(tenant.shared), int(tenant.suspended), _micros(tenant.created_at) or 0),
        )

    def remove_tenant(self, name: str) -> None:
        self._rows("delete from tenant where name = ?", name)

    def find_key(self, key_id: str) -> tuple[Key, Tenant] | None:
        rows = self._rows(
            f"select {_KEY}, {_TENANT} from key join tenant on tenant.name = key.tenant where key_id = ?", key_id
        )
        return (_key(*rows[0][:11]), _tenant(*rows[0][11:])) if rows else None

    def list_keys(self, tenant: str | None) -> list[Key]:
        rows = self._rows(
            f"select {_KEY} from key where tenant = ?1 or ?1 is null order by tenant, created_at, key_id", tenant
        )
        return [_key(*row) for row in rows]

    def put_key(self, key: Key) -> None:
        self._rows(
            "insert into key (key_id, tenant, label, store, scopes, digest, previous_digest, previous_until, "
            "created_at, expires_at, revoked_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict (key_id) do update set digest = excluded.digest, previous_digest = excluded.previous_digest, "
            "previous_until = excluded.previous_until, revoked_at = coalesce(revoked_at, excluded.revoked_at)",
            *(key.key_id, key.tenant, key.label, key.store, " ".join(key.scopes), key.digest, key.previous_digest),
            *(_micros(one) for one in (key.previous_until, key.created_at, key.expires_at, key.revoked_at)),
        )

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()


def _tenant(name: str, backend: str, stores: str, limits: str, shared: int, suspended: int, created_at: int) -> Tenant:
    return Tenant(
        name=name,
        backend=backend,
        stores=tuple(json.loads(stores)),
        limits=Limits(**json.loads(limits)),
        shared=bool(shared),
        suspended=bool(suspended),
        created_at=from_micros(created_at),
    )


def _key(
    key_id: str,
    tenant: str,
    label: str,
    store: str | None,
    scopes: str,
    digest: bytes,
    previous_digest: bytes | None,
    *times: int | None,
) -> Key:
    previous_until, created_at, expires_at, revoked_at = (None if at is None else from_micros(at) for at in times)
    return Key(
        key_id=key_id,
        tenant=tenant,
        label=label,
        store=store,
        scopes=tuple(scopes.split()),
        digest=digest,
        previous_digest=previous_digest,
        previous_until=previous_until,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)
