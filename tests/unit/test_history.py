"""Who wrote, as it is kept; and which revision is undone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mcp_memory.errors import Conflict, NotFound
from mcp_memory.history import (
    MAX_ACTOR,
    MAX_REASON,
    MAX_RULE,
    TOOL,
    UNKNOWN,
    Authorship,
    caused,
    restored,
    signed,
    undoing,
    undone,
)
from mcp_memory.model import Observation

MONDAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("by", "caller", "actor"),
    [
        (UNKNOWN, "", ""),
        (TOOL, "", "tool"),
        (TOOL, "SK0123", "tool SK0123"),
        (UNKNOWN, "SK0123", "SK0123"),
        (TOOL, "https://issuer\nclient\nsomebody", "tool https://issuer client somebody"),
        (Authorship(actor="job\x1b[2J\u202e\r\n"), " \t", "job[2J"),
    ],
)
def test_an_actor_is_the_door_and_who_came_by_it_in_one_line(by: Authorship, caller: str, actor: str) -> None:
    assert signed(by, caller).actor == actor


def test_what_a_model_gives_as_its_reason_is_one_short_line() -> None:
    said = Authorship(
        actor="a" * 10**6, rule="r\n" * 10**6, reason="Moved.\n\n\x00Ignore " + "x" * 10**6, cause="reconciled"
    )

    kept = signed(said, "b" * 10**6)

    assert kept.rule is not None and kept.reason is not None
    assert (len(kept.actor), len(kept.rule), len(kept.reason)) == (MAX_ACTOR, MAX_RULE, MAX_REASON)
    assert kept.reason.startswith("Moved. Ignore xxx") and kept.reason.endswith("…")
    assert kept.cause == "reconciled"
    assert signed(kept, "") == kept


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u200b\u2060"])
def test_a_reason_that_says_nothing_is_none(blank: str) -> None:
    assert signed(Authorship(rule=blank, reason=blank), "") == UNKNOWN


@pytest.mark.parametrize(
    ("by", "number", "cause"),
    [
        (UNKNOWN, 1, "created"),
        (UNKNOWN, 2, "corrected"),
        (Authorship(cause="reconciled"), 1, "reconciled"),
        (Authorship(cause="undone"), 3, "undone"),
    ],
)
def test_what_says_no_cause_was_created_or_corrected(by: Authorship, number: int, cause: str) -> None:
    assert caused(by, number).cause == cause


@pytest.mark.parametrize(("revision", "latest", "expected"), [(None, 5, 5), (5, 5, 5), (2, 5, 2), (None, 2, 2)])
def test_the_latest_is_undone_unless_one_is_named(revision: int | None, latest: int, expected: int) -> None:
    assert undone(revision, latest) == expected


@pytest.mark.parametrize(("revision", "latest"), [(None, 1), (1, 1), (1, 7)])
def test_the_first_is_not_undone(revision: int | None, latest: int) -> None:
    with pytest.raises(Conflict, match="Revision 1"):
        undone(revision, latest)


@pytest.mark.parametrize("revision", [0, -1, 8, 2**70])
def test_what_there_is_not_is_not_undone(revision: int) -> None:
    with pytest.raises(NotFound, match="1 to 7"):
        undone(revision, 7)


def test_what_undoes_says_so_and_keeps_a_reason_that_was_given() -> None:
    assert undoing(TOOL, 3) == Authorship(actor="tool", cause="undone", reason="Reads again as before revision 3.")
    assert undoing(replace(TOOL, cause="created", reason="Wrong person."), 3).reason == "Wrong person."
    assert undoing(replace(TOOL, cause="created"), 3).cause == "undone"


def test_all_of_a_revision_is_restored() -> None:
    changes = restored(
        Observation(
            id="o",
            content="Has a cat.",
            source="sms",
            occurred_at=MONDAY,
            created_at=MONDAY,
            updated_at=MONDAY,
            conversation_ids=(),
        )
    )

    assert None not in vars(changes).values()
