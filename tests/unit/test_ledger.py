"""What is told of merges when one of those merged is to be forgotten."""

from datetime import UTC, datetime, timedelta

from mcp_memory.ledger import Entry, redacted

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


def entry(no: int, one: str, other: str, into: str = "", merged: str = "", undone: int | None = None) -> Entry:
    return Entry(
        no=no,
        one=one,
        other=other,
        into_id=into or one,
        merged_id=merged or other,
        at=MONDAY + timedelta(minutes=no),
        by="curator",
        identifier=None,
        undone_at=None if undone is None else MONDAY + timedelta(minutes=undone),
    )


def ends(entries: list[Entry]) -> list[tuple[int, str, str]]:
    return [(one.no, one.into_id, one.merged_id) for one in entries]


def test_a_merge_that_was_made_while_it_was_part_of_a_side_tells_no_more_of_it() -> None:
    """A and B were one when C came; A was taken out since."""
    entries = [entry(1, "a", "b", undone=5), entry(2, "b", "c", into="a"), entry(6, "b", "d")]

    assert ends(redacted(entries, {"a"})) == [(2, "b", "c")]


def test_it_may_have_been_on_the_side_that_was_merged() -> None:
    """B and C were one, in C's cluster's name; then A, the earliest, took them in."""
    entries = [entry(1, "b", "c", undone=5), entry(2, "c", "a", into="a", merged="b")]

    assert ends(redacted(entries, {"b"})) == [(2, "a", "c")]


def test_a_merge_before_or_after_it_was_part_is_as_it_was() -> None:
    entries = [entry(1, "b", "c"), entry(2, "a", "b", undone=3), entry(4, "c", "d", into="b")]

    assert redacted(entries, {"a"}) == []


def test_its_own_merges_are_not_among_them() -> None:
    assert redacted([entry(1, "a", "b", undone=2), entry(3, "b", "a", undone=4)], {"a"}) == []


def test_a_merge_that_names_it_is_redacted_whatever_else_is_known() -> None:
    """What linked it to these two went with somebody else."""
    assert ends(redacted([entry(7, "b", "c", into="a")], {"a"})) == [(7, "b", "c")]
