"""Statements are told by their wording, and of two about one thing the later one stands above the earlier."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import statements
from mcp_memory.statements import Statement, asks_for_the_past, current_first, read, supersedes
from mcp_memory.statements.wording import plain, stems
from tests.unit.statement_pairs import KEPT, REPLACED, REPLACED_IF_VERY_ALIKE, cases

HARDLY, RATHER, VERY = 0.3, 0.6, 0.8  # alike


def replaces(older: str, newer: str, question: str, likeness: float) -> bool:
    return supersedes(read(newer), read(older), likeness, frozenset(stems(plain(question))))


def ordered(
    texts: Sequence[str], question: str, *, at: Sequence[int] | None = None, likeness: float = RATHER
) -> list[int]:
    read_texts = [read(text) for text in texts]
    times = range(len(texts)) if at is None else at
    return current_first(range(len(texts)), question, read_texts, times, lambda one, other: likeness)


@pytest.mark.parametrize(("older", "newer", "question"), cases(REPLACED))
def test_what_is_said_later_of_an_attribute_replaces_what_was_said_before(
    older: str, newer: str, question: str
) -> None:
    assert replaces(older, newer, question, HARDLY)


@pytest.mark.parametrize(("older", "newer", "question"), cases(REPLACED_IF_VERY_ALIKE))
def test_where_the_wording_names_no_known_attribute_the_texts_must_be_alike(
    older: str, newer: str, question: str
) -> None:
    assert replaces(older, newer, question, VERY)
    assert not replaces(older, newer, question, HARDLY)


@pytest.mark.parametrize(("older", "newer", "question"), cases(KEPT))
def test_a_wish_an_event_a_past_or_somebody_elses_statement_replaces_nothing(
    older: str, newer: str, question: str
) -> None:
    assert not replaces(older, newer, question, RATHER)


@pytest.mark.parametrize(
    ("older", "newer", "question"),
    [
        ("Lives in Leeds.", "Moved to York.", "Is the customer in Leeds?"),
        ("Prefers email.", "Prefers phone calls now.", "Does the customer like email?"),
        ("Lamp number 1 is broken.", "Lamp number 2 is now repaired.", "What about lamp number 1?"),
        ("Phone number is 555 0100 123.", "New phone number: 555 0199 456.", "Whose number is 5550100123?"),
        ("Writes from old@example.com.", "Uses new@example.com now.", "Who is old@example.com?"),
    ],
)
def test_what_a_question_names_by_its_value_keeps_its_place(older: str, newer: str, question: str) -> None:
    assert not replaces(older, newer, question, VERY)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The goods lift in Lyon is out of service.", "The Lyon elevator runs again since Monday."),
        ("When Dana is on holiday, Sunita stands in for her.", "Felix has taken Dana's desk, from now on he covers."),
        ("Card payments are fine for them.", "From February on they want a bank transfer each month."),
    ],
)
def test_in_free_wording_a_text_that_says_something_has_changed_replaces_what_is_much_like_it(
    older: str, newer: str
) -> None:
    assert replaces(older, newer, "What is the state?", RATHER)
    assert not replaces(newer, older, "What is the state?", RATHER)
    assert not replaces(older, newer, "What is the state?", HARDLY)


def test_a_purchase_replaces_what_was_had_but_not_another_purchase() -> None:
    had, bought, before = "Anna's laptop is a Kestrel.", "Anna bought a new laptop, a Lumio.", "Anna bought a Kestrel."

    assert replaces(had, bought, "Which laptop does Anna have?", VERY)
    assert not replaces(before, bought, "Which laptop does Anna have?", VERY)


@pytest.mark.parametrize(
    "question",
    [
        "Where did the customer live before?",
        "What was the previous address?",
        "Who was the former contact?",
        "What did they originally pay?",
        "Which plan were they on in 2023?",
        "What is the history of the account?",
        "What was the first delivery address?",
    ],
)
def test_a_question_for_the_past_reorders_nothing(question: str) -> None:
    assert asks_for_the_past(question)
    assert ordered(["Lives in Leeds.", "Moved to York."], question) == [0, 1]


@pytest.mark.parametrize(
    "question",
    [
        "Where does the customer live?",
        "Where do they live now, after they were in Leeds?",
        "Can we call before noon?",
        "How old is the customer?",
        "What is her first name?",
    ],
)
def test_other_questions_ask_for_the_present(question: str) -> None:
    assert not asks_for_the_past(question)


def test_the_latest_comes_first_then_the_one_before_it() -> None:
    texts = ["Lives in Leeds.", "Moved to York.", "Likes tea.", "Now lives in Hull."]

    assert ordered(texts, "Where does the customer live?") == [3, 1, 0, 2]


def test_of_equal_times_the_order_stays() -> None:
    assert ordered(["Lives in Leeds.", "Moved to York."], "Where?", at=[5, 5]) == [0, 1]


def test_a_denial_stands_above_what_it_denies() -> None:
    assert ordered(["Lives in Leeds.", "No longer lives in Leeds."], "Where does the customer live?") == [1, 0]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_denial_never_stands_above_another_value_that_holds(place: int) -> None:
    texts = {0: "Lives in Leeds.", 1: "Moved to York.", 2: "No longer lives in Leeds."}
    order = [2, 0] if place else [0, 2]
    order.insert(place, 1)
    told = {item: read(text) for item, text in texts.items()}

    assert current_first(order, "Where does the customer live?", told, list(texts), lambda one, other: 0.9)[0] == 1


def test_free_wordings_move_among_the_best_only() -> None:
    texts = ["Card payments are fine for them.", *["Likes tea."] * 12, "From February on they want bank transfers."]

    assert ordered(texts, "How do they pay?") == list(range(len(texts)))


def test_a_long_text_says_many_things_and_so_nothing() -> None:
    assert read("Lives in Leeds. " * 50) == Statement()


SOME = [line for listed in (REPLACED, KEPT) for case in cases(listed) for line in case[:2]]
TEXTS = st.lists(st.sampled_from(SOME) | st.text(max_size=60), max_size=8)
LIKENESS = st.sampled_from([-0.1, HARDLY, 0.46, RATHER, VERY])
QUESTIONS = st.sampled_from(["Where does the customer live?", "Which plan?", "Who is the contact?", "Is she in Leeds?"])


@given(TEXTS, QUESTIONS, LIKENESS, st.data())
def test_nothing_is_invented_or_lost_and_a_second_time_changes_nothing(
    texts: list[str], question: str, likeness: float, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(texts))))
    at = data.draw(st.lists(st.integers(0, 5), min_size=len(texts), max_size=len(texts)))
    told = [read(text) for text in texts]

    once = current_first(order, question, told, at, lambda one, other: likeness)

    assert sorted(once) == sorted(order)
    assert current_first(once, question, told, at, lambda one, other: likeness) == once


@given(TEXTS, QUESTIONS, LIKENESS)
def test_where_no_statement_supersedes_another_the_order_stays(
    texts: list[str], question: str, likeness: float
) -> None:
    told = [read(text) for text in texts]
    asked = frozenset(stems(plain(question)))
    if any(supersedes(newer, older, likeness, asked) for newer in told for older in told):
        told = [Statement() for _ in texts]

    assert current_first(range(len(texts)), question, told, range(len(texts)), lambda one, other: likeness) == list(
        range(len(texts))
    )


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert read(text) == read(text)
    asks_for_the_past(text)


HOSTILE = """a/a /is /is to /moved from /has a /X's /said /on the a /changed a /: /1 2 /prefers /wants a by /\
Tom is the \
/he is a b c manager /in A /not /A a /a@/
/took over /switched from """


@pytest.mark.parametrize("piece", HOSTILE.split("/"))
def test_hostile_repetition_takes_no_time(piece: str) -> None:
    started = time.perf_counter()

    for length in (statements.LONGEST, 200_000):
        text = (piece * length)[:length]
        read(text)
        asks_for_the_past(text)
        ordered(["Lives in Leeds.", "Moved to York."], text)

    assert time.perf_counter() - started < 2  # it takes 0.2 seconds; in its square it would take hours


def test_a_question_for_what_happened_moves_no_events_but_still_has_the_latest_value() -> None:
    texts = [
        "Delivery address is 3 Old Street.",
        "Delivery address is now 9 New Road.",
        "Went to a fair in Lyon.",
        "Now went to the fair in Lyon again.",
    ]
    said = [read(text) for text in texts]
    asked = "Where did she go, and did she give us a delivery address?"

    order = current_first([0, 1, 2, 3], asked, said, [0, 1, 2, 3], lambda one, other: 0.9)

    assert order == [1, 0, 2, 3]
