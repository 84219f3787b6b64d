"""Pure: from the channels of recall to an order.

Three channels say how well an item answers: BM25 by the statistics of this profile alone, the cosine of the pooled
vectors, and late interaction, the best match of each token of the question among those of the item. Each is min-max
normalised over the profile's items, and they are summed. A long item counts by its best chunk.

The order follows that sum and the priors of `weights.py`. The score shown is absolute: how much of the question an item
holds, by its words or by its meaning. It means the same in every profile, so that one that knows nothing of the matter
does not answer with ones. Where the order and the score disagree, an item is lent the best score of those behind it.

What can't be told of an item, since its vector is missing, damaged or another model's, is left out: what can be told
decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mcp_memory.candidates import Candidates, Flags, Floats, Ints, Question, TokenVectors, Vectors
from mcp_memory.mentions import Dates
from mcp_memory.weights import DEFAULT, Weights

K1, B = 0.9, 0.75  # measured best where short and long items are mixed (LoCoMo, BEAM)
OWN_WORDS = 3  # times, against once for each of two neighbours on both sides
SHORT_MESSAGES = 40  # words: below that median, messages need the context of their neighbours
WORDS_PER_TERM = 2  # half of the words are stop words
SHORTLIST = 200  # items whose token vectors are read; with 100, LoCoMo's turns lose 0.5 points, with all they gain 0.1
FEW_WORDS = 2 / 3  # a question's one word, covered, is worth 0.6, two are worth 0.75, and four 0.86
WITHOUT_ID = 0.3
FEW = 20  # items; below, statistics over them say nothing: no idf in late interaction, and no centring
DIGITS = 4  # of a cosine; beyond, rounding to int8 and the order of a sum decide
DAY = 86_400_000_000  # microseconds
NEARNESS = 5  # days: how soon the match with a day that is asked for fades
LATER = {"month": 10 * DAY, "year": 14 * DAY}  # people talk about the recent past
LATER_MATCH = 0.5  # then; what is of the month itself is nearer
NO_MEANING, ALL_MEANING = 0.25, 0.75  # where nine in ten unrelated items are below, and one in ten answers above


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """`score` in [0, 1]; `own` is it without what is lent. The others say why: the share of the question's words, by
    weight, that the item holds; how near its meaning and its tokens are (None: not known); and how well it fits the
    dates that the question names."""

    item: int
    score: float
    own: float
    coverage: float
    cosine: float | None = None
    late: float | None = None
    date: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """`values` in [0, 1] per item, where `known`."""

    values: Floats
    known: Flags
    weight: float


class Ranking:
    """One question to the items of a profile: first what is cheap, then `ranked`."""

    def __init__(self, question: Question, items: Candidates, weights: Weights = DEFAULT) -> None:
        self._question, self._items, self._weights = question, items, weights
        self._coverage, self._lexical, trust = _lexical(question, items, weights)
        self._trust = trust if weights.lexical else 1.0
        self._cosines, self._cosine = _cosine(question, items, weights)

    def likeness(self, chosen: Sequence[int]) -> Floats:
        """(chosen, chosen): how near in meaning these items are to each other, a missing vector to none: cosines, where
        there are enough items, after the mean of all vectors was taken from each."""
        vectors = self._directions(chosen)
        return np.asarray(vectors @ vectors.T, dtype=np.float32)

    def likeness_to_question(self, chosen: Sequence[int]) -> Floats:
        """(chosen,): the same, of the question to each of these items."""
        vector = self._question.vector
        if vector is None or not _comparable(self._items.vectors, vector):
            return np.zeros(len(chosen), dtype=np.float32)
        asked = vector - self._items.centre[0] if len(self._items) >= FEW else vector
        return np.asarray(self._directions(chosen) @ (asked / max(float(np.linalg.norm(asked)), 1e-9)), np.float32)

    def _directions(self, chosen: Sequence[int]) -> Floats:
        """(chosen, dimensions): unit vectors, or nothing."""
        first = self._items.first_chunks[np.asarray(chosen, dtype=np.int64)]
        vectors = self._items.vectors.values[first] * self._items.vectors.scales[first, None]
        if len(self._items) >= FEW:
            vectors = np.where(self._items.vectors.scales[first, None] > 0, vectors - self._items.centre[0], 0)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)

    @cached_property
    def shortlist(self) -> Ints:
        """The items whose token vectors `ranked` is to be given, ascending: the best so far of those that have any."""
        if not self._weights.late or self._question.token_states is None or not len(self._question.token_states):
            return np.empty(0, dtype=np.int64)
        promise = np.where(self._items.with_tokens, fused([self._lexical, self._cosine]), -1)
        best = np.argsort(-promise, kind="stable")[:SHORTLIST]
        return np.sort(best[promise[best] >= 0])

    def ranked(self, tokens: TokenVectors | None = None, limit: int | None = None) -> list[Ranked]:
        """Best first; of equals the latest first."""
        count = len(self._items)
        if count == 0:
            return []
        late, channel = _late(self._question, self._items, self.shortlist, tokens, self._weights.late * self._trust)
        fit = fused([self._lexical, self._cosine, channel])
        dates = date_match(self._question.dates, self._items.occurred_at)
        fit = fit + _priors(fit, self._question, self._items, self._weights)
        fit = fit + self._weights.date * _only_dates(self._question) * dates
        relevance = self._relevance(_meaning(self._cosines, self._cosine.known, late))
        order = np.lexsort((-np.arange(count), -self._items.occurred_at, -relevance, -np.round(fit, DIGITS)))
        scores = lent(relevance[order])
        return [
            Ranked(
                item=int(item),
                score=float(scores[place]),
                own=float(relevance[item]),
                coverage=float(self._coverage[item]),
                cosine=float(self._cosines[item]) if self._cosine.known[item] else None,
                late=None if np.isnan(late[item]) else float(late[item]),
                date=float(dates[item]) if self._question.dates else None,
            )
            for place, item in enumerate(order[:limit])
        ]

    def _relevance(self, meaning: Floats) -> Floats:
        """[0, 1], absolute. A question of one word is covered by whatever has it, which says less than of many; and
        what has none of the ids that are asked for does not answer, whatever else it has."""
        count, ids = len(self._question.terms), self._question.ids if self._weights.identifier else ()
        covered = self._coverage * (count / (count + FEW_WORDS))
        held = np.zeros(len(self._items), dtype=np.bool_)
        for spellings in ids:
            held |= _holding(spellings, self._items)
        covered = np.where(held, self._coverage, covered)
        relevance = 1 - (1 - covered) * (1 - meaning)
        if ids:
            relevance = np.where(held, relevance, np.minimum(relevance, WITHOUT_ID))
        return np.asarray(np.clip(relevance, 0, 1), dtype=np.float32)


def lent(relevance: Floats) -> Floats:
    """Falling: who stands before another is lent its score, where that is higher."""
    return np.asarray(np.maximum.accumulate(relevance[::-1])[::-1])


def fused(channels: Sequence[Channel]) -> Floats:
    """The weighted mean of what is known of each item, min-max normalised; 0 where nothing is."""
    total = sum((one.weight * np.where(one.known, one.values, 0) for one in channels), np.float32(0))
    known = sum((one.weight * one.known for one in channels), np.float32(0))
    return min_max(np.asarray(np.where(known > 0, total / np.maximum(known, 1e-9), 0), dtype=np.float32))


def min_max(channel: Floats) -> Floats:
    """Onto [0, 1]; a channel that tells nothing apart says 1 of all where it is positive, else 0."""
    if not len(channel):
        return channel
    low, high = float(channel.min()), float(channel.max())
    if high > low:
        return np.asarray((channel - low) / (high - low), dtype=np.float32)
    return np.full_like(channel, 1.0 if high > 0 else 0.0)


# The lexical channel


def bm25(frequencies: Floats, lengths: Floats) -> tuple[Floats, Floats]:
    """(terms of the question, documents) -> per document BM25 with Lucene's idf, and the share of the terms, weighted
    by idf, that it holds."""
    holders = np.count_nonzero(frequencies, axis=1)
    idf = np.log1p((frequencies.shape[1] - holders + 0.5) / (holders + 0.5))
    norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    scores = idf @ (frequencies / (frequencies + norm))
    held = idf @ (frequencies > 0)
    return scores.astype(np.float32), (held / max(float(idf.sum()), 1e-9)).astype(np.float32)


def _lexical(question: Question, items: Candidates, weights: Weights) -> tuple[Floats, Channel, float]:
    """The share of the question that each item holds in its own words; the channel; and the weight of late interaction:
    as far as the best item covers the question, for where no word is shared the nearest tokens mislead. Short messages
    are too poor in meaning of their own to do without it.
    """
    count = len(items)
    nothing = np.zeros(count, dtype=np.float32)
    known = np.ones(count, dtype=np.bool_)
    if not count or not len(question.terms):
        return nothing, Channel(values=nothing, known=known, weight=0.0), 1.0
    frequencies = np.stack(
        [np.bincount(items.chunk_of_term[items.terms == term], minlength=items.chunks) for term in question.terms]
    ).astype(np.float32)
    lengths = np.bincount(items.chunk_of_term, minlength=items.chunks).astype(np.float32)
    scores, coverage = bm25(frequencies, lengths)
    scores, coverage = _best_chunk(scores, items), _best_chunk(coverage, items)
    trust = min(float(coverage.max()), 1.0)
    share = trust**2  # where the question's words are hardly there, those that are say next to nothing
    if weights.neighbours and _needs_context(items, lengths):
        own = [np.add.reduceat(one, items.first_chunks, axis=-1) for one in (frequencies, lengths)]
        scores, shared = bm25(*(_with_neighbours(one, items) for one in own))
        share, trust = min(float(shared.max()), 1.0), 1.0
    return coverage, Channel(values=min_max(scores), known=known, weight=weights.lexical * share), trust


def _needs_context(items: Candidates, lengths: Floats) -> bool:
    if not items.conversation.any():
        return False
    words = np.add.reduceat(lengths, items.first_chunks) * WORDS_PER_TERM
    return float(np.median(words)) < SHORT_MESSAGES


def _with_neighbours(counts: Floats, items: Candidates) -> Floats:
    """Per item: its own times OWN_WORDS, and once those of two neighbours on each side in its conversation."""
    order = np.argsort(items.conversation, kind="stable")
    conversation, own = items.conversation[order], counts[..., order]
    total = own * OWN_WORDS
    for distance in (1, 2):
        together = (conversation[distance:] == conversation[:-distance]) & (conversation[distance:] != 0)
        total[..., distance:] += own[..., :-distance] * together
        total[..., :-distance] += own[..., distance:] * together
    back = np.empty_like(total)
    back[..., order] = total
    return back


# The channels of meaning


def _cosine(question: Question, items: Candidates, weights: Weights) -> tuple[Floats, Channel]:
    """Per item the cosine as it is; and the channel, where the mean of all vectors has been taken from each."""
    vector, scales = question.vector, items.vectors.scales
    if vector is None or not _comparable(items.vectors, vector) or not np.any(scales):
        nothing = np.zeros(len(items), dtype=np.float32)
        return nothing, Channel(values=nothing, known=nothing > 0, weight=weights.cosine)
    dots = items.vectors.dots(vector[None])[:, 0]
    missing = scales == 0
    centred = _centred(dots, vector, items) if len(items) >= FEW else dots
    known = _best_chunk((~missing).astype(np.float32), items) > 0
    shown = (np.where(missing, -np.inf, np.round(one, DIGITS)) for one in (dots, centred))
    per_item = [_best_chunk(one, items, -np.inf) for one in shown]
    raw, channel = (np.where(known, one, 0).astype(np.float32) for one in per_item)
    if weights.neighbours and items.conversation.any():
        raw, channel = (_over_windows(one, known, items) for one in (raw, channel))
    channel[known] = min_max(channel[known])
    return np.clip(raw, 0, 1), Channel(values=channel, known=known, weight=weights.cosine)


def _comparable(vectors: Vectors, vector: Floats) -> bool:
    return int(vectors.values.shape[1]) == len(vector)


def _centred(dots: Floats, vector: Floats, items: Candidates) -> Floats:
    """The cosines, had the mean vector been taken from all: what all items share tells none apart."""
    mean, shares = items.centre
    square = float(mean @ mean)
    lengths = np.sqrt(np.maximum(1 - 2 * shares + square, 1e-6))
    length = np.sqrt(max(1 - 2 * float(vector @ mean) + square, 1e-6))
    return np.asarray((dots - shares - float(vector @ mean) + square) / (lengths * length), dtype=np.float32)


def _over_windows(values: Floats, known: Flags, items: Candidates) -> Floats:
    """A message's vector is that of the three around it: its value is the mean of the windows it is in."""
    order = np.argsort(items.conversation, kind="stable")
    conversation, one, ok = items.conversation[order], values[order], known[order].astype(np.float32)
    total, count = one * ok, ok.copy()
    together = (conversation[1:] == conversation[:-1]) & (conversation[1:] != 0)
    for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        total[here] += (one * ok)[there] * together
        count[here] += ok[there] * together
    back = np.empty_like(total)
    back[order] = total / np.maximum(count, 1)
    return back


def _late(
    question: Question, items: Candidates, shortlist: Ints, tokens: TokenVectors | None, channel_weight: float
) -> tuple[Floats, Channel]:
    """Per item the mean, weighted by idf, of each telling token's best cosine, NaN where it is not known; and the
    channel. Those that have tokens and are not on the shortlist stand behind those that are."""
    late = np.full(len(items), np.nan, dtype=np.float32)
    values = np.zeros(len(items), dtype=np.float32)
    chosen, behind = np.zeros(len(items), dtype=np.bool_), items.with_tokens.copy()
    if tokens is None or question.token_states is None or not _comparable(tokens.vectors, question.token_states[0]):
        return late, Channel(values=values, known=chosen, weight=channel_weight)
    chosen[tokens.items] = True
    behind[shortlist] = False
    weight = _token_weights(question, items)
    chunk_of_token = items.chunk_of_token[chosen[items.item_of_chunk[items.chunk_of_token]]]
    starts = np.flatnonzero(np.diff(chunk_of_token, prepend=-1))
    found = np.zeros(items.chunks, dtype=np.float32)
    if len(starts):
        best = np.maximum.reduceat(tokens.vectors.dots(question.token_states[weight > 0]), starts, axis=0)
        found[chunk_of_token[starts]] = np.round(np.clip(best, 0, 1) @ weight[weight > 0], DIGITS)
    late[chosen] = _best_chunk(found, items)[chosen]
    values[chosen] = min_max(late[chosen])
    return late, Channel(values=values, known=chosen | behind, weight=channel_weight)


def _token_weights(question: Question, items: Candidates) -> Floats:
    assert question.token_ids is not None and question.telling is not None
    weight = question.telling.astype(np.float32)
    if not weight.any():
        weight = np.ones_like(weight)
    if len(items) >= FEW:
        holders = items.holders[question.token_ids]
        weight = weight * np.log1p((len(items) - holders + 0.5) / (holders + 0.5))
    return np.asarray(weight / weight.sum(), dtype=np.float32)


def _meaning(cosines: Floats, known: Flags, late: Floats) -> Floats:
    """[0, 1], from the cosines and late interaction as they are, whichever is known."""
    both = np.where(known, (cosines + late) / 2, late)
    nearness = np.where(np.isnan(late), np.where(known, cosines, 0), both)
    return np.clip((nearness - NO_MEANING) / (ALL_MEANING - NO_MEANING), 0, 1)


# The priors


def _priors(fit: Floats, question: Question, items: Candidates, weights: Weights) -> Floats:
    prior = np.zeros(len(items), dtype=np.float32)
    for spellings in question.ids:
        prior += weights.identifier * _holding(spellings, items)
    best = np.zeros(len(items), dtype=np.float32)
    np.maximum.at(best, items.episodes, fit)
    prior += weights.conversation * best[items.episodes]
    if items.from_agent.any() and not items.from_agent.all():
        prior += weights.customer * ~items.from_agent
    return prior


def _holding(spellings: frozenset[int], items: Candidates) -> Flags:
    """Per item, whether it has one of these terms."""
    held = np.zeros(len(items), dtype=np.bool_)
    held[items.item_of_chunk[items.chunk_of_term[np.isin(items.terms, list(spellings))]]] = True
    return held


def _only_dates(question: Question) -> float:
    """From 3, for a question that asks for nothing but what happened then, to 1 for one of many other words."""
    return 1 + 2 / (1 + question.undated_terms)


def date_match(dates: Dates, occurred_at: Ints) -> Floats:
    """Per item in [0, 1]: 1 on the day that is asked for, fading over days; 1 in the month or year, and shortly after
    it. The best of the dates counts."""
    match = np.zeros(len(occurred_at), dtype=np.float32)
    if not dates or not len(occurred_at):
        return match
    for year, month, day in dates.days:
        for one in [year] if year else _years_around(occurred_at):
            noon = np.datetime64(f"{one:04}-{month:02}-01") + np.timedelta64(day - 1, "D") + np.timedelta64(12, "h")
            distance = np.abs(occurred_at - noon.astype("datetime64[us]").astype(np.int64)) / DAY
            match = np.maximum(match, np.exp(-distance / NEARNESS))
    for first, end in dates.spans:
        low, high = (np.datetime64(one).astype("datetime64[us]").astype(np.int64) for one in (first, end))
        outside = np.maximum(np.maximum(low - occurred_at, occurred_at - high), 0) / DAY
        match = np.maximum(match, np.exp(-outside / NEARNESS))
    for delay, much in ((0, 1.0), (LATER["month"], LATER_MATCH)):
        years, months = _year_month(occurred_at - delay)
        for year, month in dates.months:
            match[(months == month) & ((years == year) | (year is None)) & (match < much)] = much
    for delay, much in ((0, 1.0), (LATER["year"], LATER_MATCH)):
        years, _ = _year_month(occurred_at - delay)
        match[np.isin(years, dates.years) & (match < much)] = much
    return match


def _years_around(occurred_at: Ints) -> Ints:
    """Those in which something happened, and one more on either side: New Year is near to both of its years."""
    years = _year_month(occurred_at)[0]
    return np.unique([years - 1, years, years + 1])


def _year_month(micros: Ints) -> tuple[Ints, Ints]:
    months = micros.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return months // 12 + 1970, months % 12 + 1


def _best_chunk(per_chunk: Floats, items: Candidates, nothing: float = 0.0) -> Floats:
    best = np.full(len(items), nothing, dtype=np.float32)
    np.maximum.at(best, items.item_of_chunk, per_chunk)
    return best
