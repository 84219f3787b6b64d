"""Pure: what fits into a number of tokens."""

from collections.abc import Sequence

CHARACTERS_PER_TOKEN = 4  # the usual rule of thumb for English
ITEM_TOKENS = 8  # a line's number, date, source and quotes


def tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN) + ITEM_TOKENS


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
