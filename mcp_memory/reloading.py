"""A configuration that is changed while it is in force: what it says of tenants holds without a restart."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread

from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0

Again = Callable[[], Settings]
"""Reads the settings as they are now."""
Seen = tuple[int, int, int] | None
"""By what a file is told from what it was: when it was written, how long it is, and which it is."""


class Reloading:
    """`again` reads it. One that is wrong is told of in the log, and what was before stays in force."""

    def __init__(self, path: Path | None, again: Again, apply: Callable[[Settings], Awaitable[None]]) -> None:
        self._path, self._again, self._apply = path, again, apply
        self._seen = self._look()

    async def run(self) -> None:
        """Until it is cancelled."""
        while self._path is not None:
            await anyio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        seen = await anyio.to_thread.run_sync(self._look)
        if seen in (self._seen, None):  # while it is written anew, it may be away
            return
        try:
            await self._apply(await anyio.to_thread.run_sync(self._again))
        except Invalid as exc:
            log.warning("The configuration was changed and is wrong, so what was before stays in force: %s", exc)
        except Unavailable as exc:
            log.warning("The configuration was changed, and can't be put in force yet: %s", exc)
            return
        else:
            log.warning("The configuration was changed: what it says of tenants, keys, backends and issuers holds now.")
        self._seen = seen

    def _look(self) -> Seen:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
