"""Files as they are after a night: nothing of them in the system's memory."""

import os
from pathlib import Path


def droppable() -> bool:
    return hasattr(os, "posix_fadvise")


def drop(folder: Path) -> None:
    """Out of the page cache with all files below; what was not yet on the disk is written there first."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
