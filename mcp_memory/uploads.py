"""The folder of files that were brought and are not imported yet: it is the queue, and outlives the process.

Blocks: for worker threads. An upload is a folder of its own, which appears whole or not at all. What begins with a dot
is on its way in or out.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedWriter
from pathlib import Path

from mcp_memory.errors import Taken, Unavailable

FILE, WHOSE = "file.csv", "whose.json"
ABANDONED_SECONDS = 24 * 60 * 60  # after which nobody writes any more


@dataclass(frozen=True, kw_only=True)
class Upload:
    """`digest`: SHA-256 of the file, in hex."""

    tenant: str
    store_id: str
    import_id: str
    digest: str
    path: Path


class Part:
    """A file as far as it has come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._digest = sha256()
        self.size = 0
        with _writable():
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            self._file = _new(folder / FILE)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def write(self, content: bytes) -> None:
        with _writable():
            self._file.write(content)
        self._digest.update(content)
        self.size += len(content)

    def close(self, whose: str) -> None:
        """All of it is on the disk then."""
        with _writable():
            _sync(self._file)
            self._file.close()
            with _new(self.folder / WHOSE) as file:
                file.write(whose.encode())
                _sync(file)
            _sync_folder(self.folder)

    def discard(self) -> None:
        with suppress(OSError):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Uploads:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> Part:
        return Part(self._folder / f".{secrets.token_hex(8)}")

    def keep(self, part: Part, tenant: str, store_id: str, import_id: str) -> Upload:
        """From here on it is there, whatever becomes of this process. Raises Taken where the import has a file."""
        part.close(json.dumps([tenant, store_id, part.digest]))
        target = self._folder / import_id
        try:
            part.folder.rename(target)
        except OSError as exc:
            if target.exists():
                raise Taken("The import has its file already.") from exc
            raise _unwritable(exc) from exc
        with _writable():
            _sync_folder(self._folder)
        return Upload(tenant=tenant, store_id=store_id, import_id=import_id, digest=part.digest, path=target / FILE)

    def find(self, import_id: str) -> Upload | None:
        folder = self._folder / import_id
        try:
            tenant, store_id, digest = json.loads((folder / WHOSE).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):  # it was removed meanwhile, or is none of ours
            return None
        return Upload(tenant=tenant, store_id=store_id, import_id=import_id, digest=digest, path=folder / FILE)

    def waiting(self) -> list[Upload]:
        """Those that came first before the others."""
        found = [upload for name in self._names() if not name.startswith(".") and (upload := self.find(name))]
        return sorted(found, key=_came)

    def remove(self, upload: Upload) -> None:
        """In one step, so that nobody finds half of it. Where the system lets nobody, it stays for another time."""
        gone = self._folder / f".{secrets.token_hex(8)}"
        with suppress(OSError):
            upload.path.parent.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def tidy(self) -> None:
        """Removes what is half there since long: whoever wrote it is no more."""
        before = time.time() - ABANDONED_SECONDS
        for name in self._names():
            with suppress(OSError):
                if name.startswith(".") and (self._folder / name).stat().st_mtime < before:
                    shutil.rmtree(self._folder / name, ignore_errors=True)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise _unwritable(exc) from exc


def _came(upload: Upload) -> tuple[int, str]:
    try:
        return upload.path.stat().st_mtime_ns, upload.import_id
    except OSError:
        return 0, upload.import_id


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise _unwritable(exc) from exc


def _unwritable(exc: OSError) -> Unavailable:
    return Unavailable(f"Files that are brought can't be kept now ({exc.strerror}): mend that, then bring it again.")


def _new(path: Path) -> BufferedWriter:
    """Nobody else may read it."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _sync(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """That a name is in it. Windows opens no folders, and needs it not."""
    if os.name != "nt":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
