"""How good a ranking is. Pure.

A ranking is what its items hold, best first: for each item the gold it is evidence of, which for most is none. An item
may hold several pieces of gold, and several items the same piece.
"""

from collections.abc import Mapping, Sequence, Set
from math import log2

Held = Sequence[Set[str]]
Scores = Mapping[str, float]

CUTS = (5, 10, 20)
DEEPEST = max(CUTS)


def recall(held: Held, gold: Set[str], at: int) -> float:
    """The share of the gold that the first `at` items hold."""
    found = frozenset[str]().union(*held[:at])
    return len(found & gold) / len(gold)


def hit(held: Held, gold: Set[str], at: int) -> float:
    return float(any(one & gold for one in held[:at]))


def reciprocal_rank(held: Held, gold: Set[str]) -> float:
    """1 / the rank of the first item that holds any; 0 where none does."""
    return next((1 / rank for rank, one in enumerate(held, start=1) if one & gold), 0.0)


def ndcg(held: Held, gold: Set[str], relevant: int, at: int) -> float:
    """An item that holds any gold gains 1. `relevant`: how many such items there are to be found."""
    gained = sum(1 / log2(rank + 1) for rank, one in enumerate(held[:at], start=1) if one & gold)
    return gained / sum(1 / log2(rank + 1) for rank in range(1, min(relevant, at) + 1))


def precision(held: Held, gold: Set[str], at: int) -> float:
    """The share of the first `at` items that hold any, of which there are fewer where less was found."""
    return sum(bool(one & gold) for one in held[:at]) / at


def scores(held: Held, gold: Set[str], relevant: int) -> dict[str, float]:
    """What was not asked for counts as not found, in `mrr` too."""
    return {
        **{f"recall@{at}": recall(held, gold, at) for at in CUTS},
        **{f"hit@{at}": hit(held, gold, at) for at in (1, *CUTS)},
        "mrr": reciprocal_rank(held, gold),
        "ndcg@10": ndcg(held, gold, relevant, 10),
    }


def curve(held: Held, gold: Set[str]) -> list[float]:
    """Recall at 1, 2, 3 and so on."""
    return [recall(held, gold, at) for at in range(1, DEEPEST + 1)]


def mean(many: Sequence[Scores]) -> dict[str, float]:
    """Name by name. All have the same names, and there is at least one."""
    return {name: sum(one[name] for one in many) / len(many) for name in many[0]}
