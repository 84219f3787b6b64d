"""Pure: from the raw channels of recall to an order.

Items are scored by their best chunk. Channels are min-max normalised over the profile's items and summed with
equal weights; the order follows that sum. The score shown is absolute: how much of the question an item holds, by its
words or by its meaning. It means the same in every profile, so that one that knows nothing of the matter does not
answer with ones. Where the order and the score disagree, an item is lent the best score of those behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

K1, B = 0.9, 0.75  # measured best where short and long items are mixed (LoCoMo, BEAM)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """A profile's items of one kind, in columns. A long item has several chunks."""

    occurred_at: Ints  # per item, microseconds since the epoch
    item_of_chunk: Ints  # ascending
    cosines: Floats  # per chunk; 0 where the vector was made by another model
    terms: NDArray[np.uint32]  # all terms of all chunks
    chunk_of_term: Ints


def rank(query_terms: Sequence[int], items: Candidates, limit: int | None = None) -> list[tuple[int, float]]:
    """The best `limit` as (item, score in [0, 1]), best first; of equals the latest first."""
    count = len(items.occurred_at)
    if count == 0:
        return []
    lexical, coverage = bm25(query_terms, items)
    lexical, coverage, cosine = (
        _best_chunk(channel, items) for channel in (lexical, coverage, np.clip(items.cosines, 0, 1))
    )
    fused = (min_max(lexical) + min_max(cosine)) / 2
    relevance = 1 - (1 - coverage) * (1 - cosine)  # either channel alone can vouch for an item
    order = np.lexsort((-np.arange(count), -items.occurred_at, -relevance, -fused))
    scores = np.maximum.accumulate(relevance[order][::-1])[::-1]
    return list(zip(order[:limit].tolist(), np.minimum(scores[:limit], 1).tolist(), strict=True))


def bm25(query_terms: Sequence[int], items: Candidates) -> tuple[Floats, Floats]:
    """Per chunk: BM25 (Lucene's idf) by the statistics of this profile alone, and the idf-weighted share of the
    query's terms that the chunk holds."""
    chunk_count = len(items.item_of_chunk)
    lengths = np.bincount(items.chunk_of_term, minlength=chunk_count)
    norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    scores, held, wanted = np.zeros(chunk_count), np.zeros(chunk_count), 0.0
    for term in query_terms:
        frequency = np.bincount(items.chunk_of_term[items.terms == term], minlength=chunk_count)
        holders = int(np.count_nonzero(frequency))
        idf = float(np.log1p((chunk_count - holders + 0.5) / (holders + 0.5)))
        scores += idf * frequency / (frequency + norm)
        held += idf * (frequency > 0)
        wanted += idf
    return scores.astype(np.float32), (held / wanted if wanted else held).astype(np.float32)


def min_max(channel: Floats) -> Floats:
    """Onto [0, 1]; a channel that tells nothing apart says 1 of all where it is positive, else 0."""
    low, high = float(channel.min()), float(channel.max())
    if high > low:
        return np.asarray((channel - low) / (high - low), dtype=np.float32)
    return np.full_like(channel, 1.0 if high > 0 else 0.0)


def _best_chunk(per_chunk: Floats, items: Candidates) -> Floats:
    best = np.zeros(len(items.occurred_at), dtype=np.float32)
    np.maximum.at(best, items.item_of_chunk, per_chunk)
    return best
