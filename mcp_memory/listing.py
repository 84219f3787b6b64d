"""Lists a page at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
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


def sliced(items: Sequence[T], key: Callable[[T], str], query: PageQuery) -> Page[T]:
    """A page of what was read whole: by key, latest first where that is asked."""
    ordered = sorted(items, key=key, reverse=query.newest_first)
    if (after := query.cursor) is not None:
        ordered = [one for one in ordered if (key(one) < after if query.newest_first else key(one) > after)]
    more = len(ordered) > query.limit
    shown = ordered[: query.limit]
    return Page(items=shown, next_cursor=key(shown[-1]) if more else None)
