"""What counts how much in recall. Every number was measured; CHANGELOG and README say with what."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Channels are each brought onto [0, 1] and summed by these; what comes after is added to the sum, again in [0, 1].

    A 0 switches a channel off, and nothing is read for it.
    """

    lexical: float = 1.0
    """BM25, times how much of the question the best item covers: words that nobody used tell nothing."""
    cosine: float = 1.0
    late: float = 1.0
    """Late interaction: the best match of each of the question's tokens among an item's."""
    conversation: float = 0.25
    """Times the best sum in the same conversation: what was said beside the answer is about it."""
    date: float = 0.4
    """Where the item's time is the one that the question names."""
    customer: float = 0.3
    """For what customers say, where messages of agents are ranked with theirs."""
    identifier: float = 2.0
    """For each id of the question that the item holds: more than all the rest together can make up for."""
    neighbours: bool = True
    """Whether short messages are scored by the words of the two before and after them too."""


DEFAULT = Weights()
