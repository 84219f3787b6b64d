"""Pages of a list, and the cursors between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.backends.sql.cursors import page_of_all, place_of
from mcp_memory.errors import Invalid
from mcp_memory.listing import PageQuery

PLACES = st.lists(st.tuples(st.integers(-5, 5), st.text(max_size=3)), unique=True, max_size=12)


@given(PLACES, st.integers(1, 5), st.booleans())
def test_pages_put_together_are_the_list(places: list[tuple[int, str]], limit: int, newest_first: bool) -> None:
    rows = [(place, place) for place in places]
    found: list[tuple[int, str]] = []
    cursor: str | None = None
    while True:
        query = PageQuery(limit=limit, cursor=cursor, newest_first=newest_first)
        page = page_of_all(rows, query, "things", int, str)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit

    assert found == sorted(places, reverse=newest_first)


@given(st.text(max_size=40))
def test_any_other_text_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="start again without it"):
        place_of(PageQuery(limit=1, cursor=cursor), "things", int, str)


def test_a_cursor_is_for_one_list_in_one_order() -> None:
    rows = [((number,), number) for number in range(3)]
    cursor = page_of_all(rows, PageQuery(limit=1), "things", int).next_cursor
    assert cursor is not None and len(cursor) < 30

    for name, newest_first in (("others", True), ("things", False)):
        with pytest.raises(Invalid):
            place_of(PageQuery(limit=1, cursor=cursor, newest_first=newest_first), name, int)
    assert place_of(PageQuery(limit=1, cursor=cursor), "things", int) == (2,)
