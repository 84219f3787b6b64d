"""What a careless operator does while a server runs: it ends nothing, opens nothing, and loses nothing."""

from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.reloading import Reloading
from mcp_memory.settings import Settings

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
