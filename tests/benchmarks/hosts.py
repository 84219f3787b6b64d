"""Hosts to measure on: tenants with a key and a store each. One store is filled; those of the tenants are copies of it.

Beside `clones.py` the one file here that knows a table, that which says whose a store's file is.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import apsw
from mcp.client.stdio import get_default_environment

from mcp_memory import app
from mcp_memory.backends.sql.catalog_rows import Catalog
from mcp_memory.backends.sql.sqlite.catalog import SqliteCatalog
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.ids import STORE
from mcp_memory.model import DEFAULT_STORE, Scope, Store
from mcp_memory.rights import RIGHTS
from mcp_memory.tenancy import keys
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Tenant

from .asks import PHONE, Access
from .memories import Writer
from .stores import Filler

SECRET = "a-secret-of-benchmarks-alone"


@dataclass(frozen=True, kw_only=True)
class Template:
    """A store's file that nobody has open, and who is in it."""

    file: Path
    profile_id: str
    other_id: str


@dataclass(frozen=True, kw_only=True)
class Host:
    folder: Path
    observations: int
    """Of the profile that is recalled, in each store."""
    accesses: Mapping[str, Access]
    """By tenant."""

    def copied(self, folder: Path) -> "Host":
        """So that what one measure writes is not in the way of the next. Nobody may have it open."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)


async def template(folder: Path, model: MiniLM, observations: int) -> Template:
    filler = Filler(folder, model)
    profile_id = await filler.profile(Writer(seed=51).sentences(observations))
    scope = await filler.scope()
    other = await filler.backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)
    await filler.backend.close()
    file = folder / "stores" / f"{scope.store_id}.db"
    return Template(file=file, profile_id=profile_id, other_id=other.profile.profile_id)


async def managed(folder: Path, tenants: Mapping[str, Sequence[str]], of: Template, observations: int) -> Host:
    """By the commands, as whoever runs a host does it. `tenants`: name -> limits, each NAME=NUMBER."""
    for name, limits in tenants.items():
        await command(folder, "tenants", "add", name, *(word for one in limits for word in ("--limit", one)))
    made = {name: await command(folder, "keys", "create", name, "--json") for name in tenants}
    accesses = _with_stores(folder, {name: str(one["token"]) for name, one in made.items()}, of)
    return Host(folder=folder, observations=observations, accesses=accesses)


def many(folder: Path, names: Sequence[str], of: Template, observations: int) -> Host:
    """Thousands in seconds: straight into the catalog, all with one secret."""
    folder.mkdir(parents=True)
    at, digest = app.now(), keys.digest(SECRET)

    def work(catalog: Catalog) -> None:
        for name in names:
            catalog.put_tenant(Tenant(name=name, created_at=at))
            catalog.put_key(Key(key_id=f"key-{name}", tenant=name, digest=digest, scopes=RIGHTS, created_at=at))

    _in_catalog(folder, work)
    accesses = _with_stores(folder, {name: keys.token(f"key-{name}", SECRET) for name in names}, of)
    return Host(folder=folder, observations=observations, accesses=accesses)


def sole(folder: Path, tenant: str, of: Template, observations: int) -> Host:
    """Of one who is asked for nothing."""
    folder.mkdir(parents=True)
    return Host(folder=folder, observations=observations, accesses=_with_stores(folder, {tenant: None}, of))


async def command(folder: Path, *words: str) -> Any:
    """What it answered, as JSON."""
    line = [sys.executable, "-m", "mcp_memory", *words, "--data-dir", str(folder)]
    return json.loads((await anyio.run_process(line, env=get_default_environment())).stdout)


def _with_stores(folder: Path, tokens: Mapping[str, str | None], of: Template) -> Mapping[str, Access]:
    """A copy of the store for each tenant, and how to reach it."""
    at = app.now()
    stores = {
        name: Store(store_id=app.make_id(STORE), display_name=DEFAULT_STORE, created_at=at, undeclared_traits="declare")
        for name in tokens
    }

    def work(catalog: Catalog) -> None:
        assert isinstance(catalog, SqliteCatalog)
        for name, store in stores.items():
            catalog.insert_store(name, store)
            catalog.mark_file_made(Scope(tenant=name, store_id=store.store_id))

    _in_catalog(folder, work)
    (folder / "stores").mkdir(mode=0o700, exist_ok=True)
    for name, store in stores.items():
        _copy(of.file, folder / "stores" / f"{store.store_id}.db", name, store.store_id)
    return {
        name: Access(token=token, store_id=stores[name].store_id, profile_id=of.profile_id, other_id=of.other_id)
        for name, token in tokens.items()
    }


def _in_catalog(folder: Path, work: Callable[[Catalog], None]) -> None:
    database = SqliteDatabase(folder)
    try:
        database.write_catalog(work)
    finally:
        database.close()


def _copy(source: Path, target: Path, tenant: str, store_id: str) -> None:
    """Without a net: nobody else has it open."""
    shutil.copyfile(source, target)
    connection = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("pragma synchronous = off").fetchall()
        connection.execute("update store set tenant = ?, store_id = ?", (tenant, store_id)).fetchall()
    finally:
        connection.close()
