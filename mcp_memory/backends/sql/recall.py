"""Recall, inside a transaction: rank what the profile has, fetch the best, keep what fits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mcp_memory import budget
from mcp_memory.backends.sql.database import Signature, Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.model import Item, ItemT_co, Kind, Recall, Recalled, RecallQuery

Ranked = list[tuple[object, float]]


def recall(tx: Transaction, profile_id: str, asked: RecallQuery, query: Signature | None) -> Recall:
    profile_id = existing(tx, profile_id).profile_id
    if query is None:
        observations = _unranked(tx.latest_observations(profile_id, asked.observations_limit, asked.begin, asked.end))
        summaries = _unranked(tx.latest_summaries(profile_id, asked.summaries_limit, asked.begin, asked.end))
    else:
        best = _best(tx, "observation", profile_id, asked, query, asked.observations_limit)
        observations = _fetched(best, lambda keys: tx.observations(profile_id, keys))
        best = _best(tx, "summary", profile_id, asked, query, asked.summaries_limit)
        summaries = _fetched(best, lambda keys: tx.summaries(profile_id, keys))
    return pack(Recall(profile_id=profile_id, observations=observations, summaries=summaries), asked.max_tokens)


def pack(found: Recall, max_tokens: int | None) -> Recall:
    """What fits, best first across the kinds; each list keeps its order."""
    items: list[Recalled[Item]] = sorted([*found.observations, *found.summaries], key=_merit, reverse=True)
    fitting = {items[at].item.id for at in budget.fitting([one.item.content for one in items], max_tokens)}
    return replace(
        found,
        observations=[one for one in found.observations if one.item.id in fitting],
        summaries=[one for one in found.summaries if one.item.id in fitting],
        left_out=len(items) - len(fitting),
    )


def _merit(one: Recalled[Item]) -> tuple[float, datetime]:
    return (one.score or 0.0, one.item.occurred_at)


def _unranked(items: Iterable[ItemT_co]) -> list[Recalled[ItemT_co]]:
    return [Recalled(item=item, score=None) for item in items]


def _best(tx: Transaction, kind: Kind, profile_id: str, asked: RecallQuery, query: Signature, limit: int) -> Ranked:
    from mcp_memory import ranking  # numpy: not before it is needed, for the cold start

    if limit == 0:
        return []
    keys, candidates = tx.candidates(kind, profile_id, query, asked.begin, asked.end)
    ranked = ranking.rank(query.terms[0], candidates, limit)
    return [(keys[item], score) for item, score in ranked if score >= asked.relevance_threshold]


def _fetched(best: Ranked, fetch: Callable[[Iterable[object]], Mapping[object, ItemT_co]]) -> list[Recalled[ItemT_co]]:
    items = fetch([key for key, _ in best])
    return [Recalled(item=items[key], score=round(score, 4)) for key, score in best]
