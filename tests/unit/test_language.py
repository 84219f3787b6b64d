import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import language
from mcp_memory.language import chunks, digest, query_terms, terms


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
