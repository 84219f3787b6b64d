"""Pure: what fits into a number of tokens."""

import math
from collections.abc import Mapping, Sequence

BYTES_PER_TOKEN = 4  # of UTF-8: the usual rule of thumb for English, and near the truth for other scripts
ITEM_TOKENS = 8  # a line's number, date, source and quotes


def tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN) + ITEM_TOKENS


def fitting(texts: Sequence[str], budget: int | None) -> list[int]:
    """Positions of the texts to keep, in order: each is taken if it still fits, the earlier ones first."""
    kept: list[int] = []
    left = budget
    for position, text in enumerate(texts):
        cost = tokens(text)
        if left is None or cost <= left:
            kept.append(position)
            left = None if left is None else left - cost
    return kept


def best_value(
    texts: Sequence[str], values: Sequence[float], budget: int, needs: Mapping[int, int] | None = None
) -> list[int]:
    """Positions of the texts to keep, in order: the most valuable if it fits, then by value per token what still fits.

    `values` are those of texts of one length. A longer text holds more, by the root of its length: so it came out best
    on LoCoMo, of all powers from 0 to 1 at 200 and at 400 tokens. `needs`: positions that are kept only together with
    another one.
    """
    needs = needs or {}
    best = sorted(range(len(texts)), key=lambda at: values[at], reverse=True)
    dense = sorted(best[1:], key=lambda at: values[at] / math.sqrt(tokens(texts[at])), reverse=True)
    kept: set[int] = set()
    left, again = budget, True
    while again:  # what another one was needed for may be kept once that is
        again = False
        for at in (*best[:1], *dense):
            cost = tokens(texts[at])
            if at not in kept and cost <= left and needs.get(at, at) in (at, *kept):
                kept.add(at)
                left, again = left - cost, True
    return sorted(kept)
