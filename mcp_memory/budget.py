"""Pure: what fits into a number of tokens."""

from collections.abc import Sequence

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
