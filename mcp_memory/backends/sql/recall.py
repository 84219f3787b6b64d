"""Recall, inside a transaction: rank what the profile has, fetch the best, keep what fits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mcp_memory import budget, language
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.past import Then
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.model import (
    ByWordsOnly,
    Communication,
    ItemT_co,
    Kind,
    Match,
    Observation,
    Recall,
    Recalled,
    RecallQuery,
)
from mcp_memory.weights import Weights

if TYPE_CHECKING:
    from mcp_memory.candidates import Candidates, Question
    from mcp_memory.ranking import Ranked, Ranking

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER, FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
RIVALS = 30  # observations among which what replaced what is looked for
LARGE = 4_000  # items: from there on, scoring keeps the processor for 10 ms and more


Known = Transaction | Then


class TooLarge(Exception):
    """This profile is to be scored by one of the few threads that are for large ones."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`text` is what `question` was made from; None for both: nothing was asked. `at`: what was known then is meant,
    None for now; `wordings` are signatures of what was worded otherwise then."""

    query: RecallQuery
    text: str | None
    question: "Question | None"
    model_id: str
    weights: Weights
    at: datetime | None = None
    wordings: Mapping[str, Signature] = field(default_factory=dict)


def recall(tx: Transaction, profile_id: str, asked: Asked, *, large: bool) -> Recall:
    """Raises TooLarge unless `large` profiles are welcome."""
    profile, query = existing(tx, profile_id), asked.query
    id = profile.profile_id
    known: Known = tx if asked.at is None else Then(tx, asked.at, asked.wordings)
    by_words_only: ByWordsOnly | None = None
    if asked.question is None or asked.text is None:
        observations = _as_is(known.latest_observations(id, query.observations_limit, query.begin, query.end))
        summaries = _as_is(known.latest_summaries(id, query.summaries_limit, query.begin, query.end))
    else:
        if not large and profile.observation_count + profile.communication_count >= LARGE:
            raise TooLarge
        limit = query.observations_limit if profile.observation_count else 0
        observations, compared = _observations(known, id, asked, limit)
        by_words_only = asked.question.by_words_only or (None if compared else "vectors")
        limit = query.summaries_limit if profile.summary_count else 0
        summaries = _others(known, "summary", id, asked, limit, known.summaries)
    conversation_id = query.conversation_id
    found = Recall(
        profile_id=id,
        observations=observations,
        summaries=summaries,
        communications=_communications(known, id, asked),
        query=asked.text if asked.text != query.query else None,
        unknown_conversation=conversation_id is not None and not tx.conversation_end(id, conversation_id, 1),
        by_words_only=by_words_only,
        as_of=asked.at,
    )
    return budget.pack(found, query.max_tokens)


def _communications(known: Known, profile_id: str, asked: Asked) -> Sequence[Recalled[Communication]]:
    query = asked.query
    limit = query.communications_limit
    if query.conversation_id is not None:
        return _as_is(known.conversation_end(profile_id, query.conversation_id, limit, query.begin, query.end))
    if asked.question is None:
        return _as_is(known.latest_communications(profile_id, limit, query.begin, query.end))
    return _others(known, "communication", profile_id, asked, limit, known.communications)


def _as_is(items: Iterable[ItemT_co]) -> list[Recalled[ItemT_co]]:
    return [Recalled(item=item, score=None) for item in items]


def _observations(known: Known, profile_id: str, asked: Asked, limit: int) -> tuple[list[Recalled[Observation]], bool]:
    """Of statements about one attribute, the latest true one first; and whether the vector of any could be compared."""
    if limit == 0:
        return [], True
    from mcp_memory.statements import read, settled  # many patterns: not before they are needed, for the cold start

    ranking, best = best_of(known, "observation", profile_id, asked, max(limit, RIVALS))
    items = known.observations(profile_id, [one.key for one in best])
    rivals = best[:RIVALS]
    likeness = ranking.likeness([one.ranked.item for one in rivals])
    learned = sorted(range(len(rivals)), key=lambda at: (items[rivals[at].key].occurred_at, rivals[at].ranked.item))
    order, outdated = settled(
        range(len(rivals)),
        asked.text or "",
        [read(items[one.key].content) for one in rivals],
        {at: place for place, at in enumerate(learned)},
        lambda one, other: float(likeness[one, other]),
    )
    by = {rivals[at].key: rivals[other].key for at, other in outdated.items()}
    found = [replace(one, outdated_by=by.get(one.key)) for one in (*(rivals[at] for at in order), *best[RIVALS:])]
    compared = not best or any(one.ranked.cosine is not None for one in best)
    return _recalled(_scored_anew(found)[:limit], asked, items), compared


def _scored_anew(found: Sequence["_Found"]) -> list["_Found"]:
    """In another order than they were ranked: each its own score, or what it is lent by those behind it."""
    score, scored = 0.0, []
    for one in reversed(found):
        score = max(score, one.ranked.own)
        scored.append(replace(one, score=score))
    return scored[::-1]


def _others(
    known: Known,
    kind: Kind,
    profile_id: str,
    asked: Asked,
    limit: int,
    fetch: Callable[[str, Iterable[object]], Mapping[object, ItemT_co]],
) -> list[Recalled[ItemT_co]]:
    if limit == 0:
        return []
    _, best = best_of(known, kind, profile_id, asked, limit)
    return _recalled(best, asked, fetch(profile_id, [one.key for one in best]))


@dataclass(frozen=True)
class _Found:
    key: object
    ranked: "Ranked"
    score: float
    outdated_by: object = None


def best_of(known: Known, kind: Kind, profile_id: str, asked: Asked, count: int) -> "tuple[Ranking, list[_Found]]":
    from mcp_memory.ranking import Ranking  # numpy: not before it is needed, for the cold start

    assert asked.question is not None
    keys, candidates = known.candidates(kind, profile_id, asked.model_id)
    keys, candidates = _within(keys, candidates, asked.query)
    ranking = Ranking(asked.question, candidates, asked.weights)
    shortlist = ranking.shortlist
    tokens = known.token_vectors(kind, profile_id, keys, candidates, shortlist) if len(shortlist) else None
    return ranking, [_Found(keys[one.item], one, one.score) for one in ranking.ranked(tokens, count)]


def _within(
    keys: Sequence[object], candidates: "Candidates", query: RecallQuery
) -> "tuple[Sequence[object], Candidates]":
    if query.begin is None and query.end is None:
        return keys, candidates
    begin, end = to_micros(query.begin or EVER), to_micros(query.end or FOREVER)
    kept = (candidates.occurred_at >= begin) & (candidates.occurred_at < end)
    return [key for key, one in zip(keys, kept.tolist(), strict=True) if one], candidates.subset(kept)


def _recalled(best: Sequence[_Found], asked: Asked, items: Mapping[object, ItemT_co]) -> list[Recalled[ItemT_co]]:
    full = asked.query.detail == "full"
    return [
        Recalled(
            item=items[one.key],
            score=round(one.score, 4),
            match=_match(one.ranked, asked.text or "", items[one.key].content) if full else None,
            outdated_by=items[one.outdated_by].id if one.outdated_by is not None else None,
        )
        for one in best
        if one.score >= asked.query.relevance_threshold
    ]


def to_micros(time: datetime) -> int:
    """Since the epoch, as candidates have it."""
    return (time - EPOCH) // timedelta(microseconds=1)


def _match(ranked: "Ranked", question: str, content: str) -> Match:
    return Match(
        words=language.common_words(question, content),
        cosine=_rounded(ranked.cosine),
        late_interaction=_rounded(ranked.late),
        date=_rounded(ranked.date),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
