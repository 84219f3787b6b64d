"""Files that were brought become profiles: in the background, one after the other, each to its end.

What is to be done lies in the folder of uploads, so a process that dies forgets nothing. Several processes may work on
one folder: a batch of rows is stored by one of them, and the others leave the import to it.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
import anyio.to_thread

from mcp_memory.errors import Conflict, Invalid, NotFound, Unavailable
from mcp_memory.import_file import import_upload
from mcp_memory.model import UNLIMITED, Caller, Quota
from mcp_memory.service import Memory
from mcp_memory.uploads import Upload, Uploads

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0  # between two looks at the folder when nothing was brought here
QUIET = timedelta(seconds=60)  # without a batch, after which whoever had an import has it no more
_FAILED = "It failed here, not with you: the log of the server says why. The rows before that are stored."


async def unlimited(tenant: str) -> Quota:
    return UNLIMITED


class ImportQueue:
    def __init__(
        self, memory: Memory, uploads: Uploads, quota_of: Callable[[str], Awaitable[Quota]] = unlimited
    ) -> None:
        """`quota_of`: how much a tenant may keep, as it is when its file's turn comes."""
        self._memory = memory
        self.uploads, self._quota_of = uploads, quota_of
        self._news = anyio.Event()
        self._left: set[str] = set()  # to other processes
        self._broken: set[str] = set()

    def wake(self) -> None:
        """Something was brought."""
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled: what is stored by then stays, and the next to run goes on behind it."""
        while True:
            self._news = anyio.Event()
            await self.sweep()
            with anyio.move_on_after(SWEEP_SECONDS):
                await self._news.wait()

    async def sweep(self) -> None:
        """All that is there now."""
        try:
            await anyio.to_thread.run_sync(self.uploads.tidy)
            waiting = await anyio.to_thread.run_sync(self.uploads.waiting)
            there = {upload.import_id for upload in waiting}
            self._left &= there
            self._broken &= there
            for upload in waiting:
                await self._work(upload)
        except Unavailable as exc:
            log.warning("Imports wait: %s", exc)

    async def _work(self, upload: Upload) -> None:
        """Nothing that is wrong with one keeps the others waiting."""
        try:
            if await self._ended(upload):
                await anyio.to_thread.run_sync(self.uploads.remove, upload)
        except Unavailable as exc:
            log.warning("%s waits: %s", upload.import_id, exc)
        except Exception:
            log.exception("%s failed", upload.import_id)
            self._broken.add(upload.import_id)

    async def _ended(self, upload: Upload) -> bool:
        quota = await self._quota_of(upload.tenant)
        caller, import_id = Caller(tenant=upload.tenant, store=upload.store_id, quota=quota), upload.import_id
        try:
            current = await self._memory.get_import(caller, import_id)
            if current.status in ("COMPLETED", "FAILED"):
                return True
            if import_id in self._left and self._memory.now() - current.updated_at < QUIET:
                return False
            if import_id in self._broken:
                raise Invalid(_FAILED)
            await import_upload(self._memory, caller, import_id, upload.path)
        except NotFound:  # it was deleted meanwhile, or its store was
            return True
        except Conflict:
            self._left.add(import_id)
            return False
        except Invalid as exc:
            await self._fail(caller, import_id, str(exc))
        return True

    async def _fail(self, caller: Caller, import_id: str, reason: str) -> None:
        try:
            await self._memory.fail_import(caller, import_id, reason)
        except (Conflict, NotFound) as exc:  # somebody else brought it to its end
            log.info("%s has ended elsewhere: %s", import_id, exc)
