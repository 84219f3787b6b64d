"""Pure: where the page of a list ends, as the opaque cursor that a client hands back."""

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from mcp_memory.errors import Invalid
from mcp_memory.listing import Page, PageQuery

T = TypeVar("T")

Place = tuple[Any, ...]
"""By what a list is sorted, of one item: times in microseconds, numbers, names."""

MAX_CURSOR = 512
MAX_NUMBER = 2**62


def place_of(page: PageQuery, name: str, *kinds: type) -> Place | None:
    """Where the page before ended, None for the first. `name`: of the list; `kinds`: what its places are made of.
    Raises Invalid for what this list, in this order, never gave."""
    if page.cursor is None:
        return None
    found = _decoded(page.cursor)
    if (
        isinstance(found, list)
        and [type(one) for one in found] == [str, *kinds]
        and found[0] == _title(name, page)
        and all(abs(one) < MAX_NUMBER for one in found if type(one) is int)
    ):
        return tuple(found[1:])
    raise Invalid("cursor is not one that this list gave: start again without it.")


def page_of(rows: Sequence[tuple[Place, T]], page: PageQuery, name: str) -> Page[T]:
    """Of the rows behind the page before, of which there are more than the limit if there is a next page."""
    items = [item for _, item in rows[: page.limit]]
    if len(rows) <= page.limit:
        return Page(items=items)
    return Page(items=items, next_cursor=_encoded([_title(name, page), *rows[page.limit - 1][0]]))


def page_of_all(rows: Sequence[tuple[Place, T]], page: PageQuery, name: str, *kinds: type) -> Page[T]:
    """Of all rows there are, in any order."""
    place = place_of(page, name, *kinds)
    ordered = sorted(rows, key=lambda row: row[0], reverse=page.newest_first)
    if place is not None:
        ordered = [row for row in ordered if (row[0] < place if page.newest_first else row[0] > place)]
    return page_of(ordered, page, name)


def _title(name: str, page: PageQuery) -> str:
    return name if page.newest_first else f"{name}+"


def _encoded(value: Place | list[Any]) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> object:
    if len(cursor) > MAX_CURSOR:
        return None
    try:
        return json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError:
        return None
