"""What counts how much in recall.

The equal weights of the channels, the neighbours and the prior for customers are those of a recipe measured on LoCoMo,
REALTALK and BEAM; those for dates and conversations came out best on LoCoMo's development half without harm to our own
set. `make bench-full` measures what recall is worth without each of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Channels are each brought onto [0, 1] and summed by these; what comes after is added to the sum, again in [0, 1].

    A 0 switches a channel off, and nothing is read for it.
    """

    lexical: float = 1.0
    """BM25, times how much of the question the best item covers, squared where items stand alone: words that nobody
    used tell nothing."""
    cosine: float = 1.0
    late: float = 1.0
    """Late interaction: the best match of each of the question's tokens among an item's."""
    conversation: float = 0.25
    """Times the best sum in the same conversation: what was said beside the answer is about it."""
    date: float = 0.4
    """Where the item's time is the one the question names; up to three times that where it asks for little else."""
    customer: float = 0.3
    """For what customers say, where messages of agents are ranked with theirs."""
    identifier: float = 2.0
    """For each id of the question that the item holds: more than all the rest together can make up for."""
    neighbours: bool = True
    """Whether short messages are scored by the words of the two before and after them too."""


DEFAULT = Weights()
