"""The files that are open: some that nobody uses at the moment are kept for whoever comes next, and not all for ever.

One that is in use is never closed to make room. So there may be more of them than are kept, for as long as there are
so many users at once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from mcp_memory.errors import Closing


class Closable(Protocol):
    def close(self) -> None:
        """Once more does no harm."""
        ...


Key = TypeVar("Key", bound=Hashable)
File = TypeVar("File", bound=Closable)


class _Entry(Generic[File]):
    def __init__(self) -> None:
        self.file: File | None = None
        self.users = 0
        self.is_gone = False  # nobody else finds it
        self.opening = threading.Lock()


class OpenFiles(Generic[Key, File]):
    """Safe to use from many threads. A file that takes long to open keeps only those waiting who want the same."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()  # nothing is opened, closed or waited for under it
        self._used: dict[Key, _Entry[File]] = {}
        self._unused: OrderedDict[Key, _Entry[File]] = OrderedDict()  # the least recently used first
        self._closed = False

    def __len__(self) -> int:
        return len(self._used) + len(self._unused)

    @contextmanager
    def use(self, key: Key, open_: Callable[[], File]) -> Iterator[File]:
        """The one that is open, else what `open_` opens. Raises Closing once they are closed."""
        entry, surplus = self._take(key)
        try:
            _close(surplus)
            yield self._opened(entry, open_)
        finally:
            _close(self._give_back(key, entry))

    def let_go(self, key: Key) -> None:
        """It is closed, even under whoever uses it; whoever comes next opens it anew."""
        with self._lock:
            entry = self._used.pop(key, None) or self._unused.pop(key, None)
            if entry is not None:
                entry.is_gone = True
        if entry is not None and entry.file is not None:
            entry.file.close()

    def close(self) -> None:
        """All of them, even under whoever uses them."""
        with self._lock:
            self._closed = True
            entries = [*self._used.values(), *self._unused.values()]
            self._used.clear()
            self._unused.clear()
            for entry in entries:
                entry.is_gone = True
        _close(entry.file for entry in entries if entry.file is not None)

    def _take(self, key: Key) -> tuple[_Entry[File], list[File]]:
        with self._lock:
            if self._closed:
                raise Closing("The memory is closing.")
            entry = self._used.get(key) or self._unused.pop(key, None) or _Entry()
            entry.users += 1
            self._used[key] = entry
            return entry, self._surplus()

    def _opened(self, entry: _Entry[File], open_: Callable[[], File]) -> File:
        with entry.opening:
            if entry.file is not None:
                return entry.file
            file = open_()
            with self._lock:
                if not self._closed:
                    entry.file = file
                    return file
        file.close()
        raise Closing("The memory is closing.")

    def _give_back(self, key: Key, entry: _Entry[File]) -> list[File]:
        with self._lock:
            entry.users -= 1
            if entry.users:
                return []
            if entry.is_gone:
                return [entry.file] if entry.file is not None else []
            del self._used[key]
            if entry.file is not None:
                self._unused[key] = entry
            return self._surplus()

    def _surplus(self) -> list[File]:
        """What has to be closed, and is found no more."""
        found: list[File] = []
        while self._unused and len(self) > self._most:
            _, entry = self._unused.popitem(last=False)
            if entry.file is not None:
                found.append(entry.file)
        return found


def _close(files: Iterable[Closable]) -> None:
    for file in files:
        file.close()
