"""What is remembered only as long as it is asked for: a process may see more stores than it should keep in mind."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")

MANY = 4096  # stores; they take about 2 MB, and to find one that is forgotten takes a look into the catalog


class Recent(Generic[Key, T]):
    """The least recently asked go first. Safe to use from many threads."""

    def __init__(self, most: int = MANY) -> None:
        self._most = most
        self._kept: OrderedDict[Key, T] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> T | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, value: T) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def forget(self, chosen: Callable[[Key, T], bool]) -> None:
        with self._lock:
            for key in [key for key, value in self._kept.items() if chosen(key, value)]:
                del self._kept[key]
