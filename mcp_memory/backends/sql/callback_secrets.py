"""What a tenant's callbacks are signed with. It is kept as it is, for who signs needs it: in the catalog, which nobody
but this server's account can read."""

from collections.abc import Callable
from datetime import datetime

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Database


def current(database: Database, tenant: str, now: datetime, make_secret: Callable[[], str]) -> str:
    """Made where there is none yet."""

    def work(catalog: Catalog) -> str:
        return catalog.find_callback_secret(tenant) or _put(catalog, tenant, now, make_secret())

    return database.read_catalog(lambda catalog: catalog.find_callback_secret(tenant)) or database.write_catalog(work)


def rotated(database: Database, tenant: str, now: datetime, make_secret: Callable[[], str]) -> str:
    """Another one, which holds at once: also for what was announced before and is still to be sent."""
    return database.write_catalog(lambda catalog: _put(catalog, tenant, now, make_secret()))


def _put(catalog: Catalog, tenant: str, now: datetime, secret: str) -> str:
    catalog.put_callback_secret(tenant, secret, now)
    return secret
