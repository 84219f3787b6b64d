import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.budget import ITEM_TOKENS, best_value, fitting, tokens

TEXTS = st.lists(st.text(max_size=200))
SCORED = st.lists(st.tuples(st.text("a\u8336", max_size=60), st.floats(0, 1)), max_size=12)


@given(TEXTS, st.integers(0, 500))
def test_what_is_kept_fits_and_what_would_still_fit_is_kept(texts: list[str], budget: int) -> None:
    kept = fitting(texts, budget)
    left = budget - sum(tokens(texts[at]) for at in kept)

    assert left >= 0 and kept == sorted(kept)
    assert all(tokens(text) > left for at, text in enumerate(texts) if at not in kept)
    assert fitting(texts, None) == list(range(len(texts)))


@pytest.mark.parametrize(("text", "cost"), [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("\u8336\u8336", 2)])
def test_four_bytes_are_a_token_and_an_item_costs_its_line(text: str, cost: int) -> None:
    assert tokens(text) == cost + ITEM_TOKENS


@given(SCORED, st.integers(0, 200))
def test_the_best_value_fits_and_nothing_left_out_fits_beside_it(scored: list[tuple[str, float]], budget: int) -> None:
    texts, scores = [text for text, _ in scored], [score for _, score in scored]

    kept = best_value(texts, scores, budget)

    left = budget - sum(tokens(texts[at]) for at in kept)
    assert left >= 0 and kept == sorted(set(kept))
    assert all(tokens(text) > left for at, text in enumerate(texts) if at not in kept)


@given(SCORED, st.integers(0, 200))
def test_the_best_is_kept_if_it_fits_by_itself(scored: list[tuple[str, float]], budget: int) -> None:
    texts, scores = [text for text, _ in scored], [score for _, score in scored]

    kept = best_value(texts, scores, budget)

    best = scores.index(max(scores)) if scores else 0
    assert (best in kept) == bool(scores and tokens(texts[best]) <= budget)


@given(SCORED, st.integers(0, 200))
def test_a_worse_one_is_never_kept_instead_of_a_better_one_that_costs_no_more(
    scored: list[tuple[str, float]], budget: int
) -> None:
    texts, scores = [text for text, _ in scored], [score for _, score in scored]

    kept = best_value(texts, scores, budget)

    for worse in kept:
        for better in set(range(len(texts))) - set(kept):
            assert scores[worse] >= scores[better] or tokens(texts[worse]) < tokens(texts[better])


def test_what_says_more_in_fewer_tokens_is_kept() -> None:
    texts = ["best", "long " * 40, "short", "brief"]

    assert best_value(texts, [1.0, 0.8, 0.7, 0.6], tokens("best") + tokens(texts[1])) == [0, 2, 3]


def test_many_short_ones_of_no_use_do_not_crowd_out_a_long_one_that_answers() -> None:
    texts = ["best", "long " * 40, *["no"] * 20]

    assert 1 in best_value(texts, [1.0, 0.8, *[0.1] * 20], tokens("best") + tokens(texts[1]))


def test_the_best_is_kept_though_others_have_more_value_per_token() -> None:
    texts = ["best " * 100, *["ok"] * 20]

    assert best_value(texts, [0.9, *[0.8] * 20], tokens(texts[0])) == [0]
