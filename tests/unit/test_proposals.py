"""What a model proposes of a new observation holds only within the laws that hold for the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.model import Observation
from mcp_memory.reconciliation import Outcome, decide
from mcp_memory.reconciliation.proposals import LONGEST_REASON, Proposal, Question, decided, question

MONDAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LONG = "Says many things. " * 40


def known(content: str, id: str = "o-1", days: int = -7) -> Observation:
    at = MONDAY + timedelta(days=days)
    return Observation(id=id, content=content, source="test", occurred_at=at, created_at=at, updated_at=at)


def proposal(outcome: Outcome, id: str | None = "o-1", reason: str = "Both say so.") -> Proposal:
    return Proposal(outcome=outcome, observation_id=id, reason=reason, by="model:tiny:1")


def asked(content: str, *near: Observation) -> Question:
    return Question(content=content, occurred_at=MONDAY, known=near)


def test_what_is_near_is_asked_about_where_the_rules_found_nothing() -> None:
    near = [known("Eats steak every Friday.", "o-1"), known("Lives in Porto.", "o-2"), known(LONG, "o-3")]
    likeness = [0.4, 0.1, 0.9]
    decision = decide("Has become a vegetarian.", MONDAY, near, likeness.__getitem__)
    found = question("Has become a vegetarian.", MONDAY, decision, near, likeness.__getitem__)

    assert decision.rule == "nothing_like_it"
    assert found == asked("Has become a vegetarian.", near[0])
    assert question("Has become a vegetarian.", MONDAY, decision, near[1:2], lambda at: 0.1) is None
    assert question(LONG, MONDAY, decision, near, likeness.__getitem__) is None


@pytest.mark.parametrize("content", ["Lives in Porto.", "Moved to Lisbon.", "Lives in Porto, in Rua das Flores."])
def test_what_the_rules_decided_is_not_asked_about(content: str) -> None:
    near = [known("Lives in Porto.")]
    decision = decide(content, MONDAY, near, lambda at: 0.9)

    assert decision.rule != "nothing_like_it"
    assert question(content, MONDAY, decision, near, lambda at: 0.9) is None


@pytest.mark.parametrize(
    ("new", "old", "outcome"),
    [
        ("Has become a vegetarian.", "Eats steak every Friday.", "update"),
        ("Travels to work by rail.", "The commute takes him an hour by train.", "discard"),
        ("Delivery of order 1234 was delayed, says the courier.", "Order 1234 is late.", "update"),
    ],
)
def test_what_is_within_the_laws_is_done_and_says_by_whom_and_why(new: str, old: str, outcome: Outcome) -> None:
    decision = decided(
        asked(new, known("Lives in Porto.", "o-0"), known(old)), proposal(outcome, reason='It "says" so.')
    )

    assert decision is not None
    assert (decision.outcome, decision.rule, decision.observation_id) == (outcome, "model", "o-1")
    assert f'"{old}"' in decision.reason and "model:tiny:1" in decision.reason
    assert decision.reason.endswith("\"It 'says' so.\"")


@pytest.mark.parametrize(
    ("new", "old", "outcome", "days"),
    [
        ("Has become a vegetarian.", "Eats steak every Friday.", "add", -7),
        ("Has become a vegetarian.", "Eats steak every Friday.", "update", 1),  # what is newer holds
        ("Delivery of order 9999 was delayed.", "Order 1234 is late.", "update", -7),
        ("Delivery of order 9999 was delayed.", "Order 1234 is late.", "discard", -7),
        ("Order 1234 is late.", "A delivery is late.", "discard", -7),  # its number would be lost
        ("A delivery is late.", "Order 1234 is late.", "update", -7),
        ("Called about the invoice.", "Phoned and asked for the bill.", "discard", -7),  # it happened again
        ("Does not eat meat.", "Loves a good burger.", "discard", -7),
        ("Plans to give up meat.", "Eats steak every Friday.", "update", -7),
        ("Speaks Portuguese fluently.", "Speaks German at home.", "update", -7),
        (
            "Has become a vegetarian.",
            "Eats steak every Friday, has a table at the window, and the bill goes to the office in Braga.",
            "update",
            -7,
        ),
    ],
)
def test_what_is_against_the_laws_is_not_done(new: str, old: str, outcome: Outcome, days: int) -> None:
    assert decided(asked(new, known(old, days=days)), proposal(outcome)) is None


def test_what_is_older_is_out_of_date_beside_its_contrary() -> None:
    decision = decided(asked("Does not eat meat.", known("Loves a good burger.", days=1)), proposal("discard"))

    assert decision is not None and decision.outcome == "discard"


@pytest.mark.parametrize("id", ["o-2", "k1", "", None])
def test_what_was_not_shown_is_not_touched(id: str | None) -> None:
    assert decided(asked("Has become a vegetarian.", known("Eats steak every Friday.")), proposal("update", id)) is None


def test_what_is_said_is_kept_within_bounds() -> None:
    question = asked("Has become a vegetarian.", known("Eats steak every Friday. " * 9))
    long = Proposal(outcome="discard", observation_id="o-1", reason="so " * 200, by="m" * 999)
    decision = decided(question, long)

    assert decision is not None and len(decision.reason) <= 500 and LONGEST_REASON < 500
