"""The composition root: the one file that knows every concrete class but the embedders, which doctor tries as well."""

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio

from mcp_memory import ids, scoping
from mcp_memory.backend import Backend
from mcp_memory.backends.placement import Placement
from mcp_memory.backends.routing import routing
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.delivery import Calling
from mcp_memory.backends.sql.learning import Extractor, Generated, Learned, by_rules, untold
from mcp_memory.backends.sql.orchestrating import Resource
from mcp_memory.backends.sql.reconciling import Proposer
from mcp_memory.backends.sql.sqlite.database import CATALOG, SqliteDatabase
from mcp_memory.backends.sql.tenants import SqlTenants
from mcp_memory.callbacks.addresses import reach
from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Error
from mcp_memory.listing import PageQuery
from mcp_memory.metering import Meter
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.memory import MeteredMemory
from mcp_memory.metering.usage import UsageBook
from mcp_memory.model import Caller
from mcp_memory.settings import Settings, located, service_url, toolset_names
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.hosting import Contradiction
from mcp_memory.tenancy.tenants import Tenant

logger = logging.getLogger(__name__)

LOOK_SECONDS = 3600.0


def now() -> datetime:
    return datetime.now(UTC)


def make_id(prefix: str) -> str:
    return ids.new_id(prefix, now(), os.urandom(10))


def make_request_id() -> str:
    return os.urandom(16).hex()


def build_memory(settings: Settings, *, background: bool = False, learned: Learned = untold) -> MeteredMemory:
    """Of one tenant. Touches neither disk nor model before the first call. `background`: it is for a server, which has
    the time to put its stores in order meanwhile. `learned`: is told of what was learned so."""
    database = SqliteDatabase(settings.data_dir)
    close = database.close if settings.backend == "twilio" else lambda: None
    counter = UsageCounter(SqlUsage(database), now, close=close)
    backend = _backend(
        settings, database, background=background, learned=learned, generated=_billed(database), alone=True
    )
    return MeteredMemory(backend, now, counter, scoping.ALONE)


def _backend(
    settings: Settings,
    database: SqliteDatabase,
    *,
    background: bool,
    learned: Learned,
    generated: Generated,
    alone: bool = False,
) -> Backend:
    if settings.backend == "twilio":
        return _service(settings)
    return SqlBackend(
        database,
        chosen(settings),
        now=now,
        make_id=make_id,
        region=settings.region,
        late_interaction=settings.late_interaction == "on" and settings.embedder == "bundled",  # others give no tokens
        background=background,
        alone=alone,
        extractor=_extractor(settings),
        proposer=_proposer(settings),
        calling=Calling(reach=reach(settings.callback_hosts or ()), resource_of=_resource),
        learned=learned,
        generated=generated,
    )


def _resource(tenant: str, what: Resource) -> Mapping[str, Any]:
    from mcp_memory.wire.orchestrator import resource  # only who has callbacks waits for it

    return resource(tenant, what)


def _billed(catalog: SqliteDatabase) -> Generated:
    usage = SqlUsage(catalog)
    return lambda scope, characters: usage.generated(scope, characters, now().date())


def _extractor(settings: Settings) -> Extractor:
    if settings.extraction == "rules":
        return by_rules
    from mcp_memory.extractors.choice import chosen_extractor  # only who uses it waits for it

    return chosen_extractor(settings)


def _proposer(settings: Settings) -> Proposer | None:
    if settings.reconciliation == "rules":
        return None
    from mcp_memory.extractors.choice import chosen_reconciler  # as above

    return chosen_reconciler(settings)


@contextmanager
def open_usage(settings: Settings) -> Iterator[UsageBook]:
    """What was counted, by whatever process. Blocks."""
    database = SqliteDatabase(settings.data_dir)
    try:
        yield SqlUsage(database)
    finally:
        database.close()


def _service(settings: Settings) -> Backend:
    from mcp_memory.backends.twilio.backend import TwilioBackend  # only who uses it waits for it

    return TwilioBackend(
        service_url(settings),
        settings.twilio_key_id or "",
        settings.twilio_key_secret or "",
        tenant=settings.tenant,
        store=settings.twilio_store or "",
        create_store=settings.twilio_create_store == "on",
        region=settings.region,
        timeout=settings.twilio_timeout,
        now=now,
    )


def has_catalog(settings: Settings) -> bool:
    """Whether anything was ever kept here."""
    try:
        return (settings.data_dir / CATALOG).exists()
    except OSError:  # a name that no file can have
        return False


@dataclass(frozen=True, kw_only=True)
class Host:
    """The memory of many tenants, and who they are."""

    memory: MeteredMemory
    directory: Directory
    placement: Placement

    async def configure(self, settings: Settings) -> None:
        """What these say of tenants, keys, issuers and backends holds from now on."""
        try:
            await self.directory.check(settings.hosting)
        except Contradiction as exc:
            raise await anyio.to_thread.run_sync(located, settings, exc) from exc
        self.directory.hosting = settings.hosting
        await self.placement.configure(settings)

    async def look_after_stores(self) -> None:
        """Those in which something is to be learned, though nobody asks about them. Again now and then: who looked
        after some may have ended. Until it is cancelled."""
        while True:
            with _next_time():
                for tenant in await self._kept_here():
                    with _next_time():
                        await self.memory.look_after_stores(Caller(tenant=tenant.name, quota=tenant.limits.quota))
            await anyio.sleep(LOOK_SECONDS)

    async def _kept_here(self) -> list[Tenant]:
        """Who is served, and whose memory is not a managed service's."""
        hosting, everyone = self.directory.hosting, await self.directory.tenants()
        if not everyone and hosting.sole is not None:
            everyone = [Tenant(name=hosting.sole)]
        return [one for one in everyone if not one.suspended and one.backend not in hosting.accounts]

    async def check(self) -> None:
        """Raises an Error where the memory can't be read. Makes nothing, not even a store."""
        sole = self.directory.hosting.sole
        if await self.directory.is_empty() and sole is not None:
            caller = Caller(tenant=sole)
            for store_id in (await self.memory.list_stores(caller, PageQuery(limit=1))).items:
                await self.memory.list_profiles(replace(caller, store=store_id), PageQuery(limit=1))

    async def close(self) -> None:
        await self.memory.close()


@contextmanager
def _next_time() -> Iterator[None]:
    try:
        yield
    except Error as exc:
        logger.warning("stores that nobody asks about are not looked after for now: %s", exc, exc_info=exc)


def build_host(settings: Settings, *, background: bool = False, learned: Learned = untold) -> Host:
    """As `build_memory`."""
    catalog = SqliteDatabase(settings.data_dir)
    directory = Directory(
        SqlTenants(catalog), settings.hosting, now=now, make_id=make_id, make_secret=lambda: secrets.token_urlsafe(32)
    )

    def make(held: Settings) -> Backend:
        here = held.data_dir == settings.data_dir
        database = catalog if here else SqliteDatabase(held.data_dir)
        return _backend(held, database, background=background, learned=learned, generated=_billed(catalog))

    placement = Placement(settings, directory, make)

    async def close() -> None:
        await placement.close()
        await anyio.to_thread.run_sync(catalog.close)

    memory = MeteredMemory(routing(placement.backend_of, close), now, UsageCounter(SqlUsage(catalog), now))
    return Host(memory=memory, directory=directory, placement=placement)


def prepare_stdio(settings: Settings) -> Callable[[], None]:
    """What serves until stdin ends, or a signal says so."""
    from mcp_memory.changes import Changes  # with the SDK half a second: not for commands
    from mcp_memory.server import build_server
    from mcp_memory.stdio import serve_stdio
    from mcp_memory.tools.toolsets import tools_of

    changes, caller = Changes(), local_caller(settings)
    memory = build_memory(settings, background=True, learned=changes.learned)
    meter = Meter(make_id=make_request_id, usage=memory.usage)
    server = build_server(memory, lambda ctx: caller, tools_of(toolset_names(settings)), changes, meter)
    return partial(serve_stdio, server, memory.close, (memory.usage.run, changes.run))


def local_caller(settings: Settings) -> Caller:
    """Over stdio whoever launched the process is the one who asks."""
    return Caller(tenant=settings.tenant)
