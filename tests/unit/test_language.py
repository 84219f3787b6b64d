import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import language
from mcp_memory.language import chunks, common_words, digest, id_terms, query_terms, terms


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Deliveries were delayed", "delivery delay"),
        ("The customer's dog", "dogs"),
        ("It\u2019s Dana\u2019s order", "Dana's orders"),
        ("Order A-1042", "a-1042"),
        ("Order A-1042", "A1042"),
        ("order a1042", "A-1042?"),
        ("Ticket TCK_88213.", "tck_88213"),
        ("Write to dana.reyes@example.com", "DANA.REYES@EXAMPLE.COM"),
        ("喜欢绿茶", "绿茶"),
    ],
)
def test_a_question_shares_terms_with_what_answers_it(stored: str, asked: str) -> None:
    assert set(query_terms(asked)) & set(terms(stored))


def test_an_exact_id_counts_whole_too() -> None:
    order, neighbour = set(terms("order A-1042")), set(terms("order A-1043"))

    assert len(set(query_terms("A-1042")) & order) > len(set(query_terms("A-1042")) & neighbour)


def holds(stored: str, asked: str) -> bool:
    """As recall decides it: the item has of each id one spelling."""
    return bool(id_terms(asked)) and all(spelled & set(terms(stored)) for spelled in id_terms(asked))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Order A-1042 is late", "a1042"),
        ("Order a1042 is late", "Where is A-1042?"),
        ("Ticket TCK_88213.", "tck-88213"),
        ("Ticket #88213", "88213"),
        ("Ticket 88213", "#88213"),
        ("Write to Dana.Reyes@Example.com", "dana.reyes@example.com"),
        ("Call +1 (317) 555-0142", "317.555.0142"),
        ("Call 3175550142", "+1 317 555 0142"),
        ("Call +1 (317) 555-0142", "555-0142"),
    ],
)
def test_an_item_holds_an_id_in_any_spelling(stored: str, asked: str) -> None:
    assert holds(stored, asked)


def test_of_several_ids_each_is_asked_for_by_itself() -> None:
    first, second = id_terms("Is A-1042 the order of dana@example.com?")

    assert first & set(terms("order a1042")) and not second & set(terms("order a1042"))
    assert second & set(terms("Dana@example.com"))
    assert id_terms("Where is my order?") == []


LETTERS = st.text("abcxyz", min_size=1, max_size=4)
DIGITS = st.text("0123456789", min_size=4, max_size=8)
JOINT = st.sampled_from(["-", "_", "/", ".", ""])


@given(LETTERS, DIGITS, JOINT, JOINT)
def test_an_id_of_letters_and_digits_is_found_however_they_are_joined(
    letters: str, digits: str, one: str, other: str
) -> None:
    assert holds(f"about {letters}{one}{digits} today", f"Where is {letters.upper()}{other}{digits}?")


@given(LETTERS, DIGITS, JOINT, JOINT, st.integers(0, 7), st.integers(1, 9))
def test_an_id_with_one_other_digit_is_not_the_one_that_is_asked_for(
    letters: str, digits: str, one: str, other: str, place: int, more: int
) -> None:
    place %= len(digits)
    changed = f"{digits[:place]}{(int(digits[place]) + more) % 10}{digits[place + 1 :]}"

    stored = set(terms(f"about {letters}{one}{digits} today"))

    assert not any(spelled & stored for spelled in id_terms(f"Where is {letters}{other}{changed}?"))


@given(st.text("23456789", min_size=10, max_size=10), st.integers(0, 9), st.integers(1, 7))
def test_a_phone_with_one_other_digit_is_not_the_one_that_is_asked_for(digits: str, place: int, more: int) -> None:
    other = "23456789"[("23456789".index(digits[place]) + more) % 8]
    changed = digits[:place] + other + digits[place + 1 :]

    for spelled in (f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}", digits):
        assert not holds(f"Call {spelled}", f"+1 {changed[:3]} {changed[3:6]} {changed[6:]}")


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("Where are the deliveries?", "Delivery was late; a delivery!", ["Delivery", "delivery"]),
        ("order A-1042", "Her order, a1042, and A-1042 again", ["order", "a1042", "A-1042"]),
        ("What is the dog called?", "Dogs and the cat", ["Dogs"]),
        ("\u7eff\u8336", "\u559d\u7eff\u8336 daily", ["\u559d\u7eff\u8336"]),
        ("dana@x.io", "It is Dana@X.io.", ["Dana@X.io"]),
        ("the", "the", []),
        ("", "anything", []),
    ],
)
def test_the_words_in_common_are_those_of_the_text(question: str, text: str, words: list[str]) -> None:
    assert common_words(question, text) == words


@given(st.text(), st.text(), st.text())
def test_no_word_in_common_is_made_up(question: str, before: str, after: str) -> None:
    text = f"{before} {question} {after}"

    found = common_words(question, text)

    assert all(word in text and set(terms(word)) & set(query_terms(question)) for word in found)
    assert len(found) == len(set(found))


def test_words_that_only_ask_are_dropped_from_questions_unless_nothing_else_is_left() -> None:
    assert query_terms("What kind of tea does the customer like?") == query_terms("tea")
    assert query_terms("What did they say about it?") == query_terms("say")
    assert terms("said") != []


@given(st.text())
def test_terms_are_32_bit_and_never_the_end_of_a_chunk(text: str) -> None:
    assert all(0 < term < 2**32 for term in terms(text))


@given(st.text(st.sampled_from("ab \n"), max_size=900))
def test_chunks_hold_every_word_in_order(text: str) -> None:
    pieces = chunks(text)

    assert " ".join(pieces).split() == text.split()
    assert all(len(piece.split()) <= language.LONG_ITEM_WORDS for piece in pieces)


def test_a_long_text_without_blanks_has_chunks_too() -> None:
    pieces = chunks("\u559d\u8336" * 2000)

    assert "".join(pieces) == "\u559d\u8336" * 2000
    assert all(len(piece) <= 100 for piece in pieces)


@given(st.text(st.sampled_from("a1-_.\u8336 "), max_size=4096))
def test_no_chunk_has_more_terms_than_a_database_takes(text: str) -> None:
    assert all(len(terms(piece)) <= 256 for piece in chunks(text))


@pytest.mark.parametrize("letter", ["a", "1", "\u8336", "a1"])
def test_terms_take_time_in_proportion_to_the_text(letter: str) -> None:
    """A quadratic pattern would take minutes here; the suite's patience is the bound."""
    assert len(terms(letter * 200_000)) <= 256


@given(st.text())
def test_texts_that_differ_in_case_and_blanks_have_one_digest(text: str) -> None:
    assert digest(f" {text} \n") == digest(text.casefold())


def test_texts_in_other_words_have_another_digest() -> None:
    assert digest("Prefers email.") != digest("Prefers e-mail.")


def test_many_threads_find_the_stems_that_one_finds() -> None:
    dice = random.Random(1)
    endings = ("ba", "tion", "ing", "ness", "ful", "al", "er", "ed", "ment", "co", "ser", "ably", "ization")
    words = ["".join(dice.choices(endings, k=dice.randint(2, 5))) for _ in range(4000)]
    alone = [terms(word) for word in words]
    language._snowball.cache_clear()

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda _: [terms(word) for word in words], range(8)))

    assert all(found == alone for found in together)
