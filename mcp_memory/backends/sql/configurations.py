"""Configurations of conversations, inside a transaction over the catalog."""

from dataclasses import replace
from datetime import datetime

from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.errors import Full, NotFound
from mcp_memory.ids import CONFIGURATION, MakeId
from mcp_memory.orchestrator import MAX_CONFIGURATIONS, Configuration, ConversationSettings, rules


def get(catalog: Catalog, tenant: str, configuration_id: str) -> Configuration:
    found = catalog.find_configuration(tenant, configuration_id)
    if found is None:
        raise NotFound("There is no such configuration.")
    return found


def create(
    catalog: Catalog, tenant: str, new: ConversationSettings, *, now: datetime, make_id: MakeId
) -> Configuration:
    if len(catalog.list_configurations(tenant)) >= MAX_CONFIGURATIONS:
        raise Full(f"There are {MAX_CONFIGURATIONS} configurations, which is the limit: delete one first.")
    made = Configuration(
        configuration_id=make_id(CONFIGURATION), settings=new, version=1, created_at=now, updated_at=now
    )
    catalog.put_configuration(tenant, made)
    return made


def put(
    catalog: Catalog, tenant: str, configuration_id: str, settings: ConversationSettings, now: datetime
) -> Configuration:
    before = get(catalog, tenant, configuration_id)
    if settings == before.settings:
        return before
    rules.check_grouping(before.settings, settings)
    after = replace(before, settings=settings, version=before.version + 1, updated_at=now)
    catalog.put_configuration(tenant, after)
    return after


def remove(catalog: Catalog, tenant: str, configuration_id: str) -> None:
    get(catalog, tenant, configuration_id)
    catalog.remove_configuration(tenant, configuration_id)
