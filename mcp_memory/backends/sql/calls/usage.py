"""Usage, kept in the catalog. Not part of a backend: tenants of a managed service are counted here as well."""

from datetime import date, timedelta
from itertools import groupby

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.database import Database
from mcp_memory.metering.usage import CHARACTERS, UNITS, UTILISED_PROFILES, DayUsage, Tally
from mcp_memory.model import Scope

KEPT = timedelta(days=2)  # in which which profiles were read is known: a process may have a day's last counts in hand
FORGOTTEN = 1_000  # rows at a time: whoever else writes to the catalog waits for it


class SqlUsage:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tally: Tally) -> None:
        self._database.write_catalog(lambda catalog: _add(catalog, tally))

    def generated(self, scope: Scope, characters: int, day: date) -> None:
        """So many in this store, ever: what is new of them counts on that day. Of a store that was put back to an
        earlier state nothing counts until it is where it was."""

        def work(catalog: Catalog) -> None:
            new = catalog.count_generated(scope, characters)
            if new:
                catalog.add_usage(scope.tenant, day, CHARACTERS, new)

        self._database.write_catalog(work)

    def between(self, since: date, until: date, tenant: str | None = None) -> list[DayUsage]:
        rows = self._database.read_catalog(lambda catalog: catalog.list_usage(since, until, tenant))
        return [
            DayUsage(
                tenant=whose, day=day, amounts={**dict.fromkeys(UNITS, 0), **{unit: amount for *_, unit, amount in of}}
            )
            for (day, whose), of in groupby(rows, lambda row: row[:2])
        ]


def _add(catalog: Catalog, tally: Tally) -> None:
    for (tenant, day, unit), amount in tally.amounts.items():
        catalog.add_usage(tenant, day, unit, amount)
    for (tenant, day), profiles in tally.profiles.items():
        new = catalog.add_used_profiles(tenant, day, profiles)
        if new:
            catalog.add_usage(tenant, day, UTILISED_PROFILES, new)
    latest = max([*(day for _, day, _ in tally.amounts), *(day for _, day in tally.profiles)])
    catalog.forget_used_profiles(latest - KEPT, FORGOTTEN)
