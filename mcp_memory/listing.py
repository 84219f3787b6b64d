"""Lists a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """`cursor`: where the page before ended, as the same list gave it; None for the first."""

    limit: int
    cursor: str | None = None
    newest_first: bool = True


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T_co]):
    """`next_cursor` is None on the last page."""

    items: Sequence[T_co]
    next_cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """`created_after` is inclusive, `created_before` exclusive. None: whichever."""

    source: str | None = None
    conversation_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


EVERYTHING = ItemFilter()
