from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mcp_memory.imports import BulkOutcome, Import, Remark, advanced, remarks
from mcp_memory.model import Identifier, KeptApart

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TWO_ROWS = Import(
    import_id="mem_import_01kammq7gwf5sb8d9r2hkjx3e4",
    filename="customers.csv",
    file_size=100,
    column_mappings=(),
    status="PROCESSING",
    rows_total=2,
    created_at=NOON,
    updated_at=NOON,
)


@pytest.mark.parametrize(("refused", "status"), [(99, "COMPLETED"), (100, "FAILED")])
def test_an_import_fails_from_a_hundred_refused_rows_on(refused: int, status: str) -> None:
    outcomes = [BulkOutcome(outcome="refused")] * refused + [BulkOutcome(outcome="created")]

    after = advanced(replace(TWO_ROWS, rows_total=len(outcomes)), outcomes, NOON)

    assert (after.status, after.rows_done, after.refused, after.created) == (status, len(outcomes), refused, 1)


def test_an_import_is_processing_until_its_last_row() -> None:
    one = [BulkOutcome(outcome="updated")]

    halfway = advanced(TWO_ROWS, one, NOON)

    assert (halfway.status, halfway.rows_done) == ("PROCESSING", 1)
    assert advanced(halfway, one, NOON).status == "COMPLETED"


def test_merges_and_what_was_kept_apart_are_counted_and_said() -> None:
    apart = KeptApart(identifier=Identifier("phone", "+13175550142"), holder_id="mem_profile_x", reason="limit")
    outcomes = [
        BulkOutcome(outcome="updated", merges=2),
        BulkOutcome(outcome="created", kept_apart=[apart, apart]),
        BulkOutcome(outcome="refused", reason="It says nothing."),
    ]

    after = advanced(replace(TWO_ROWS, rows_total=9), outcomes, NOON)
    said = remarks(outcomes, after=5)

    assert (after.merges, after.kept_apart) == (2, 1)
    assert said[1] == Remark(row=8, refused=True, reason="It says nothing.")
    assert (said[0].row, said[0].refused) == (7, False)
    assert "its phone stays with mem_profile_x (limit)" in said[0].reason and "+1317" not in said[0].reason
