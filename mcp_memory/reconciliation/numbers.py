"""Pure: whether two statements that have the same words have the same numbers. A number is a name: of an order, a day,
a room. Sets of words do not show which number stands where, nor that one stands there twice.
"""

import re
from collections import Counter
from functools import lru_cache

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


def fit(less: str, more: str) -> bool:
    """Whether the one that says less has no number of its own: in a sentence of one form none at another place."""
    (frame, numbers), (other_frame, other_numbers) = _read(less), _read(more)
    if frame == other_frame:
        return numbers == other_numbers
    return not Counter(numbers) - Counter(other_numbers)


@lru_cache(maxsize=1_024)
def _read(text: str) -> tuple[str, tuple[str, ...]]:
    """The sentence without its numbers, and these in order."""
    return _NUMBER.sub("#", text), tuple(_NUMBER.findall(text))
