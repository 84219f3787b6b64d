"""What is kept in memory of the profiles that are asked about again and again, bounded in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_BYTES = 48 * 2**20  # the candidates of about 50,000 observations; with token vectors, those of 10,000


@dataclass(frozen=True)
class _Kept(Generic[T]):
    version: Hashable
    value: T
    size: int


class Hot(Generic[T]):
    """The least recently asked go first. Safe to use from many threads; two that miss at once both make the value."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        return self._bytes

    def get(self, key: Hashable, version: Hashable, make: Callable[[], tuple[T, int]]) -> T:
        """What was made of this version, else what `make` makes: the value and its bytes, 0 for: not worth keeping."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.version == version:
                self._kept.move_to_end(key)
                return kept.value
        value, size = make()
        with self._lock:
            self._drop(key)
            if 0 < size <= self._max_bytes:
                self._kept[key] = _Kept(version, value, size)
                self._bytes += size
            self._make_room()
        return value

    def grow(self, key: Hashable, version: Hashable, by: int) -> None:
        """What is kept has taken up more since."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.version == version:
                self._kept[key] = _Kept(version, kept.value, kept.size + by)
                self._bytes += by
            self._make_room()

    def forget(self, chosen: Callable[[Hashable], bool]) -> None:
        """What is kept by such keys."""
        with self._lock:
            for key in [one for one in self._kept if chosen(one)]:
                self._drop(key)

    def _make_room(self) -> None:
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        self._bytes -= kept.size if kept else 0
