"""How what is extracted is held against gold; and how good it is on the conversations of the benchmark."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.benchmarks import extracted, talks
from tests.benchmarks.__main__ import DATA
from tests.benchmarks.extraction import agreement
from tests.benchmarks.talks import Fact, Session, Talk, Turn

BEGAN = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


def session(*said: tuple[str, str], facts: list[Fact]) -> Session:
    turns = [
        Turn(turn_id=f"D1:{number}", speaker=speaker, text=text, occurred_at=BEGAN + timedelta(seconds=number))
        for number, (speaker, text) in enumerate(said, start=1)
    ]
    return Session(name="session_1", began=BEGAN, turns=turns, facts=facts, summary=None)


def test_both_who_speak_are_customers_of_their_own() -> None:
    told = session(("Ann", "I moved to Leeds"), ("Bo", "I have a dog"), facts=[])

    (learned,) = extracted.learned(Talk(sessions=[told], questions=[]))

    assert sorted(one.content for one in learned.candidates) == ["Ann moved to Leeds.", "Bo has a dog."]


def test_coverage_and_precision_are_of_turns() -> None:
    told = session(
        ("Ann", "I moved to Leeds"),
        ("Bo", "I have a dog"),
        ("Ann", "Great!"),
        ("Ann", "I have asthma"),
        facts=[
            Fact(content="Ann lives in Leeds.", evidence=frozenset({"D1:1"})),
            Fact(content="Ann is happy.", evidence=frozenset({"D1:3", "D1:1"})),
            Fact(content="Ann has asthma.", evidence=frozenset({"D1:4"})),
        ],
    )

    found = agreement(list(extracted.learned(Talk(sessions=[told], questions=[]))))

    assert (found.gold, found.covered, found.coverage) == (3, 2, 2 / 3)
    assert (found.candidates, found.precise, found.precision) == (2, 1, 1 / 2)
    assert (found.screened, found.by_chance) == (1, 3 / 4)


@pytest.mark.skipif(not DATA.is_file(), reason="NOT CHECKED: the conversations of the benchmark are not there")
def test_most_of_what_people_find_worth_knowing_is_found() -> None:
    """In the first of them; what is reached now, less a little."""
    found = agreement(list(extracted.learned(talks.read(DATA)[0], screen=False)))

    assert found.coverage >= 0.75
    assert found.precision >= found.by_chance + 0.2
