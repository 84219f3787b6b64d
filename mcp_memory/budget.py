"""Pure: what fits into a number of tokens."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp_memory.model import Recall, Recalled

BYTES_PER_TOKEN = 4  # of UTF-8: the usual rule of thumb for English, and near the truth for other scripts
UNRANKED = 0.5  # what the last messages of the conversation are worth beside what was ranked
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


def pack(found: Recall, max_tokens: int | None) -> Recall:
    """What fits, by value per token across the kinds, or the latest where nothing was asked; each list keeps its
    order."""
    if max_tokens is None:
        return found
    lists: list[Sequence[Recalled[Any]]] = [found.observations, found.summaries, found.communications]
    if any(one.score is not None for items in lists for one in items):
        placed = [(one, _value(one.score, place)) for items in lists for place, one in enumerate(items)]
        contents = [one.item.content for one, _ in placed]
        at = {one.item.id: position for position, (one, _) in enumerate(placed)}
        needs = {at[one.item.id]: at[one.outdated_by] for one, _ in placed if one.outdated_by in at}
        kept = best_value(contents, [value for _, value in placed], max_tokens, needs)
    else:
        placed = [(one, 0.0) for items in lists for one in items]
        placed.sort(key=lambda pair: pair[0].item.occurred_at, reverse=True)
        kept = fitting([one.item.content for one, _ in placed], max_tokens)
    fits = {placed[at][0].item.id for at in kept}
    return replace(
        found,
        observations=[one for one in found.observations if one.item.id in fits],
        summaries=[one for one in found.summaries if one.item.id in fits],
        communications=[one for one in found.communications if one.item.id in fits],
        left_out=len(placed) - len(fits),
    )


def _value(score: float | None, place: int) -> float:
    """Of an item at this place of its list: scores fall slower than the odds that an item is what was asked for."""
    return (UNRANKED if score is None else score) / (place + 2)
