import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.budget import fitting, tokens
from mcp_memory.ranking import Candidates, bm25, min_max, rank

TERM = st.integers(1, 12)
ITEM = st.tuples(st.lists(TERM, max_size=12), st.floats(-1, 1, width=32), st.integers(0, 10**15))


def candidates(items: list[tuple[list[int], float, int]]) -> Candidates:
    return Candidates(
        occurred_at=np.array([at for _, _, at in items], dtype=np.int64),
        item_of_chunk=np.arange(len(items)),
        cosines=np.array([cosine for _, cosine, _ in items], dtype=np.float32),
        terms=np.array([term for terms, _, _ in items for term in terms], dtype=np.uint32),
        chunk_of_term=np.array([at for at, (terms, _, _) in enumerate(items) for _ in terms], dtype=np.int64),
    )


@given(st.lists(TERM, max_size=5, unique=True), st.lists(ITEM, max_size=20))
def test_ranking_invents_and_loses_nothing(query: list[int], items: list[tuple[list[int], float, int]]) -> None:
    ranked = rank(query, candidates(items))

    assert sorted(item for item, _ in ranked) == list(range(len(items)))
    scores = [score for _, score in ranked]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(st.lists(TERM, min_size=1, max_size=5, unique=True), st.lists(ITEM, min_size=2, max_size=12), st.randoms())
def test_the_order_of_storage_does_not_matter(
    query: list[int], items: list[tuple[list[int], float, int]], random: object
) -> None:
    shuffled = sorted(items, key=lambda item: hash((random, str(item))))
    one = {(str(items[at]), round(score, 4)) for at, score in rank(query, candidates(items))}
    other = {(str(shuffled[at]), round(score, 4)) for at, score in rank(query, candidates(shuffled))}

    assert one == other


def test_of_equals_the_latest_comes_first() -> None:
    ranked = rank([1], candidates([([1], 0.5, 10), ([1], 0.5, 30), ([1], 0.5, 20)]))

    assert [item for item, _ in ranked] == [1, 2, 0]


def test_either_channel_alone_finds_its_item() -> None:
    by_words = rank([7], candidates([([1, 2], 0.1, 0), ([7], 0.1, 0), ([3], 0.1, 0)]))
    by_meaning = rank([9], candidates([([1, 2], 0.1, 0), ([7], 0.1, 0), ([3], 0.8, 0)]))

    assert by_words[0][0] == 1 and by_meaning[0][0] == 2


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    items = [([1, 5], 0.0, 0), ([1, 6], 0.0, 0), ([1, 9], 0.0, 0), ([1, 2], 0.0, 0)]

    assert rank([1, 9], candidates(items))[0][0] == 2


def test_the_score_says_how_well_the_best_answers() -> None:
    nothing = rank([99], candidates([([1], 0.05, 0), ([2], 0.0, 0)]))
    everything = rank([1], candidates([([1], 0.9, 0), ([2], 0.0, 0)]))

    assert nothing[0][1] < 0.1 < 0.9 < everything[0][1]


def test_an_item_keeps_its_own_relevance_however_good_the_others_are() -> None:
    best, good = rank([1], candidates([([1], 0.9, 0), ([], 0.6, 0)]))

    assert best[1] > 0.9
    assert good[1] == pytest.approx(0.6)


def test_a_long_item_counts_by_its_best_chunk() -> None:
    items = Candidates(
        occurred_at=np.array([0, 0], dtype=np.int64),
        item_of_chunk=np.array([0, 0, 1]),
        cosines=np.array([0.1, 0.9, 0.5], dtype=np.float32),
        terms=np.array([1, 2, 3], dtype=np.uint32),
        chunk_of_term=np.array([0, 1, 2]),
    )

    assert [item for item, _ in rank([], items)] == [0, 1]


def test_bm25_agrees_with_its_formula() -> None:
    scores, coverage = bm25([1, 2], candidates([([1, 1, 3], 0, 0), ([2, 3, 3, 3], 0, 0)]))

    idf = np.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    norm = [0.9 * (0.25 + 0.75 * length / 3.5) for length in (3, 4)]
    assert scores == pytest.approx([idf * 2 / (2 + norm[0]), idf * 1 / (1 + norm[1])])
    assert coverage == pytest.approx([0.5, 0.5])


@given(st.lists(st.floats(-10, 10, width=32), min_size=1))
def test_min_max_stays_within_zero_and_one_and_keeps_the_order(values: list[float]) -> None:
    channel = np.array(values, dtype=np.float32)
    scaled = min_max(channel)

    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (np.diff(scaled[np.argsort(channel, kind="stable")]) >= 0).all()


@given(st.lists(st.text(max_size=200)), st.integers(0, 500))
def test_what_is_kept_fits_and_what_would_still_fit_is_kept(texts: list[str], budget: int) -> None:
    kept = fitting(texts, budget)
    left = budget - sum(tokens(texts[at]) for at in kept)

    assert left >= 0 and kept == sorted(kept)
    assert all(tokens(text) > left for at, text in enumerate(texts) if at not in kept)
    assert fitting(texts, None) == list(range(len(texts)))
