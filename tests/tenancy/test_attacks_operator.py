"""What a careless operator does while a server runs: it ends nothing, opens nothing, and loses nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import anyio
import anyio.to_thread
import pytest

from mcp_memory.app import make_id, now
from mcp_memory.backend import Backend
from mcp_memory.backends.placement import Placement
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.backends.sql.tenants import SqlTenants
from mcp_memory.commands import Console, tenants
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, Invalid, Unavailable
from mcp_memory.http.auth.authenticator import Credentials
from mcp_memory.model import Caller
from mcp_memory.reloading import Reloading
from mcp_memory.service import Memory
from mcp_memory.settings import Settings
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.keys import Key, digest, holds, rotated
from mcp_memory.tenancy.tenants import Tenant
from tests.doors import Catalog, NoTokens, directory

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def test_a_configuration_that_cannot_be_put_in_force_just_now_is_tried_again(tmp_path: Path) -> None:
    """Else a key that was taken out of it would hold until the next change, or the server would end of it."""
    config, tried = tmp_path / "c.toml", list[Settings]()

    async def apply(settings: Settings) -> None:
        tried.append(settings)
        if len(tried) == 1:
            raise Unavailable("The store is busy: another program is writing to it. Try again.")

    reloading = await anyio.to_thread.run_sync(Reloading, config, Settings, apply)
    await anyio.Path(config).write_text("# changed")
    for _ in range(3):
        await reloading.look()

    assert len(tried) == 2


async def test_a_configuration_that_is_wrong_is_told_of_once(tmp_path: Path) -> None:
    config, tried = tmp_path / "c.toml", list[Settings]()

    async def apply(settings: Settings) -> None:
        tried.append(settings)
        raise Invalid("Tenant acme is in the configuration and in the catalog.")

    reloading = await anyio.to_thread.run_sync(Reloading, config, Settings, apply)
    await anyio.Path(config).write_text("# changed")
    for _ in range(3):
        await reloading.look()

    assert len(tried) == 1


async def test_a_tenant_whose_backend_only_another_configuration_names_is_told_to_come_again() -> None:
    """Two servers on one folder: what the other's commands added ends nothing here, streams that are open neither."""
    catalog = Catalog()
    catalog.tenants["acme"] = Tenant(name="acme", backend="elsewhere")
    catalog.keys["acme"] = Key(key_id="acme", tenant="acme", digest=digest("a-secret-of-tests"))
    known = directory(catalog, Hosting(tenants={"initech": Tenant(name="initech")}))
    placement = Placement(Settings(), known, none)

    with pytest.raises(Unavailable, match="not configured here"):
        await Credentials(known, NoTokens, placement.remember).asker("Bearer acme.a-secret-of-tests")
    with pytest.raises(Unavailable, match="not configured here"):
        await placement.backend_of("acme")


async def test_what_is_kept_on_this_machine_stays_in_its_folder_until_a_restart_and_new_backends_are_where_they_say(
    tmp_path: Path,
) -> None:
    made: list[Path] = []

    def make(held: Settings) -> Backend:
        made.append(held.data_dir)
        return none(held)

    def settings(top: str, eu: str) -> Settings:
        backends = {"eu": {"data_dir": tmp_path / eu}}
        return Settings(data_dir=tmp_path / top, hosting=Hosting(backends=backends))

    placement = Placement(settings("top", "eu"), directory(Catalog(), Hosting()), make)
    placement.remember(Tenant(name="first", backend="eu"))
    await placement.configure(settings("moved", "moved-eu"))
    placement.remember(Tenant(name="second", backend="eu"))
    placement.remember(Tenant(name="third"))

    assert made == [tmp_path / "eu", tmp_path / "moved-eu", tmp_path / "top"]


def none(held: Settings) -> Backend:
    return cast(Backend, None)


class Looking(Catalog):
    """What was there of a tenant whenever somebody asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[Tenant] = []

    async def insert_tenant(self, new: Tenant) -> None:
        self.added.append(new)
        await super().insert_tenant(new)


async def test_a_tenant_is_let_in_only_when_it_is_known_that_no_data_has_its_name(
    tmp_path: Path, embedder: MiniLM
) -> None:
    """A token for the name would reach what was another's, until the command had looked."""
    backend = SqlBackend(SqliteDatabase(tmp_path), embedder, now=now, make_id=make_id, region="US")
    memory, catalog = Memory(backend, now), Looking()
    console = Console(say=lambda text: None, tell=lambda text: None)
    known = directory(catalog, Hosting())
    await tenants.add(memory, known, {"name": "acme"}, console)
    await memory.scope(Caller(tenant="former"))
    with pytest.raises(Conflict):
        await tenants.add(memory, known, {"name": "former"}, console)
    await memory.close()

    assert [one.suspended for one in catalog.added] == [True, True]
    assert list(catalog.tenants) == ["acme"] and not catalog.tenants["acme"].suspended


async def test_a_key_that_was_revoked_while_it_was_rotated_stays_revoked(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    catalog = SqlTenants(database)
    key = Key(key_id="k1", tenant="acme", digest=digest("a-secret-of-tests"), created_at=now())
    await catalog.insert_tenant(Tenant(name="acme", created_at=now()))
    await catalog.insert_key(key)
    await catalog.put_key(replace(key, revoked_at=now()))
    await catalog.put_key(rotated(key, "another-secret-of-tests", now(), timedelta(minutes=5)))
    found = await catalog.find_key("k1")
    await anyio.to_thread.run_sync(database.close)

    assert found is not None and not holds(found[0], "another-secret-of-tests", now())
    assert not holds(found[0], "a-secret-of-tests", now())
