"""What the benchmarks count with, on rankings made by hand."""

from math import log2

import pytest

from tests.benchmarks import metrics

NONE, A, B, AB = frozenset[str](), frozenset("a"), frozenset("b"), frozenset("ab")


def test_recall_is_the_share_of_the_gold_among_the_first() -> None:
    held = [NONE, A, NONE, B]

    assert [metrics.recall(held, AB, at) for at in (1, 2, 3, 4, 10)] == [0, 0.5, 0.5, 1, 1]


def test_recall_counts_a_piece_of_gold_once() -> None:
    assert metrics.recall([A, A, A], AB, 3) == 0.5
    assert metrics.recall([AB], AB, 1) == 1


def test_what_is_no_gold_of_the_question_counts_for_nothing() -> None:
    assert metrics.recall([B, B], A, 2) == 0
    assert metrics.hit([B, B], A, 2) == 0
    assert metrics.reciprocal_rank([B, A], A) == 0.5


def test_a_hit_is_any_gold_among_the_first() -> None:
    assert [metrics.hit([NONE, A], AB, at) for at in (1, 2)] == [0, 1]


def test_the_reciprocal_rank_is_that_of_the_first_found() -> None:
    assert metrics.reciprocal_rank([NONE, NONE, A, B], AB) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank([NONE, NONE], AB) == 0


def test_ndcg_is_one_for_the_best_order_there_is() -> None:
    assert metrics.ndcg([A, B, NONE], AB, relevant=2, at=10) == 1
    assert metrics.ndcg([A], AB, relevant=1, at=10) == 1


def test_ndcg_discounts_by_rank_and_divides_by_the_best_order() -> None:
    found = metrics.ndcg([NONE, A, NONE, B], AB, relevant=2, at=10)

    assert found == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))


def test_ndcg_asks_for_no_more_than_fits() -> None:
    assert metrics.ndcg([A, A], A, relevant=5, at=2) == 1


def test_precision_is_the_share_of_the_first_that_hold_any() -> None:
    assert metrics.precision([A, NONE, B], AB, 2) == 0.5


def test_the_mean_is_taken_name_by_name() -> None:
    first, second = (metrics.scores(held, AB, relevant=2) for held in ([A, B], [NONE]))

    mean = metrics.mean([first, second])

    assert (mean["recall@5"], mean["hit@1"], mean["mrr"], mean["ndcg@10"]) == (0.5, 0.5, 0.5, 0.5)


def test_the_curve_rises_to_the_recall_of_all() -> None:
    assert metrics.curve([A, NONE, B], AB)[:4] == [0.5, 0.5, 1, 1]
